"""Threads that share a list: who asks for it, who waits and how long, and what counts as an action."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.pool import ThreadPool
from typing import Any

import pytest

from smartdc import ConnectionFailed, RequestTimeout
from smartdc._http.looks import Actions, Looks, actions
from smartdc._http.paging import PAGE
from smartdc._http.waiting import Deadline
from tests.helpers.clock import Instant


class Lists:
    """A way to list machines that a test controls; no lock is held while it is used.

    Attributes:
        looks: What uses it.
        sent: How many lists were asked for.
        begun: Set when a list is under way.
        goes_on: Lists are answered while it is set.
        error: What is raised instead of an answer.
    """

    def __init__(self, looks: Looks) -> None:
        self.looks = looks
        self.sent = 0
        self.begun, self.goes_on = threading.Event(), threading.Event()
        self.error: BaseException | None = None

    def __call__(self, offset: int, on_send: Callable[[], None]) -> list[Any]:
        on_send()
        self.sent += 1
        self.begun.set()
        assert self.goes_on.wait(10)
        assert self.looks._lock.acquire(timeout=5)
        self.looks._lock.release()
        if self.error is not None:
            raise self.error
        return [{"id": "a", "state": "running"}]


@pytest.fixture
def lists() -> Iterator[Lists]:
    """Lists that are not answered yet; two other threads share the looks."""
    looks = Looks(time)
    with looks.waiting(2):
        yield Lists(looks)


def test_a_thread_that_comes_while_a_list_is_under_way_waits_for_the_next(lists: Lists) -> None:
    with ThreadPool(3) as pool:
        first = pool.apply_async(lists.looks.listed, ("a", lists, 0, 0.001, None))
        assert lists.begun.wait(10)
        time.sleep(0.002)
        late = [pool.apply_async(lists.looks.listed, ("a", lists, 0, 0.001, None)) for _ in range(2)]
        lists.goes_on.set()
        found = [each.get(10) for each in (first, *late)]
    assert lists.sent == 2
    assert found[0] is not None
    assert found[1] is not None
    assert found[1] == found[2]
    assert found[1].order > found[0].order


def test_a_thread_waits_for_the_list_of_another_no_longer_than_its_deadline(lists: Lists) -> None:
    with ThreadPool(1) as pool:
        first = pool.apply_async(lists.looks.listed, ("a", lists, 0, 2, None))
        assert lists.begun.wait(10)
        began = time.monotonic()
        assert lists.looks.listed("a", lists, 0, 2, Deadline(time, 0.05)) is None
        assert 0.05 <= time.monotonic() - began < 1
        assert lists.looks.listed("a", lists, 0, 2, Deadline(Instant(), 0)) is None
        lists.goes_on.set()
        assert first.get(10) is not None
    assert lists.sent == 1


def test_a_deadline_in_emulated_time_ends_the_wait_for_the_list_of_another() -> None:
    clock = Instant()
    lists = Lists(Looks(clock))
    with lists.looks.waiting(2), ThreadPool(2) as pool:
        first = pool.apply_async(lists.looks.listed, ("a", lists, 0, 2, None))
        assert lists.begun.wait(10)
        second = pool.apply_async(lists.looks.listed, ("a", lists, 0, 2, Deadline(clock, 3600)))
        time.sleep(0.01)
        clock.now += 3600
        assert second.get(5) is None
        lists.goes_on.set()
        assert first.get(10) is not None


def test_a_call_waits_a_tenth_of_the_last_lists_duration_for_others() -> None:
    clock = Instant()
    clock.now = 100

    def page(offset: int, on_send: Callable[[], None]) -> list[Any]:
        on_send()
        clock.now += 3
        return [{"id": "a", "state": "running"}]

    looks = Looks(clock)
    with looks.calling(), looks.calling():
        assert looks.listed("a", page, 0, 0, None) is not None
        assert looks.listed("a", page, 0, 0, None) is not None
        assert clock.slept == [0, pytest.approx(0.3)]
        with looks.waiting(2):  # those look at fixed times
            assert looks.listed("a", page, actions.next(), 2, None) is not None
    assert len(clock.slept) == 2


@pytest.mark.parametrize(("waiting", "offsets"), [(2, [0]), (3, [0, PAGE]), (4, [0, PAGE, 2 * PAGE])])
def test_no_more_pages_than_single_looks(waiting: int, offsets: list[int]) -> None:
    sent = []

    def page(offset: int, on_send: Callable[[], None]) -> list[Any]:
        sent.append(offset)
        on_send()
        return [{"id": str(offset + each), "state": "running"} for each in range(PAGE)]

    looks = Looks(Instant())
    with looks.waiting(waiting):
        assert looks.listed("0", page, 0, 2, None) is None
        assert looks.listed("0", page, 0, 2, None) is None  # the length is known
    assert sent == offsets


class _Stopped(BaseException):
    """Stands for KeyboardInterrupt, which would end the test."""


@pytest.mark.parametrize(
    ("error", "deadline", "sent"),
    [
        (_Stopped(), None, 2),  # one thread is interrupted: the other asks
        (RequestTimeout("late"), Deadline(time, 0), 2),  # that was the end of its own wait
        (RequestTimeout("late"), None, 1),
        (RequestTimeout("late"), Deadline(Instant(), 0.9), 1),
        (ConnectionFailed("no"), Deadline(time, 0), 1),
    ],
    ids=["interrupted", "its own end", "silence", "silence before its end", "no connection"],
)
def test_when_the_thread_that_asks_fails(
    lists: Lists, error: BaseException, deadline: Deadline | None, sent: int
) -> None:
    with ThreadPool(2) as pool:
        lists.error = error
        first = pool.apply_async(_seen, (lists, deadline))
        assert lists.begun.wait(10)
        second = pool.apply_async(_seen, (lists, None))
        time.sleep(0.05)
        lists.goes_on.set()
        ends = [first.get(10), second.get(10)]
    assert ends == (["stopped"] * 2 if isinstance(error, _Stopped) else [None, None])
    assert lists.sent == sent


def _seen(lists: Lists, deadline: Deadline | None) -> Any:
    try:
        return lists.looks.listed("a", lists, 0, 2, deadline)
    except _Stopped:
        return "stopped"


def test_actions_that_are_forgotten_count_as_the_newest_of_them() -> None:
    done = Actions(most=3)
    for name in "abcde":
        done.note_action(name)
    assert done.last("a") == done.last("b") == done.last("never acted on") == 2
    assert [done.last(name) for name in "cde"] == [3, 4, 5]
    done.note_action("c")
    done.note_action("f")
    assert done.last("d") == done.last("a") == 4
    assert done.last("c") == 6


@pytest.mark.parametrize(
    ("verb", "path", "counts"),
    [
        ("GET", "/machines/a", False),
        ("HEAD", "/machines/a", False),
        ("POST", "/machines", False),
        ("POST", "/volumes/a", False),
        ("POST", "/machines/a", True),
        ("PUT", "/machines/a/tags", True),
        ("DELETE", "/machines/a/tags/b", True),
    ],
)
def test_requests_that_may_change_a_machine_are_actions(verb: str, path: str, counts: bool) -> None:
    done = Actions()
    done.note_request(verb, path)
    assert done.last("a") == counts


class InterruptedSleep:
    """A clock whose first sleep ends with Ctrl-C."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    def __init__(self) -> None:
        self.slept = 0

    def sleep(self, _: float) -> None:
        self.slept += 1
        if self.slept == 1:
            raise KeyboardInterrupt


def test_an_interrupt_before_the_list_is_asked_for_leaves_nobody_waiting() -> None:
    looks = Looks(InterruptedSleep())
    lists = Lists(looks)
    lists.goes_on.set()
    with looks.calling(), looks.calling(), ThreadPool(1) as pool:
        with pytest.raises(KeyboardInterrupt):
            looks.listed("a", lists, 0, 0, None)
        found = pool.apply_async(looks.listed, ("a", lists, 0, 0, None)).get(10)
    assert found is not None
    assert lists.sent == 1
