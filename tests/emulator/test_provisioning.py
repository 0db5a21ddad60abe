"""Checks and results of a create, in addition to the facts of docs/cloudapi/create.md."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from tests.helpers.raw_creation import Creation
from tests.helpers.raw_requests import Raw


@pytest.fixture(scope="module")
def creation(raw: Raw) -> Creation:
    return Creation(raw)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("web0", """could not find operator in affinity rule: expected one of "==", "!=": 'web0'"""),
        (
            ["a_b==c", "1x==c"],
            r"invalid key in affinity rule: '1x==c': '1x' does not match /^[a-z_][a-z0-9\-_.]+$/i",
        ),
        (
            "instance==",
            "invalid value in affinity rule: 'instance==': '' does not match "
            r"/^[-a-z0-9:_\s.*/()?+[\]\\^$|]+$/i",
        ),
        (
            "instance!=~café",
            "invalid value in affinity rule: 'instance!=~café': 'café' does not match "
            r"/^[-a-z0-9:_\s.*/()?+[\]\\^$|]+$/i",
        ),
    ],
)
def test_invalid_affinity(creation: Creation, rule: Any, message: str) -> None:
    creation.refused(message, affinity=rule)


def test_affinity_and_locality(creation: Creation) -> None:
    message = 'cannot specify both "locality" (deprecated) and "affinity"'
    creation.refused(message, affinity="a==b", locality={"strict": True})
    assert creation.made(locality={"strict": True})["state"] == "running"
    answer = creation.ask(affinity=[7])
    assert (answer.status, answer.json) == (500, {"message": "opts.affinity ([string]) is required"})


def test_image_and_dataset(creation: Creation) -> None:
    message = "image and dataset are mutually exclusive parameters."
    creation.refused(message, dataset=creation.body["image"])


def test_the_image_requires_more_memory(creation: Creation) -> None:
    known = creation.raw.site.packages[creation.body["package"]]
    small = replace(known, uuid=str(uuid4()), name="tiny", memory=128)
    creation.raw.site.packages[small.uuid] = small
    image = creation.raw.site.images[creation.image("base-64-lts")]
    image.requirements = {"min_ram": 256}
    message = "You must use a package with at least 256 MiB of RAM in order to provision the selected image"
    creation.refused(message, image=image.uuid, package="tiny")


def test_the_package_is_for_another_os(creation: Creation) -> None:
    known = creation.raw.site.packages[creation.body["package"]]
    linux = replace(known, uuid=str(uuid4()), name="linux-only", os="linux")
    creation.raw.site.packages[linux.uuid] = linux
    message = (
        "The package and image must have the same OS, but package has "
        '"smartos" while image has "linux"'  # swapped, as on the server
    )
    creation.refused(message, package="linux-only")


def test_cns_limits_names(fresh: Raw) -> None:
    creation = Creation(fresh)
    assert creation.made(name="x" * 64)["name"] == "x" * 64
    fresh.post("/my", {"triton_cns_enabled": True}).ok()
    message = (
        "Name cannot be longer than 63 characters, because you have triton_cns_enabled set on your Account."
    )
    creation.refused(message, name="y" * 64)
    made = creation.made(name="y" * 63)
    path = f"/my/machines/{made['id']}?action=rename"
    fresh.post(path, {"name": "z" * 64}).refused(409, "InvalidArgument", message)
    fresh.post(path, {"name": "z" * 63}).empty(202)


VOLUME = {"name": "data", "mountpoint": "/data"}


def test_volumes(creation: Creation) -> None:
    creation.refused(
        'volumes not yet supported with brand "bhyve"',
        volumes=[VOLUME],
        image=creation.image("ubuntu-certified-22.04"),
        package=creation.package("g4-bhyve-2G-flex"),
    )
    assert creation.raw.cloud.violations == []


@pytest.mark.parametrize(
    "volumes", ["data", [7], [{}], [VOLUME | {"mode": "rwx"}], [{"name": "x", "mountpoint": "//"}]]
)
def test_volumes_that_a_server_never_answers(fresh: Raw, volumes: Any) -> None:
    answer = Creation(fresh).ask(volumes=volumes)
    assert (answer.status, answer.json) == (500, {"message": "invalid volumes"})
    assert len(fresh.cloud.violations) == 1
    assert fresh.cloud.violations[0].startswith("POST /my/machines")


def test_brands(creation: Creation) -> None:
    bhyve, kvm = creation.image("ubuntu-certified-22.04"), creation.image("centos-7")
    plain, flexible = creation.body["package"], creation.package("g4-bhyve-2G-flex")
    message = 'Unknown brand "zone;". Brand is restricted to one of ["bhyve","kvm"]'
    creation.refused(message.replace(";", ""), brand="zone;")
    message = 'Package requires brand "bhyve", but brand "kvm" was selected'
    creation.refused(message, image=kvm, package=flexible, brand="kvm")
    creation.refused('Brand "bhyve" requires the image type to be "zvol"', package=flexible)
    creation.refused('Image requires brand "bhyve", but brand "kvm" was selected', image=bhyve, brand="kvm")
    creation.refused('Brand "bhyve" requires the image type to be "zvol"', brand="bhyve")
    zvol = replace(creation.raw.site.images[kvm], uuid=str(uuid4()), requirements={"brand": "lx"})
    creation.raw.site.images[zvol.uuid] = zvol
    creation.refused('Brand "lx" cannot use an image of type "zvol"', image=zvol.uuid)
    creation.refused('Only bhyve VMs support "bootrom" option', bootrom="uefi", image=kvm, package=plain)
    message = "The use of `disks` is only supported if the package has the flexible_disk attr set to true"
    creation.refused(message, disks=[{"size": 1}], image=kvm, package=plain)


def test_hardware_machines(creation: Creation) -> None:
    bhyve = creation.made(
        image=creation.image("ubuntu-certified-22.04"),
        package=creation.package("g4-bhyve-2G-flex"),
        bootrom="uefi",
    )
    assert (bhyve["type"], bhyve["brand"], bhyve["flexible"]) == ("virtualmachine", "bhyve", True)
    assert (bhyve["disk"], bhyve["free_space"]) == (51200, 0)
    boot, data = bhyve["disks"]
    assert (boot["size"], boot["boot"], boot["image"]) == (10240, True, bhyve["image"])
    assert (data["size"], "boot" in data, "image" in data) == (40960, False, False)
    kvm = creation.made(image=creation.image("centos-7"), package=creation.package("k4-general-kvm-3.75G"))
    assert (kvm["type"], kvm["brand"], kvm["disk"]) == ("virtualmachine", "kvm", 51200)
    assert "disks" not in kvm


def test_credentials_and_encryption_are_not_metadata(creation: Creation) -> None:
    made = creation.made(
        **{"metadata.credentials": {"root": "one", "x_pw": "two"}}, encrypted=True, delegate_dataset=True
    )
    assert "credentials" not in made["metadata"]
    assert (made["encrypted"], made["delegate_dataset"]) == (True, True)
    shown = creation.raw.get(f"/my/machines/{made['id']}/metadata?credentials=true").ok()["credentials"]
    assert shown.keys() == {"root", "x", "admin"}
    assert (shown["root"], shown["x"]) == ("one", "two")
    path = f"/my/machines/{made['id']}/metadata/credentials"
    assert creation.raw.get(path).ok() == shown


def test_no_keys(fresh: Raw) -> None:
    account = fresh.cloud.account
    account.add_user("bob", allowed=True).keys.append(account.keys.pop())
    fresh.key_id = f"/{account.login}/users/bob/keys/test_key"
    creation = Creation(fresh)
    creation.refused("At least one SSH key is required to provision", "KeyRequired")
    windows = fresh.site.images[creation.body["image"]]
    windows.requirements = {"password": True}
    # CloudAPI then accepts a password, which VMAPI refuses (docs/cloudapi/create.md#password-images).
    creation.ask(password="secret").refused(409, "ValidationFailed")


def test_a_network_without_addresses(fresh: Raw) -> None:
    creation = Creation(fresh)
    network = fresh.site.networks[creation.network("My-Fabric-Network")]
    network.provision_end_ip = network.provision_start_ip
    assert creation.made(networks=[network.uuid])["ips"] == [network.provision_start_ip]
    message = "no more free IPs on My-Fabric-Network"
    creation.refused(message, "SubnetFull", 507, networks=[network.uuid])


def test_a_provision_that_fails(fresh: Raw) -> None:
    creation = Creation(fresh)
    in_use = {name: set(network.in_use) for name, network in fresh.site.networks.items()}
    for where, servers in ((True, [None]), ("on server", list(fresh.site.servers))):
        fresh.site.fail_next_provision = where
        made = creation.made()
        assert made["state"] == "failed"
        assert made["compute_node"] in servers
        audit = fresh.get(f"/my/machines/{made['id']}/audit").ok()
        assert [(entry["action"], entry["success"]) for entry in audit] == [("provision", "no")]
    assert {name: network.in_use for name, network in fresh.site.networks.items()} == in_use
    assert creation.made()["state"] == "running"


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"triton.cns.services": "web"}, None),
        ({"triton.cns.services": "web:80,db:port=5432:priority=0:weight=10"}, None),
        ({"triton.cns.services": ",web"}, "Expected DNS name but"),
        ({"triton.cns.services": "_x"}, "Expected DNS name but"),
        ({"triton.cns.services": "x" * 64}, "must be 63 or fewer characters"),
        ({"triton.cns.services": "web:colour=3"}, 'service property "colour" is not a valid property name'),
        (
            {"triton.cns.services": "web:port=0"},
            "service port number for web must be within the range 1 - 65535",
        ),
        (
            {"triton.cns.services": "web:99999"},
            "service port number for web must be within the range 1 - 65535",
        ),
        ({"triton.cns.services": "a:weight=x"}, "service weight for a must be within the range 0 - 65535"),
        ({"triton.cns.reverse_ptr": "www.example.com"}, None),
        ({"triton.cns.reverse_ptr": "www..example.com"}, '"www..example.com" is not DNS safe'),
        ({"triton.cmon.groups": "a-b,c_d"}, None),
        ({"triton.cmon.groups": "a b"}, "groups must be strings comprised of letters, numbers, _, and -"),
        ({"triton.cns.disable": True}, None),
        ({"triton.cns.disable": "true"}, 'value must be a boolean: "true" (string)'),
        ({"triton._test.number": 1.5}, None),
        ({"triton._test.number": True}, "value must be a number: true (boolean)"),
        ({"triton.colour": "red"}, 'Unrecognized special triton tag "triton.colour"'),
    ],
)
def test_triton_tags(creation: Creation, tags: dict[str, Any], message: str | None) -> None:
    vm = creation.raw.site.add_machine()
    answer = creation.raw.post(f"/my/machines/{vm.uuid}/tags", tags)
    if message is None:
        assert answer.ok() == tags
    else:
        answer.refused(409, "ValidationFailed", field="tags", detail=message)


def test_docker_tags_cannot_be_deleted(creation: Creation) -> None:
    tag = "docker:label:com.docker.blah"
    vm = creation.raw.site.add_machine(tags={tag: "x"})
    for path in ("tags", f"tags/{tag}"):
        answer = creation.raw.delete(f"/my/machines/{vm.uuid}/{path}")
        detail = f'Special tag "{tag}" may not be deleted'
        answer.refused(409, "ValidationFailed", field="tags", detail=detail)
    answer = creation.raw.put(f"/my/machines/{vm.uuid}/tags", {"a": "b"})
    answer.refused(409, "ValidationFailed", field="tags")
    assert vm.tags == {tag: "x"}
