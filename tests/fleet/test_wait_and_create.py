"""`fleet.wait` and `fleet.create`: their requests, and how each wait ends."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from smartdc import (
    ConfigurationError,
    DataCenter,
    InvalidArgumentError,
    Machine,
    WaitFailed,
    WaitTimeout,
    fleet,
)
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Delay, Status
from smartdc.emulator.state.site import Site
from tests.fleet.machines import fleet_of
from tests.helpers.recorded import call, sent

PACKAGE = "g3-standard-0.25-smartos"


def specs(sdc: DataCenter, size: int) -> list[dict[str, object]]:
    image = sdc.images(name="base64")[0]
    return [{"name": f"web{number}", "image": image, "package": PACKAGE} for number in range(size)]


def test_machines_are_created_in_the_order_of_their_specifications(sdc: DataCenter, site: Site) -> None:
    made = fleet.create(sdc, specs(sdc, 20))
    assert [machine.name for machine in made] == [f"web{number}" for number in range(20)]
    assert {machine.id for machine in made} == {*site.machines}


def test_a_create_that_fails_is_named_by_its_index(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    wanted = specs(sdc, 6)
    wanted[2]["package"] = wanted[4]["package"] = "no-such-package"
    with pytest.raises(fleet.FleetError, match="2 of 6 failed: specification 2: POST") as caught:
        fleet.create(sdc, wanted)
    assert [*caught.value.errors] == [2, 4]
    assert {type(error) for error in caught.value.errors.values()} == {InvalidArgumentError}
    assert [machine.name for machine in caught.value.machines] == ["web0", "web1", "web3", "web5"]
    assert len(site.machines) == 4


def test_an_invalid_specification_is_refused_before_any_create(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    wanted: list[dict[str, object]] = [*specs(sdc, 2), {"nmae": "web2"}]
    with pytest.raises(ConfigurationError, match=r"specification 2 .*'nmae'"):
        fleet.create(sdc, wanted)
    for odd in (3, None, "web", ["web"]):
        with pytest.raises(ConfigurationError, match="specification 2 is a dict with the arguments"):
            fleet.create(sdc, [*specs(sdc, 2), odd])  # type: ignore[list-item]
    assert site.machines == {}


@pytest.mark.stress
def test_waiting_for_300_created_machines_costs_a_list_a_look(note: Callable[[str], None]) -> None:
    with Emulator(rate=10) as cloud, cloud.datacenter() as sdc:
        made = fleet.create(sdc, specs(sdc, 300))
        first, began = len(cloud.calls), cloud.clock.monotonic()
        fleet.wait(made, "running", timeout=600)
        seconds, calls = cloud.clock.monotonic() - began, sent(cloud, first)
    assert {machine.state for machine in made} == {"running"}
    note(f"fleet.wait: 300 machines provisioned in {seconds:.1f} s, {len(calls)} requests")
    assert len(calls) <= 3 + seconds / 2


def test_one_list_is_a_look_at_all(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machines = fleet_of(sdc, site, 40)
    first = len(cloud.calls)
    fleet.wait(machines, "running")
    assert sent(cloud, first) == [call("GET", "/my/machines")]


def test_a_wait_for_deleted_looks_at_those_that_are_not_listed(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    machines = fleet_of(sdc, site, 5)
    fleet.run(machines, Machine.delete).raise_errors()
    cloud.clock.advance(60)
    first = len(cloud.calls)
    fleet.wait(machines, "deleted")
    kinds = Counter((done.operation, done.status) for done in cloud.calls[first:])
    assert kinds == {("ListMachines", 200): 1, ("GetMachine", 410): 5}
    assert {machine.state for machine in machines} == {"deleted"}


def test_each_wait_ends_with_its_own_error(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    fails, goes, stays, stops = machines = fleet_of(sdc, site, 4)
    site.machines[fails.id].state = "failed"
    goes.delete()
    stops.stop()
    cloud.clock.advance(60)
    began = cloud.clock.monotonic()
    with pytest.raises(fleet.FleetError) as caught:
        fleet.wait(machines, "stopped", timeout=20)
    assert cloud.clock.monotonic() - began == pytest.approx(20, abs=1)
    errors = caught.value.errors
    assert {*errors} == {fails, goes, stays}
    assert caught.value.machines == [stops]
    assert isinstance(errors[fails], WaitFailed)
    assert isinstance(errors[goes], WaitFailed)
    assert isinstance(errors[stays], WaitTimeout)
    assert f"machine {stays.id} is not yet 'stopped', now 'running'" in str(errors[stays])


def test_a_wait_of_no_time_is_one_look(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machines = fleet_of(sdc, site, 4)
    first, began = len(cloud.calls), cloud.clock.monotonic()
    with pytest.raises(fleet.FleetError, match="gave up after 0 s"):
        fleet.wait(machines, "stopped", timeout=0)
    assert sent(cloud, first) == [call("GET", "/my/machines")]
    assert cloud.clock.monotonic() == began


@pytest.mark.parametrize("alone", [True, False])
def test_the_last_look_is_at_the_end(cloud: Emulator, sdc: DataCenter, site: Site, alone: bool) -> None:
    # As for poll_until: the interval would end later.
    machines = fleet_of(sdc, site, 3)
    began = cloud.clock.monotonic()
    if alone:
        machines[0].stop()
        machines[0].poll_until("stopped", 100, timeout=60)
    else:
        fleet.run(machines, Machine.stop, fleet.until("stopped", 60, 100)).raise_errors()
    assert cloud.clock.monotonic() - began == pytest.approx(60)


@pytest.mark.parametrize("second", [fleet.until("running", 0), fleet.until("running", 0, 20)])
@pytest.mark.parametrize("size", [1, 4])
def test_a_second_wait_of_no_time_is_one_look_at_once(
    cloud: Emulator, sdc: DataCenter, site: Site, second: fleet.Until, size: int
) -> None:
    machines = fleet_of(sdc, site, size)
    first, began = len(cloud.calls), cloud.clock.monotonic()
    fleet.run(machines, fleet.until("running"), second).raise_errors()
    assert cloud.clock.monotonic() == began
    assert len(sent(cloud, first)) == 2


@pytest.mark.parametrize("size", [1, 4])
def test_a_second_wait_looks_at_once_and_at_its_end(
    cloud: Emulator, sdc: DataCenter, site: Site, size: int
) -> None:
    machines = fleet_of(sdc, site, size)
    first, began = len(cloud.calls), cloud.clock.monotonic()
    result = fleet.run(machines, fleet.until("running"), fleet.until("stopped", 3, 60))
    assert {type(error) for error in result.errors.values()} == {WaitTimeout}
    assert cloud.clock.monotonic() - began == pytest.approx(3)
    assert len(sent(cloud, first)) == 1 + 2


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("timeout", [1.0, 1.6])
def test_in_real_time_the_last_look_is_answered_in_time(size: int, timeout: float) -> None:
    with Emulator(rate=1) as cloud, cloud.datacenter(clock=time) as sdc:
        machines = fleet_of(sdc, cloud.site(), size)
        for machine in machines:
            cloud.site().machines[machine.id].state = "stopped"

        def start() -> None:
            for machine in machines:
                cloud.site().machines[machine.id].state = "running"

        soon = threading.Timer(0.3, start)
        soon.start()
        began = time.monotonic()
        fleet.wait(machines, "running", timeout=timeout, interval=60)
        assert time.monotonic() - began < timeout
        soon.join()


@pytest.mark.parametrize("alone", [True, False])
def test_a_wait_that_is_shorter_than_a_look_asks_once(alone: bool) -> None:
    with Emulator(rate=1) as cloud, cloud.datacenter(clock=time) as sdc:
        machines = fleet_of(sdc, cloud.site(), 4)
        first = len(cloud.calls)
        for operation in ("ListMachines", "GetMachine"):
            cloud.faults.add(operation, Delay(0.3), times=9)
        began = time.monotonic()
        if alone:
            with pytest.raises(WaitTimeout, match=r"gave up after 0\.1 s"):
                machines[0].poll_until("stopped", timeout=0.1)
        else:
            with pytest.raises(fleet.FleetError, match=r"gave up after 0\.1 s"):
                fleet.wait(machines, "stopped", timeout=0.1)
        taken = time.monotonic() - began
        while len(cloud.calls) == first and time.monotonic() < began + 5:
            time.sleep(0.01)
        assert len(cloud.calls) == first + 1
    assert taken < 5


@pytest.mark.parametrize("timeout", [0, 0.001])
def test_waits_of_no_time_look_although_threads_are_busy(timeout: float) -> None:
    with Emulator(rate=20) as cloud, cloud.datacenter() as sdc:
        machines = fleet_of(sdc, cloud.site(), 4)
        cloud.faults.add("UpdateMachine", Delay(0.1), times=4)
        first = len(cloud.calls)
        result = fleet.run(machines, Machine.stop, fleet.until("stopped", timeout), workers=1)
        looks = [done for done in cloud.calls[first:] if done.operation in ("ListMachines", "GetMachine")]
    assert {type(error) for error in result.errors.values()} == {WaitTimeout}
    assert len(looks) >= 1


def test_without_an_interval_looks_follow_each_other(sdc: DataCenter, site: Site) -> None:
    machines = fleet_of(sdc, site, 4)
    fleet.run(machines, Machine.stop, fleet.until("stopped", 60, interval=0)).raise_errors()
    assert {machine.state for machine in machines} == {"stopped"}


def test_a_passing_failure_of_a_list_is_followed_by_another_look(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    machines = fleet_of(sdc, site, 4)
    cloud.faults.add("ListMachines", Status(500), times=12)
    fleet.wait(machines, "running", timeout=600)


def test_without_permission_to_list_each_is_looked_at(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machines = fleet_of(sdc, site, 4)
    first = len(cloud.calls)
    cloud.faults.add("ListMachines", Status(403, {"code": "NotAuthorized", "message": "no"}), times=9)
    fleet.wait(machines, "running", timeout=600)
    kinds = Counter((done.operation, done.status) for done in cloud.calls[first:])
    assert kinds == {("ListMachines", 403): 1, ("GetMachine", 200): 4}


def test_unknown_machines_count_as_deleted_once_that_has_settled(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    unknown = [sdc.machine(f"{number}0000000-0000-4000-8000-000000000000", lazy=True) for number in (1, 2, 3)]
    began = cloud.clock.monotonic()
    fleet.wait(unknown, "deleted")
    assert cloud.clock.monotonic() - began == pytest.approx(30, abs=3)
    with pytest.raises(fleet.FleetError) as caught:
        fleet.wait(unknown, "running", timeout=100)
    assert {type(error) for error in caught.value.errors.values()} == {WaitFailed}


def test_fields_that_lists_lack_are_kept(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machines = fleet_of(sdc, site, 3)
    cloud.account.triton_cns_enabled = True
    for machine in machines:
        machine.refresh()
    names = [machine.dns_names for machine in machines]
    assert all(names)
    fleet.wait(machines, "running")
    assert [machine.dns_names for machine in machines] == names


def test_a_machine_that_is_alone_is_looked_at_by_itself(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    (machine,) = fleet_of(sdc, site, 1)
    first = len(cloud.calls)
    fleet.wait([machine], "running")
    assert sent(cloud, first) == [call("GET", f"/my/machines/{machine.id}")]
