"""Saying that there is no such thing, and what may have been meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_MOST = 6


def not_there(what: str, wanted: str, names: Iterable[str], where: str = "") -> str:
    """Says that there is none of this name.

    Args:
        what: The kind of thing.
        wanted: The name that was given.
        names: Those that there are.
        where: What stands behind it: `` in us-sw-1``.
    """
    known = list(dict.fromkeys(names))
    near = get_close_matches(wanted, known, n=1)
    hint = ""
    if near:
        hint = f"; did you mean {near[0]!r}?"
    elif known:
        hint = f"; there are {', '.join(known[:_MOST])}" + (", ..." if len(known) > _MOST else "")
    return f"there is no {what} {wanted!r}{where}{hint}"
