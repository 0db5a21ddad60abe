"""With any answer of a server, every operation returns a value or raises a documented error."""

from __future__ import annotations

import pickle
import traceback
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smartdc
from smartdc import DataCenter, SmartDCError
from smartdc.emulator import Emulator
from tests.contract.row import Operation, World
from tests.helpers import odd_values as odd
from tests.helpers.servers import Reply, StubServer
from tests.helpers.sizes import in_two_sizes
from tests.operations import OPERATIONS

CLIENT = Path(smartdc.__file__).parent
EMULATOR = CLIENT / "emulator"

pytestmark = pytest.mark.stress


class Worlds:
    """The worlds of the contract's calls; their emulators get no requests.

    Attributes:
        now: The current world.
    """

    def __init__(self, there: DataCenter) -> None:
        self._there = there
        self.renew()

    def renew(self) -> None:
        """Make another world: some things can be prepared only once."""
        self.now = World(Emulator(), self._there)


@pytest.fixture(scope="module")
def worlds(there: DataCenter) -> Worlds:
    """For the rows of the contract."""
    return Worlds(there)


def check(error: Exception) -> None:
    """Assert that an error is documented, and that it can be printed, logged and pickled."""
    # A row may pass a value of an answer on as an argument: if it is not valid, that is a ConfigurationError.
    assert isinstance(error, SmartDCError), repr(error)
    str(error).encode()
    assert repr(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own


def _came_through_the_client(error: Exception) -> bool:
    """Whether the client raised it, and not a row that got an odd value or prepared something twice."""
    frames = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    return any(CLIENT in path.parents and EMULATOR not in path.parents for path in frames)


@in_two_sizes(sample=500, whole=2700)
def test_every_operation_on_every_answer(
    stub: StubServer, there: DataCenter, worlds: Worlds, examples: Counter[str], size: int
) -> None:
    @settings(max_examples=size)
    @given(st.sampled_from(OPERATIONS), odd.answers)
    def each(row: Operation, answer: Reply) -> None:
        stub.asked.clear()
        stub.otherwise = answer
        try:
            found = row.call(there, worlds.now)
        except Exception as error:
            if _came_through_the_client(error):
                check(error)
            else:
                worlds.renew()
        else:
            assert repr(found)
        examples["answers"] += bool(stub.asked)

    each()


# Answers that break off, or are not HTTP.
WIRE = [
    b"", b"\r\n", b"nonsense", b"HTTP/1.1", b"HTTP/1.1 \r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n",
    b"HTTP/9.9 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]",
    b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n[]", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n[]",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n[]",
    b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70000 + b"\r\n\r\n[]",
    b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n[]", b"HTTP/1.1 200 OK\r\n: no name\r\n\r\n[]",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=\0\r\n\r\n[]",
    b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff=\xfe; expires=x; Max-Age=x\r\n\r\n[]",
    b"HTTP/1.1 101 Upgrade\r\n\r\n",
]  # fmt: skip


@in_two_sizes(sample=300, whole=900)
def test_any_bytes_on_the_wire(
    stub: StubServer, there: DataCenter, examples: Counter[str], size: int
) -> None:
    @settings(max_examples=size)
    @given(st.sampled_from(WIRE), st.integers(0, 200), st.binary(max_size=6))
    def each(start: bytes, cut: int, more: bytes) -> None:
        examples["wire"] += 1
        stub.otherwise = [start[:cut] + more + start[cut:], b""]
        try:
            found = there.keys()
        except SmartDCError as error:
            check(error)
        else:
            assert isinstance(found, list)

    each()
