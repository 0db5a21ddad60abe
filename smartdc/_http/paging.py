"""Lists of several pages, while what they list comes and goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from smartdc._http.answers import MOST_PAGES, endless

__all__ = ["in_order"]

D = TypeVar("D", bound=Mapping[str, Any])

_STEP = 32
"""How far a list steps back at first, when what was listed is gone."""


def in_order(
    page_at: Callable[[int | None], list[D]], size: int, path: str, enough: int | None = None
) -> list[D]:
    """All pages in a row, each entry once; until there are `enough` of them.

    Each page begins with the last entry that is known. If it begins with one that is not, some of those
    before it are gone, and others have moved to where they were not looked for: then an earlier page is
    asked for. As entries keep their order (docs/cloudapi/lists.md#order-of-machines), each that is there
    all the time is listed.

    Args:
        page_at: Fetches the page at that offset.
        size: How many entries a full page has.
        path: Of the list, for errors.
        enough: How many entries will do.
    """
    found: dict[str, D] = {}
    at, back = 0, _STEP
    for _ in range(MOST_PAGES):
        page = page_at(at or None)
        if at and not (page and page[0]["id"] in found):
            at, back = max(0, at - back), back * 8
            continue
        known = len(found)
        for data in page:
            found.setdefault(data["id"], data)
        ignored = at > 0 and len(found) == known and page[0]["id"] == next(iter(found))
        if len(page) != size or ignored or (enough is not None and len(found) >= enough):
            return list(found.values())
        at, back = at + len(page) - 1, _STEP
    raise endless("GET", path)
