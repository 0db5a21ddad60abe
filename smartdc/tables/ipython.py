"""Lists as tables in IPython and in notebooks: ``%load_ext smartdc``.

A list of machines or dicts that is the value of an expression is shown as a table; it remains a list.
"""

from __future__ import annotations

from typing import Any

from smartdc.tables.table import Table, is_listing

__all__ = ["load_ipython_extension", "unload_ipython_extension"]

_TEXT, _HTML = "text/plain", "text/html"


class _ListPrinter:
    """Prints a list of machines or dicts as a table, and other lists as IPython did before."""

    def __init__(self, before: Any) -> None:
        self.before = before

    def __call__(self, value: list[Any], printer: Any, cycle: bool) -> None:
        # Only an outermost list becomes a table.
        if len(printer.stack) == 1 and is_listing(value):
            printer.text(str(Table(value)))
        else:
            self.before(value, printer, cycle)


def _html(value: list[Any]) -> str | None:
    return Table(value)._repr_html_() if is_listing(value) else None


def load_ipython_extension(shell: Any) -> None:
    """Show lists as tables in this shell. IPython calls this function."""
    formatters = shell.display_formatter.formatters
    before = formatters[_TEXT].for_type(list)
    if not isinstance(before, _ListPrinter):
        formatters[_TEXT].for_type(list, _ListPrinter(before))
        formatters[_HTML].for_type(list, _html)


def unload_ipython_extension(shell: Any) -> None:
    """Show lists as IPython does by default. IPython calls this function."""
    formatters = shell.display_formatter.formatters
    printer = formatters[_TEXT].for_type(list)
    if isinstance(printer, _ListPrinter):
        formatters[_TEXT].for_type(list, printer.before)
        formatters[_HTML].pop(list, None)
