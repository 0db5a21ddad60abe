"""Names in place of ids: several in one call, many machines, odd text, and the errors."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, GoneError, Machine, NotFoundError
from smartdc.emulator import Emulator, faults
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent

# -- several at once


@pytest.fixture
def lists(cloud: Emulator) -> Any:
    """A function that returns the paths of the GET requests so far."""
    return lambda: [each.path for each in sent(cloud) if each.method == "GET"]


def test_a_machine_by_names_alone(cloud: Emulator, sdc: DataCenter, site: Site, lists: Any) -> None:
    near, far = site.add_machine("near"), site.add_machine("far")
    fabric = next(each.uuid for each in site.networks.values() if each.name == "My-Fabric-Network")
    external = next(each.uuid for each in site.networks.values() if each.name == "external")
    address = {"ipv4_uuid": "My-Fabric-Network", "ipv4_ips": ["192.168.128.77"]}
    networks: Any = (network for network in ("external", address))
    machine = sdc.create_machine(
        "new",
        package="g4-highcpu-1G",
        image="base-64-lts",
        networks=networks,
        locality={"near": ["near"], "far": [far.uuid[:8], "near"]},
    )
    assert sorted(lists()) == ["/my/images", "/my/machines", "/my/networks"]
    body = sent(cloud)[-1].body
    assert body["networks"] == [
        {"ipv4_uuid": external},
        {"ipv4_uuid": fabric, "ipv4_ips": ["192.168.128.77"]},
    ]
    assert body["locality"] == {"near": [near.uuid], "far": [far.uuid, near.uuid]}
    assert body["package"] == "g4-highcpu-1G"  # the server finds it
    newest = max(sdc.images("base-64-lts"), key=lambda image: image["published_at"])
    assert body["image"] == machine.image == newest["id"]


def test_repeated_names_are_kept(cloud: Emulator, sdc: DataCenter, site: Site, lists: Any) -> None:
    fabric = next(each.uuid for each in site.networks.values() if each.name == "My-Fabric-Network")
    same = [fabric, "My-Fabric-Network", fabric[:8]]
    sdc.create_machine("a", "g4-highcpu-1G", image="base64", networks=same)
    assert sent(cloud)[-1].body["networks"] == [fabric] * 3
    assert sorted(lists()) == ["/my/images", "/my/networks"]


@pytest.mark.parametrize("dataset", ["base64", "base64@14.3.0", "sdc:sdc:base64:14.3.0", "base64:14"])
def test_a_dataset_by_any_name_takes_one_list(cloud: Emulator, sdc: DataCenter, dataset: str) -> None:
    sdc.create_machine("web", "g4-highcpu-1G", dataset=dataset)
    assert [each.method for each in sent(cloud)] == ["GET", "POST"]
    expected = sdc.images("base64", version="21.4.0" if dataset == "base64" else "14.3.0")
    assert sent(cloud)[1].body["image"] == expected[0]["id"]


def test_a_create_that_is_tried_again_looks_names_up_once(
    cloud: Emulator, sdc: DataCenter, lists: Any
) -> None:
    cloud.faults.add("CreateMachine", faults.Drop(after_commit=True), times=1)
    machine = sdc.create_machine("web", "g4-highcpu-1G", image="base64", networks=["external"])
    assert machine.name == "web"
    assert sum(path in ("/my/images", "/my/networks") for path in lists()) == 2


def test_invalid_arguments_are_refused_before_names_are_looked_up(cloud: Emulator, sdc: DataCenter) -> None:
    for wrong in ({"tags": 5}, {"affinity": 5}, {"role_tags": 5}, {"volumes": 5}, {"firewall_enabled": "no"}):
        with pytest.raises(ConfigurationError, match=r"^[a-z_]+ must be (a dict|a list|True or False)"):
            sdc.create_machine("web", "g4-highcpu-1G", image="base64", networks=["external"], **wrong)
    assert sent(cloud) == []


# -- machines


def test_machines_with_the_same_prefix(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    for number in range(1200):
        site.add_machine(f"web{number:04}", uuid=str(uuid.UUID(int=(number + 1) << 96)))
    # The last in the server's order, which is by descending UUID.
    site.add_machine("web", uuid="00000000-0000-4000-8000-000000000000")
    assert sdc.machine("web0700").name == "web0700"
    assert sent(cloud)[0] == call("GET", "/my/machines", {"name": "web0700"})
    assert len(sent(cloud)) == 2
    before = len(cloud.calls)
    assert sdc.machine("web", lazy=True).id == "00000000-0000-4000-8000-000000000000"
    assert [each.query for each in sent(cloud, before)] == [{"name": "web"}, {"name": "web", "offset": "999"}]
    before = len(cloud.calls)
    assert sdc.machine("000002bd", lazy=True).id == "000002bd-0000-0000-0000-000000000000"
    assert [each.query for each in sent(cloud, before)] == [{}, {"offset": "999"}]
    before = len(cloud.calls)
    with pytest.raises(NotFoundError, match="no machine has the name or short id 'web12000'; sdc"):
        sdc.machine("web12000")
    assert len(sent(cloud, before)) == 1
    for nearly in ("000002b", "000002bd-00"):
        with pytest.raises(NotFoundError, match=f"'{nearly}', and a short id has 8 digits; sdc"):
            sdc.machine(nearly)


def test_a_machine_by_its_name(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine("web0")
    assert sdc.machine("web0") == Machine(sdc, "web0") == sdc.machine("web0", lazy=True)
    assert sdc.raw_machine_data("web0")["id"] == vm.uuid
    before = len(cloud.calls)
    machine = sdc.machine("web0", lazy=True)
    assert machine.path == f"machines/{vm.uuid}"
    assert len(sent(cloud, before)) == 1
    machine.stop()
    assert [(each.method, each.path) for each in sent(cloud, before + 1)] == [
        ("GET", f"/my/machines/{vm.uuid}"),
        ("POST", f"/my/machines/{vm.uuid}"),
    ]


@pytest.mark.parametrize("state", ["deleted", "failed"])
def test_gone_machines_are_not_found_by_name(sdc: DataCenter, site: Site, state: str) -> None:
    vm = site.add_machine("web0", state=state)
    for spelling in ("web0", vm.uuid[:8]):
        with pytest.raises(NotFoundError) as caught:
            sdc.machine(spelling)
        assert not isinstance(caught.value, GoneError)


def test_a_name_that_has_the_form_of_a_uuid_is_an_id(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    one = site.add_machine("one")
    site.add_machine(one.uuid)
    assert sdc.machine(one.uuid).name == "one"
    assert len(sent(cloud)) == 1


# -- odd text


@pytest.mark.parametrize(
    "odd", [" ", "a b", "\U0001f600", "@", "a@b", "web/0", "a\nb", ".", "*", "web0\x00", "wéb", "-x"]
)
def test_text_that_cannot_be_a_machine_name(cloud: Emulator, sdc: DataCenter, odd: str) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"^.* is (not the id or the name of|neither an id nor a name of) a machine: ",
    ):
        sdc.machine(odd)
    assert sent(cloud) == []


@pytest.mark.parametrize(
    "name",
    [
        "a name",
        "\U0001f600",
        "@",
        "a@b",
        "base/64",
        "00000000",
        "12345",
        "~base",
        "*",
        "a\nb",
        "x" * 512,
        "é",
    ],
)
def test_odd_names_of_images_and_networks(cloud: Emulator, sdc: DataCenter, site: Site, name: str) -> None:
    image = next(iter(site.images.values()))
    network = next(iter(site.networks.values()))
    image.name = network.name = name
    assert sdc.image(name)["id"] == image.uuid
    assert sdc.network(name)["id"] == network.uuid
    assert [each.query for each in sent(cloud)] == [{}] * 4
    with pytest.raises(NotFoundError) as caught:
        sdc.image(f"{name}x")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_an_image_whose_name_has_an_at_sign_comes_first(sdc: DataCenter, site: Site) -> None:
    image, other = [
        each for each in site.images.values() if each.name == "base64" and each.state == "active"
    ][:2]
    image.name = f"base64@{other.version}"
    assert sdc.image(image.name)["id"] == image.uuid


@pytest.mark.parametrize("empty", ["base64@", "@21.4.0", "@", "base64@21.4.0@x"])
def test_empty_and_malformed_versions(sdc: DataCenter, empty: str) -> None:
    """The command takes the newest for 'base64@'; here it is refused: a program may lack the version."""
    with pytest.raises(NotFoundError, match=f"'{empty}'"):
        sdc.image(empty)


def test_images_that_are_not_active(sdc: DataCenter, site: Site) -> None:
    """As in ``triton image get`` and ``triton image update``: only the second finds images of any state."""
    with pytest.raises(NotFoundError):
        sdc.image("base64@1.8.1")
    assert sdc.poll_image("base64@1.8.1", "disabled")["version"] == "1.8.1"


@pytest.mark.parametrize("empty", ["", None, {}, {"name": "base64"}, 5, b"base64", ["base64"]])
def test_references_that_name_nothing(cloud: Emulator, sdc: DataCenter, empty: Any) -> None:
    for get in (sdc.machine, sdc.image, sdc.network, sdc.volume, sdc.firewall_rule):
        with pytest.raises(ConfigurationError, match=r"^.* names no [a-z ]+: give its id"):
            get(empty)
    assert sent(cloud) == []


def test_a_private_key_in_place_of_a_name_is_not_sent(cloud: Emulator, sdc: DataCenter) -> None:
    key = "6f70656e7373682d6b65792d763100000000046e6f6e65"  # the beginning of an OpenSSH key
    for get in (sdc.machine, sdc.image, sdc.network, sdc.fabric_vlan):
        with pytest.raises(
            ConfigurationError, match=r" and was not sent; the private key belongs in secret=$"
        ):
            get(key)
    assert sent(cloud) == []


def test_errors_suggest_similar_names_with_their_ids(sdc: DataCenter, site: Site) -> None:
    network = next(each for each in site.networks.values() if each.name == "external")
    with pytest.raises(NotFoundError) as caught:
        sdc.network("extrenal")
    assert f"candidates: 'external' ({network.uuid}); sdc.networks() lists all" in str(caught.value)
    assert (caught.value.status, caught.value.code) == (404, "ResourceNotFound")
    with pytest.raises(
        NotFoundError, match=r"no image .* 'base-64-tls'; candidates: 'base-64-lts@20.4.0' \("
    ):
        sdc.image("base-64-tls")
