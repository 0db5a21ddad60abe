"""Lists of several pages, of which the server adds and removes entries between two requests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smartdc import InvalidResponse
from smartdc._http.paging import in_order

SIZE = 3


def listed(
    *states: str, size: int = SIZE, find: Callable[[str, int], str] | None = None
) -> tuple[str, list[int]]:
    """The ids, a letter each, and the offset of each request.

    Args:
        *states: What the list has at each request; from the last one on it stays.
        size: How many entries a full page has.
        find: Which part of the list a request gets; that from its offset on by default.
    """
    offsets: list[int] = []

    def page_at(offset: int | None) -> list[dict[str, str]]:
        now = states[min(len(offsets), len(states) - 1)]
        offsets.append(offset or 0)
        part = find(now, offset or 0) if find else now[offset or 0 :][:size]
        return [{"id": letter} for letter in part]

    return "".join(entry["id"] for entry in in_order(page_at, size, "/machines")), offsets


@pytest.mark.parametrize(
    ("all_of_it", "offsets"),
    [("", [0]), ("cb", [0]), ("cba", [0, 2]), ("dcba", [0, 2]), ("edcba", [0, 2, 4]), ("fedcba", [0, 2, 4])],
)
def test_each_page_begins_with_the_last_known_entry(all_of_it: str, offsets: list[int]) -> None:
    assert listed(all_of_it) == (all_of_it, offsets)


def test_entries_that_are_added_before() -> None:
    # The page at 2 begins with a new one, so that an earlier page is read. The one at 2 then has nothing new.
    assert listed("fedcba", "ihgfedcba") == ("fedihgcba", [0, 2, 0, 2, 4, 6, 8])
    # The page at 4 is the one that was at 2: it has nothing new, but does not begin the list.
    assert listed("fedcba", "fedcba", "hgfedcba") == ("fedcba", [0, 2, 4, 6])
    # The same twice.
    assert listed("fedcba", "fedcba", "hgfedcba", "jihgfedcba") == ("fedcba", [0, 2, 4, 6, 8])


def test_a_page_that_begins_the_list_and_has_a_new_entry_is_not_the_last() -> None:
    assert listed("fedcba", "hgfdcba") == ("fedcba", [0, 2, 4, 6])
    assert listed("fedcba", "hgfdcba", "jihgfcba") == ("fedcba", [0, 2, 4, 6])


def test_a_list_that_is_read_again_from_the_start_may_repeat_its_first_page_once_more() -> None:
    # Nothing is at 2, and then, with two new entries, the first page.
    assert listed("fedcba", "", "fedcba", "hgfedcba") == ("fedcba", [0, 2, 0, 2, 4, 6])


def test_entries_that_are_removed_before() -> None:
    # At 2 there is "cba": something may be skipped, so that the list is read again from the start.
    assert listed("fedcba", "fecba") == ("fedcba", [0, 2, 0, 2, 4])
    assert listed("fedcba", "", "fedcba") == ("fedcba", [0, 2, 0, 2, 4])


@pytest.mark.parametrize("added", range(1, 8))
def test_any_number_of_entries_that_are_added_before(added: int) -> None:
    # docs/cloudapi/lists.md#order-of-machines: with two new entries the page at 2 is the first page again.
    now = "zyxwvut"[-added:] + "fedcba"
    found, _ = listed("fedcba", now)
    assert [*"abcdef"] == sorted(letter for letter in found if letter in "abcdef")
    assert len(found) == len({*found})


def test_a_list_that_ignores_the_offset_ends_with_its_first_page() -> None:
    assert listed("fedcba", find=lambda now, _: now[:SIZE]) == ("fed", [0, 2, 4])
    assert listed("fedcba", size=2, find=lambda now, _: now[:2]) == ("fe", [0, 1, 2])


def test_a_list_without_an_end_is_refused() -> None:
    def endless(_: str, offset: int) -> str:
        return "".join(chr(10**6 - at) for at in range(offset, offset + SIZE))

    with pytest.raises(InvalidResponse) as caught:
        listed("", find=endless)
    assert str(caught.value) == "GET /machines: there is always another page after 1000 of them"
    assert (caught.value.method, caught.value.path) == ("GET", "/machines")
