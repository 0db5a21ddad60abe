"""Single facts of several pages of docs/cloudapi."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.state.vm import Disk, Snapshot
from tests.emulator.facts import fact
from tests.helpers.raw_creation import Creation
from tests.helpers.raw_requests import BAD_CREDENTIALS, UNKNOWN, Key, Raw


@fact("access.md#attestation")
@pytest.mark.parametrize("attestation", ["text", 5, {"a": "b"}, ["a", 5], [None]])
def test_attestation_must_be_a_list_of_strings(raw: Raw, attestation: Any) -> None:
    raw.cloud.account.add_user("bob") if raw.cloud.account.find_user("bob") is None else None
    for path in ("/my/keys", "/my/users/bob/keys"):
        body = {"name": "new", "key": Key.new("ed25519").openssh, "attestation": attestation}
        answer = raw.post(path, body)
        answer.refused(409, "InvalidArgument", "attestation must be an Array of Strings")


@fact("access.md#attestation")
def test_attestation_that_is_accepted(raw: Raw) -> None:
    for attestation in (["a certificate", "another"], [], "", None):
        key = Key.new("ed25519")
        made = raw.post("/my/keys", {"key": key.openssh, "attestation": attestation}).ok(201)
        assert made["fingerprint"] == key.fingerprint


@fact("access.md#access-keys-cannot-be-updated")
def test_access_keys_cannot_be_updated(raw: Raw) -> None:
    made = raw.post("/my/accesskeys", {}).ok(201)
    path = f"/my/accesskeys/{made['accesskeyid']}"
    answer = raw.post(path, {"description": "x"})
    answer.refused(405, "MethodNotAllowedError", early=True)
    with Emulator(schema_only=True) as cloud:
        other = Raw(cloud)
        made = other.post("/my/accesskeys", {}).ok(201)
        changed = other.post(f"/my/accesskeys/{made['accesskeyid']}", {"description": "x"}).ok()
        assert changed["description"] == "x"


def test_a_key_is_uploaded_as_a_form_in_parts(raw: Raw) -> None:
    # CreateKey takes multipart/form-data (lib/keys.js, mount).
    key = Key.new("ed25519")
    parts = [
        ('form-data; name="name"', "laptop"),
        ('form-data; name="key"', key.openssh),
        ('form-data; name="ignored"; filename="a.txt"', "x"),
    ]
    text = "".join(f"--XX\r\nContent-Disposition: {head}\r\n\r\n{value}\r\n" for head, value in parts)
    content_type = "multipart/form-data; boundary=XX"
    answer = raw.ask("POST", "/my/keys", body=f"{text}--XX--\r\n".encode(), content_type=content_type)
    assert answer.ok(201) == {"name": "laptop", "fingerprint": key.fingerprint, "key": key.openssh}


@fact("actions.md#resize-without-a-package")
@pytest.mark.parametrize("body", [{}, {"package": ""}, {"package": None}])
def test_resize_without_a_package_is_to_the_default(fresh: Raw, body: dict[str, Any]) -> None:
    machine = fresh.site.add_machine(package="g4-general-4G")
    path = f"/my/machines/{machine.uuid}"
    fresh.post(f"{path}?action=resize", body).empty(202)
    fresh.cloud.clock.advance(3)
    assert fresh.get(path).ok()["package"] == "g3-standard-0.25-smartos"
    for package in fresh.site.packages.values():
        package.default = False
    answer = fresh.post(f"{path}?action=resize", body)
    answer.refused(409, "MissingParameter", "package must be specified")


@fact("create.md#what-the-answer-to-a-create-lacks")
def test_what_the_answer_to_a_create_lacks(raw: Raw) -> None:
    creation = Creation(raw)
    bhyve = {"image": creation.image("ubuntu-certified-22.04"), "package": "g4-bhyve-4G-flex"}
    answer = creation.ask(**bhyve).ok(201)
    assert "compute_node" in answer
    assert [sorted(disk) for disk in answer["disks"]] == [["boot", "image", "size"], ["size"]]
    assert "free_space" not in answer
    container = creation.ask(delegate_dataset=True).ok(201)
    assert "delegate_dataset" not in container
    assert raw.get(f"/my/machines/{container['id']}").ok()["delegate_dataset"] is True
    shown = raw.get(f"/my/machines/{answer['id']}").ok()
    assert all({"id", "block_size"} <= disk.keys() for disk in shown["disks"])
    assert "free_space" in shown


@fact("create.md#names-of-flat-keys")
def test_names_of_flat_keys(raw: Raw) -> None:
    kept = ["a", "Z-x", "_x", "0", "a b"]
    dropped = ["-x", ".x", " x", "\u00e9", "\u0661", "root_pw", ""]
    body = {f"metadata.{name}": "1" for name in [*kept, *dropped]}
    tags = ["-x", ".x", " x", "\u00e9", "\u0661", "a"]
    made = Creation(raw).made(**body, **{f"tag.{name}": "1" for name in [*tags, ""]})
    assert made["metadata"].keys() - {"root_authorized_keys"} == set(kept)
    assert made["tags"].keys() == set(tags)


@fact("hazards.md#disk-on-a-machine-with-an-image")
def test_a_disk_on_a_machine_with_an_image_is_a_violation(fresh: Raw) -> None:
    made: dict[str, Any] = {"brand": "bhyve", "package": "g4-bhyve-4G-flex", "state": "stopped"}
    boot = Disk(UNKNOWN, 10240, boot=True, image_uuid=UNKNOWN, block_size=None)
    harmless = fresh.site.add_machine(disks=[boot], **made)
    fresh.post(f"/my/machines/{harmless.uuid}/disks", {"size": 1024}).empty(202)
    assert fresh.cloud.violations == []
    deadly = fresh.site.add_machine(disks=[Disk(UNKNOWN, 10240, boot=True, image_uuid=UNKNOWN)], **made)
    fresh.post(f"/my/machines/{deadly.uuid}/disks", {"size": 1024}).empty(202)
    (violation,) = fresh.cloud.violations
    assert "docs/cloudapi/hazards.md#disk-on-a-machine-with-an-image" in violation


@fact("hazards.md#repeated-limit")
@pytest.mark.parametrize("query", ["limit=1&limit=2", "offset=1&offset=2", "tags=*&limit=1&limit=2"])
def test_a_repeated_limit_is_a_violation(fresh: Raw, query: str) -> None:
    assert fresh.get(f"/my/machines?{query}").status == 500
    (violation,) = fresh.cloud.violations
    assert "docs/cloudapi/hazards.md#repeated-limit" in violation


@fact("images-and-packages.md#image-by-id-in-a-list-query")
@pytest.mark.parametrize("name", ["image", "dataset"])
def test_image_by_id_in_a_list_query(raw: Raw, name: str) -> None:
    image = next(iter(raw.site.images))
    assert raw.get(f"/my/images?{name}={image}").status == 500
    assert raw.head(f"/my/images?{name}={image}").status == 500
    raw.get(f"/my/images?{name}={UNKNOWN}").refused(404, "ResourceNotFound")
    assert raw.get(f"/my/images?{name}=base64").ok() == raw.get("/my/images").ok()
    assert raw.cloud.violations == []


@fact("machines.md#machine-id-with-a-space")
@pytest.mark.parametrize("path", ["/my/machines/a%20b", "/my/machines/a%20b/tags"])
def test_machine_id_with_a_space(raw: Raw, path: str) -> None:
    assert raw.get(path).status == 500
    assert raw.head(path).status == 500


@fact("machines.md#dns-names")
def test_dns_names_are_there_where_cns_is_on(fresh: Raw) -> None:
    creation = Creation(fresh)
    off = creation.made()
    assert "dns_names" not in off
    fresh.post("/my", {"triton_cns_enabled": True}).ok()
    answer = creation.ask(name="web", **{"tag.triton.cns.services": "www,api:8080"}).ok(201)
    path = f"/my/machines/{answer['id']}"
    assert fresh.get(path).ok()["dns_names"] == []  # no names yet: clients wait for them
    fresh.cloud.clock.advance(21)
    names = fresh.get(path).ok()["dns_names"]
    owner = fresh.cloud.account.uuid
    hosts = ["web.inst", f"{answer['id']}.inst", "www.svc", "api.svc"]
    assert names == [
        f"{host}.{owner}.us-sw-1.{zone}" for zone in ("triton.zone", "cns.joyent.com") for host in hosts
    ]
    for shown in fresh.get("/my/machines").ok():
        assert "dns_names" not in shown
    fresh.post(f"{path}?action=stop").empty(202)
    fresh.cloud.clock.advance(6)
    assert not any(".svc." in name for name in fresh.get(path).ok()["dns_names"])
    fresh.post(f"{path}/tags", {"triton.cns.disable": True}).ok()
    fresh.cloud.clock.advance(3)
    assert fresh.get(path).ok()["dns_names"] == []


@fact("requests.md#names-with-a-space-in-a-head")
def test_names_with_a_space_in_a_head_are_harmless(fresh: Raw) -> None:
    for area in ("keys", "packages", "images", "users"):
        answer = fresh.head(f"/my/{area}/a%20b")
        assert 400 <= answer.status < 500
    assert fresh.cloud.violations == []


@fact("requests.md#callback-wraps-the-answer")
def test_callback_wraps_the_answer(raw: Raw) -> None:
    plain = raw.get("/my/datacenters")
    for name in ("callback", "jsonp"):
        answer = raw.get(f"/my/datacenters?{name}=f")
        assert (answer.status, answer.type) == (200, "application/javascript")
        assert answer.text == f"typeof f === 'function' && f({plain.text});"
    refused = raw.get("/my/machines?limit=0&callback=f")
    assert (refused.status, refused.text[:29]) == (409, "typeof f === 'function' && f(")


@fact("signing.md#wrong-token")
def test_a_wrong_token(raw: Raw) -> None:
    answer = raw.get("/my/machines", headers={"X-Auth-Token": '{"keyid": "x"}'})
    message = "The token provided is not authorized for this application"  # auth.js
    answer.refused(401, "InvalidCredentials", message)
    other = Key.new("ed25519")
    raw.get("/my", headers={"X-Auth-Token": "x"}, key=other).refused(
        401, "InvalidCredentials", BAD_CREDENTIALS
    )


@fact("storage.md#size-of-a-snapshot")
def test_size_of_a_snapshot(raw: Raw) -> None:
    vm = raw.site.add_machine(snapshots=[Snapshot("with", 0.0, size=1024), Snapshot("without", 0.0)])
    shown = {found["name"]: found for found in raw.get(f"/my/machines/{vm.uuid}/snapshots").ok()}
    assert shown["with"]["size"] == 1024
    assert "size" not in shown["without"]


@fact("storage.md#disk-changes-are-jobs")
def test_disk_changes_are_jobs(raw: Raw) -> None:
    boot, data = Disk(UNKNOWN, 10240, boot=True), Disk(UNKNOWN.replace("d", "e"), 10240)
    vm = raw.site.add_machine(
        brand="bhyve", package="g4-bhyve-4G-flex", state="stopped", disks=[boot, data], free_space=81920
    )
    path = f"/my/machines/{vm.uuid}/disks"
    raw.post(path, {"size": 1024}).empty(202)
    assert len(raw.get(path).ok()) == 2
    raw.cloud.clock.advance(5)
    assert len(raw.get(path).ok()) == 3
    raw.delete(f"{path}/{data.uuid}").empty(204)
    states = {disk["id"]: disk["state"] for disk in raw.get(path).ok()}
    assert states[data.uuid] == "deleting"
    raw.cloud.clock.advance(5)
    assert data.uuid not in {disk["id"] for disk in raw.get(path).ok()}


@fact("throttle.md#client-that-queues")
def test_a_client_that_keeps_to_the_rate_is_never_refused() -> None:
    with Emulator(rate=20, datacenters=["here"]) as cloud, cloud.datacenter() as sdc:
        cloud.throttle()
        with ThreadPoolExecutor(8) as pool:
            assert len(list(pool.map(lambda _: sdc.machines(), range(100)))) == 100
        assert [call.status for call in cloud.calls].count(200) == 100


@fact("networks.md#order-of-networks")
def test_networks_are_listed_by_name_and_fabric_networks_last(raw: Raw) -> None:
    vlan = "/my/fabrics/default/vlans/2/networks"
    first = {
        "name": "A-Fabric-Network",
        "subnet": "10.9.0.0/24",
        "provision_start_ip": "10.9.0.5",
        "provision_end_ip": "10.9.0.9",
    }
    raw.post(vlan, first).ok(201)
    names = [network["name"] for network in raw.get("/my/networks").ok()]
    assert names == ["external", "private", "A-Fabric-Network", "My-Fabric-Network"]


def test_machines_have_dates_by_the_clock_of_the_server(fresh: Raw) -> None:
    fresh.cloud.clock.skew = 200
    vm = fresh.site.add_machine()
    before = fresh.get(f"/my/machines/{vm.uuid}").ok()["created"]
    fresh.cloud.clock.skew = 0
    after = fresh.get(f"/my/machines/{vm.uuid}").ok()["created"]
    assert before > after
    assert vm.created <= fresh.cloud.clock.now()
