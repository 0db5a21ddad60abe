"""Waits that the change feed serves: no polling, and no transition lost."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, WaitFailed, WaitTimeout, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Status
from smartdc.emulator.state.site import Site
from tests.fleet.machines import fleet_of
from tests.helpers.relays import Relay


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """Emulated time runs by itself, so that the feed sends changes without requests."""
    with Emulator(rate=5) as cloud:
        yield cloud
        assert cloud.violations == []


def asked(cloud: Emulator, after: int) -> Counter[str | None]:
    return Counter(call.operation for call in cloud.calls[after:])


@pytest.mark.stress
def test_created_machines_are_waited_for_with_one_list(
    cloud: Emulator, sdc: DataCenter, note: Callable[[str], None]
) -> None:
    image = sdc.images(name="base64")[0]
    package = "g3-standard-0.25-smartos"
    made = fleet.create(sdc, [{"name": f"web{n}", "image": image, "package": package} for n in range(50)])
    first = len(cloud.calls)
    fleet.wait(made, "running", timeout=600, push=True)
    note(f"fleet.wait(push=True): 50 machines provisioned, {dict(asked(cloud, first))}")
    assert asked(cloud, first) == {"changefeed": 1, "ListMachines": 1}
    assert {(machine.state, machine.package) for machine in made} == {("running", package)}


def test_the_feed_sends_deletions(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machines = fleet_of(sdc, site, 10)
    first = len(cloud.calls)
    fleet.run(machines, Machine.delete, fleet.until("deleted"), push=True).raise_errors()
    assert asked(cloud, first) == {"changefeed": 1, "ListMachines": 1, "DeleteMachine": 10}
    with pytest.raises(fleet.FleetError) as caught:
        fleet.wait(machines, "running", timeout=60, push=True)
    assert {type(error) for error in caught.value.errors.values()} == {WaitFailed}


@pytest.mark.parametrize("ended_by", ["the server", "the network"])
def test_cut_five_times_no_transition_is_lost(cloud: Emulator, site: Site, ended_by: str) -> None:
    """In each of five rounds the feed is cut; some machines change meanwhile, others when it is back."""
    with Relay(cloud.url()) as relay, cloud.datacenter(location=relay.url) as sdc:
        machines = fleet_of(sdc, site, 30)
        waiting = [site.machines[machine.id] for machine in machines]
        for vm in waiting:
            vm.state = "provisioning"
        first = len(cloud.calls)

        def become_running(count: int) -> None:
            with site.shared.lock:
                for _ in range(count):
                    waiting.pop().state = "running"
                site.changes.publish(cloud.clock.now())

        def cut() -> None:
            for cuts in range(5):
                while asked(cloud, first)["ListMachines"] <= cuts or not len(site.changes):
                    time.sleep(0.01)
                time.sleep(0.05)  # so that the answer to the list arrives
                if ended_by == "the server":
                    with site.shared.lock:
                        site.changes.end()
                else:
                    relay.cut()
                become_running(3)
                while asked(cloud, first)["changefeed"] <= cuts + 1:
                    time.sleep(0.01)
                become_running(3)

        cutting = threading.Thread(target=cut)
        cutting.start()
        began = cloud.clock.monotonic()
        fleet.wait(machines, "running", 600, push=True)
        seconds = cloud.clock.monotonic() - began
        cutting.join()
    assert {machine.state for machine in machines} == {"running"}
    assert asked(cloud, first) == {"changefeed": 6, "ListMachines": 6}
    assert seconds < 600


def test_changes_while_the_feed_is_disconnected_are_noticed(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    machines = fleet_of(sdc, site, 40)
    first = len(cloud.calls)
    is_over = threading.Event()

    def cut() -> None:
        for cuts in range(5):
            while asked(cloud, first)["changefeed"] <= cuts and not is_over.is_set():
                time.sleep(0.01)
            time.sleep(0.1)
            with site.shared.lock:
                site.changes.end()

    cutting = threading.Thread(target=cut)
    cutting.start()
    result = fleet.run(machines, Machine.stop, fleet.until("stopped", 100), push=True, workers=2)
    is_over.set()
    cutting.join()
    result.raise_errors()
    counted = asked(cloud, first)
    assert counted["changefeed"] >= 2
    assert counted["ListMachines"] == counted["changefeed"]
    assert counted["GetMachine"] == 0


def test_machines_that_are_in_the_state_already_are_looked_at_soon(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    # Stopping a stopped machine changes nothing, so that the feed sends nothing.
    machines = fleet_of(sdc, site, 3)
    for machine in machines:
        site.machines[machine.id].state = "stopped"
    began = cloud.clock.monotonic()
    fleet.run(machines, Machine.stop, fleet.until("stopped", 100), push=True).raise_errors()
    assert cloud.clock.monotonic() - began < 20


def test_machines_without_news_from_the_feed_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator(rate=30) as cloud, cloud.datacenter() as sdc:
        machines = fleet_of(sdc, cloud.site(), 3)
        monkeypatch.setattr(cloud.site().changes, "add", lambda listener: None)
        began = cloud.clock.monotonic()
        fleet.run(machines, Machine.stop, fleet.until("stopped", 300), push=True).raise_errors()
        assert cloud.clock.monotonic() - began > 25


def test_machines_that_the_feed_cannot_know_are_looked_at_at_once(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    machines = fleet_of(sdc, site, 3)
    fleet.run(machines, Machine.delete).raise_errors()
    cloud.clock.advance(60)
    began = cloud.clock.monotonic()
    fleet.wait(machines, "deleted", push=True)
    assert cloud.clock.monotonic() - began < 20


def test_a_step_that_does_nothing_to_the_machine_needs_no_news(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    machines = fleet_of(sdc, site, 3)
    names: list[str] = []
    first, began = len(cloud.calls), cloud.clock.monotonic()
    fleet.run(machines, lambda machine: names.append(machine.name), fleet.until("running"), push=True)
    assert sorted(names) == ["web0", "web1", "web2"]
    assert cloud.clock.monotonic() - began < 20
    assert asked(cloud, first)["GetMachine"] == 0


@pytest.mark.parametrize("push", [False, True])
@pytest.mark.parametrize("timeout", [0, 0.01])
def test_a_wait_of_no_time_after_an_action_ends(
    sdc: DataCenter, site: Site, timeout: float, push: bool
) -> None:
    machines = fleet_of(sdc, site, 3)
    result = fleet.run(machines, Machine.stop, fleet.until("stopped", timeout), push=push)
    assert {type(error) for error in result.errors.values()} <= {WaitTimeout}


@pytest.mark.parametrize("status", [404, 403, 503])
def test_a_server_without_a_feed_is_polled(
    cloud: Emulator, sdc: DataCenter, site: Site, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    machines = fleet_of(sdc, site, 4)
    cloud.faults.add("changefeed", Status(status))
    with caplog.at_level(logging.INFO, "smartdc"):
        fleet.run(machines, Machine.stop, fleet.until("stopped", 60), push=True).raise_errors()
    (said,) = [record for record in caplog.records if "there is no change feed" in record.message]
    assert (said.name, said.levelname) == ("smartdc", "INFO")
    beginning = f"there is no change feed, so machines are polled: GET /my/changefeed: {status} "
    assert said.message.startswith(beginning)


def test_without_the_extra_nothing_is_done(
    cloud: Emulator, sdc: DataCenter, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    machines = fleet_of(sdc, site, 2)
    first = len(cloud.calls)
    monkeypatch.setitem(sys.modules, "websockets.sync.client", None)
    with pytest.raises(ConfigurationError, match=r"smartdc\[stream\]"):
        fleet.run(machines, Machine.stop, push=True)
    assert asked(cloud, first) == {}


def test_push_works_on_a_clock_that_only_waiting_moves() -> None:
    with Emulator() as cloud, cloud.datacenter() as sdc:
        machines = fleet_of(sdc, cloud.site(), 5)
        fleet.run(machines, Machine.stop, fleet.until("stopped", 100), push=True).raise_errors()
        assert {machine.status() for machine in machines} == {"stopped"}


def test_threads_are_named_and_end_with_the_program(
    cloud: Emulator, sdc: DataCenter, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[threading.Thread] = []
    start = threading.Thread.start

    def noting(thread: threading.Thread) -> None:
        started.append(thread)
        start(thread)

    machines = fleet_of(sdc, site, 3)
    first = len(cloud.calls)
    monkeypatch.setattr(threading.Thread, "start", noting)
    fleet.run(machines, fleet.until("running", 60), push=True).raise_errors()
    assert asked(cloud, first) == {"changefeed": 1, "ListMachines": 1}
    ours = [thread for thread in started if thread.name.startswith("smartdc")]
    # A thread for each machine and one for looks; one follows the feed, and one closes it.
    assert Counter(thread.name for thread in ours) == {"smartdc-fleet": 4, "smartdc-fleet-feed": 2}
    assert all(thread.daemon for thread in ours)
