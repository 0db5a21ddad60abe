"""The work of an emulator's server, in function calls: their number is the same on a busy machine."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Work", "counted"]


class Work:
    """Counts the calls of functions on the server's thread."""

    def __init__(self) -> None:
        self.calls = 0
        self.named: Counter[str] = Counter()

    def of(self, act: Callable[[], object], function: str | None = None) -> int:
        """The number of calls during `act`: of all functions, or of one."""
        before = self.calls if function is None else self.named[function]
        act()
        return (self.calls if function is None else self.named[function]) - before

    def note(self, frame: FrameType, event: str, argument: object) -> None:
        """Called by Python at each call and return."""
        if event in ("call", "c_call") and threading.current_thread().name == "smartdc-emulator":
            self.calls += 1
            if event == "call":
                self.named[frame.f_code.co_name] += 1


@contextmanager
def counted() -> Iterator[Work]:
    """Count for the emulators that are started inside of the block."""
    work = Work()
    threading.setprofile(work.note)
    try:
        yield work
    finally:
        threading.setprofile(None)
