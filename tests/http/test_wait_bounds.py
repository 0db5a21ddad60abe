"""The timeout of a wait bounds all that is done in it: requests, retries and turns. In real time.

Each wait ends within 0.2 s after its timeout, and none before it.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from smartdc import DataCenter, Machine, RetryPolicy, Snapshot, WaitTimeout
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Delay
from smartdc.emulator.state.site import Site
from tests.helpers.servers import Reply, StubServer, tls_settings

ID = "11111111-8b2f-4c42-9d3f-0123456789ab"
RUNNING = Reply({"id": ID, "name": "web", "state": "running"})
SILENT = Reply(hang=True)
UNAVAILABLE = Reply({"code": "ServiceUnavailable", "message": "later"}, 503)

Wait = Callable[[DataCenter, float], None]


def _until(sdc: DataCenter, timeout: float) -> None:
    sdc.machine(ID, lazy=True).poll_until("stopped", timeout=timeout)


def _while(sdc: DataCenter, timeout: float) -> None:
    sdc.machine(ID, lazy=True).poll_while("running", timeout=timeout)


def _snapshot(sdc: DataCenter, timeout: float) -> None:
    snapshot = Snapshot(Machine(sdc, ID, lazy=True), data={"name": "s", "state": "queued"})
    snapshot.poll_until("created", timeout=timeout)


@contextmanager
def ends_after(seconds: float) -> Iterator[None]:
    """Expect a WaitTimeout after these seconds."""
    begun = time.monotonic()
    with pytest.raises(WaitTimeout, match=f"gave up after {seconds:g} s"):
        yield
    took = time.monotonic() - begun
    assert seconds <= took < seconds + 0.2


@pytest.mark.parametrize("wait", [_until, _while, _snapshot])
def test_a_silent_server(stub: StubServer, wait: Wait) -> None:
    stub.otherwise = SILENT
    with DataCenter(stub.url, login="bob") as sdc, ends_after(0.3):
        wait(sdc, 0.3)
    assert len(stub.asked) == 1


def test_a_server_that_falls_silent(stub: StubServer) -> None:
    stub.answer(RUNNING)
    stub.otherwise = SILENT
    with DataCenter(stub.url, login="bob") as sdc, ends_after(0.4):
        sdc.machine(ID, lazy=True).poll_until("stopped", 0.1, timeout=0.4)
    assert len(stub.asked) == 2


def test_no_handshake(tmp_path: Path) -> None:
    # The kernel accepts the connection; no program answers. The usual authorities take 40 ms of CPU to load.
    tls_settings(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        with DataCenter(url, login="bob", verify=str(tmp_path / "ca.pem")) as sdc, ends_after(0.3):
            _until(sdc, 0.3)


def test_a_slow_handshake_and_then_silence(tmp_path: Path) -> None:
    """Connecting and answering share what is left."""
    context = tls_settings(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError), server.accept()[0] as connection:
                time.sleep(0.25)
                with context.wrap_socket(connection, server_side=True) as spoken:
                    while spoken.recv(65536):
                        pass

        thread = Thread(target=serve)
        thread.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        with DataCenter(url, login="bob", verify=str(tmp_path / "ca.pem")) as sdc, ends_after(0.3):
            _until(sdc, 0.3)
        thread.join()


def _slowly(start: bytes, piece: bytes) -> Iterator[bytes]:
    yield start
    while True:
        time.sleep(0.05)
        yield piece


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_an_answer_that_comes_slowly(stub: StubServer, start: bytes, piece: bytes) -> None:
    stub.answer(_slowly(start, piece))
    stub.otherwise = SILENT
    with DataCenter(stub.url, login="bob") as sdc, ends_after(0.3):
        _until(sdc, 0.3)


def test_waits_that_want_the_same_connection(stub: StubServer) -> None:
    stub.otherwise = SILENT
    with DataCenter(stub.url, login="bob", pool_size=1) as sdc, ThreadPoolExecutor(4) as pool:

        def one(_: int) -> None:
            with ends_after(0.4):
                _until(sdc, 0.4)

        list(pool.map(one, range(4)))


@pytest.mark.parametrize("retry", ["standard", "none", RetryPolicy(attempts=1000, first_pause=0.001)])
def test_a_server_that_is_away(free_port: int, retry: str | RetryPolicy) -> None:
    url = f"http://127.0.0.1:{free_port}"
    with DataCenter(url, login="bob", retry=retry) as sdc, ends_after(0.4):
        sdc.machine(ID, lazy=True).poll_until("stopped", 0.1, timeout=0.4)


def test_a_server_that_sends_retry_after(stub: StubServer) -> None:
    stub.otherwise = Reply({"code": "ServiceUnavailable"}, 503, headers={"Retry-After": "60"})
    with DataCenter(stub.url, login="bob") as sdc, ends_after(0.3):
        _until(sdc, 0.3)


def test_turns_are_not_waited_for_beyond_the_end(stub: StubServer) -> None:
    stub.otherwise = RUNNING
    with DataCenter(stub.url, login="bob", rate=4) as sdc, ThreadPoolExecutor(10) as pool:
        machine = sdc.machine(ID, lazy=True)

        def one(_: int) -> None:
            with ends_after(0.4):
                machine.poll_until("stopped", timeout=0.4)

        list(pool.map(one, range(10)))
        # Turns that no wait uses are left to other requests.
        begun = time.monotonic()
        machine.refresh()
        assert time.monotonic() - begun < 0.5
    assert len(stub.asked) <= 4


def test_a_throttled_server(stub: StubServer) -> None:
    stub.otherwise = Reply({"code": "TooManyRequests", "message": "request rate of 0.2 r/s"}, 429)
    with DataCenter(stub.url, login="bob") as sdc, ends_after(0.3):
        _until(sdc, 0.3)


def test_a_wait_of_no_time_is_one_look_with_the_requests_own_timeout(stub: StubServer) -> None:
    stub.answer(RUNNING, UNAVAILABLE, SILENT)
    with DataCenter(stub.url, login="bob", timeout=0.3) as sdc:
        for state, least in (("'running'", 0.0), ("503", 0.0), ("no answer", 0.3)):
            begun = time.monotonic()
            with pytest.raises(WaitTimeout, match=state):
                _until(sdc, 0)
            assert least <= time.monotonic() - begun < least + 0.2
    assert len(stub.asked) == 3


def test_a_wait_of_no_time_waits_for_its_turn(stub: StubServer) -> None:
    stub.otherwise = RUNNING
    with DataCenter(stub.url, login="bob", rate=5) as sdc:
        for _ in range(3):
            sdc.machine(ID, lazy=True).poll_until("running", timeout=0)
    assert len(stub.asked) == 3


def test_a_wait_without_an_end_leaves_requests_their_time(stub: StubServer) -> None:
    stub.answer(SILENT, RUNNING)
    with DataCenter(stub.url, login="bob", timeout=0.1, retry="none") as sdc:
        for timeout in (None, math.inf):
            sdc.machine(ID, lazy=True).poll_until("running", 0.01, timeout=timeout)
            stub.answer(SILENT, RUNNING)
    assert len(stub.asked) == 4


def test_on_another_clock_requests_keep_their_own_timeout(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    # 0.2 s of the emulated clock, which stands still while the server takes 0.3 s of real time.
    machine = sdc.machine(site.add_machine("web").uuid, lazy=True)
    cloud.faults.add("GetMachine", Delay(0.3), times=1)
    machine.poll_until("running", timeout=0.2)


def test_the_last_look_is_made_in_time(stub: StubServer) -> None:
    """A state that is reached in the last interval is seen, though the wait ends on time."""
    begun = time.monotonic()
    stub.answer(Reply({"id": ID, "state": "running"}), Reply({"id": ID, "state": "stopped"}))
    with DataCenter(stub.url, login="bob") as sdc:
        sdc.machine(ID, lazy=True).poll_until("stopped", 60, timeout=0.5)
    assert 0.3 < time.monotonic() - begun < 0.7
