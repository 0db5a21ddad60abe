"""Lists as tables in IPython; tests/interop runs the real one, which is not installed here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from smartdc.tables.ipython import load_ipython_extension, unload_ipython_extension

ROWS = [{"a": 1}]


class Formatter(dict[type, Any]):
    """The part of IPython's formatters that sets a function for a type."""

    def for_type(self, kind: type, function: Any = None) -> Any:
        before = self.get(kind)
        if function is not None:
            self[kind] = function
        return before


class Printer:
    def __init__(self, depth: int) -> None:
        self.stack = list(range(depth))
        self.written: list[str] = []
        self.text = self.written.append


@pytest.fixture
def shell() -> Any:
    def plainly(value: Any, printer: Printer, cycle: bool) -> None:
        printer.text(f"{value} {cycle}")

    formatters = {"text/plain": Formatter({list: plainly}), "text/html": Formatter()}
    return SimpleNamespace(display_formatter=SimpleNamespace(formatters=formatters))


def shown(shell: Any, value: object, depth: int = 1) -> tuple[list[str], str | None]:
    """What is printed, and the HTML."""
    formatters = shell.display_formatter.formatters
    printer = Printer(depth)
    formatters["text/plain"][list](value, printer, False)
    html = formatters["text/html"].get(list)
    return printer.written, html and html(value)


def test_lists_of_dicts_are_tables(shell: Any) -> None:
    load_ipython_extension(shell)
    text, html = shown(shell, ROWS)
    assert text == ["A\n1"]
    assert html is not None
    assert html.startswith("<table>\n<thead>")
    assert shown(shell, [1]) == (["[1] False"], None)
    assert shown(shell, []) == (["[] False"], None)
    assert shown(shell, ROWS, depth=2)[0] == ["[{'a': 1}] False"]  # a list in another value


def test_the_extension_is_loaded_once_and_unloaded(shell: Any) -> None:
    load_ipython_extension(shell)
    load_ipython_extension(shell)
    unload_ipython_extension(shell)
    assert shown(shell, ROWS) == (["[{'a': 1}] False"], None)
    unload_ipython_extension(shell)
    assert shown(shell, ROWS) == (["[{'a': 1}] False"], None)
