"""What ends a command, or a script, of an emulated machine early."""

from __future__ import annotations

__all__ = ["INTERRUPTED", "Exit", "Hangup", "ScriptError", "Unsupported", "UnsupportedBlock"]

#: The status of what Ctrl-C ended.
INTERRUPTED = 130


class Unsupported(Exception):
    """Something that a real machine knows and an emulated one does not; the text names it."""


class UnsupportedBlock(Unsupported):
    """Syntax that may go on in later lines, of which nothing can be run by itself."""


class ScriptError(Exception):
    """A script that no shell can read; the text says why."""


class Exit(Exception):
    """The end of a script, with its status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Hangup(Exit):
    """The end of a script whose client is gone, or has interrupted it."""
