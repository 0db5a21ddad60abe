"""The width of the terminal, from the environment and the output."""

from __future__ import annotations

import io
import os
import pty
import struct
import sys
from contextlib import redirect_stdout
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

import pytest

from smartdc import Table
from smartdc.tables.layout import cut, lines, terminal_width, width_of

ROWS = [{"name": "n" * 189, "other": "o" * 50}]


@pytest.fixture(autouse=True)
def no_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)


def test_nothing_is_cut_without_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as file, redirect_stdout(file):
        assert terminal_width() is None
    with redirect_stdout(io.StringIO()):
        assert ROWS[0]["name"] in str(Table(ROWS))
    for stdout in (None, file):  # now the file is closed
        monkeypatch.setattr(sys, "stdout", stdout)
        assert terminal_width() is None


@pytest.mark.parametrize(("value", "width"), [("80", 80), ("200", 200), ("10", 10), ("007", 7), ("1", 1)])
def test_columns_of_the_environment(monkeypatch: pytest.MonkeyPatch, value: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", value)
    assert terminal_width() == width
    assert max(map(len, str(Table(ROWS)).splitlines())) <= width


@pytest.mark.parametrize(
    "value", ["", "0", "-5", "wide", "8e1", "99999999999999999999", "٤٢", " 80", "9" * 5000]
)
def test_invalid_columns_of_the_environment(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("COLUMNS", value)
    with redirect_stdout(io.StringIO()):
        assert terminal_width() is None


@pytest.mark.parametrize("columns", [0, 10, 80, 200])
def test_a_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with os.fdopen(theirs, "w") as terminal, redirect_stdout(terminal):
        assert terminal_width() == (columns or None)
    os.close(ours)


def test_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("1", ""):
        monkeypatch.setenv("NO_COLOR", value)
        assert "\x1b" not in str(Table(ROWS))


def test_widths_of_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert [width_of(text) for text in ("abc", "漢字", "🦊", "e\u0301", "")] == [3, 4, 2, 1, 0]
    # Marks that are combined with the letter before, of three categories of Unicode.
    assert [width_of(mark) for mark in ("\u0900", "\u20dd", "\u302e", "\u0301")] == [0, 0, 0, 0]
    assert [cut("漢字漢字", width) for width in (8, 7, 6, 5, 2, 1)] == [
        "漢字漢字", "漢字漢…", "漢字…", "漢字…", "…", "…",
    ]  # fmt: skip


@pytest.mark.parametrize(("encoding", "mark"), [("utf-8", "…"), ("ascii", "~"), ("latin-1", "~")])
def test_cut_text_can_be_printed(monkeypatch: pytest.MonkeyPatch, encoding: str, mark: str) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    output = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    with redirect_stdout(output):
        print(Table(ROWS))
    output.seek(0)
    assert f"{mark} " in output.read()


HEADER, ROW = ["NAME", "OTHER", "THIRD", "COUNT"], ["n" * 12, "o" * 20, "t" * 5, "3"]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (1, ["~", "~", "~"]),
        (2, ["N~", "n~", "(~"]),
        (8, ["NAME", "nnnnnnn~", "(no roo~"]),
        (12, ["NAME", "nnnnnnnnnnnn", "(no room fo~"]),
        (17, ["NAME", "nnnnnnnnnnnn", "(no room for OTH~"]),
        (18, ["NAME      OTHER", "nnnnnnn~  ooooooo~", "(no room for THIR~"]),
        (24, ["NAME         OTHER", "nnnnnnnnnn~  oooooooooo~", "(no room for THIRD, COU~"]),
        (25, ["NAME      OTHER     THIRD", "nnnnnnn~  ooooooo~  ttttt", "(no room for COUNT)"]),
        (32, ["NAME      OTHER     THIRD  COUNT", "nnnnnnn~  ooooooo~  ttttt      3"]),
        (33, ["NAME       OTHER     THIRD  COUNT", "nnnnnnnn~  ooooooo~  ttttt      3"]),
        (
            47,
            [
                "NAME          OTHER                THIRD  COUNT",
                "nnnnnnnnnnnn  oooooooooooooooooo~  ttttt      3",
            ],
        ),
        (
            None,
            [
                "NAME          OTHER                 THIRD  COUNT",
                "nnnnnnnnnnnn  oooooooooooooooooooo  ttttt      3",
            ],
        ),
    ],
)
def test_lines_of_a_width(monkeypatch: pytest.MonkeyPatch, width: int | None, expected: list[str]) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert lines(HEADER, [ROW], [False, False, False, True], width) == expected


def test_no_column_is_wider_than_its_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())  # it has no encoding
    assert cut("abc", 2) == "a~"
    for width in (9, 10, 80, None):
        assert lines(["A", "B", "C"], [["a", "b", "cc"]], [True, False, True], width) == [
            "A  B   C",
            "a  b  cc",
        ]


def test_columns_of_no_width() -> None:
    assert lines(["", "B"], [["", "b"]], [False, False], 3) == ["  B", "  b"]
