"""Lists of several pages, whose entries may come and go meanwhile."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any, TypeVar

from smartdc._http.answers import MOST_PAGES, endless_list

__all__ = ["PAGE", "in_order"]

D = TypeVar("D", bound=Mapping[str, Any])

PAGE = 1000
"""The most entries that the server lists, or counts, in one answer (docs/cloudapi/lists.md#page-limit)."""

_GREATEST = chr(sys.maxunicode)

_STEP = 32
"""By how many entries a list steps back at first, when entries that were listed are gone."""


def in_order(page_at: Callable[[int | None], list[D]], size: int, path: str) -> Iterator[D]:
    """The entries of all pages in a row, each once.

    Each page is fetched from the last known entry on. If it begins with another entry, some before it are
    gone, and others may have moved up unseen: then an earlier page is fetched. As entries keep their order
    (docs/cloudapi/lists.md#order-of-machines), each that exists all the time is listed. A page is fetched
    when the entries of the one before are used up; only one is kept.

    Args:
        page_at: Fetches the page at that offset.
        size: How many entries a full page has.
        path: Of the list, for errors.
    """
    seen = array("q")  # the hashes of all listed ids; nothing else is kept
    least = _GREATEST  # the least of these ids
    begin: str | None = None  # the first id of the whole list
    at, back = 0, _STEP
    repeated = 0  # pages in a row that were the first page again
    for _ in range(MOST_PAGES):
        page = page_at(at or None)
        new = {data["id"]: data for data in reversed(page)}
        known = _known(new.keys(), seen, least)
        if at and not (page and page[0]["id"] in known):
            at, back = max(0, at - back), back * 8
            continue
        length, starts_over = len(page), bool(page) and page[0]["id"] == begin
        begin = begin or (page[0]["id"] if page else None)
        del page
        for ident in known:
            del new[ident]
        seen.extend(map(hash, reversed(new)))
        least = min([least, *new])
        repeated = repeated + 1 if at > 0 and not new and starts_over else 0
        while new:  # popped, so that an entry can be freed once the caller drops it
            yield new.popitem()[1]
        # Once may be chance, if as many entries were added; twice, and the server ignores the offset.
        if length != size or repeated == 2:
            return
        at, back = at + length - 1, _STEP
    raise endless_list("GET", path)


def _known(idents: Set[str], seen: array[int], least: str) -> set[str]:
    """The ids of a page that were listed before.

    An id that is less than all listed ones is new. As the server lists in descending order, hashes are
    compared only if something was added to the list meanwhile.

    Args:
        idents: The ids of the page.
        seen: The hashes of the ids that were listed.
        least: The least of those ids.
    """
    doubtful = {hash(ident): ident for ident in idents if ident > least}
    known = {doubtful[found] for found in doubtful.keys() & seen} if doubtful else set()
    return known | (idents & {least})
