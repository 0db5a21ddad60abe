"""Every filter of every list, with every kind of value.

Each selects what a plain Python filter over all entries selects, or is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartdc import APIError, ConfigurationError, DataCenter
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers import odd_values as odd
from tests.helpers.plain_filters import (
    Expected,
    first,
    in_fields,
    in_state,
    number,
    plain,
    public,
    rest,
    searched,
    state_or_alive,
    tagged,
    text,
    truth,
    whole,
    wildcard,
)
from tests.helpers.sizes import in_two_sizes

pytestmark = [pytest.mark.stress, pytest.mark.filterwarnings("ignore::FutureWarning")]


class Word(str, Enum):  # noqa: UP042 - str() of a StrEnum returns the value
    """Text constants, as programs define them."""

    WEB = "web"
    RUNNING = "running"
    SMALL = "g4-highcpu-1G"


class Odd(Enum):
    """Members whose values are not text."""

    NOTHING = None
    LIST = ("web",)


class Sly(str):
    """Text whose ``str()`` is another text."""

    __slots__ = ()

    def __str__(self) -> str:
        return "*"


TAG_VALUES: list[Any] = [
    "web", "webserver", "a=b", "a(b", "a)b", "a\\b", "a*b", "*", "", "42", "-5", "true", "ö", "a b", "a-b",
    "%", "x" * 300, "1e-7", 42, -5, 0, 1.5, 42.0, True, False,
]  # fmt: skip
TAG_NAMES = ["role", "a b", "a(b", "a*", "a=b", "ö", "a[b]", "a.b", "x" * 100, "__x", "a/b", "machine"]
KINDS: list[Any] = [
    None, "", "*", "web", "we*", "role=web", Word.WEB, Word.RUNNING, Word.SMALL, Odd.NOTHING, Odd.LIST,
    Sly("none"), b"web", 0, 1, -1, 42, 42.0,
    1.5,
    2**53, 2**60, float("nan"), float("inf"), True, False, [], ["web"], {"web"}, {}, {"id": "web"}, ("web",),
    object(), "1024", "running", "stopped", "provisioning", "active", "deleted", "destroyed", "all",
    "failed", "offline", "ready", "joyent", "bhyve", "kvm", "lx", "smartmachine", "virtualmachine", "public",
    "private",
    "g4-highcpu-1G", "g4-*", "High CPU", "*CPU*", "[]", '["g4-highcpu-1G"]', "~base", "!docker", "zvol",
    "linux", "smartos", "1024 ", "²", "data", "dat*", "*", "ready", "tritonnfs", "x" * 1000, "x" * 9000,
]  # fmt: skip
kinds = st.sampled_from(KINDS) | st.sampled_from(TAG_VALUES) | odd.words
tags = kinds | st.dictionaries(
    st.sampled_from(TAG_NAMES) | st.sampled_from(["", None, 5, Word.WEB]), kinds, max_size=2
)

MACHINES: dict[str, Expected] = {
    "machine_type": text("type"),
    "name": text("name"),
    "state": in_state,
    "memory": number("memory"),
    "brand": text("brand"),
    "docker": truth("docker"),
    "tags": tagged,
    "limit": first,
    "offset": rest,
}
OTHERS: dict[str, dict[str, Expected]] = {
    "packages": {
        **{name: wildcard(name) for name in ("name", "version", "group", "brand")},
        **{name: number(name) for name in ("memory", "disk", "swap", "lwps", "vcpus")},
        "flexible_disk": truth("flexible_disk"),
        "search": searched(("name",)),
    },
    "networks": {"search": searched(("name",))},
    "datasets": {"search": searched(("description", "urn"))},
    "volumes": {
        "name": wildcard("name"),
        "size": number("size", 1),
        "state": text("state"),
        "type": text("type"),
    },
    "volume_sizes": {"type": text("type")},
}
IMAGES: dict[str, Expected] = {
    "name": text("name"),
    "os": text("os"),
    "version": text("version"),
    "public": public,
    "state": lambda every, value: every if value == "all" else text("state")(every, value),
}


@pytest.fixture
def zoo(site: Site) -> Site:
    """Machines, packages, images and volumes of every kind."""
    for number_, value in enumerate(TAG_VALUES):
        mine = {TAG_NAMES[number_ % 12]: value, "role": TAG_VALUES[number_ // 2]}
        site.add_machine(f"web{number_ % 5}", tags=mine, ram=1024 * (number_ % 2 + 1))
    for state in ("stopped", "provisioning", "stopping", "failed", "offline", "deleted", "running"):
        site.add_machine(f"{state}-1", state=state, tags={"role": "web"})
        site.add_machine(f"{state}-2", state=state, brand="kvm", ram=1024, max_physical_memory=2048)
    site.add_machine("web", docker=True, brand="lx")
    odd_names = iter(["[]", "a(b)", "x" * 9000, "~base", '["g4-highcpu-1G"]'])
    for package, image in zip(list(site.packages.values())[:5], list(site.images.values())[:5], strict=True):
        package.name = image.name = next(odd_names)
    return site


def check(cloud: Emulator, call: Callable[[], list[Any]], expected: list[Any] | None) -> None:
    """Check that the call selects what is expected or is refused, without a request if it is invalid."""
    cloud.calls.clear()
    try:
        found = call()
    except ConfigurationError as error:
        # A valid value that no machine has, such as a type or a state, may be refused.
        assert not expected, error  # noqa: PT017 - a value may be accepted or refused
        assert (cloud.calls, "\n" in str(error), len(str(error)) < 300) == ([], False, True)  # noqa: PT017
    except APIError as error:
        assert error.status in (409, 422), error  # noqa: PT017 - only the server knows the valid words
        assert not expected
    else:
        assert expected is not None
        assert sorted(map(ident, found)) == sorted(map(ident, expected))
    assert cloud.violations == []


def ident(entry: Any) -> str:
    return str(entry["id"] if isinstance(entry, Mapping) and "id" in entry else getattr(entry, "id", entry))


@pytest.mark.off_the_record("odd values are sent on purpose")
@in_two_sizes(sample=250, whole=8000)
def test_machines(cloud: Emulator, sdc: DataCenter, zoo: Site, size: int) -> None:
    every = sdc.request("GET", "/machines", params={"tombstone": 1})[0]
    assert len(every) == len(zoo.machines)

    drawn = st.sampled_from([*MACHINES, "tombstone"]).flatmap(
        lambda name: st.tuples(st.just(name), tags if name == "tags" else kinds)
    )

    @settings(max_examples=size, deadline=None)
    @given(drawn)
    def each(drawn: tuple[str, Any]) -> None:
        name, value = drawn
        listed = state_or_alive(every, {} if value is None else {name: value})
        if name == "tombstone":
            minutes = whole(plain(value))
            expected = listed if value is None or minutes == 0 else every if minutes else None
        else:
            expected = listed if value is None else MACHINES[name](listed, plain(value))
        check(cloud, lambda: list(sdc.machines(**{name: value})), expected)
        if name not in ("name", "limit", "offset"):
            counted = None if expected is None else [None] * len(expected)
            check(cloud, lambda: [None] * sdc.num_machines(**{name: value}), counted)

    each()


@pytest.mark.off_the_record("odd values are sent on purpose")
@in_two_sizes(sample=100, whole=4000)
def test_several_filters_of_machines_at_once(cloud: Emulator, sdc: DataCenter, zoo: Site, size: int) -> None:
    every = sdc.request("GET", "/machines", params={"tombstone": 1})[0]
    good: dict[str, list[Any]] = {
        "machine_type": ["smartmachine", "virtualmachine"],
        "state": ["running", "stopped", "provisioning", "deleted", "active"],
        "memory": [1024, 2048],
        "brand": ["kvm", "joyent", "lx"],
        "docker": [True, False],
        "tags": ["*", {"role": "*"}, {"role": "web"}, {"a(b": "*"}, {"role": "a=b"}],
    }
    several = st.fixed_dictionaries({}, optional={name: st.sampled_from(good[name]) for name in good})

    @settings(max_examples=size, deadline=None)
    @given(several)
    def each(filters: dict[str, Any]) -> None:
        expected = state_or_alive(every, filters)
        for name, value in filters.items():
            expected = MACHINES[name](expected, value) or []
        check(cloud, lambda: list(sdc.machines(**filters)), expected)
        assert sdc.num_machines(**filters) == len(expected)
        found = sdc.machines(**filters)
        assert sdc.machines(**filters, limit=2, offset=1) == found[1:3]

    each()


@pytest.mark.off_the_record("odd values are sent on purpose")
@in_two_sizes(sample=250, whole=8000)
def test_packages_networks_datasets_and_volumes(
    cloud: Emulator, sdc: DataCenter, zoo: Site, size: int
) -> None:
    fabric = sdc.create_fabric_network(
        sdc.create_fabric_vlan(77, "more")["vlan_id"],
        name="net",
        subnet="10.1.0.0/24",
        provision_start_ip="10.1.0.5",
        provision_end_ip="10.1.0.200",
    )
    for name in ("data", "data2", "old"):
        sdc.create_volume(name, networks=fabric)
    cloud.clock.advance(60)
    everything = {name: getattr(sdc, name)() for name in OTHERS}
    assert all(everything.values())
    cases = [(name, arg) for name, filters in OTHERS.items() for arg in filters]

    @settings(max_examples=size, deadline=None)
    @given(st.sampled_from(cases), kinds)
    def each(case: tuple[str, str], value: Any) -> None:
        method, arg = case
        every = everything[method]
        expected = every if value is None else OTHERS[method][arg](every, plain(value))
        check(cloud, lambda: getattr(sdc, method)(**{arg: value}), expected)

    each()


@pytest.mark.off_the_record("odd values are sent on purpose")
@in_two_sizes(sample=150, whole=3000)
def test_images(cloud: Emulator, sdc: DataCenter, zoo: Site, size: int) -> None:
    every = sdc.images(state="all")

    @settings(max_examples=size, deadline=None)
    @given(st.sampled_from(list(IMAGES)), kinds)
    def each(arg: str, value: Any) -> None:
        listed = every if arg == "state" and value is not None else text("state")(every, "active") or []
        expected = listed if value is None else IMAGES[arg](listed, plain(value))
        check(cloud, lambda: list(sdc.images(**{arg: value})), expected)

    each()


@pytest.mark.off_the_record("odd values are sent on purpose")
@in_two_sizes(sample=100, whole=2000)
def test_fields_and_pages(cloud: Emulator, sdc: DataCenter, zoo: Site, size: int) -> None:
    packages = sdc.packages()
    network = next(network for network in sdc.networks() if sdc.num_network_ips(network) > 2)
    addresses = sdc.network_ips(network)

    @settings(max_examples=size, deadline=None)
    @given(st.sampled_from(["fields", "limit", "offset"]), kinds)
    def each(arg: str, value: Any) -> None:
        if arg == "fields":
            check(cloud, lambda: list(sdc.packages("g4", value)), in_fields(packages, plain(value)))
            return
        select = first if arg == "limit" else rest
        expected = addresses if value is None else select(list(addresses), plain(value))
        check(cloud, lambda: list(sdc.network_ips(network, **{arg: value})), expected)

    each()
