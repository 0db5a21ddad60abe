"""Names in place of ids: every argument that refers to something, in each spelling.

The arguments are found by their annotations, ``...Ref``; the tests compare the requests. Which of several
things a name means is compared with the ``triton`` command in tests/interop/test_triton_names.py.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, NotFoundError, SmartDCError
from smartdc.emulator import Emulator
from tests.conftest import leave_environment
from tests.helpers.every_argument import ARGUMENTS, call
from tests.helpers.named_things import Thing, things
from tests.helpers.recorded import Sent, sent

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
"""What an annotation refers to."""

NOT_LOOKED_UP = {
    "AccessKeyRef": "access keys have no names",
    "AddressRef": "addresses have no names",
    "DiskRef": "disks have no names",
    "KeyRef": "the server finds keys by their names",
    "MemberRef": "the server finds members by their logins",
    "NICRef": "NICs have no names",
    "ResourceRef": "a path, tested in test_role_tags.py",
}

EXCEPTIONS = {
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
"""Methods for which the server does not look up a login or the name of a role or a policy."""


NEEDS = {"update_policy": {"description": "new"}, "update_role": {"name": "new"}}
"""Arguments that a call needs besides the reference."""


class Place(NamedTuple):
    """An argument that refers to something.

    Attributes:
        cls: The class of the method.
        method: Its name.
        argument: The argument's name.
        kind: What it refers to.
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
            if word in NOT_LOOKED_UP or f"{cls.__name__}.{method}.{argument}" in EXCEPTIONS:
                continue
            yield Place(cls, method, argument, KINDS[word])


PLACES = [*places()]


def test_every_argument_that_refers_to_something_is_found() -> None:
    """An argument that takes text or a dict is a reference, and its type tells the kind."""
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
    assert everywhere >= EXCEPTIONS.keys()


class World(NamedTuple):
    cloud: Emulator
    sdc: DataCenter
    things: dict[str, Thing]
    machine: Machine


@pytest.fixture(scope="module")
def world(empty_home: Path) -> Iterator[World]:
    """One read-only cloud for all tests of this module."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        leave_environment(monkeypatch, empty_home)
        with Emulator() as cloud, cloud.datacenter("us-sw-1", retry="none") as sdc:
            there = things(sdc, cloud.site("us-sw-1"))
            cloud.read_only()
            machine = sdc.machine(there["machine"].ident, lazy=True, look_first=False)
            yield World(cloud, sdc, there, machine)


def asked(world: World, place: Place, spelling: Any) -> tuple[list[Sent], SmartDCError | None]:
    """The requests of one call, and its error if it failed; changes fail because the cloud is read-only."""
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
    """Replace the random names of new machines and volumes."""
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
        whole = place.method == "dataset"  # the list has all the data that it returns
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
def test_unknown_and_ambiguous_names(world: World, place: Place) -> None:
    thing = world.things[place.kind]
    unknown = {"package": "00000000", "firewall rule": "00000000"}.get(place.kind, "nowhere")
    if not place.by_server or place.kind == "package":
        requests, failed = asked(world, place, unknown)
        assert isinstance(failed, NotFoundError), f"{unknown}: {failed}"
        assert len(requests) == 1
        assert repr(unknown) in str(failed)
        if thing.name and place.kind != "package":
            requests, failed = asked(world, place, thing.name.swapcase())
            assert isinstance(failed, NotFoundError), "names are case-sensitive"
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
