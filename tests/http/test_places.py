"""Requests get a connection while a program ends, and after a Ctrl-C at any moment of a call."""

from __future__ import annotations

import gc
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from smartdc import DataCenter
from smartdc._http.places import Places
from tests.helpers.keys import KeyRing
from tests.helpers.servers import Reply, StubServer, datacenter_at
from tests.helpers.sizes import in_two_sizes

MACHINE = "aaaaaaaa-0000-4000-8000-00000000000a"

CLEANS_UP = """
import atexit
from smartdc import DataCenter

made = []
atexit.register(lambda: [machine.delete() for machine in made])
sdc = DataCenter({url!r}, login="bob", retry="none", answer_timeout=20)
made.append(sdc.machine("{machine}"))
"""


def test_a_request_at_the_end_of_a_program_is_sent(stub: StubServer) -> None:
    # urllib3 empties its pools in an atexit handler, which runs before those that were registered earlier.
    stub.answer(Reply({"id": MACHINE}), Reply(status=204))
    program = CLEANS_UP.format(url=stub.url, machine=MACHINE)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert [asked.method for asked in stub.asked] == ["GET", "DELETE"]


def test_a_place_that_is_lost_comes_back() -> None:
    places = Places(1)
    places.take(1)
    place = places.take(0.1)
    with pytest.raises(queue.Empty):
        places.take(0.01)
    places.give_back(place)
    assert places.take(0.1) is place
    del places, place


STEPS_OF = ("_http/transport.py", "_http/pool.py", "_http/places.py", "connectionpool.py", "/queue.py")
"""Where a request takes a connection and gives it back."""


class Interruption:
    """Raises KeyboardInterrupt once, as the handler of a signal can do.

    That is when a function of smartdc is entered or left, and before an instruction in `STEPS_OF`.

    Args:
        after: How many such moments pass before.
    """

    def __init__(self, after: float = float("inf")) -> None:
        self.passed = 0
        self._after = after

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        path = frame.f_code.co_filename.replace(os.sep, "/")
        frame.f_trace_opcodes = path.endswith(STEPS_OF)
        if event != "line" and (frame.f_trace_opcodes or "/smartdc/" in path):
            self.passed += 1
            if self.passed > self._after:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self


def interrupted(call: Callable[[], object], interruption: Interruption) -> None:
    traced = sys.gettrace()
    sys.settrace(interruption)
    try:
        call()
    finally:
        sys.settrace(traced)


def ends(call: Callable[[], object]) -> bool:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(20)
    return not thread.is_alive()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.stress  # it uses the hook by which coverage is measured
@in_two_sizes(sample=40, whole=4000)
def test_after_an_interrupt_the_next_call_is_made(stub: StubServer, ssh_keys: KeyRing, size: int) -> None:
    stub.otherwise = Reply([])
    key = str(ssh_keys.path("ed25519"))
    with datacenter_at(stub.url, pool_size=1, answer_timeout=5) as sdc:

        def call() -> None:
            DataCenter(stub.url, "/bob/keys/k", key).close()
            made.append(sdc.keys())

        made: list[Any] = []
        call()
        whole = Interruption()
        interrupted(call, whole)
        for after in range(0, whole.passed, max(1, whole.passed // size)):
            with suppress(KeyboardInterrupt):
                interrupted(call, Interruption(after))
            made.clear()
            assert ends(call), f"after {after} of {whole.passed} moments"
            assert made == [[]]
    gc.collect()  # the sockets that were dropped, while their warning is ignored
