"""The tables of docs/emulator-reference.md are complete: faults, and arguments of the marker."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pytest_smartdc
from smartdc.emulator import faults
from smartdc.emulator.faults import Delay, Drop, Fault, Garbage, HalfBody, Status, WrongDigest

PAGE = (Path(__file__).parents[2] / "docs" / "emulator-reference.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(.+?)` \|.*\| (.+?) \|$", PAGE, re.MULTILINE))

WRITTEN: dict[str, Fault] = {
    "Status(503, body, headers)": Status(503),
    "Delay(seconds)": Delay(1),
    "Drop(after_commit=False)": Drop(after_commit=False),
    "Drop(after_commit=True)": Drop(after_commit=True),
    "HalfBody()": HalfBody(),
    "Garbage()": Garbage(),
    "WrongDigest()": WrongDigest(),
}
READY: dict[str, Fault] = {name: value for name, value in vars(faults).items() if isinstance(value, Fault)}


@pytest.mark.parametrize("name", [*WRITTEN, *READY])
def test_the_table_of_faults_says_whether_the_operation_is_carried_out(name: str) -> None:
    fault = {**WRITTEN, **READY}[name]
    assert ROWS[name].startswith("yes" if fault.after_commit else "no")


def test_the_table_of_faults_is_complete() -> None:
    named = {name.partition("(")[0] for name in ROWS}
    assert set(faults.__all__) - {"EVERY", "Fault", "Faults"} <= named


def test_the_table_of_the_marker_is_complete() -> None:
    table = PAGE.partition("| argument | value |\n| --- | --- |\n")[2]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(pytest_smartdc.MARKER)
