"""How a lost create is looked for: how often and how long, by which clocks, and what an interruption says."""

from __future__ import annotations

import logging
import signal
import threading
from email.utils import formatdate
from math import inf
from time import monotonic, time
from typing import Any

import pytest

from smartdc import (
    DataCenter,
    OutcomeUnknown,
    RetryPolicy,
    ServiceUnavailableError,
    ThrottledError,
    ValidationFailedError,
)
from smartdc.emulator import Emulator
from smartdc.emulator.faults import HAPROXY_408, HTML_502, Delay, Drop, Status
from smartdc.emulator.state.clock import timestamp
from smartdc.emulator.state.site import Site
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer

PACKAGE = "g3-standard-0.25-smartos"
PACKAGE_ID = "11111111-dead-4bad-8bad-000000000000"
UNKNOWN = "00000000-dead-4bad-8bad-000000000000"
BEFORE, AFTER = Drop(after_commit=False), Drop(after_commit=True)
NOTHING = Status(200, "[]")
#: A proxy's page for maintenance: RFC 9110, 15.6.4, lets every server say when to come back.
HTML_503 = Status(503, "<h1>Maintenance</h1>", {"Retry-After": "1"}, content_type="text/html")


@pytest.fixture
def image(site: Site) -> str:
    return next(image.uuid for image in site.images.values() if image.name == "base64")


def asked(cloud: Emulator, operation: str) -> list[int]:
    """The status of each of these requests."""
    return [call.status for call in cloud.calls if call.operation == operation]


