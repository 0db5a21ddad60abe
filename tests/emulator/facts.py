"""Which test stands for which row of cloudapi-observed.md.

A row is a table row, a sentence or a half-sentence of that page, quoted as it stands there (only line breaks
may differ). `test_observed_rows.py` looks every quotation up in the page, so that they cannot drift; the
conftest counts the rows whose tests passed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

PAGE = Path(__file__).resolve().parents[3] / "shared" / "cloudapi-observed.md"

Test = TypeVar("Test", bound=Callable[..., None])


class Row(NamedTuple):
    """One row: the letter of its section, and its words."""

    section: str
    text: str


ROWS: dict[Any, Row] = {}


def row(section: str, text: str) -> Callable[[Test], Test]:
    """Say which row of the page the decorated test stands for."""

    def record(test: Test) -> Test:
        ROWS[test] = Row(section, text)
        return test

    return record
