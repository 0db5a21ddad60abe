"""Errors of smartdc, and Ctrl-C, at a prompt: shown as one line, with the traceback kept for later."""

from __future__ import annotations

import sys

from smartdc.errors import SmartDCError

__all__ = ["brief", "keep"]


def brief(error: SmartDCError | KeyboardInterrupt, traceback: str) -> str:
    """Return the error in one line, and how to see its traceback.

    Args:
        error: The error.
        traceback: What to enter at this prompt for the traceback.
    """
    text = ": ".join(filter(None, (type(error).__name__, str(error))))
    return f"{text}\n(traceback: {traceback})\n"


def keep(error: BaseException) -> None:
    """Keep the error for ``traceback.print_last()``, ``pdb.pm()`` and IPython's ``%tb``."""
    trace = error.__traceback__
    # The first frame belongs to the prompt.
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace and trace.tb_next
    if sys.version_info >= (3, 12):
        sys.last_exc = error.with_traceback(trace and trace.tb_next)