class Steps(Instant):
    """A clock whose time is set, by `step` seconds, at the first wait."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self._step = step

    def time(self) -> float:
        return super().time() + (self._step if self.slept else 0)


def made(**fields: Any) -> dict[str, Any]:
    """A machine as a list shows it."""
    machine = {"id": UNKNOWN, "name": "web", "package": PACKAGE, "image": UNKNOWN, "tags": {}}
    return machine | {"state": "provisioning", "created": timestamp(time())} | fields


def test_what_the_first_look_finds_is_taken(cloud: Emulator, sdc: DataCenter, image: str) -> None:
    cloud.faults.add("CreateMachine", AFTER, times=1)
    before = cloud.clock.monotonic()
    sdc.create_machine("web", PACKAGE, image=image)
    assert cloud.clock.monotonic() - before == 0.5
    assert len(asked(cloud, "ListMachines")) == 1


def test_absence_counts_when_the_lists_have_settled(cloud: Emulator, image: str) -> None:
    cloud.faults.add("CreateMachine", BEFORE, times=1)
    with cloud.datacenter(retry=RetryPolicy(settling=7, first_pause=0)) as sdc:
        before = cloud.clock.monotonic()
        sdc.create_machine("web", PACKAGE, image=image)
        # Looks after 0.5, 1.5, 3.5 and 7 s, and as many for a second one.
        assert len(asked(cloud, "ListMachines")) == 8
        assert cloud.clock.monotonic() - before == pytest.approx(14)


def test_a_volume_whose_name_is_taken_by_the_lost_create(cloud: Emulator, sdc: DataCenter) -> None:
    cloud.faults.add("CreateVolume", AFTER, times=1)
    cloud.faults.add("ListVolumes", NOTHING, times=8)
    made = sdc.create_volume("data")
    assert asked(cloud, "CreateVolume") == [0, 409]
    assert [volume["id"] for volume in sdc.volumes()] == [made["id"]]


@pytest.mark.parametrize("step", [-3600, 3600])
def test_this_clock_is_set_while_the_answer_is_lost(stub: StubServer, step: float) -> None:
    stub.answer(Reply(None, 504), Reply([made()]))
    with DataCenter(stub.url, login="bob", clock=Steps(step)) as sdc:
        assert sdc.create_machine("web", PACKAGE, image=UNKNOWN).id == UNKNOWN


@pytest.mark.parametrize("step", [-3600, 3600])
def test_the_servers_clock_is_set_while_it_is_looked_for(stub: StubServer, step: float) -> None:
    set_later = formatdate(time() + step, usegmt=True)
    stub.answer(Reply(None, 504), Reply([]), Reply([made()], dates=(set_later,)))
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        assert sdc.create_machine("web", PACKAGE, image=UNKNOWN).id == UNKNOWN


def test_the_servers_clock_is_set_forward_before_it_is_looked_for(stub: StubServer) -> None:
    """Then the machine seems to be older, as if another program had created it before."""
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply([made()], dates=(formatdate(time() + 3600, usegmt=True),))
    with (
        DataCenter(stub.url, login="bob", clock=Instant()) as sdc,
        pytest.raises(OutcomeUnknown, match="one is found that differs in created") as caught,
    ):
        sdc.create_machine("web", PACKAGE, image=UNKNOWN)
    assert [candidate["id"] for candidate in caught.value.candidates] == [UNKNOWN]


def test_this_clock_is_fast(stub: StubServer) -> None:
    date = formatdate(time() - 3600, usegmt=True)
    stub.answer(Reply(None, 504), Reply([made(created=timestamp(time() - 3600))], dates=(date,)))
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        assert sdc.create_machine("web", PACKAGE, image=UNKNOWN).id == UNKNOWN


@pytest.mark.parametrize("fault", [HTML_502, HAPROXY_408, HTML_503], ids=["502", "408", "503"])
def test_the_lookup_is_repeated_while_it_fails(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str, fault: Status
) -> None:
    cloud.faults.add("CreateMachine", AFTER, times=1)
    cloud.faults.add("ListMachines", fault, times=30)
    machine = sdc.create_machine("web", PACKAGE, image=image)
    assert list(site.machines) == [machine.id]


def test_looking_ends_at_the_deadline(cloud: Emulator, image: str) -> None:
    cloud.faults.add("CreateMachine", AFTER, times=1)
    cloud.faults.add("ListMachines", HTML_502)
    with cloud.datacenter(retry=RetryPolicy(deadline=120)) as sdc:
        before = cloud.clock.monotonic()
        with pytest.raises(OutcomeUnknown, match=r"it could not be looked for: GET .* 502"):
            sdc.create_machine("web", PACKAGE, image=image)
        assert cloud.clock.monotonic() - before == pytest.approx(120)


@pytest.mark.parametrize("looked", ["nothing", "silence", "503", "429"])
@pytest.mark.parametrize("deadline", [4, 31, 200])
def test_a_lost_create_ends_at_the_deadline(
    cloud: Emulator, image: str, deadline: float, looked: str
) -> None:
    """The deadline includes the looks, also if it comes before `settling` ends."""
    busy = Status(503, '{"code": "ServiceUnavailable", "message": "no"}', {"Retry-After": "3"})
    throttled = Status(429, '{"code": "TooManyRequestsError", "message": "no"}', {"Retry-After": "3"})
    cloud.faults.add("CreateMachine", BEFORE)
    found = {"nothing": NOTHING, "silence": BEFORE, "503": busy, "429": throttled}
    cloud.faults.add("ListMachines", found[looked])
    with cloud.datacenter(retry=RetryPolicy(deadline=deadline)) as sdc:
        before = cloud.clock.monotonic()
        with pytest.raises(OutcomeUnknown):
            sdc.create_machine("web", PACKAGE, image=image)
        assert cloud.clock.monotonic() - before <= deadline + 0.001


def test_a_deadline_before_settling_leaves_it_unknown(cloud: Emulator, image: str) -> None:
    cloud.faults.add("CreateMachine", BEFORE, times=1)
    with cloud.datacenter(retry=RetryPolicy(deadline=4)) as sdc:
        with pytest.raises(OutcomeUnknown, match="none is found in the 4 s that its RetryPolicy gives"):
            sdc.create_machine("web", PACKAGE, image=image)
        assert asked(cloud, "CreateMachine") == [0]


def test_no_deadline_at_all(cloud: Emulator, image: str) -> None:
    cloud.faults.add("CreateMachine", BEFORE, times=1)
    with cloud.datacenter(retry=RetryPolicy(deadline=inf)) as sdc:
        sdc.create_machine("web", PACKAGE, image=image)
    assert asked(cloud, "CreateMachine") == [0, 201]


def test_a_silent_server_ends_a_lost_create_within_an_answer(stub: StubServer) -> None:
    """In real time: the looks have no deadline of their own."""
    stub.otherwise = Reply(hang=True)
    policy = RetryPolicy(deadline=1.5, settling=0.5, first_pause=0.1)
    with DataCenter(stub.url, login="bob", retry=policy, timeout=0.5, answer_timeout=1) as sdc:
        before = monotonic()
        with pytest.raises(OutcomeUnknown):
            sdc.create_machine("web", PACKAGE, image=UNKNOWN)
        assert monotonic() - before < 1.5 + 1 + 0.3


def test_a_refusal_because_of_an_older_machine_is_raised(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str
) -> None:
    site.add_machine("web")
    cloud.clock.advance(400)
    cloud.faults.add("CreateMachine", BEFORE, times=1)
    with pytest.raises(ValidationFailedError, match="alias Duplicate"):
        sdc.create_machine("web", PACKAGE, image=image)


def test_the_name_of_a_package_is_fetched_only_if_it_is_needed(stub: StubServer) -> None:
    stub.answer(Reply(None, 504), Reply([made()]))
    package = {"id": PACKAGE_ID, "name": PACKAGE}
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        sdc.create_machine("web", package, image=UNKNOWN)
        assert [each.method for each in stub.asked] == ["POST", "GET"]
        stub.asked.clear()
        stub.answer(Reply(None, 504), Reply([]), Reply([made()]), Reply(b"<html>"), Reply([made()]))
        stub.answer(Reply(package))
        sdc.create_machine("web", PACKAGE_ID, image=UNKNOWN)
    targets = [each.target.partition("?")[0] for each in stub.asked]
    assert targets.count(f"/bob/packages/{PACKAGE_ID}") == 2  # once more, as the first answer was not JSON


@pytest.mark.parametrize("given", [PACKAGE_ID, PACKAGE, {"id": PACKAGE_ID, "name": PACKAGE}], ids=str)
def test_a_machine_with_another_package_is_not_taken(stub: StubServer, given: Any) -> None:
    other = made(package="other")
    stub.answer(Reply(None, 504), Reply([other]))
    if given == PACKAGE_ID:
        stub.answer(Reply({"id": PACKAGE_ID, "name": PACKAGE}))
    stub.otherwise = Reply([other])
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc, pytest.raises(OutcomeUnknown) as caught:
        sdc.create_machine("web", given, image=UNKNOWN)
    assert caught.value.candidates == [other]


@pytest.mark.parametrize("fault", [HTML_503, HAPROXY_408], ids=["503", "408"])
@pytest.mark.parametrize("after_commit", [False, True])
def test_a_proxys_refusal_may_come_after_the_commit(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str, fault: Status, after_commit: bool
) -> None:
    struck = Status(
        fault.status,
        fault.body,
        fault.headers,
        content_type=fault.content_type,
        after_commit=after_commit,
    )
    cloud.faults.add("*", struck, times=1)
    machine = sdc.create_machine("web", PACKAGE, image=image)
    assert list(site.machines) == [machine.id]
    cloud.faults.add("CreateFirewallRule", struck, times=1)
    with pytest.raises(OutcomeUnknown):
        sdc.create_firewall_rule("FROM any TO all vms ALLOW tcp PORT 22")
    assert len(sdc.firewall_rules()) == after_commit
    machine.poll_until("running")
    cloud.faults.add("CreateMachineSnapshot", struck, times=1)
    machine.create_snapshot()
    cloud.clock.advance(60)
    assert len(machine.snapshots()) == 1


def test_other_posts_are_not_repeated_after_a_proxys_refusal(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    cloud.faults.add("CreateUser", HTML_503, times=1)
    with pytest.raises(ServiceUnavailableError):
        sdc.create_user("ann", "secret77secret", "ann@example.org")
    assert asked(cloud, "CreateUser") == [503]


def test_pauses_go_by_the_servers_clock(stub: StubServer) -> None:
    """A date in Retry-After goes by the server's clock, which is an hour ahead."""
    ahead = time() + 3600
    dates = (formatdate(ahead, usegmt=True),)
    wait = {"Retry-After": formatdate(ahead + 10, usegmt=True)}
    clock = Instant()
    stub.answer(Reply(b"<html>", 503, "text/html", wait, dates=dates), *[Reply([], dates=dates)] * 6)
    stub.answer(Reply(made(), 201, dates=dates))
    stub.otherwise = Reply([], dates=dates)
    with DataCenter(stub.url, login="bob", clock=clock) as sdc:
        sdc.create_machine("web", PACKAGE, image=UNKNOWN)
    assert clock.slept[:6] == [0.5, 1, 2, 4, 8, 14.5]
    assert 8 <= clock.slept[6] <= 10


