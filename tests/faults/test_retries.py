"""Retries: how often and when a request is repeated, and what is checked before."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from time import time

import pytest

from smartdc import (
    ConflictError,
    ConnectionFailed,
    DataCenter,
    GoneError,
    NotFoundError,
    RequestTimeout,
    RetryPolicy,
    ServiceUnavailableError,
    ValidationFailedError,
    idempotent,
)
from smartdc.emulator import Emulator
from smartdc.emulator.faults import HAPROXY_503, Drop, Status
from smartdc.emulator.state.site import Site
from smartdc.http_signature import HTTPSignatureAuth
from tests.helpers.clock import Instant
from tests.helpers.recorded import call, sent
from tests.helpers.servers import Reply, StubServer

BEFORE, AFTER = Drop(after_commit=False), Drop(after_commit=True)
BUSY = Reply({"code": "ServiceUnavailable", "message": "no"}, 503)


def statuses(cloud: Emulator, operation: str) -> list[int]:
    return [got.status for got in cloud.calls if got.operation == operation]


def test_pauses_grow_and_end(stub: StubServer) -> None:
    clock = Instant()
    stub.answer(*[BUSY] * 9)
    policy = RetryPolicy(attempts=6, first_pause=1, longest_pause=4)
    with DataCenter(stub.url, login="bob", clock=clock, retry=policy) as sdc:
        with pytest.raises(ServiceUnavailableError) as caught:
            sdc.account()
        assert caught.value.attempts == len(stub.asked) == 6
    assert all(0 <= pause <= longest for pause, longest in zip(clock.slept, (1, 2, 4, 4, 4), strict=True))
    assert len(set(clock.slept)) == 5


def test_the_deadline_counts_from_the_first_attempt(stub: StubServer) -> None:
    clock = Instant()
    stub.answer(*[Reply(BUSY.body, 503, headers={"Retry-After": "40"})] * 9)
    policy = RetryPolicy(deadline=100)
    with (
        DataCenter(stub.url, login="bob", clock=clock, retry=policy) as sdc,
        pytest.raises(ServiceUnavailableError),
    ):
        sdc.account()
    assert clock.slept == [40, 40]
    assert len(stub.asked) == 3


def test_retry_after_as_a_date_goes_by_the_server_s_clock(stub: StubServer) -> None:
    clock = Instant()
    ahead = 3600
    headers = {"Retry-After": formatdate(time() + ahead + 30, usegmt=True)}
    date = formatdate(time() + ahead, usegmt=True)
    stub.answer(Reply(BUSY.body, 503, headers=headers, dates=(date,)), Reply({"login": "bob"}))
    with DataCenter(stub.url, login="bob", clock=clock) as sdc:
        assert sdc.account() == {"login": "bob"}
    assert clock.slept == [pytest.approx(30, abs=2)]


def test_maintenance_is_waited_out_if_it_is_short(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine("web").uuid, lazy=True)
    cloud.read_only(until=120)
    began = cloud.clock.monotonic()
    machine.stop()
    assert 120 <= cloud.clock.monotonic() - began <= 122
    assert statuses(cloud, "UpdateMachine") == [503, 202]
    cloud.read_only(until=datetime.now(UTC) + timedelta(hours=2))
    with pytest.raises(ServiceUnavailableError, match="This Triton data center is being upgraded"):
        machine.start()
    assert statuses(cloud, "UpdateMachine") == [503, 202, 503]


class _Later(Instant):
    """A clock whose waits also move the dates of the signatures."""

    def __init__(self, auth: HTTPSignatureAuth) -> None:
        super().__init__()
        self._auth = auth

    def sleep(self, seconds: float, /) -> None:
        super().sleep(seconds)
        self._auth.clock_offset += 10


def test_each_attempt_is_signed_afresh(stub: StubServer, cloud: Emulator) -> None:
    stub.answer(BUSY, BUSY, Reply({"login": "test"}))
    with cloud.datacenter(location=stub.url, known_locations={}, clock=None) as sdc:
        assert sdc.auth is not None
        sdc.clock = _Later(sdc.auth)
        sdc.account()
    dates = [asked.headers["date"] for asked in stub.asked]
    signatures = [asked.headers["authorization"] for asked in stub.asked]
    assert len(set(dates)) == len(set(signatures)) == 3


def test_an_action_looks_at_the_machine_before_it_is_repeated(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    # docs/cloudapi/hazards.md#action-on-a-deleted-machine: an action for a deleted machine takes the server's
    # process down.
    vm = site.add_machine("web")
    machine = sdc.machine(vm.uuid, lazy=True, look_first=False)
    cloud.faults.add("UpdateMachine", BEFORE, times=1)

    def destroy() -> None:
        vm.state = "destroyed"

    cloud.clock.on_advance(destroy)
    with pytest.raises(GoneError):
        machine.stop()
    assert sent(cloud) == [
        call("POST", f"/my/{machine.path}", {"action": "stop"}),
        call("GET", f"/my/{machine.path}"),
    ]
    assert machine.state == "deleted"
    assert cloud.violations == []


def test_an_action_that_was_not_carried_out_needs_no_look(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    machine = sdc.machine(site.add_machine("web").uuid, lazy=True, look_first=False)
    cloud.throttle(burst=1)
    sdc.num_machines()
    machine.stop()
    assert [got.method for got in cloud.calls] == ["HEAD", "POST", "POST"]


@pytest.mark.parametrize("gone", [True, False])
def test_a_deletion_whose_answer_was_lost_is_done(
    cloud: Emulator, sdc: DataCenter, site: Site, gone: bool
) -> None:
    vm = site.add_machine("web")
    cloud.faults.add("DeleteMachine", AFTER, times=1)
    if gone:  # by the time of the second attempt
        cloud.clock.on_advance(lambda: setattr(vm, "state", "destroyed"))
    sdc.machine(vm.uuid, lazy=True).delete()
    assert statuses(cloud, "DeleteMachine") == [0, 410 if gone else 204]


def test_a_deletion_of_something_unknown_is_an_error(cloud: Emulator, sdc: DataCenter) -> None:
    cloud.throttle(burst=1)
    sdc.keys()
    with pytest.raises(NotFoundError) as caught:
        sdc.delete_key("nothing")  # refused for the rate at first, so not carried out
    assert (statuses(cloud, "DeleteKey"), caught.value.attempts) == ([429, 404], 2)


def test_a_rename_whose_answer_was_lost_is_done(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    vm, other = site.add_machine("web"), site.add_machine("taken")
    machine = sdc.machine(vm.uuid, lazy=True)
    cloud.faults.add("UpdateMachine", AFTER, times=1)
    patient = RetryPolicy(first_pause=1000, longest_pause=1000, deadline=5000)  # until it has taken effect
    with cloud.datacenter(retry=patient) as slow:
        slow.machine(vm.uuid, lazy=True).rename("db")
    # docs/cloudapi/actions.md#rename: the server refuses a rename to the current name.
    assert statuses(cloud, "UpdateMachine") == [0, 409]
    assert machine.name == "db"
    cloud.faults.add("UpdateMachine", BEFORE, times=1)
    with pytest.raises(ValidationFailedError):
        machine.rename(other.alias)
    with pytest.raises(ValidationFailedError):
        machine.rename("db")


def test_a_rename_of_a_volume_whose_answer_was_lost_is_done(cloud: Emulator, sdc: DataCenter) -> None:
    volume, other = sdc.create_volume("data"), sdc.create_volume("other")
    cloud.clock.advance(60)
    cloud.faults.add("UpdateVolume", AFTER, times=1)
    assert sdc.update_volume(volume, name="home")["name"] == "home"
    assert statuses(cloud, "UpdateVolume") == [0, 409]
    cloud.faults.add("UpdateVolume", HAPROXY_503, times=1)
    with pytest.raises(ConflictError, match="VolumeAlreadyExists"):
        sdc.update_volume(volume, name=other["name"])
    with pytest.raises(ConflictError, match="VolumeAlreadyExists"):
        sdc.update_volume(volume, name="home")


@pytest.mark.parametrize(("fault", "added"), [(AFTER, True), (BEFORE, True), (None, False)])
def test_a_nic_that_a_lost_request_added_counts_as_added(
    cloud: Emulator, sdc: DataCenter, site: Site, fault: Drop | None, added: bool
) -> None:
    network = next(network.uuid for network in site.networks.values() if network.name == "private")
    machine = sdc.machine(site.add_machine("web", networks=[]).uuid, lazy=True)
    if fault is None:
        machine.add_nic(network)
    else:
        cloud.faults.add("AddNic", fault, times=1)
    assert machine.add_nic(network)["added"] is added
    assert len(machine.get_nics()) == 1


def test_before_repeat_permits_to_repeat_any_request(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    path = f"/machines/{site.add_machine('web').uuid}"
    cloud.faults.add("UpdateMachine", AFTER, times=2)
    with pytest.raises(ConnectionFailed):
        sdc.request("POST", path, params={"action": "stop"})
    sdc.request("POST", path, params={"action": "stop"}, before_repeat=idempotent)
    assert statuses(cloud, "UpdateMachine") == [0, 0, 202]
    cloud.faults.add("UpdateMachine", AFTER, times=1)
    asked: list[str] = []
    sdc.request("post", path, params={"action": "stop"}, before_repeat=lambda: asked.append("again?"))
    assert asked == ["again?"]


def test_a_put_by_request_is_repeated(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    path = f"/machines/{site.add_machine('web').uuid}/tags"
    cloud.faults.add("ReplaceMachineTags", AFTER, times=1)
    sdc.request("PUT", path, data={"role": "web"})
    assert statuses(cloud, "ReplaceMachineTags") == [0, 200]


def test_the_log_announces_the_next_attempt(
    cloud: Emulator, sdc: DataCenter, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.faults.add("GetAccount", HAPROXY_503, times=1)
    with caplog.at_level(logging.INFO, "smartdc"):
        sdc.account()
    (line,) = (record.getMessage() for record in caplog.records if record.levelno == logging.INFO)
    assert line.startswith("GET /my: 503 ServiceUnavailable: CloudAPI service is currently unavailable; att")


def test_a_failed_connection_is_retried_for_every_verb(free_port: int) -> None:
    for method in ("GET", "POST", "DELETE"):
        clock = Instant()
        with DataCenter(f"http://127.0.0.1:{free_port}", login="bob", clock=clock) as sdc:
            with pytest.raises(ConnectionFailed) as caught:
                sdc.request(method, "/x")
            assert (caught.value.attempts, caught.value.sent, len(clock.slept)) == (5, False, 4)


def test_a_lasting_failure_is_not_retried(cloud: Emulator) -> None:
    clock = Instant()
    with cloud.datacenter(verify=True, clock=clock) as sdc, pytest.raises(ConnectionFailed) as caught:
        sdc.account()
    assert (caught.value.attempts, caught.value.lasting, clock.slept) == (1, True, [])


def test_a_post_that_is_not_answered_is_not_repeated(stub: StubServer) -> None:
    stub.answer(Reply(hang=True), Reply({}))
    clock = Instant()
    with (
        DataCenter(stub.url, login="bob", clock=clock, timeout=0.1) as sdc,
        pytest.raises(RequestTimeout) as caught,
    ):
        sdc.request("POST", "/fwrules", data={"rule": "x"})
    assert (caught.value.attempts, caught.value.sent, len(stub.asked)) == (1, True, 1)


def test_none_makes_one_attempt(cloud: Emulator) -> None:
    for fault in (BEFORE, Status(502), Status(429)):
        cloud.faults.add("GetAccount", fault, times=1)
        with cloud.datacenter(retry="none") as sdc, pytest.raises(Exception, match="GET /my") as caught:
            sdc.account()
        assert caught.value.attempts == 1  # type: ignore[attr-defined]
    assert len(cloud.calls) == 3
