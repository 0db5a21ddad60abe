"""The text in which VMAPI stores and searches tags, and how storing changes them.

All tags of a machine are one text, ``-role=web-count=%n{3}-``. A tag that looks like this encoding is read
back differently (docs/cloudapi/tags-and-metadata.md#tags-are-stored-as-text), and a filter is matched against
the text (docs/cloudapi/lists.md#tag-filters-are-not-escaped).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache

from smartdc.emulator.http.parameters import as_text, number, wildcard
from smartdc.emulator.javascript.numbers import to_number
from smartdc.emulator.state.vm import TagValue

_NUMBER = re.compile(r"%n\{([-+]?[0-9]*\.?[0-9]+)\}")
_BOOLEAN = re.compile(r"%b\{(true|false)\}")


def as_stored(tags: Mapping[str, TagValue]) -> dict[str, TagValue]:
    """The tags that are read back after these tags were written."""
    return {_unescape(_escape(name)): _read(_unescape(_write(value))) for name, value in tags.items()}


def fits_filter(tags: Mapping[str, TagValue], name: str, value: str) -> bool:
    """Whether a list's ``tag.NAME=VALUE`` finds a machine with these tags.

    Signs are escaped in the store and not in the filter, so some values are never found: see
    docs/cloudapi/lists.md#tag-values-with-an-equals-sign and #tag-filters-of-negative-numbers.
    """
    if not tags:
        return False
    text = "".join(f"-{_escape(tag)}={_write(stored)}" for tag, stored in tags.items()) + "-"
    return any(pattern.fullmatch(text) for pattern in _patterns(name, value))


@lru_cache  # the same patterns are used for each machine of a list
def _patterns(name: str, value: str) -> list[re.Pattern[str]]:
    name = name.replace("-", "%2D")
    if value in ("true", "false"):
        forms = [f"%b{{{value}}}", value]
    elif not math.isnan(to_number(value)):
        forms = [f"%n{{{value}}}", value]
    else:
        forms = [value.replace("-", "%2D")]
    return [wildcard(f"*-{name}={form}-*") for form in forms]


def _write(value: TagValue) -> str:
    if isinstance(value, bool):
        return f"%b{{{as_text(value)}}}"
    return _escape(value if isinstance(value, str) else f"%n{{{as_text(value)}}}")


def _read(text: str) -> TagValue:
    if found := _NUMBER.fullmatch(text):
        return number(found[1])
    if boolean := _BOOLEAN.fullmatch(text):
        return boolean[1] == "true"
    return text


def _escape(text: str) -> str:
    return text.replace("-", "%2D").replace("=", "%3D")


def _unescape(text: str) -> str:
    return text.replace("%2D", "-").replace("%3D", "=")
