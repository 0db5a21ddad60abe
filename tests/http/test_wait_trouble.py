"""Failures during a wait: after one that may pass another look follows, a certain one ends the wait.

A 404 is certain only when it is settled (`RetryPolicy.settling`): right after its creation a machine may not
be found yet, as the server reads from more than one place.
"""

from __future__ import annotations

import logging
import pickle
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from time import time

import pytest

from smartdc import (
    APIError,
    ConnectionFailed,
    DataCenter,
    GoneError,
    InvalidResponse,
    KeyLoadError,
    Machine,
    NotFoundError,
    RetryPolicy,
    Snapshot,
    ValidationFailedError,
    WaitFailed,
    WaitTimeout,
)
from smartdc.emulator import Emulator
from tests.helpers.clock import Instant
from tests.helpers.servers import Pieces, Reply, StubServer, datacenter_at

ID = "11111111-8b2f-4c42-9d3f-0123456789ab"
MOVED = Reply(None, 302, headers={"Location": "https://elsewhere.example/"})
ABSENT = Reply({"code": "ResourceNotFound", "message": "VM not found"}, 404)
DELETED = Reply({"id": ID, "name": "web", "state": "deleted"}, 410)
PROXY_404 = Reply(b"<h1>404 page not found</h1>", 404, "text/html")
PASSING: dict[str, Reply | Pieces] = {
    **{str(status): Reply({"code": "Scripted", "message": "no"}, status) for status in (408, 500, 501, 502)},
    "503": Reply(b"<h1>503 Service Unavailable</h1>", 503, "text/html"),
    "504": Reply(b"", 504),
    "maintenance": Reply({"code": "ServiceUnavailable"}, 503, headers={"Retry-After": "7200"}),
    "429": Reply({"code": "TooManyRequests", "message": "slow down"}, 429),
    "silence": Reply(hang=True),
    "reset": [b""],
    "half an answer": Reply({"id": ID}, length=1000),
    "not JSON": Reply(b"<html>sign in to this network</html>", 200, "text/html"),
    "another shape": Reply(["running"]),
    "not found yet": ABSENT,
}


def machine_reply(state: str, age: float | None = None, server_ahead: float = 0.0) -> Reply:
    """A machine of that age, in seconds on the server's clock."""
    body = {"id": ID, "name": "web", "state": state}
    now = time() + server_ahead
    if age is not None:
        body["created"] = datetime.fromtimestamp(now - age, UTC).isoformat()
    return Reply(body, dates=(formatdate(now, usegmt=True),))


@pytest.fixture
def sdc(stub: StubServer) -> DataCenter:
    """A data center without retries, on a clock that only waiting moves."""
    return datacenter_at(stub.url, clock=Instant(), timeout=0.1)


@pytest.mark.parametrize("timeout", [None, 600])
@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING)
def test_a_passing_failure_is_followed_by_another_look(
    stub: StubServer, sdc: DataCenter, answer: Reply | Pieces, timeout: float | None
) -> None:
    stub.answer(answer, machine_reply("stopped"), answer, machine_reply("running"))
    sdc.machine(ID, lazy=True).poll_until("running", timeout=timeout)
    assert len(stub.asked) == 4
    stub.answer(answer, machine_reply("running"), answer, machine_reply("stopped"))
    sdc.machine(ID, lazy=True).poll_while("running", timeout=timeout)
    assert len(stub.asked) == 8
    stub.answer(answer, Reply({"name": "s", "state": "queued"}), Reply({"name": "s", "state": "created"}))
    Snapshot(Machine(sdc, ID, lazy=True), data={"name": "s"}).poll_until("created", timeout=timeout)
    assert len(stub.asked) == 11


class _Outage(Instant):
    """A clock on which a server starts after an hour."""

    def __init__(self, server: Callable[[], object]) -> None:
        super().__init__()
        self._server = server
        self._is_up = False

    def sleep(self, seconds: float, /) -> None:
        super().sleep(seconds)
        if self.now >= 3600 and not self._is_up:
            self._is_up = True
            self._server()