HTML_429 = b"<h1>429 Too Many Requests</h1>"


@pytest.mark.parametrize("status", [420, 429])
def test_a_proxys_throttling_may_come_after_the_commit(stub: StubServer, status: int) -> None:
    """Only a 429 of CloudAPI itself is certain: docs/cloudapi/throttle.md#throttled-before-the-handler."""
    page = Reply(HTML_429, status, "text/html")
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        stub.answer(page, Reply([made()]))
        assert sdc.create_machine("web", PACKAGE, image=UNKNOWN).id == UNKNOWN
        stub.answer(page, *[Reply([])] * 6, Reply(made(), 201), *[Reply([made()])] * 6)
        assert sdc.create_machine("web", PACKAGE, image=UNKNOWN).id == UNKNOWN
        assert [each.method for each in stub.asked].count("POST") == 3
        stub.answer(page, *[Reply([])] * 6)
        with pytest.raises(OutcomeUnknown):
            sdc.create_firewall_rule("FROM any TO all vms ALLOW tcp PORT 22")
        stub.answer(page)
        with pytest.raises(ThrottledError):
            sdc.create_user("ann", "secret77secret", "ann@example.org")
        stub.answer(page, page, Reply([]))
        assert sdc.keys() == []


def test_cloudapis_own_throttling_is_certain(stub: StubServer) -> None:
    own = Reply({"code": "TooManyRequestsError", "message": "You have exceeded your request rate"}, 429)
    stub.answer(own, own, Reply(made(), 201))
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        assert sdc.create_machine("web", PACKAGE, image=UNKNOWN).id == UNKNOWN
    assert [each.method for each in stub.asked] == ["POST"] * 3


