"""Any search returns a list, or raises the documented error."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartdc import ConfigurationError, DataCenter
from tests.helpers import odd_values as odd
from tests.helpers.servers import Reply, StubServer
from tests.helpers.sizes import in_two_sizes

# Python warns of patterns whose meaning will change: this warning is for the caller.
pytestmark = [pytest.mark.stress, pytest.mark.filterwarnings("ignore::FutureWarning")]

PACKAGES: list[dict[str, Any]] = [
    {"name": "g4-highcpu-1G", "group": "g4", "default": True},
    {"name": "ö[b]", "group": None, "default": "true"},
    {"name": 5, "group": ["x"]},
    {},
]
PIECES = [
    "g4", "[b", "(", ")", "[", "]", "*", "+", "?", "{", "}", "{2}", "{99999999999999999999}",
    "{" + "9" * 5000 + "}", "\\",
    "\\1", "\\Z", "\\N{x}", "\\x", "(?P<a>", "(?P=b)", "(?<=a*)", "(?i)", "(?L)", "(?au)", "(?#", "|",
    "^", "$", ".", "-",
    "[z-a]", "[[a]", "\0", "\ud800", "a" * 50, "(" * 30, "(?:" * 30, "é",
]  # fmt: skip
patterns: st.SearchStrategy[Any] = (
    st.sampled_from(odd.WORDS)
    | st.lists(st.sampled_from(PIECES), max_size=3).map("".join)
    | st.text(max_size=8)
    | st.sampled_from([b"g4", 5, ["g4"], re.compile("g4"), object()])
)
FIELDS: list[Sequence[str]] = [("name",), ("name", "group"), "name", (), ("nothing",)]


@in_two_sizes(sample=600, whole=1900)
def test_any_pattern(stub: StubServer, there: DataCenter, examples: Counter[str], size: int) -> None:
    @settings(max_examples=size)
    @given(patterns, st.sampled_from(FIELDS))
    def each(pattern: Any, fields: Sequence[str]) -> None:
        examples["searches"] += 1
        stub.otherwise = Reply(odd.encoded(PACKAGES))
        try:
            found = there.packages(pattern, fields)
        except ConfigurationError:
            assert not (isinstance(pattern, str) and pattern and fields and compiles(pattern))
        else:
            names = (fields,) if isinstance(fields, str) else fields
            expected = [
                entry
                for entry in PACKAGES
                if any(
                    entry.get(name) is not None and re.search(pattern, str(entry[name]), re.IGNORECASE)
                    for name in names
                )
            ]
            assert found == expected

    each()


def compiles(pattern: str) -> bool:
    try:
        re.compile(pattern, re.IGNORECASE)
    except Exception:
        return False
    return True
