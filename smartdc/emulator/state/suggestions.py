"""Messages about unknown names, which suggest known ones."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_MOST_NAMES = 6


def unknown_name(what: str, wanted: str, names: Iterable[str], where: str = "") -> str:
    """Return the message that nothing has this name, with similar names.

    Args:
        what: The kind of thing.
        wanted: The unknown name.
        names: The known names.
        where: Follows the name in the message: `` in us-sw-1``.
    """
    known = list(dict.fromkeys(names))
    near = get_close_matches(wanted, known, n=1)
    hint = ""
    if near:
        hint = f"; did you mean {near[0]!r}?"
    elif known:
        more = ", ..." if len(known) > _MOST_NAMES else ""
        hint = f"; there are {', '.join(known[:_MOST_NAMES])}{more}"
    return f"there is no {what} {wanted!r}{where}{hint}"
