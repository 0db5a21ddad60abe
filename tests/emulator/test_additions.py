"""Objects that a test adds to an emulator, and the errors about invalid arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smartdc import DataCenter, NotAuthorizedError
from smartdc.emulator import Emulator, Site
from smartdc.http_signature.keys import PublicKey
from tests.helpers.keys import KeyRing


@pytest.fixture
def site(cloud: Emulator) -> Site:
    return cloud.site()


def test_the_default_images_include_common_names(sdc: DataCenter) -> None:
    names = {image["name"] for image in sdc.images()}
    assert {"base-64", "minimal-64-lts", "ubuntu-certified-22.04", "debian-12"} <= names
    brands = {image["requirements"].get("brand") for image in sdc.images()}
    assert {"kvm", "bhyve", "lx"} <= brands


def test_an_image_with_only_a_name(site: Site, sdc: DataCenter) -> None:
    made = site.add_image("app")
    shown = sdc.image(made.uuid)
    assert (shown["name"], shown["version"], shown["type"]) == ("app", "1.0.0", "zone-dataset")
    assert (shown["os"], shown["public"], shown["state"]) == ("smartos", True, "active")
    assert sdc.create_machine("web", package="g4-highcpu-1G", image=made.uuid).image == made.uuid


@pytest.mark.parametrize(("brand", "kind"), [("lx", "lx-dataset"), ("bhyve", "zvol"), ("kvm", "zvol")])
def test_an_image_for_a_brand(site: Site, sdc: DataCenter, brand: str, kind: str) -> None:
    made = site.add_image("app", brand=brand, requirements={"min_ram": 512})
    shown = sdc.image(made.uuid)
    assert (shown["type"], shown["os"]) == (kind, "linux")
    assert (shown["requirements"]["brand"], shown["requirements"]["min_ram"]) == (brand, 512)
    assert site.add_machine(image="app").brand == brand


def test_an_image_of_an_account_is_private_unless_it_is_shared(cloud: Emulator, sdc: DataCenter) -> None:
    cloud.add_account("other")
    site = cloud.site()
    hidden = site.add_image("hidden", account="other")
    shared = site.add_image("shared", account="other", acl=["test"])
    public = site.add_image("public", account="other", public=True)
    seen = {image["id"] for image in sdc.images()}
    assert {shared.uuid, public.uuid} <= seen
    assert hidden.uuid not in seen


def test_public_images_have_the_same_uuid_everywhere_and_private_ones_do_not(cloud: Emulator) -> None:
    east, west = cloud.site("us-east-1"), cloud.site("us-sw-1")
    assert east.add_image("app").uuid == west.add_image("app").uuid
    assert east.add_image("own", account="test").uuid != west.add_image("own", account="test").uuid


def test_arguments_are_copied(cloud: Emulator) -> None:
    tags, disks = {"role": "os"}, [{"size": 1024}]
    first, second = (cloud.site(name).add_image("app", tags=tags) for name in ("us-sw-1", "us-east-1"))
    first.tags["role"] = "other"
    assert (second.tags, tags) == ({"role": "os"}, {"role": "os"})
    package = cloud.site().add_package("tiny", disks=disks)
    disks.clear()
    assert package.disks == [{"size": 1024}]


def test_a_package(cloud: Emulator, site: Site, sdc: DataCenter) -> None:
    made = site.add_package("tiny", memory=128)
    shown = sdc.package("tiny")
    assert (shown["id"], shown["memory"], shown["disk"], shown["swap"]) == (made.uuid, 128, 25600, 256)
    cloud.add_account("other")
    site.add_package("theirs", accounts=["other"])
    assert "theirs" not in {package["name"] for package in sdc.packages()}


def test_networks_do_not_overlap_and_machines_can_use_them(site: Site, sdc: DataCenter) -> None:
    first, second = site.add_network("one"), site.add_network("two")
    assert first.subnet != second.subnet
    small = site.add_network("small", "10.9.0.0/29", kind="external")
    machine = sdc.create_machine(
        "web",
        package="g4-highcpu-1G",
        image=sdc.images(name="base64")[0],
        networks=[first.uuid, second.uuid, small.uuid],
    )
    assert [nic["network"] for nic in machine.get_nics()] == [first.uuid, second.uuid, small.uuid]
    assert site.add_machine(networks=["one", small.uuid]).nics[1].ip == "10.9.0.3"


def test_a_fabric_network_adds_its_vlan_and_becomes_the_first_default(cloud: Emulator) -> None:
    other = cloud.add_account("other")
    site = cloud.site()
    made = site.add_network("theirs", kind="fabric", account=other, vlan_id=9)
    assert site.default_fabric_networks[other.uuid] == made.uuid
    assert site.vlans[other.uuid, 9].name == "theirs"
    assert site.add_volume(account="other").networks == [made.uuid]


def test_a_volume(site: Site, sdc: DataCenter) -> None:
    made = site.add_volume("data", tags={"use": "db"})
    (shown,) = sdc.volumes()
    assert (shown["id"], shown["state"], shown["size"]) == (made.uuid, "ready", 10240)
    assert shown["filesystem_path"].endswith(":/exports/data")
    sdc.delete_volume(made.uuid)
    assert site.add_volume("making", state="creating").filesystem_path is None


def test_services(site: Site, sdc: DataCenter) -> None:
    site.add_service("cmon")
    assert site.add_service("docker") == sdc.services()["docker"]
    site.add_service("docker", "tcp://here.example")
    assert list(sdc.services()) == ["cloudapi", "cmon", "docker"]
    assert sdc.services()["docker"] == "tcp://here.example"


def test_quotas_for_one_account_or_for_all(cloud: Emulator, site: Site, sdc: DataCenter) -> None:
    cloud.add_account("other")
    site.add_quota(0, account="other")
    site.add_quota(1, account="test")
    site.add_quota(4096, "ram")
    site.add_quota(3, image="base64")
    assert sdc.limits() == [
        {"value": 1, "used": 0},
        {"value": 4096, "by": "ram", "used": 0},
        {"value": 3, "check": "image", "image": "base64", "used": 0},
    ]
    site.add_machine()
    with pytest.raises(NotAuthorizedError, match="Quota exceeded"):
        sdc.create_machine("web", package="g4-highcpu-1G", image=sdc.images(name="base64")[0])


def test_accounts_and_sub_users_with_keys(cloud: Emulator, ssh_keys: KeyRing, tmp_path: Path) -> None:
    path = ssh_keys.path("p256")
    public = PublicKey.from_text(path.with_name("p256.pub").read_text())
    cloud.add_account("other", keys=[path.with_name("p256.pub")], companyName="Other")
    cloud.add_user("bob", account="other", keys=[public.openssh], allowed=True)
    for who in ("other", "other/users/bob"):
        with cloud.datacenter(key_id=f"/{who}/keys/{public.md5}", secret=str(path)) as sdc:
            assert sdc.account()["companyName"] == "Other"
    cloud.add_user("eve")
    assert set(cloud.account.users) == {"eve"}


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        ("add_image", {"name": "base64", "version": "21.4.0"}, "something already has this name"),
        ("add_image", {"name": "x", "uuid": "nonsense"}, "'nonsense' is not a uuid"),
        ("add_image", {"name": "x", "account": "nobody"}, "there is no account 'nobody'"),
        ("add_image", {"name": "x", "colour": 1}, "an image has no field 'colour'"),
        ("add_package", {"name": "x", "memory": 0}, "memory must be a number of MiB above 0, not 0"),
        ("add_package", {"name": "x", "disk": -1}, "disk must be a number of MiB above 0, not -1"),
        ("add_network", {"name": "x", "kind": "odd"}, "kind must be one of external, internal"),
        ("add_network", {"name": "x", "subnet": "10.0.0.0/30"}, "a subnet has from 8 to 29 bits"),
        ("add_network", {"name": "x", "subnet": "nonsense"}, "nonsense"),
        ("add_network", {"name": "x", "subnet": "10.0.0.0/24", "gateway": "10.1.0.1"}, "10.1.0.1 is not in"),
        ("add_network", {"name": "external"}, "something already has this name"),
        ("add_volume", {"size": 0}, "size must be a number of MiB above 0"),
        ("add_volume", {"networks": ["mars"]}, "there is no network 'mars' in us-sw-1"),
        ("add_quota", {"value": 1, "by": "cpus"}, "by must be one of machines, ram, quota"),
        ("add_quota", {"value": 1, "brand": "lx", "os": "linux"}, "brand and os do not go together"),
        ("add_machine", {"uuid": "nonsense"}, "'nonsense' is not a uuid"),
        ("add_machine", {"networks": ["mars"]}, "there is no network 'mars' in us-sw-1"),
    ],
)
def test_invalid_arguments(site: Site, method: str, arguments: dict[str, Any], message: str) -> None:
    before = len(site.networks), len(site.images), len(site.machines), len(site.volumes)
    with pytest.raises((ValueError, TypeError)) as caught:
        getattr(site, method)(**arguments)
    assert message in str(caught.value)
    assert (len(site.networks), len(site.images), len(site.machines), len(site.volumes)) == before


@pytest.mark.parametrize("form", ["openssh", "PEM"])
def test_a_private_key_is_refused_and_not_shown(cloud: Emulator, ssh_keys: KeyRing, form: str) -> None:
    path = ssh_keys.path("rsa2048", form)
    with pytest.raises(ValueError, match=r"is a private key; use its \.pub file"):
        cloud.add_account("other", keys=[path])
    with pytest.raises(ValueError, match="the text is a private key") as caught:
        cloud.add_account("other", keys=[path.read_text()])
    assert path.read_text().splitlines()[1] not in str(caught.value)


@pytest.mark.parametrize("key", ["ssh-ed25519 AAAA", "/nonexistent", "", "ssh-dss AAAAB3NzaC1kc3M="])
def test_invalid_keys(cloud: Emulator, key: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be|is not|is a directory"):
        cloud.add_account("other", keys=[key])
    assert cloud.add_account("other").keys == []
