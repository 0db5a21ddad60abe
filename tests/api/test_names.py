"""Names where ids are meant: in every argument that names something, by each of its spellings.

The arguments are found by their annotations, ``...Ref``; what counts is which requests are made. Which one is
chosen is compared with the ``triton`` command in tests/interop/test_triton_names.py.
"""

from __future__ import annotations

import inspect
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from smartdc import ConfigurationError, DataCenter, GoneError, Machine, NotFoundError, SmartDCError
from smartdc.emulator import Emulator, faults
from smartdc.emulator.state.site import Site
from tests.conftest import leave_environment
from tests.helpers.every_argument import ARGUMENTS, call
from tests.helpers.named_things import Thing, things
from tests.helpers.recorded import Sent, sent
from tests.helpers.recorded import call as call_

KINDS = {
    "MachineRef": "machine",
    "ImageRef": "image",
    "NetworkRef": "network",
    "PackageRef": "package",
    "VolumeRef": "volume",
    "FirewallRuleRef": "firewall rule",
    "UserRef": "user",
    "RoleRef": "role",
    "PolicyRef": "policy",
    "VLANRef": "VLAN",
}
"""What an annotation names."""

NOT_LOOKED_UP = {
    "AccessKeyRef": "access keys have no names",
    "AddressRef": "addresses have no names",
    "DiskRef": "disks have no names",
    "KeyRef": "the server finds keys by their names",
    "MemberRef": "the server finds members by their logins",
    "NICRef": "NICs have no names",
    "ResourceRef": "a path, tested in test_role_tags.py",
}

APART = {
    "DataCenter.import_image_from_datacenter.identifier": "the image is in another data center",
    **{
        f"DataCenter.{method}.role_tags": "a role tag is the name of a role"
        for method in (
            "add_key", "add_user_key", "create_access_key", "create_firewall_rule",
            "create_image_from_machine", "create_machine", "create_policy", "create_role", "create_user",
            "create_user_access_key",
        )
    },
    "DataCenter.set_role_tags.roles": "a role tag is the name of a role",
    "DataCenter.create_role.policies": "the server finds policies by their names",
    "DataCenter.update_role.policies": "the server finds policies by their names",
}  # fmt: skip

NO_REFERENCE = {
    "DataCenter.volumes.predicate": "a condition",
    "DataCenter.machines.tags": "tags",
    "DataCenter.iter_machines.tags": "tags",
    "DataCenter.num_machines.tags": "tags",
}

LISTS = {
    "machine": "/my/machines",
    "image": "/my/images",
    "network": "/my/networks",
    "package": "/my/packages",
    "volume": "/my/volumes",
    "firewall rule": "/my/fwrules",
    "user": "/my/users",
    "role": "/my/roles",
    "policy": "/my/policies",
    "VLAN": "/my/fabrics/default/vlans",
}
LISTED = ("update_user", "change_user_password", "delete_role", "update_policy", "delete_policy")
"""Where the server does not find a login or the name of a role or a policy."""


NEEDS = {"update_policy": {"description": "new"}, "update_role": {"name": "new"}}
"""What else a call needs."""


class Place(NamedTuple):
    """An argument that names something.

    Attributes:
        cls: The class of the method.
        method: Its name.
        argument: The argument's name.
        kind: What it names.
    """

    cls: type
    method: str
    argument: str
    kind: str

    def __str__(self) -> str:
        return f"{self.cls.__name__}.{self.method}.{self.argument}"

    @property
    def is_fabric(self) -> bool:
        """Whether it is a network of a fabric, which is listed on its VLAN."""
        return self.kind == "network" and self.method.endswith("fabric_network")

    @property
    def by_server(self) -> bool:
        """Whether the server itself finds one by its name."""
        return self.kind == "package" or (
            self.kind in ("user", "role", "policy") and self.method not in LISTED
        )


def annotation_of(cls: type, method: str, argument: str) -> str:
    return str(inspect.signature(getattr(cls, method)).parameters[argument].annotation)


def places() -> Iterator[Place]:
    for cls, method, argument in ARGUMENTS:
        words = re.findall(r"\b\w+Ref\b", annotation_of(cls, method, argument))
        for word in dict.fromkeys(words):
            if word in NOT_LOOKED_UP or f"{cls.__name__}.{method}.{argument}" in APART:
                continue
            yield Place(cls, method, argument, KINDS[word])


PLACES = [*places()]


def test_every_argument_that_names_something_is_found() -> None:
    """An argument of text or a dict is a reference, and says to what by its type."""
    plain = {
        f"{cls.__name__}.{method}.{argument}"
        for cls, method, argument in ARGUMENTS
        if re.search(
            r"\bMapping\[str, Any\] \| str\b|\bstr \| Mapping\[str, Any\]",
            annotation_of(cls, method, argument),
        )
    }
    assert plain == NO_REFERENCE.keys()
    assert {place.kind for place in PLACES} == set(KINDS.values())
    assert len(PLACES) > 60
    everywhere = {f"{cls.__name__}.{method}.{argument}" for cls, method, argument in ARGUMENTS}
    assert everywhere >= APART.keys()


