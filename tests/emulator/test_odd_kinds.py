"""JSON values of unexpected types: the emulator answers like the server and never fails itself.

It reports its own failures in `violations` as "the emulator failed at ..."; if the server answers 500, that
is a fact of docs/cloudapi.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

import pytest

from smartdc.emulator.app import TABLE
from smartdc.emulator.http.routes import Route
from tests.emulator.facts import fact
from tests.helpers.raw_requests import Key, Raw
from tests.helpers.sizes import in_two_sizes

RULE = "FROM any TO all vms ALLOW tcp PORT 22"
ODD: tuple[Any, ...] = (5, None, "", [], ["x"], [None], {}, {"a": 1})
#: Parameters that the checks before the handlers read for every operation.
OF_ALL = ("as-role", "image", "machine")
EXAMPLES = {"tag.": ("tag.x", "tag.triton.cns.services"), "metadata.": ("metadata.x",)}
EXAMPLES["*"] = ("x", "triton.cns.services", "triton.cns.disable", "user-script")
NUMBERS = itertools.count(2)

# Valid bodies, of which each request replaces one field.
BODIES: dict[str, list[dict[str, Any]]] = {
    "AddNic": [{}],
    "ChangeUserPassword": [{"password": "secret123x", "password_confirmation": "secret123x"}],
    "CreateFabricNetwork": [
        {
            "name": "net",
            "subnet": "10.5.0.0/16",
            "provision_start_ip": "10.5.0.5",
            "provision_end_ip": "10.5.0.99",
        }
    ],
    "CreateFabricVLAN": [{"vlan_id": 4001, "name": "vlan"}],
    "CreateFirewallRule": [{"rule": RULE}],
    "CreateImageFromMachine": [
        {"name": "image", "version": "1"},
        {"action": "import-from-datacenter", "datacenter": "us-east-1", "id": "x"},
    ],
    "CreateKey": [{"name": "key", "key": Key.new("ed25519").openssh}],
    "CreateMachine": [{"name": "web"}],
    "CreateMachineDisk": [{"size": 1024}],
    "CreateMachineSnapshot": [{"name": "snapshot"}],
    "CreatePolicy": [{"name": "policy", "rules": ["CAN getmachine"]}],
    "CreateRole": [{"name": "role"}],
    "CreateUser": [{"login": "alice", "email": "a@example.com", "password": "secret123"}],
    "CreateVolume": [{"type": "tritonnfs"}],
    "Migrate": [{"action": action} for action in ("begin", "estimate")],
    "ResizeMachineDisk": [{"action": "resize", "size": 2048}],
    "UpdateImage": [{"action": action} for action in ("update", "export", "clone")],
    "UpdateMachine": [{"action": action} for action in ("start", "resize", "rename")],
}
ROUTES = [route for route in TABLE.routes if route.method in ("POST", "PUT", "DELETE")]


def resources(raw: Raw) -> dict[str, str]:
    """The parameters of paths; most of them name an object that exists."""
    number = next(NUMBERS)
    user = {"login": f"user{number}", "email": f"u{number}@example.com", "password": "secret123"}
    raw.post("/my/fabrics/default/vlans", {"vlan_id": number, "name": f"vlan{number}"})
    raw.add_key(f"key{number}", Key.new("ed25519"))
    machine = raw.site.add_machine().uuid
    return {
        "account": "my",
        "machine": machine,
        "dataset": raw.get("/my/images").json[0]["id"],
        "package": raw.get("/my/packages").json[0]["name"],
        "network": raw.get("/my/networks").json[0]["id"],
        "id": raw.post("/my/fwrules", {"rule": RULE}).ok(201)["id"],
        "user": (uuid := raw.post("/my/users", user).ok(201)["id"]),
        "uuid": uuid,
        "policy": raw.post("/my/policies", {"name": f"p{number}", "rules": ["CAN x"]}).ok(201)["id"],
        "role": raw.post("/my/roles", {"name": f"role{number}"}).ok(201)["id"],
        "accesskeyid": raw.post("/my/accesskeys", {}).json.get("accesskeyid", "x"),  # there is a limit
        "name": f"key{number}",
        "vlan_id": str(number),
        "resource_name": "machines",
        "resource_id": machine,
        "mac": "903211223344",
    }


def path(route: Route, values: Mapping[str, str]) -> str:
    return re.sub(r":(\w+)", lambda name: values.get(name[1], "x"), route.path)


@pytest.mark.stress
@in_two_sizes(sample=1, whole=len(ODD))
@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_no_type_of_value_makes_the_emulator_fail(raw: Raw, route: Route, size: int) -> None:
    values = resources(raw)
    known = {"image": values["dataset"], "package": values["package"], "network": values["network"]}
    before = len(raw.cloud.violations)
    asked = [name for param in route.params for name in EXAMPLES.get(param, (param,))]
    for body in BODIES.get(route.name, [{}]):
        whole = {**{name: known[name] for name in known if name in route.params}, **body}
        for place, name in enumerate(dict.fromkeys((*asked, *route.path_params, *OF_ALL))):
            for odd in itertools.islice(itertools.cycle(ODD), place, place + size):
                raw.ask(route.method, path(route, values), json={**whole, name: odd})
        values = resources(raw)
    failures = [entry for entry in raw.cloud.violations[before:] if "the emulator failed" in entry]
    assert failures == []


@fact("create.md#odd-networks")
@pytest.mark.parametrize("odd", [5, True, {}, {"external": 1}])
def test_default_networks_that_cannot_be_searched(raw: Raw, odd: object) -> None:
    image, package = (raw.get(f"/my/{kind}").json[0]["id"] for kind in ("images", "packages"))
    answer = raw.post("/my/machines", {"image": image, "package": package, "default_networks": odd})
    assert (answer.status, answer.json) == (500, {"message": "defaultNetworks.indexOf is not a function"})
    assert not any("the emulator failed" in entry for entry in raw.cloud.violations)


@fact("hazards.md#empty-machine-id")
@pytest.mark.parametrize("odd", ["", None, 0, False])
def test_a_body_that_empties_the_machine_id(fresh: Raw, odd: object) -> None:
    vm = fresh.site.add_machine()
    target = f"/my/machines/{vm.uuid}"
    for method, suffix, body in (
        ("POST", "", {"action": "stop"}),
        ("POST", "/metadata", {"a": "b"}),
        ("PUT", "/tags", {}),
        ("DELETE", "", {}),
    ):
        answer = fresh.ask(method, f"{target}{suffix}", json={**body, "machine": odd})
        answer.refused(500, "InternalError")
        assert fresh.cloud.violations.pop().endswith("(docs/cloudapi/hazards.md#empty-machine-id)")
    # An empty list or object is true in JavaScript: the server looks it up, and it is not a UUID.
    others: tuple[object, ...] = ([], {})
    for other in others:
        answer = fresh.post(target, {"action": "stop", "machine": other})
        answer.refused(409, "ValidationFailed", field="uuid")
    assert fresh.cloud.violations == []
    assert vm.state == "running"


# `if (req.params.password)` and the like: an empty list or object is true for JavaScript.
# https://github.com/TritonDataCenter/sdc-cloudapi/blob/master/lib/users.js
@pytest.mark.parametrize("odd", [[], {}])
def test_an_empty_list_or_object_is_a_value(fresh: Raw, odd: object) -> None:
    user = {"login": "alice", "email": odd, "password": "secret123"}
    fresh.post("/my/users", user).refused(409, "InvalidArgument")
    policy = {"name": "reading", "rules": odd}
    assert "Request is missing required parameters" not in fresh.post("/my/policies", policy).json["message"]
    assert fresh.cloud.violations == []
