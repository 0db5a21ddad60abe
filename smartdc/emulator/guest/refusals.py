"""What ends a command, or a script, of an emulated machine early."""

from __future__ import annotations

__all__ = ["Exit", "Hangup", "ScriptError", "Unsupported"]


class Unsupported(Exception):
    """Something that a real machine knows and an emulated one does not; the text names it."""


class ScriptError(Exception):
    """A script that no shell can read; the text says why."""


class Exit(Exception):
    """The end of a script, with its status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Hangup(Exit):
    """The end of a script whose client is gone, or has interrupted it."""