def test_an_hour_without_a_server_is_waited_out(free_port: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "smartdc")
    with ExitStack() as stack:

        def start() -> None:
            stack.enter_context(StubServer(machine_reply("running"), port=free_port))

        clock = _Outage(start)
        url = f"http://127.0.0.1:{free_port}"
        sdc = stack.enter_context(DataCenter(url, login="bob", clock=clock))
        sdc.machine(ID, lazy=True).poll_until("running", 60)
    assert 3600 <= clock.now < 3600 + 60 + 20
    # The log says what goes on, also where the wait has no end.
    lines = [line for line in caplog.messages if "is not yet 'running', and the look at it failed" in line]
    assert len(lines) >= 50
    assert "no connection to" in lines[0]


def test_the_end_says_what_went_wrong(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(machine_reply("stopped"))
    stub.otherwise = PASSING["500"]
    with pytest.raises(
        WaitTimeout, match=r"last seen 'stopped'; the last look failed: GET .*: 500 Scripted: no"
    ):
        sdc.machine(ID, lazy=True).poll_until("running", timeout=5)
    with pytest.raises(WaitTimeout, match="not yet 'running'; the last look failed") as caught:
        sdc.machine(ID, lazy=True).poll_until("running", timeout=5)
    assert caught.value.state is None
    assert isinstance(caught.value.__cause__, APIError)


@pytest.mark.parametrize("status", [400, 401, 403, 405, 406, 409])
def test_a_refusal_ends_the_wait(stub: StubServer, sdc: DataCenter, status: int) -> None:
    stub.answer(machine_reply("stopped"), Reply({"code": "Scripted", "message": "no"}, status))
    with pytest.raises(APIError, match=f"{status} Scripted"):
        sdc.machine(ID, lazy=True).poll_until("running")
    assert len(stub.asked) == 2


def test_a_certificate_that_is_not_trusted_ends_the_wait(cloud: Emulator) -> None:
    clock = Instant()
    with (
        cloud.datacenter(verify=True, clock=clock) as sdc,
        pytest.raises(ConnectionFailed, match="not trusted"),
    ):
        sdc.machine(ID, lazy=True).poll_until("running")
    assert clock.slept == []


def test_a_key_that_cannot_be_loaded_ends_the_wait(cloud: Emulator, tmp_path: Path) -> None:
    key = tmp_path / "key"
    shutil.copy(cloud.key_file, key)
    with cloud.datacenter(secret=str(key)) as sdc:
        frozen = pickle.dumps(sdc)
    key.unlink()
    with pytest.raises(KeyLoadError, match=r"^the key file .* does not exist; "):
        pickle.loads(frozen).machine(ID, lazy=True).poll_until("running")  # noqa: S301 - our own


def test_an_answer_too_large_ends_the_wait(stub: StubServer) -> None:
    stub.otherwise = Reply({"id": ID, "state": "x" * 2000})
    with (
        datacenter_at(stub.url, clock=Instant(), max_response=1000) as sdc,
        pytest.raises(InvalidResponse, match=r" or give DataCenter a larger max_response$"),
    ):
        sdc.machine(ID, lazy=True).poll_until("running")
    assert len(stub.asked) == 1


def test_a_404_right_after_the_creation_is_not_a_deletion(stub: StubServer, sdc: DataCenter) -> None:
    new = Machine(sdc, data=machine_reply("provisioning", age=1).body)
    stub.answer(ABSENT, ABSENT, machine_reply("provisioning", 5), ABSENT, machine_reply("running", 9))
    new.poll_until("running")
    assert len(stub.asked) == 5
    new = Machine(sdc, data=machine_reply("provisioning", age=1).body)
    stub.answer(ABSENT, machine_reply("provisioning", 5), machine_reply("running", 9))
    new.poll_while("provisioning")
    assert new.state == "running"


def test_410_says_deleted_at_once(stub: StubServer, sdc: DataCenter) -> None:
    stub.otherwise = DELETED
    Machine(sdc, data=machine_reply("running", age=1).body).poll_until("deleted")
    with pytest.raises(WaitFailed, match="is deleted"):
        Machine(sdc, data=machine_reply("running", age=1).body).poll_until("running")
    assert len(stub.asked) == 2


@pytest.mark.parametrize("ahead", [0, 86400, -86400])
def test_a_404_of_an_older_machine_counts_on_the_server_s_clock(
    stub: StubServer, sdc: DataCenter, ahead: float
) -> None:
    """This machine's clock may be a day off."""
    absent = Reply(ABSENT.body, 404, dates=(formatdate(time() + ahead, usegmt=True),))
    stub.answer(absent)
    machine = Machine(sdc, data=machine_reply("running", 60, ahead).body)
    machine.poll_until("deleted")
    assert (machine.state, len(stub.asked)) == ("deleted", 1)
    stub.otherwise = absent
    young = Machine(sdc, data=machine_reply("running", 1, ahead).body)
    with pytest.raises(WaitTimeout):
        young.poll_until("deleted", timeout=10)


@pytest.mark.parametrize("settling", [4, 30])
def test_a_404_that_stays_counts(stub: StubServer, settling: float) -> None:
    stub.otherwise = ABSENT
    clock = Instant()
    policy = RetryPolicy(attempts=1, settling=settling)
    with datacenter_at(stub.url, clock=clock, retry=policy) as sdc:
        with pytest.raises(WaitFailed, match="is deleted"):
            sdc.machine(ID, lazy=True).poll_until("running")
        assert clock.now == settling
        sdc.machine(ID, lazy=True).poll_until("deleted", timeout=60)
    assert clock.now == 2 * settling


def test_a_404_of_a_proxy_is_not_a_deletion(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(PROXY_404, PROXY_404, machine_reply("running", age=9999))
    Machine(sdc, data=machine_reply("stopped", age=9999).body).poll_until("running")
    assert len(stub.asked) == 3


def test_plain_calls_raise_a_404_at_once(stub: StubServer, sdc: DataCenter) -> None:
    stub.otherwise = ABSENT
    new = Machine(sdc, data=machine_reply("provisioning", age=1).body)
    for ask in (new.refresh, new.status, new.stop, new.delete, new.get_tags, lambda: new.ips):
        with pytest.raises(NotFoundError) as caught:
            ask()
        assert not isinstance(caught.value, GoneError)
    assert len(stub.asked) == 6


def test_a_404_does_not_mean_that_a_new_snapshot_is_gone(stub: StubServer, sdc: DataCenter) -> None:
    created = datetime.fromtimestamp(time() - 5, UTC).isoformat()
    seen = {"name": "s", "state": "created", "created": created}
    stub.answer(ABSENT, Reply({**seen, "state": "deleted"}))
    with pytest.raises(WaitFailed, match="snapshot s is deleted"):
        Snapshot(Machine(sdc, ID, lazy=True), data=seen).poll_until("failed")
    assert len(stub.asked) == 2


@pytest.mark.parametrize("lag", [0, 3, 20])
def test_a_rename_whose_answer_was_lost_may_show_late(stub: StubServer, lag: int) -> None:
    """The server refuses the second attempt: the name is taken, by this machine."""
    taken = Reply({"code": "ValidationFailed", "message": "Invalid VM update parameters"}, 409)
    old, new = (Reply({"id": ID, "name": name, "state": "running"}) for name in ("web", "db"))
    stub.answer([b""], old, taken, *[old] * (lag - 1), *[ABSENT] * min(lag, 1), new)
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        machine = Machine(sdc, data=old.body)
        machine.rename("db")
        assert machine.name == "db"
        stub.answer([b""], new, taken)
        stub.otherwise = new
        with pytest.raises(ValidationFailedError):
            machine.rename("of-another")


def test_a_redirect_ends_a_wait(stub: StubServer) -> None:
    """It shows that the URL is wrong, and is not followed."""
    stub.otherwise = MOVED
    clock = Instant()
    with (
        DataCenter(stub.url, login="bob", clock=clock) as sdc,
        pytest.raises(InvalidResponse, match="302 with a redirect"),
    ):
        sdc.machine(ID, lazy=True).poll_until("running")
    assert clock.slept == []


def test_an_answer_with_another_id_is_followed_by_another_look(stub: StubServer) -> None:
    stub.answer(Reply({"id": ID.replace("1", "2"), "state": "running"}), machine_reply("running"))
    clock = Instant()
    with DataCenter(stub.url, login="bob", clock=clock) as sdc:
        sdc.machine(ID, lazy=True).poll_until("running")
    assert clock.slept == [2]
