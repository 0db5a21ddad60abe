"""Exceptions that end a command or a script on an emulated machine."""

from __future__ import annotations

__all__ = ["INTERRUPTED", "Exit", "Hangup", "ScriptError", "Unsupported", "UnsupportedBlock"]

#: The exit status of a command that Ctrl-C ended.
INTERRUPTED = 130


class Unsupported(Exception):
    """An emulated machine does not support something that a real one does; the message names it."""


class UnsupportedBlock(Unsupported):
    """Unsupported syntax that may continue in later lines, so that these lines cannot be run either."""


class ScriptError(Exception):
    """The script has a syntax error; the message says which."""


class Exit(Exception):
    """The script ends with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Hangup(Exit):
    """The script ends because its client has disconnected or interrupted it."""
