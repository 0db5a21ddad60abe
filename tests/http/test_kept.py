"""Things that unpickled objects share: until when each is kept, and when it is made anew."""

from __future__ import annotations

import weakref

from smartdc._kept import Hold, Kept


class Shelf:
    """Things by name; each that is made is another object."""

    def __init__(self) -> None:
        self.now = 100.0
        self.kept: Kept[list[str]] = Kept(lambda: self.now)

    def hold(self, name: str) -> Hold[list[str]]:
        return self.kept.hold(name, lambda: [name])


def test_equal_keys_share_a_thing_for_as_long_as_one_holds_it() -> None:
    shelf = Shelf()
    one, two, other = shelf.hold("a"), shelf.hold("a"), shelf.hold("b")
    assert one.thing is two.thing
    assert (one.thing, other.thing) == (["a"], ["b"])
    thing = one.thing
    del one
    shelf.now += 1000
    assert shelf.hold("a").thing is thing


def test_a_thing_is_kept_for_a_minute_after_its_last_use() -> None:
    shelf = Shelf()
    hold = shelf.hold("a")
    shelf.now += 1000
    thing = hold.thing
    del hold  # the minute begins
    shelf.now += 59
    hold = shelf.hold("a")
    assert hold.thing is thing
    del hold
    shelf.now += 60
    assert shelf.hold("b").thing == ["b"]  # removes what is old
    assert shelf.hold("a").thing is not thing


def test_eight_unused_things_are_kept() -> None:
    shelf = Shelf()
    things = []
    for number in range(9):
        things.append(shelf.hold(str(number)).thing)
        shelf.now += 1
    assert [shelf.hold(str(number)).thing is things[number] for number in range(8, 0, -1)] == [True] * 8
    assert shelf.hold("0").thing is not things[0]


def test_a_thing_that_is_too_old_is_not_taken_again() -> None:
    shelf = Shelf()
    thing = shelf.hold("a").thing
    shelf.now += 60
    assert shelf.hold("a").thing is not thing


def test_a_thing_that_is_held_counts_among_the_eight() -> None:
    shelf = Shelf()
    things = [shelf.hold(str(number)).thing for number in range(8)]
    held = shelf.hold("held")
    assert shelf.hold("0").thing is not things[0]
    assert held.thing == ["held"]


class Thing(list[str]):
    """A thing that shows when it is freed."""


def test_what_is_not_kept_is_freed_at_once() -> None:
    shelf = Shelf()
    freed: list[str] = []

    def used(name: str) -> Hold[list[str]]:
        thing = Thing()
        weakref.finalize(thing, freed.append, name)
        return shelf.kept.hold(name, lambda: thing)

    for number in range(8):
        used(str(number))
    assert freed == []
    used("8")
    assert freed == ["0"]
    hold = used("9")
    assert freed == ["0", "1"]
    assert hold.release()
    del hold
    assert freed == ["0", "1", "9"]


def test_use_makes_a_thing_the_last_one_to_be_removed() -> None:
    shelf = Shelf()
    first = shelf.hold("first").thing
    for number in range(7):
        shelf.hold(str(number))
    assert shelf.hold("first").thing is first
    for number in range(7, 14):
        shelf.hold(str(number))
    assert shelf.hold("first").thing is first


def test_the_last_release_ends_the_sharing_at_once() -> None:
    shelf = Shelf()
    one, two = shelf.hold("a"), shelf.hold("a")
    thing = one.thing
    assert not one.release()
    assert shelf.hold("a").thing is thing
    assert two.release()
    assert shelf.hold("a").thing is not thing


def test_a_hold_on_a_thing_that_was_ended_ends_no_other() -> None:
    shelf = Shelf()
    old = shelf.hold("a")
    assert old.release()
    new = shelf.hold("a")
    assert old.thing is not new.thing
    assert old.release()
    assert shelf.hold("a").thing is new.thing
