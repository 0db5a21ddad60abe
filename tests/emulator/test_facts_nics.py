"""NICs."""

from dataclasses import replace
from uuid import uuid4

import pytest

from smartdc.emulator.state.vm import VM
from tests.emulator.facts import fact
from tests.helpers.raw_requests import UNKNOWN, Raw


@pytest.fixture
def vm(raw: Raw) -> VM:
    """A running machine on the external and the fabric network."""
    return raw.site.add_machine()


def network(raw: Raw, name: str) -> str:
    return next(known.uuid for known in raw.site.networks.values() if known.name == name)


def mac(nic: str) -> str:
    return nic.replace(":", "")


@fact("versions.md#what-came-with-which-version")
@pytest.mark.parametrize("version", ["~7.0", "~7.1", "7.0.0"])
def test_nics_below_7_2(raw: Raw, vm: VM, version: str) -> None:
    headers = {"Accept-Version": version}
    for path in ("nics", f"nics/{mac(vm.nics[0].mac)}"):
        answer = raw.get(f"/my/machines/{vm.uuid}/{path}", headers=headers)
        answer.refused(400, "InvalidVersion", early=True)
    assert raw.get(f"/my/machines/{vm.uuid}/nics", headers={"Accept-Version": "~7.2"}).status == 200


@fact("networks.md#mac-in-the-path")
def test_nic_by_mac(raw: Raw, vm: VM) -> None:
    path = f"/my/machines/{vm.uuid}/nics"
    nics = raw.get(path).ok()
    assert [nic["mac"] for nic in nics] == [nic.mac for nic in vm.nics]
    assert len(nics) == 2
    for nic in nics:
        assert raw.get(f"{path}/{mac(nic['mac'])}").ok() == nic
        assert raw.get(f"{path}/{mac(nic['mac']).upper()}").ok() == nic  # nics.js: the pattern ignores case
        for verb in ("GET", "DELETE"):
            answer = raw.ask(verb, f"{path}/{nic['mac']}")
            answer.refused(409, "InvalidArgument", "mac has invalid format")
    # nics.js checks only the beginning; then NAPI checks all of it (validate.js).
    raw.get(f"{path}/{mac(vm.nics[0].mac)}0").refused(422, "InvalidParameters", field="mac")
    raw.get(f"{path}/baadd34db33f").refused(404, "ResourceNotFound", "nic not found")
    raw.delete(f"{path}/baadd34db33f").refused(404, "ResourceNotFound", "nic not found")


@fact("networks.md#add-a-nic", "requests.md#redirects-are-answers")
def test_nic_added(raw: Raw, vm: VM) -> None:
    path, private = f"/my/machines/{vm.uuid}/nics", network(raw, "private")
    answer = raw.post(path, {"network": private})
    nic = answer.ok(201)
    location = f"/test/machines/{vm.uuid}/nics/{mac(nic['mac'])}"
    assert answer.headers["Location"] == location
    assert (nic["state"], nic["network"], nic["primary"]) == ("provisioning", private, False)
    for _ in range(2):  # while it is being added, and afterwards
        again = raw.post(path, {"network": private})
        again.empty(302)
        assert again.headers["Location"] == location
        raw.cloud.clock.advance(11)
    assert raw.get(location).ok() == {**nic, "state": "running"}
    raw.post(path, {"network": UNKNOWN}).refused(409, "InvalidArgument", "network not found")


@fact("networks.md#remove-a-nic")
def test_nic_removed(raw: Raw, vm: VM) -> None:
    path = f"/my/machines/{vm.uuid}/nics/{mac(vm.nics[1].mac)}"
    raw.delete(path).empty(204)
    assert raw.get(path).status == 200
    raw.cloud.clock.advance(11)
    raw.get(path).refused(404, "ResourceNotFound", "nic not found")


@fact("networks.md#nic-of-another-machine", "networks.md#nics-of-a-deleted-machine")
def test_nics_of_other_machines(raw: Raw, vm: VM) -> None:
    other, gone = raw.site.add_machine(), raw.site.add_machine(state="destroyed")
    assert raw.get(f"/my/machines/{vm.uuid}/nics/{mac(other.nics[0].mac)}").ok()["ip"] == other.nics[0].ip
    assert raw.get(f"/my/machines/{gone.uuid}/nics").ok() == []
    assert raw.head(f"/my/machines/{gone.uuid}/nics").headers["x-resource-count"] == "0"
    raw.get(f"/my/machines/{UNKNOWN}/nics").refused(404, "ResourceNotFound", "VM not found")
    raw.get("/my/machines/wowzers/nics").refused(409, "ValidationFailed", field="uuid")
    stranger = raw.site.add_machine(account=raw.cloud.add_account("stranger"))
    answer = raw.get(f"/my/machines/{vm.uuid}/nics/{mac(stranger.nics[0].mac)}")
    answer.refused(404, "ResourceNotFound", "nic not found")