class World(NamedTuple):
    cloud: Emulator
    sdc: DataCenter
    things: dict[str, Thing]
    machine: Machine


@pytest.fixture(scope="module")
def world(empty_home: Path) -> Iterator[World]:
    """One cloud for all, in which nothing is changed: it is read-only."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        leave_environment(monkeypatch, empty_home)
        with Emulator() as cloud, cloud.datacenter("us-sw-1", retry="none") as sdc:
            there = things(sdc, cloud.site("us-sw-1"))
            cloud.read_only()
            machine = sdc.machine(there["machine"].ident, lazy=True, look_first=False)
            yield World(cloud, sdc, there, machine)


def asked(world: World, place: Place, spelling: Any) -> tuple[list[Sent], SmartDCError | None]:
    """The requests of one call, and why it failed: as everything is read-only, if for no other reason."""
    before = len(world.cloud.calls)
    value = [spelling] if place.argument == "machines" else spelling
    args, more = call(place.cls, place.method, place.argument, value)
    more |= NEEDS.get(place.method, {})
    if "timeout" in inspect.signature(getattr(place.cls, place.method)).parameters:
        more["timeout"] = 0
    owner = world.sdc if place.cls is DataCenter else world.machine
    failed = None
    try:
        result = getattr(owner, place.method)(*args, **more)
        if place.method.startswith("iter_"):
            next(result, None)
    except SmartDCError as error:
        failed = error
    return [Sent(*each) for each in sent(world.cloud, before)], failed


def without_random(requests: list[Sent]) -> list[Sent]:
    """A new machine or volume is given a name of its own."""
    return [
        each._replace(body={**each.body, "name": "any"})
        if isinstance(each.body, dict) and "name" in each.body
        else each
        for each in requests
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_each_spelling(world: World, place: Place) -> None:
    thing = world.things[place.kind]
    path = f"{LISTS['VLAN']}/2/networks" if place.is_fabric else LISTS[place.kind]
    expected = without_random(asked(world, place, thing.ident)[0])
    assert expected
    assert path not in [each.path for each in expected]

    def same(spelling: Any) -> None:
        requests, failed = asked(world, place, spelling)
        assert without_random(requests) == expected, f"{spelling}: {failed}"

    def after_one_list(spelling: str) -> None:
        requests, failed = asked(world, place, spelling)
        assert (requests[0].method, requests[0].path) == ("GET", path), f"{spelling}: {failed}"
        whole = place.method == "dataset"  # the list has all that it returns
        assert without_random(requests[1:]) == ([] if whole else expected), f"{spelling}: {failed}"

    same({"id": thing.ident, "vlan_id": thing.entry.get("vlan_id"), "machine": thing.ident})
    same(thing.ident.upper())
    if place.kind == "machine":
        same(world.sdc.machine(thing.ident, lazy=True))
    if place.kind == "VLAN":
        same(int(thing.ident))
    else:
        if place.kind not in ("user", "role", "policy"):
            after_one_list(thing.short)
    if thing.name and not place.by_server:
        after_one_list(thing.name)
    if thing.version:
        after_one_list(f"{thing.name}@{thing.version}")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_what_is_not_there_or_may_be_several(world: World, place: Place) -> None:
    thing = world.things[place.kind]
    unknown = {"package": "00000000", "firewall rule": "00000000"}.get(place.kind, "nowhere")
    if not place.by_server or place.kind == "package":
        requests, failed = asked(world, place, unknown)
        assert isinstance(failed, NotFoundError), f"{unknown}: {failed}"
        assert len(requests) == 1
        assert repr(unknown) in str(failed)
        if thing.name and place.kind != "package":
            requests, failed = asked(world, place, thing.name.swapcase())
            assert isinstance(failed, NotFoundError), "the case of names counts"
            assert len(requests) == 1
            assert thing.ident in str(failed) or place.kind == "machine"
    several = {"VLAN": "twin", "image": "7e57ab1e", "firewall rule": "7e57ab1e", "package": "7e57ab1e"}
    twins = [several.get(place.kind, "twin")] + ["7e57ab1e"] * (
        place.kind in ("machine", "network", "volume")
    )
    for spelling in twins if thing.twins and not place.is_fabric else ():
        requests, failed = asked(world, place, spelling)
        assert isinstance(failed, ConfigurationError), f"{spelling}: {failed}"
        assert f"{spelling!r} may be any of 2" in str(failed)
        assert len(requests) == 1


def test_a_name_that_looks_like_a_short_id_comes_first(world: World) -> None:
    gets: list[tuple[str, Any]] = [
        ("machine", lambda ref: world.sdc.machine(ref).id),
        ("image", lambda ref: world.sdc.image(ref)["id"]),
        ("network", lambda ref: world.sdc.network(ref)["id"]),
        ("package", lambda ref: world.sdc.package(ref)["id"]),
        ("volume", lambda ref: world.sdc.volume(ref)["id"]),
    ]
    for kind, get in gets:
        assert get("deadbeef") == "11111111-0000-4000-8000-000000000001", kind


# -- several at once


@pytest.fixture
def lists(cloud: Emulator) -> Any:
    """Counts the requests that list something."""
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


def test_names_that_are_given_twice_stay(cloud: Emulator, sdc: DataCenter, site: Site, lists: Any) -> None:
    fabric = next(each.uuid for each in site.networks.values() if each.name == "My-Fabric-Network")
    same = [fabric, "My-Fabric-Network", fabric[:8]]
    sdc.create_machine("a", "g4-highcpu-1G", image="base64", networks=same)
    assert sent(cloud)[-1].body["networks"] == [fabric] * 3
    assert sorted(lists()) == ["/my/images", "/my/networks"]


@pytest.mark.parametrize("dataset", ["base64", "base64@14.3.0", "sdc:sdc:base64:14.3.0", "base64:14"])
def test_a_dataset_by_any_name_takes_one_list(cloud: Emulator, sdc: DataCenter, dataset: str) -> None:
    sdc.create_machine("web", "g4-highcpu-1G", dataset=dataset)
    assert [each.method for each in sent(cloud)] == ["GET", "POST"]
    wanted = sdc.images("base64", version="21.4.0" if dataset == "base64" else "14.3.0")
    assert sent(cloud)[1].body["image"] == wanted[0]["id"]


def test_a_create_that_is_tried_again_looks_names_up_once(
    cloud: Emulator, sdc: DataCenter, lists: Any
) -> None:
    cloud.faults.add("CreateMachine", faults.Drop(after_commit=True), times=1)
    machine = sdc.create_machine("web", "g4-highcpu-1G", image="base64", networks=["external"])
    assert machine.name == "web"
    assert sum(path in ("/my/images", "/my/networks") for path in lists()) == 2


def test_what_cannot_be_created_needs_no_list(cloud: Emulator, sdc: DataCenter) -> None:
    for wrong in ({"tags": 5}, {"affinity": 5}, {"role_tags": 5}, {"volumes": 5}, {"firewall_enabled": "no"}):
        with pytest.raises(ConfigurationError):
            sdc.create_machine("web", "g4-highcpu-1G", image="base64", networks=["external"], **wrong)
    assert sent(cloud) == []


# -- machines


def test_machines_of_one_prefix(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    for number in range(1200):
        site.add_machine(f"web{number:04}", uuid=str(uuid.UUID(int=(number + 1) << 96)))
    # The last in the server's order, which is that of falling UUIDs.
    site.add_machine("web", uuid="00000000-0000-4000-8000-000000000000")
    assert sdc.machine("web0700").name == "web0700"
    assert sent(cloud)[0] == call_("GET", "/my/machines", {"name": "web0700"})
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
def test_machines_that_are_gone_have_no_name(sdc: DataCenter, site: Site, state: str) -> None:
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
def test_text_that_is_no_name_of_a_machine(cloud: Emulator, sdc: DataCenter, odd: str) -> None:
    with pytest.raises(ConfigurationError, match="machine"):
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
def test_a_version_that_is_none(sdc: DataCenter, empty: str) -> None:
    """The command takes the newest for 'base64@': a program may have meant a version that it lacks."""
    with pytest.raises(NotFoundError, match=f"'{empty}'"):
        sdc.image(empty)


def test_images_that_are_not_active(sdc: DataCenter, site: Site) -> None:
    """As ``triton image get``, and as ``triton image update``, which takes images of any state."""
    with pytest.raises(NotFoundError):
        sdc.image("base64@1.8.1")
    assert sdc.poll_image("base64@1.8.1", "disabled")["version"] == "1.8.1"


@pytest.mark.parametrize("empty", ["", None, {}, {"name": "base64"}, 5, b"base64", ["base64"]])
def test_what_names_nothing(cloud: Emulator, sdc: DataCenter, empty: Any) -> None:
    for get in (sdc.machine, sdc.image, sdc.network, sdc.volume, sdc.firewall_rule):
        with pytest.raises(ConfigurationError, match="names no"):
            get(empty)
    assert sent(cloud) == []


def test_a_private_key_is_not_asked_for(cloud: Emulator, sdc: DataCenter) -> None:
    key = "6f70656e7373682d6b65792d763100000000046e6f6e65"  # the beginning of an OpenSSH key
    for get in (sdc.machine, sdc.image, sdc.network, sdc.fabric_vlan):
        with pytest.raises(ConfigurationError, match="was not sent"):
            get(key)
    assert sent(cloud) == []


def test_near_names_are_told_with_their_ids(sdc: DataCenter, site: Site) -> None:
    network = next(each for each in site.networks.values() if each.name == "external")
    with pytest.raises(NotFoundError) as caught:
        sdc.network("extrenal")
    assert f"'external' ({network.uuid}) may be meant; sdc.networks() lists them" in str(caught.value)
    assert (caught.value.status, caught.value.code) == (404, "ResourceNotFound")
    with pytest.raises(NotFoundError, match=r"no image .* 'base-64-tls': 'base-64-lts@20.4.0' \("):
        sdc.image("base-64-tls")
