"""Waits that the change feed serves: no polling, and no transition lost."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, WaitFailed, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Status
from smartdc.emulator.state.site import Site


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """Time runs by itself: the feed tells while nobody asks."""
    with Emulator(rate=5) as cloud:
        yield cloud
        assert cloud.violations == []


def fleet_of(sdc: DataCenter, site: Site, size: int) -> list[Machine]:
    for number in range(size):
        site.add_machine(f"web{number}", networks=())
    return sdc.machines()


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


def test_deletions_are_told(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    given = fleet_of(sdc, site, 10)
    first = len(cloud.calls)
    fleet.run(given, Machine.delete, fleet.until("deleted"), push=True).raise_errors()
    assert asked(cloud, first) == {"changefeed": 1, "ListMachines": 1, "DeleteMachine": 10}
    with pytest.raises(fleet.FleetError) as caught:
        fleet.wait(given, "running", timeout=60, push=True)
    assert {type(error) for error in caught.value.errors.values()} == {WaitFailed}


def test_cut_five_times_no_transition_is_lost(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    given = fleet_of(sdc, site, 40)
    first = len(cloud.calls)
    is_over = threading.Event()

    def cut() -> None:
        for _ in range(5):
            opened = asked(cloud, first)["changefeed"]
            while asked(cloud, first)["changefeed"] <= opened and not is_over.is_set():
                time.sleep(0.1)
                with site.shared.lock:
                    site.changes.end()

    cutting = threading.Thread(target=cut)
    cutting.start()
    result = fleet.run(given, Machine.stop, fleet.until("stopped", 100), push=True, workers=2)
    is_over.set()
    cutting.join()
    result.raise_errors()
    counted = asked(cloud, first)
    assert counted["changefeed"] >= 2
    assert counted["ListMachines"] == counted["changefeed"]
    assert counted["GetMachine"] == 0


def test_what_the_feed_does_not_tell_is_looked_at(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    # Stopping what is stopped changes nothing, so that there is nothing to tell.
    given = fleet_of(sdc, site, 3)
    for machine in given:
        site.machines[machine.id].state = "stopped"
    began = cloud.clock.monotonic()
    fleet.run(given, Machine.stop, fleet.until("stopped", 100), push=True).raise_errors()
    assert 25 < cloud.clock.monotonic() - began < 60


@pytest.mark.parametrize("status", [404, 403, 503])
def test_a_server_without_a_feed_is_asked(
    cloud: Emulator, sdc: DataCenter, site: Site, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    given = fleet_of(sdc, site, 4)
    cloud.faults.add("changefeed", Status(status))
    with caplog.at_level(logging.INFO, "smartdc"):
        fleet.run(given, Machine.stop, fleet.until("stopped", 60), push=True).raise_errors()
    assert "there is no change feed" in caplog.text


def test_without_the_extra_nothing_is_done(
    cloud: Emulator, sdc: DataCenter, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = fleet_of(sdc, site, 2)
    first = len(cloud.calls)
    monkeypatch.setitem(sys.modules, "websockets.sync.client", None)
    with pytest.raises(ConfigurationError, match=r"smartdc\[stream\]"):
        fleet.run(given, Machine.stop, push=True)
    assert asked(cloud, first) == {}


def test_a_clock_that_only_waiting_moves_will_do() -> None:
    with Emulator() as cloud, cloud.datacenter() as sdc:
        given = fleet_of(sdc, cloud.site(), 5)
        fleet.run(given, Machine.stop, fleet.until("stopped", 100), push=True).raise_errors()
        assert {machine.status() for machine in given} == {"stopped"}