def test_nic_arguments(raw: Raw, vm: VM) -> None:
    # nics.js and validation/networks.js; the messages about addresses are in CloudAPI's nics.test.js.
    path, fabric = f"/my/machines/{vm.uuid}/nics", network(raw, "My-Fabric-Network")
    for nothing in ({}, {"network": ""}, {"network": None}):
        raw.post(path, nothing).refused(409, "MissingParameter", "network must be specified")
    raw.post(path, {"network": "x"}).refused(409, "InvalidArgument", "network argument has invalid format")
    message = "network argument must be a network object or string"
    raw.post(path, {"network": 5}).refused(409, "InvalidArgument", message)
    nothings: list[object] = [{}, []]
    for empty in nothings:
        message = "network objects must contain ipv4_uuid"
        raw.post(path, {"network": empty}).refused(409, "MissingParameter", message)
    lonely = raw.site.add_machine(networks=[network(raw, "external")])
    path = f"/my/machines/{lonely.uuid}/nics"

    def wanted(ip: str) -> dict[str, object]:
        return {"network": {"ipv4_uuid": fabric, "ipv4_ips": [ip]}}

    gateway = raw.site.networks[fabric].gateway or ""
    message = f"cannot use {gateway} because it is a managed IP"
    raw.post(path, wanted(gateway)).refused(409, "InvalidArgument", message)
    message = "cannot validate 1.2.3.4: IP is not in subnet"
    raw.post(path, wanted("1.2.3.4")).refused(404, "ResourceNotFound", message)
    message = "cannot validate 111.x: Invalid IP address"
    raw.post(path, wanted("111.x")).refused(404, "ResourceNotFound", message)
    taken = vm.nics[1].ip
    answer = raw.post(path, wanted(taken))
    answer.refused(422, "InvalidParameters", "Invalid parameters", field="ip", detail="IP in use")
    assert raw.post(path, wanted("192.168.131.7")).ok(201)["ip"] == "192.168.131.7"


def test_nics_of_a_machine_that_is_being_provisioned(raw: Raw) -> None:
    image, package = next(iter(raw.site.images)), next(iter(raw.site.packages))
    made = raw.post("/my/machines", {"image": image, "package": package}).ok(201)
    path = f"/my/machines/{made['id']}/nics"
    # NAPI has the NICs from the beginning, the machine has them halfway through the job.
    before = raw.get(path).ok()
    assert {nic["state"] for nic in before} == {"provisioning"}
    answer = raw.post(path, {"network": network(raw, "private")})
    answer.refused(409, "UnallocatedVM")
    assert len(raw.get(path).ok()) == len(before) == 2  # the refused NIC is released
    raw.cloud.clock.advance(21)
    assert [nic["state"] for nic in raw.get(path).ok()] == ["running", "running"]


def test_a_nic_that_cannot_be_added_is_removed(raw: Raw) -> None:
    # docs, AddNic: if the provision fails, the NIC is removed and GetNic gives 404.
    vm = raw.site.add_machine()
    path = f"/my/machines/{vm.uuid}/nics"
    raw.post(f"/my/machines/{vm.uuid}?action=rename", {"name": f"n-{vm.uuid}"}).empty(202)
    nic = raw.post(path, {"network": network(raw, "private")}).ok(201)
    assert len(raw.get(path).ok()) == 3
    vm.state = "unreachable"  # its server is lost before the job begins
    raw.cloud.clock.advance(20)
    raw.get(f"{path}/{mac(nic['mac'])}").refused(404, "ResourceNotFound", "nic not found")
    assert len(raw.get(path).ok()) == 2


def test_the_last_address(raw: Raw, vm: VM) -> None:
    known = raw.site.networks[network(raw, "private")]
    small = replace(known, uuid=str(uuid4()), name="small", subnet="10.9.9.0/29", gateway="10.9.9.1")
    small.provision_start_ip = small.provision_end_ip = "10.9.9.4"
    small.in_use, small.nics = set(), {}
    raw.site.networks[small.uuid] = small
    raw.post(f"/my/machines/{vm.uuid}/nics", {"network": small.uuid}).ok(201)
    other = raw.site.add_machine()
    raw.post(f"/my/machines/{other.uuid}/nics", {"network": small.uuid}).refused(507, "SubnetFull")
