"""What `run`, `wait`, `create` and `until` do with their arguments, and with their defaults."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, WaitTimeout, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.clock import Instant

PACKAGE = "sample-512M"


@pytest.fixture
def machines(sdc: DataCenter, site: Site) -> list[Machine]:
    """Four running machines."""
    return [sdc.machine(site.add_machine(f"web{number}").uuid, lazy=True) for number in range(4)]


def test_a_wait_looks_at_once_and_every_two_seconds(
    cloud: Emulator, machines: list[Machine], capsys: pytest.CaptureFixture[str]
) -> None:
    began = cloud.clock.monotonic()
    fleet.wait(machines, "running")
    assert cloud.clock.monotonic() == began
    with pytest.raises(fleet.FleetError):
        fleet.wait(machines, "stopped", 5)
    assert cloud.clock.monotonic() == pytest.approx(began + 5)
    operations = [call.operation for call in cloud.calls]
    assert operations == ["ListMachines"] * (1 + 4)  # after 0, 2, 4 and 5 seconds; and there was no feed
    assert capsys.readouterr() == ("", "")  # no bar


def test_a_wait_for_any_state(machines: list[Machine]) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^'Stopped' is not a state of a machine: did you mean 'stopped'"
    ):
        fleet.wait(machines, "Stopped", 0)
    with pytest.raises(fleet.FleetError, match=r"gave up after 0 s: .* is not yet 'Stopped', now 'running'"):
        fleet.wait(machines, "Stopped", 0, any_state=True)


def test_a_wait_reads_the_feed_and_reports_if_it_is_told_to(cloud: Emulator, machines: list[Machine]) -> None:
    reported: list[fleet.Counts] = []
    fleet.wait(machines, "running", push=True, progress=reported.append)
    assert [call.operation for call in cloud.calls].count("changefeed") == 1
    assert reported[-1] == {"untried": 0, "under way": 0, "waiting": 0, "done": 4, "failed": 0}
    fleet.wait(machines[:1], "running", push=True)
    assert [call.operation for call in cloud.calls].count("changefeed") == 2


def test_until_waits_for_one_machine_as_poll_until_does(cloud: Emulator, machines: list[Machine]) -> None:
    began = cloud.clock.monotonic()
    with pytest.raises(WaitTimeout, match=r"gave up after 9 s: .* is not yet 'odd'"):
        fleet.until("odd", 9, 3, any_state=True)(machines[0])
    assert cloud.clock.monotonic() == pytest.approx(began + 9)
    assert [call.operation for call in cloud.calls] == ["GetMachine"] * 4  # after 0, 3, 6 and 9 seconds


@pytest.mark.parametrize(("workers", "most"), [(None, 10), (1, 1), (3, 3)])
def test_so_many_steps_run_at_once(sdc: DataCenter, site: Site, workers: int | None, most: int) -> None:
    machines = [sdc.machine(site.add_machine(f"web{number}").uuid, lazy=True) for number in range(most + 2)]
    lock, release, running, seen = threading.Lock(), threading.Event(), [0], [0]

    def step(machine: Machine) -> None:
        with lock:
            running[0] += 1
            seen[0] = max(seen[0], running[0])
            is_full = running[0] == most
        if is_full and not release.is_set():
            time.sleep(0.02)  # another thread would begin meanwhile
            release.set()
        assert release.wait(5)
        with lock:
            running[0] -= 1

    fleet.run(machines, step, workers=workers).raise_errors()
    assert seen == [most]


def test_a_clock_that_stands_still_is_refused(cloud: Emulator) -> None:
    class Still(Instant):
        """As that of an emulator at rate 0 in another process."""

        is_out_of_reach = True

    with cloud.datacenter(clock=Still()) as sdc:
        machine = sdc.machine(cloud.site().add_machine("web").uuid, lazy=True)
        assert fleet.run([machine], lambda machine: machine.id).values == [machine.id]
        with pytest.raises(ConfigurationError, match=r"^the emulator's time stands still \(rate 0\)"):
            fleet.run([machine], fleet.until("running"))
    assert cloud.calls == []


SPECS = "specs is a list of dicts with the arguments of create_machine, not "
NO_NMAE = "specification 1 does not fit create_machine: got an unexpected keyword argument 'nmae'"


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (None, f"{SPECS}NoneType"),
        ("web", f"{SPECS}str"),
        ({"name": "web"}, f"{SPECS}dict"),
        (5, f"{SPECS}int"),
        ([{"name": "a"}, "web"], "specification 1 is a dict with the arguments of create_machine, not 'web'"),
        ([{"name": "a"}, {"nmae": "web"}], NO_NMAE),
    ],
    ids=["None", "text", "dict", "number", "entry", "argument"],
)
def test_specifications(cloud: Emulator, sdc: DataCenter, specs: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        fleet.create(sdc, specs)
    assert str(caught.value) == message
    with pytest.raises(ConfigurationError, match=r"^datacenter is a DataCenter, not str$"):
        fleet.create("us-sw-1", specs)  # type: ignore[arg-type]
    assert cloud.calls == []


def test_a_specification_that_is_changed_for_the_next(
    sdc: DataCenter, capsys: pytest.CaptureFixture[str]
) -> None:
    spec: dict[str, Any] = {"package": PACKAGE, "image": "base-64-lts", "tags": {}, "affinity": []}

    def each() -> Any:
        for number in range(2):
            spec["name"] = spec["tags"]["of"] = f"web{number}"
            yield spec

    made = fleet.create(sdc, each())
    assert [(machine.name, machine.tags) for machine in made] == [
        ("web0", {"of": "web0"}),
        ("web1", {"of": "web1"}),
    ]
    assert capsys.readouterr() == ("", "")
