"""Lists of several pages, while what they list comes and goes."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any, TypeVar

from smartdc._http.answers import MOST_PAGES, endless_list

__all__ = ["PAGE", "in_order"]

D = TypeVar("D", bound=Mapping[str, Any])

PAGE = 1000
"""What the server lists and counts at most in one answer (docs/cloudapi/lists.md#page-limit)."""

_GREATEST = chr(sys.maxunicode)

_STEP = 32
"""How far a list steps back at first, when what was listed is gone."""


def in_order(
    page_at: Callable[[int | None], list[D]], size: int, path: str, enough: int | None = None
) -> Iterator[D]:
    """The entries of all pages in a row, each once; until there are `enough` of them.

    Each page begins with the last entry that is known. If it begins with one that is not, some of those
    before it are gone, and others have moved to where they were not looked for: then an earlier page is
    asked for. As entries keep their order (docs/cloudapi/lists.md#order-of-machines), each that is there
    all the time is listed. A page is fetched when the entries of the one before are taken; no other is kept.

    Args:
        page_at: Fetches the page at that offset.
        size: How many entries a full page has.
        path: Of the list, for errors.
        enough: How many entries will do.
    """
    seen = array("q")  # the hashes of all ids that were listed: all else may be forgotten
    least = _GREATEST  # of these ids
    begin: str | None = None  # of the whole list
    at, back = 0, _STEP
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
        ignored = at > 0 and not new and starts_over
        while new:  # nothing that was taken is kept
            yield new.popitem()[1]
        if length != size or ignored or (enough is not None and len(seen) >= enough):
            return
        at, back = at + length - 1, _STEP
    raise endless_list("GET", path)


def _known(idents: Set[str], seen: array[int], least: str) -> set[str]:
    """Those of a page that were listed before.

    One that is less than all of these was not. The server lists in descending order, so that no other is
    looked for in a list to which nothing is added meanwhile.

    Args:
        idents: Those of the page.
        seen: The hashes of those that were listed.
        least: The least of those.
    """
    doubtful = {hash(ident): ident for ident in idents if ident > least}
    known = {doubtful[found] for found in doubtful.keys() & seen} if doubtful else set()
    return known | (idents & {least})