class Interrupted(Instant):
    """A clock whose waits are interrupted by Ctrl-C."""

    def sleep(self, seconds: float, /) -> None:
        raise KeyboardInterrupt


def test_an_interruption_while_it_is_looked_for_names_it(cloud: Emulator, site: Site, image: str) -> None:
    cloud.faults.add("CreateMachine", AFTER, times=1)
    with cloud.datacenter(clock=Interrupted()) as sdc, pytest.raises(KeyboardInterrupt) as caught:
        sdc.create_machine(package=PACKAGE, image=image)
    (vm,) = site.machines.values()
    assert caught.value.__notes__ == [
        f"the machine with name '{vm.alias}' may have been created: look for it"
    ]


@pytest.mark.parametrize("kind", ["machine", "volume"])
def test_an_interruption_while_the_answer_is_awaited_names_it(
    cloud: Emulator, sdc: DataCenter, image: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "smartdc")
    cloud.faults.add("CreateMachine", Delay(30))
    cloud.faults.add("CreateVolume", Delay(30))
    main = threading.main_thread().ident
    ctrl_c = threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT))
    ctrl_c.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        sdc.create_machine(package=PACKAGE, image=image) if kind == "machine" else sdc.create_volume()
    site = cloud.site()
    name = next(iter(site.machines.values())).alias if kind == "machine" else sdc.volumes()[0]["name"]
    assert caught.value.__notes__[0].startswith(f"the {kind} with name '{name}' may")
    assert caplog.messages[0] == f"creating the {kind} with name '{name}'"
