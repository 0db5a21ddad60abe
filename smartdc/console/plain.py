"""Python's own prompt, used where IPython is not installed: its output, completion and history."""

from __future__ import annotations

import builtins
import code
import importlib
import os
import pprint
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from smartdc.console.completion import Completer, SeenNames
from smartdc.console.failures import brief, keep
from smartdc.errors import SmartDCError
from smartdc.tables.table import Table, is_listing

__all__ = ["interact_plainly"]

_HISTORY_LINES = 1000
"""How many lines the history keeps."""


class _Console(code.InteractiveConsole):
    """Python's console, which shows errors of smartdc, and Ctrl-C, in one line."""

    def showtraceback(self) -> None:
        """Show the error that is being handled."""
        error = sys.exc_info()[1]
        if isinstance(error, SmartDCError | KeyboardInterrupt):
            keep(error)
            self.write(brief(error, "traceback.print_last()"))
        else:
            super().showtraceback()


def interact_plainly(names: dict[str, Any], banner: str) -> None:
    """Read and run lines until the input ends.

    Raises:
        SystemExit: The user left with a status, as ``exit(3)`` does.
    """
    names["__name__"] = "__console__"
    seen = SeenNames()

    def show(value: Any) -> None:
        seen.note(value)
        _show(value)

    earlier, sys.displayhook = sys.displayhook, show
    try:
        with _line_editing(names, seen):
            _Console(names).interact(banner, exitmsg="")
    except SystemExit as left:
        if left.code:
            raise
    finally:
        sys.displayhook = earlier


def _show(value: Any) -> None:
    """Show the value of an expression: a list of machines or dicts as a table."""
    if value is None:
        return
    if is_listing(value):
        print(Table(value))
    elif isinstance(value, dict | list | tuple | set):
        pprint.pprint(value, sort_dicts=False, width=100)
    else:
        print(repr(value))
    vars(builtins)["_"] = value  # as Python's own displayhook does


@contextmanager
def _line_editing(names: dict[str, Any], seen: SeenNames) -> Iterator[None]:
    """Turn on Tab completion and the history of earlier consoles, where the system has readline."""
    try:
        readline: Any = importlib.import_module("readline")
    except ImportError:  # Windows has no readline
        yield
        return
    earlier = readline.get_completer()
    readline.set_completer(Completer(readline, names, seen).complete)
    is_libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")
    path = _history_file() if sys.stdin.isatty() else None
    if path is not None:
        readline.read_history_file(path)
    try:
        yield
    finally:
        readline.set_completer(earlier)
        if path is not None:
            readline.set_history_length(_HISTORY_LINES)
            with suppress(OSError):  # the disk may be full
                readline.write_history_file(path)


def _history_file() -> Path | None:
    """Return the file of the history, private to the user; None where it cannot be created."""
    state = os.environ.get("XDG_STATE_HOME", "")
    try:
        folder = (Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state") / "smartdc"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "console_history"
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except (OSError, RuntimeError):  # a read-only home directory, or none
        return None
    return path
