"""Typing at the prompt of the console, which runs in a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterable, Sequence

from tests.docs.blocks import ROOT

#: The seconds within which a prompt must appear, on a busy machine as well.
PATIENCE = 60.0
PROMPT = ">>> "


def console_session(arguments: Sequence[str], lines: Iterable[str]) -> str:
    """The screen after these lines, and Ctrl-D at the end, were typed into ``python -m smartdc``."""
    # Run without IPython, which has other prompts.
    program = (
        "import sys, runpy; sys.modules['IPython'] = None; runpy.run_module('smartdc', run_name='__main__')"
    )
    command = [sys.executable, "-c", program, *arguments]
    environment = {**os.environ, "PYTHON_BASIC_REPL": "1", "TERM": "dumb", "PYTHONPATH": str(ROOT)}
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as running:
        os.close(theirs)
        screen = ""
        for line in [*lines, None]:
            screen = _read(ours, screen, prompts=screen.count(PROMPT) + 1)
            os.write(ours, b"\x04" if line is None else line.encode() + b"\n")
        running.wait(PATIENCE)
    os.close(ours)
    return screen.removesuffix(PROMPT)


def _read(terminal: int, screen: str, prompts: int) -> str:
    """Read until the screen has this number of prompts."""
    end = time.monotonic() + PATIENCE
    while screen.count(PROMPT) < prompts:
        ready, _, _ = select.select([terminal], [], [], max(0.0, end - time.monotonic()))
        assert ready, f"no prompt appeared: {screen}"
        piece = os.read(terminal, 65536).decode(errors="replace")
        screen += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", piece)
    return screen
