"""The filters of the list of packages, as PAPI reads them (sdc-papi lib/papi.js, searchFilter)."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from smartdc.emulator.http.parameters import as_text


def filter_alternatives(value: Any) -> list[str]:
    """The values that match a filter, which PAPI reads as JSON if it can (``1e3``, ``"g4"``, or a list)."""
    text = as_text(value)
    try:
        read = json.loads(text, parse_constant=_no_constant, parse_int=float)
    except ValueError:
        return [text]
    return [as_text(each) for each in (read if isinstance(read, list) else [read])]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
