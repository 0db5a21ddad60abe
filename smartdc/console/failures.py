"""Errors of smartdc at a prompt: one line in place of a traceback, which is kept for who asks for it."""

from __future__ import annotations

import sys

from smartdc.errors import SmartDCError

__all__ = ["brief", "keep"]


def brief(error: SmartDCError, traceback: str) -> str:
    """What went wrong, in one line, and where the traceback is.

    Args:
        error: What went wrong.
        traceback: What shows the whole of it at this prompt.
    """
    return f"{type(error).__name__}: {error}\n(traceback: {traceback})\n"


def keep(error: BaseException) -> None:
    """Let ``traceback.print_last()``, ``pdb.pm()`` and IPython's ``%tb`` find it."""
    trace = error.__traceback__
    # The first frame is the prompt's own.
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace and trace.tb_next
    if sys.version_info >= (3, 12):
        sys.last_exc = error.with_traceback(trace and trace.tb_next)
