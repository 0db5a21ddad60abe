"""`EmulatorControl`: control from another process does the same as in the emulator's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from smartdc import DataCenter
from smartdc.emulator import Emulator, EmulatorControl
from smartdc.emulator.faults import HAPROXY_503, Delay, Drop, HalfBody, Status


@pytest.fixture
def control(cloud: Emulator) -> Iterator[EmulatorControl]:
    with EmulatorControl(cloud.url(), cloud.token, verify=cloud.ca_file) as control:
        yield control


def test_time(control: EmulatorControl, cloud: Emulator) -> None:
    now = cloud.clock.now()
    assert control.now() == now
    assert control.advance(12.5) == now + 12.5 == cloud.clock.now()


def test_faults(control: EmulatorControl, cloud: Emulator, tmp_path: Path) -> None:
    wanted = [HAPROXY_503, Status(429, "no", {"Retry-After": "3"}, "text/plain"), Delay(2), HalfBody()]
    for fault in wanted:
        control.add_fault("GetMachine", fault, times=2, datacenter="us-east-1")
    control.add_fault("*", Drop(after_commit=True), probability=0.25)
    *planned, last = cloud.faults.planned
    assert [plan.fault for plan in planned] == wanted
    assert {(plan.operation, plan.times, plan.datacenter) for plan in planned} == {
        ("GetMachine", 2, "us-east-1")
    }
    assert (last.fault, last.probability, last.times) == (Drop(after_commit=True), 0.25, None)
    assert [fault["applied"] for fault in control.faults()] == [0] * 5
    control.clear_faults()
    assert control.faults() == []
    file = tmp_path / "faults.toml"
    file.write_text('[[faults]]\noperation = "ListImages"\nfault = "Garbage"\n')
    control.load_faults(file)
    assert [fault["fault"] for fault in control.faults()] == ["Garbage"]


def test_switches(control: EmulatorControl, cloud: Emulator) -> None:
    control.throttle(2, burst=5)
    control.read_only(60)
    control.fail_next_provision("on server", datacenter="us-east-1")
    status = control.status()
    assert (status["throttle"], status["read_only"]) == ({"rate": 2, "burst": 5}, True)
    assert cloud.site("us-east-1").fail_next_provision == "on server"
    control.throttle(None)
    control.read_write()
    control.fail_next_provision(False, datacenter="us-east-1")
    status = control.status()
    assert (status["throttle"], status["read_only"]) == (None, False)
    assert cloud.site("us-east-1").fail_next_provision is False


def test_records(control: EmulatorControl, cloud: Emulator, sdc: DataCenter) -> None:
    sdc.images()
    cloud.violations.append("harm")
    assert [call["operation"] for call in control.calls(last=5)] == ["ListImages"]
    assert control.violations() == ["harm"]
    control.clear_calls()
    control.clear_violations()
    assert (control.calls(), control.violations()) == ([], [])


def test_contents(control: EmulatorControl, cloud: Emulator, tmp_path: Path, sdc: DataCenter) -> None:
    cloud.site().add_machine("gone")
    file = tmp_path / "contents.toml"
    file.write_text('[[datacenters]]\nname = "us-sw-1"\n[[datacenters.machines]]\nname = "web0"\n')
    control.reset(file)
    control.add_contents({"datacenters": [{"name": "us-sw-1", "machines": [{"name": "web1"}]}]})
    assert {machine.name for machine in sdc.machines()} == {row["name"] for row in control.machines()}
    assert {row["name"] for row in control.machines(datacenter="us-sw-1", state="running")} == {
        "web0",
        "web1",
    }
    control.reset()
    assert control.machines() == []


def test_refused_requests(control: EmulatorControl, cloud: Emulator, tmp_path: Path) -> None:
    for refused in (
        lambda: control.advance(-1),
        lambda: control.advance(float("nan")),
        lambda: control.machines(datacenter="nowhere"),
        lambda: control.add_fault("GetMachin", Status(503)),
        lambda: control.load_faults(tmp_path / "nothing.toml"),
        lambda: EmulatorControl("http://127.0.0.1:1", "token"),
    ):
        with pytest.raises(ValueError, match=r"must|nowhere|GetMachin|cannot be read|https|compliant"):
            refused()
    wrong = EmulatorControl(cloud.url(), "wrong", verify=cloud.ca_file)
    with pytest.raises(PermissionError, match="token is wrong"):
        wrong.status()
    wrong.close()


def test_the_server_must_be_the_emulator(cloud: Emulator) -> None:
    with (
        EmulatorControl(cloud.url(), cloud.token) as unknown,
        pytest.raises(requests.exceptions.SSLError),
    ):
        unknown.status()


def test_the_token_is_not_shown(control: EmulatorControl, cloud: Emulator) -> None:
    assert cloud.token not in repr(control)
    assert cloud.token not in str(vars(control))
    assert "127.0.0.1" in repr(control)


def test_the_environment_has_no_influence(
    control: EmulatorControl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(netrc))
    assert control.violations() == []
