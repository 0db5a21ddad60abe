"""The emulator with many machines: the cost of a request does not depend on their number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address

import pytest

from smartdc import APIError, DataCenter
from smartdc._http import websocket
from smartdc.emulator import Emulator
from smartdc.emulator.operations import streams
from smartdc.emulator.state.resources import Network
from smartdc.emulator.state.site import Site
from tests.helpers.work import Work, counted

FEW, MANY = 20, 1000
LISTENERS = 10

pytestmark = pytest.mark.stress


@pytest.fixture(scope="module")
def work() -> Iterator[Work]:
    with counted() as work:
        yield work


@pytest.fixture
def grown(work: Work) -> Iterator[Emulator]:
    """An emulator whose work is counted, with few machines."""
    with Emulator(datacenters=["here"]) as cloud:
        fill(cloud.site(), FEW)
        yield cloud


@pytest.fixture
def sdc(grown: Emulator) -> Iterator[DataCenter]:
    with grown.datacenter(rate=math.inf) as sdc:
        yield sdc


def fill(site: Site, count: int) -> None:
    while len(site.machines) < count:
        site.add_machine(f"web{len(site.machines)}", networks=())


def assert_as_much_work(work: Work, site: Site, act: Callable[[], object]) -> None:
    """Check that `act` costs as much with many machines as with few."""
    act()
    few = min(work.of(act) for _ in range(3))
    fill(site, MANY)
    act()
    many = min(work.of(act) for _ in range(3))
    assert many < 1.1 * few + 50, (few, many)


def test_a_get_with_ten_listeners(grown: Emulator, sdc: DataCenter, work: Work) -> None:
    site = grown.site()
    path = f"/machines/{next(iter(site.machines))}"
    found = []
    for count in (FEW, MANY):
        fill(site, count)
        with ExitStack() as stack:
            for _ in range(LISTENERS):
                stack.enter_context(sdc.changefeed())
            sdc.request("GET", path)
            found.append(min(work.of(lambda: sdc.request("GET", path)) for _ in range(3)))
    assert found[1] < 1.1 * found[0] + 50, found


def test_a_change_is_written_once_for_all_listeners(grown: Emulator, sdc: DataCenter, work: Work) -> None:
    vm = grown.site().add_machine("web")

    def change() -> None:
        vm.alias += "x"
        sdc.request("GET", "/packages")

    with ExitStack() as stack:
        for _ in range(LISTENERS):
            stack.enter_context(sdc.changefeed())
        sdc.account()
        assert work.of(change, "machine_json") == 1


@pytest.mark.parametrize("offset", [0, 5, 10_000])
def test_a_page(grown: Emulator, sdc: DataCenter, work: Work, offset: int) -> None:
    site = grown.site()

    def page() -> None:
        sdc.request("GET", "/machines", params={"limit": 10, "offset": offset})

    assert_as_much_work(work, site, page)


def test_a_page_of_all_states(grown: Emulator, sdc: DataCenter, work: Work) -> None:
    def page() -> None:
        sdc.request("GET", "/machines", params={"limit": 10, "tombstone": "true"})

    assert_as_much_work(work, grown.site(), page)


def test_a_head_reuses_the_machines_that_are_written(grown: Emulator, sdc: DataCenter, work: Work) -> None:
    fill(grown.site(), MANY)

    def head() -> None:
        assert sdc.request("HEAD", "/machines")[1].headers["x-resource-count"] == str(MANY)

    assert work.of(head, "machine_json") == MANY
    assert work.of(head, "machine_json") == 0
    changed = next(iter(grown.site().machines.values()))
    changed.alias = "another"
    assert work.of(head, "machine_json") == 1
    assert sdc.machine(changed.uuid).name == "another"
    assert [machine.id for machine in sdc.machines(name="another")] == [changed.uuid]


def test_a_create_and_its_job(grown: Emulator, sdc: DataCenter, work: Work) -> None:
    site = grown.site()
    image = _image(site)

    def create() -> None:
        sdc.request("POST", "/machines", data={"image": image, "package": "g4-highcpu-1G"})
        grown.clock.advance(20)
        sdc.request("GET", "/packages")

    assert_as_much_work(work, site, create)


def test_nics(grown: Emulator, sdc: DataCenter, work: Work) -> None:
    site = grown.site()
    vm = site.add_machine()
    mac = vm.nics[0].mac.replace(":", "")
    path = f"/machines/{vm.uuid}/nics"
    assert_as_much_work(work, site, lambda: (sdc.request("GET", path), sdc.request("GET", f"{path}/{mac}")))


@pytest.mark.parametrize("ssh_port", [None, 0])
@pytest.mark.parametrize("count", [1, 3, 4])
def test_the_default_networks_have_room_for_20_000_machines(ssh_port: int | None, count: int) -> None:
    cloud = Emulator(datacenters=_names(count), ssh_port=ssh_port)
    taken: set[str] = set()
    for number in range(count):
        site = cloud.site(f"dc{number}")
        public, internal = site.default_networks(cloud.account.uuid)
        for network in (public, internal):
            assert _number(network.provision_end_ip) - _number(network.provision_start_ip) > 20_000
        assert public.subnet not in taken
        taken.add(public.subnet)


def _number(ip: str) -> int:
    return int(IPv4Address(ip))


def test_many_data_centers_have_different_public_addresses() -> None:
    cloud = Emulator(datacenters=_names(40))
    subnets = {network.subnet for site in map(cloud.site, _names(40)) for network in _public(site)}
    assert len(subnets) == 40


def _names(count: int) -> list[str]:
    return [f"dc{number}" for number in range(count)]


def _public(site: Site) -> list[Network]:
    return [network for network in site.networks.values() if network.public]


def test_a_full_network_is_searched_once(grown: Emulator, work: Work, sdc: DataCenter) -> None:
    site = grown.site()
    fabric = next(network for network in site.networks.values() if network.kind == "fabric")
    first, last = _number(fabric.provision_start_ip), _number(fabric.provision_end_ip)
    fabric.in_use |= set(range(first, last + 1))
    body = {"image": _image(site), "package": "g4-highcpu-1G"}
    for _ in range(2):
        with pytest.raises(APIError, match="no more free IPs"):
            sdc.request("POST", "/machines", data=body)
    fabric.release(str(IPv4Address(first + 7)))
    assert sdc.request("POST", "/machines", data=body)[1].status_code == 201


def _image(site: Site) -> str:
    return next(image.uuid for image in site.images.values() if image.type == "zone-dataset")


def test_a_listener_that_does_not_read_is_dropped(
    grown: Emulator, sdc: DataCenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST_WAITING", 20)
    monkeypatch.setattr(websocket, "_UNREAD", 16)  # a client that keeps few messages
    site = grown.site()
    vm = site.add_machine("web")
    with sdc.changefeed() as feed, sdc.changefeed() as reading:
        sdc.account()
        for number in range(120):  # more than fits into the sockets
            vm.customer_metadata = {"text": f"{number:03}" * 100_000}
            sdc.account()
            assert next(reading)["changedResourceId"] == vm.uuid
        assert len(site.changes) == 1
        assert 20 < len(list(feed)) < 120
