"""Control over HTTP: its operations, and the requests that it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from smartdc import APIError, DataCenter
from smartdc.emulator import Emulator
from smartdc.emulator.faults import HAPROXY_503
from smartdc.emulator.remote.operations import OPERATIONS
from tests.helpers.emulator_http import Control


@pytest.fixture(scope="module")
def shared() -> Iterator[Control]:
    """An emulator for requests that change nothing."""
    with Emulator() as cloud:
        yield Control(cloud)


@pytest.fixture
def control(cloud: Emulator) -> Control:
    return Control(cloud)


def test_the_clock(control: Control, sdc: DataCenter) -> None:
    machine = sdc.create_machine(name="web", package="sample-512M", image="base64")
    now = control.ask("GET", "clock").json["now"]
    assert control.ask("POST", "clock", {"advance": 60}).json == {"now": now + 60}
    assert control.cloud.clock.now() == now + 60
    assert sdc.machine(machine).state == "running"


def test_faults(control: Control, sdc: DataCenter) -> None:
    plan = {"operation": "ListImages", "fault": "HAPROXY_503", "times": 1}
    (planned,) = control.ask("POST", "faults", {"faults": [plan], "seed": 7}).json
    assert (planned["fault"], planned["status"], planned["applied"]) == ("Status", 503, 0)
    sdc.images()  # the client repeats the request after the 503
    assert [planned["applied"] for planned in control.ask("GET", "faults").json] == [1]
    assert control.ask("DELETE", "faults").status == 204
    assert control.cloud.faults.planned == []
    toml = b'[[faults]]\noperation = "GetImage"\nfault = "Delay"\nseconds = 2\n'
    answer = control.ask("POST", "faults", toml, headers={"Content-Type": "application/toml; charset=utf-8"})
    assert [(planned["fault"], planned["seconds"]) for planned in answer.json] == [("Delay", 2)]


def test_if_one_fault_has_an_error_none_is_added(control: Control) -> None:
    plans = [{"operation": "GetMachine", "fault": "Garbage"}, {"operation": "GetMachin", "fault": "Garbage"}]
    answer = control.ask("POST", "faults", {"faults": plans})
    answer.refused(400, "faults[1].operation cannot be used: there is no operation 'GetMachin'; did you mean")
    assert control.cloud.faults.planned == []


def test_throttle_and_read_only(control: Control, sdc: DataCenter) -> None:
    assert control.ask("POST", "throttle", {"rate": 2, "burst": 5}).status == 204
    assert control.ask("POST", "read-only", {"seconds": 60}).status == 204
    status = control.ask("GET", "status").json
    assert (status["throttle"], status["read_only"]) == ({"rate": 2, "burst": 5}, True)
    control.ask("POST", "clock", {"advance": 61})
    assert control.ask("GET", "status").json["read_only"] is False
    control.ask("DELETE", "throttle")
    control.ask("POST", "read-only")
    control.ask("DELETE", "read-only")
    status = control.ask("GET", "status").json
    assert (status["throttle"], status["read_only"]) == (None, False)


def test_the_next_provision_fails(control: Control, sdc: DataCenter) -> None:
    control.ask("POST", "fail-next-provision", {"how": "on server", "datacenter": "us-sw-1"})
    machine = sdc.create_machine(name="web", package="sample-512M", image="base64")
    control.ask("POST", "clock", {"advance": 60})
    assert sdc.machine(machine).state == "failed"


def test_calls_and_violations(control: Control, sdc: DataCenter) -> None:
    sdc.images()
    with pytest.raises(APIError):
        sdc.machine("10e45790-ec07-49ca-acb2-38ad15712ec2")
    images, machine = control.ask("GET", "calls").json
    assert (images["operation"], images["path"], images["status"]) == ("ListImages", "/my/images", 200)
    assert (machine["operation"], machine["code"]) == ("GetMachine", "ResourceNotFound")
    assert images["headers"]["authorization"] == "(not recorded)"
    assert [call["operation"] for call in control.ask("GET", "calls?last=1").json] == ["GetMachine"]
    assert control.ask("GET", "calls?last=0").json == []
    control.cloud.violations.append("an action on a deleted machine")
    assert control.ask("GET", "violations").json == ["an action on a deleted machine"]
    control.ask("DELETE", "violations")
    control.ask("DELETE", "calls")
    assert (control.cloud.violations, control.cloud.calls) == ([], [])


def test_control_requests_are_not_in_the_log(control: Control) -> None:
    seen: list[Any] = []
    control.cloud.on_call.append(seen.append)
    control.ask("GET", "status")
    control.ask("GET", "status", token="wrong")
    assert (control.cloud.calls, seen) == ([], [])


def test_machines(control: Control) -> None:
    control.cloud.site("us-sw-1").add_machine("web0", tags={"role": "web"})
    control.cloud.site("us-east-1").add_machine("web1", state="stopped")
    both = control.ask("GET", "machines").json
    assert [(row["name"], row["state"], row["datacenter"]) for row in both] == [
        ("web0", "running", "us-sw-1"),
        ("web1", "stopped", "us-east-1"),
    ]
    assert (both[0]["tags"], both[0]["account"], both[0]["image"]) == ({"role": "web"}, "test", "base64")
    for query, names in (("state=stopped", ["web1"]), ("datacenter=us-sw-1", ["web0"]), ("state=failed", [])):
        assert [row["name"] for row in control.ask("GET", f"machines?{query}").json] == names


def test_contents_are_added(control: Control) -> None:
    site = {"name": "us-sw-1", "machines": [{"name": "web0", "account": "acme"}]}
    added = control.ask("POST", "contents", {"accounts": [{"login": "acme"}], "datacenters": [site]})
    assert (added.status, added.body) == (204, b"")
    (machine,) = control.ask("GET", "machines").json
    assert (machine["name"], machine["account"]) == ("web0", "acme")
    with control.cloud.datacenter(key_id="/acme/keys/test_key") as acme:  # it has the emulator's key
        assert [found.name for found in acme.machines()] == ["web0"]
    toml = b'[[datacenters]]\nname = "us-sw-1"\n[[datacenters.machines]]\nname = "web1"\nimage = "nope"\n'
    control.ask("POST", "contents", toml, headers={"Content-Type": "application/toml"}).refused(
        400, "contents:5: datacenters[0].machines[0].image cannot be used"
    )


def test_reset(control: Control, sdc: DataCenter) -> None:
    sdc.create_machine(name="web", package="sample-512M", image="base64")
    control.ask("POST", "throttle")
    control.cloud.faults.add("*", HAPROXY_503)
    assert control.ask("POST", "reset").status == 204
    assert control.ask("GET", "machines").json == []
    status = control.ask("GET", "status").json
    assert (status["faults"], status["throttle"], status["calls"]) == ([], None, 0)
    assert sdc.machines() == []
    contents = {"datacenters": [{"name": "us-sw-1", "machines": [{"name": "web0"}]}]}
    control.ask("POST", "reset", contents)
    assert [machine.name for machine in sdc.machines()] == ["web0"]
    contents["datacenters"][0]["machines"] = [{"name": "web1"}, {"nme": "web2"}]
    control.ask("POST", "reset", contents).refused(400, "did you mean name?")
    assert [machine.name for machine in sdc.machines()] == ["web0"]


BAD: list[tuple[str, str, Any, int, str]] = [
    ("POST", "clock", {}, 400, "needs advance"),
    ("POST", "clock", {"advance": -1}, 400, "advance must be"),
    ("POST", "clock", {"advance": 10**400}, 400, "advance must be"),
    ("POST", "clock", {"advance": "60"}, 400, "must be a number"),
    ("POST", "clock", {"advance": True}, 400, "must be a number"),
    ("POST", "clock", {"advanc": 60}, 400, "did you mean advance?"),
    ("POST", "clock", b'{"advance": NaN}', 400, "NaN is not a JSON number"),
    ("POST", "clock", b'{"advance": 1e999}', 400, "advance must be"),
    ("POST", "clock", b"[60]", 400, "must be an object"),
    ("POST", "clock", b"{", 400, "not JSON"),
    ("POST", "clock", b"\xff", 400, "not JSON"),
    ("POST", "clock", b"[" * 100_000, 400, "nested too deeply"),
    ("POST", "throttle", {"rate": 0}, 400, "rate must be"),
    ("POST", "throttle", {"rate": 10**400}, 400, "rate is too large"),
    ("POST", "throttle", {"burst": 0.5}, 400, "burst must be"),
    ("POST", "read-only", {"seconds": 0}, 400, "seconds must be"),
    ("POST", "fail-next-provision", {"how": "maybe"}, 400, "on server"),
    ("POST", "fail-next-provision", {"datacenter": "nowhere"}, 400, "no data center 'nowhere'"),
    ("POST", "faults", {"faults": {}}, 400, "a list of tables"),
    ("POST", "contents", {"machines": []}, 400, "machines is not known"),
    ("GET", "machines?datacenter=nowhere", None, 400, "no data center 'nowhere'"),
    ("GET", "machines?stat=running", None, 400, "did you mean state?"),
    ("GET", "machines?state=runing", None, 400, "not 'runing'; did you mean running?"),
    ("GET", "calls?last=-1", None, 400, "last must be"),
    ("GET", "calls?last=9999999999", None, 400, "last must be"),
    ("GET", "calls/../status", None, 404, "nothing at"),
    ("GET", "nothing", None, 404, "nothing at"),
    ("PUT", "clock", {}, 405, "has GET, POST"),
    ("POST", "events", {}, 405, "has GET"),
    ("POST", "", {}, 405, "has GET"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "part"), BAD)
def test_refused_requests(shared: Control, method: str, path: str, body: Any, status: int, part: str) -> None:
    before = shared.ask("GET", "status").json
    shared.ask(method, path, body).refused(status, part)
    assert shared.ask("GET", "status").json == before


def test_a_body_needs_a_media_type_and_must_be_short(shared: Control) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        shared.ask("POST", "clock", b"{}", headers={"Content-Type": media_type}).refused(415, "must be")
    shared.ask("POST", "contents", b" " * (16 * 1024 * 1024 + 1)).refused(413, "more than")


def test_each_port_serves_the_control(shared: Control) -> None:
    status = shared.ask("GET", "status").json
    assert [site["url"] for site in status["datacenters"]] == list(shared.cloud.urls.values())
    other = Control(shared.cloud)
    other.address = other.address._replace(netloc=status["datacenters"][2]["url"].partition("//")[2])
    assert other.ask("GET", "status").json == status


def test_each_operation_is_in_the_docs(pytestconfig: pytest.Config) -> None:
    page = (pytestconfig.rootpath / "docs" / "emulator-control.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    documented = {tuple(row.split("`")[1].split()[:2]) for row in rows}
    assert documented == {*OPERATIONS, ("GET", "events")}
