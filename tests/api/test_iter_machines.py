"""`iter_machines` lists page by page, in little memory."""

from __future__ import annotations

import inspect
import itertools
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from smartdc import ConfigurationError, DataCenter, Machine
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent
from tests.helpers.sizes import in_two_sizes


class Endless(DataCenter):
    """Lists `size` machines without a server, so that only the client is measured."""

    size = 0

    def _get_answer(self, *segments: str, params: Any = None) -> tuple[Any, requests.Response]:
        offset = (params or {}).get("offset", 0)
        page = [machine(number) for number in range(offset, min(self.size, offset + 1000))]
        return page, requests.Response()


def machine(number: int) -> dict[str, Any]:
    """A machine as the server lists it, in the order of docs/cloudapi/lists.md#order-of-machines."""
    ident = f"{2**32 - 1 - number:08x}-0000-4000-8000-000000000000"
    return {
        "id": ident,
        "name": f"machine-{number}",
        "state": "running",
        "brand": "joyent",
        "tags": {"role": f"web-{number}", "type": "test"},
        "metadata": {"root_authorized_keys": "ssh-ed25519 " + "A" * 68 + str(number)},
        "ips": [f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"],
        "nics": [{"mac": f"90:b8:d0:{number:06x}", "primary": True, "network": ident}],
        "networks": [ident],
    }


@pytest.fixture
def many() -> Iterator[Endless]:
    with Endless("https://cloud.example") as sdc:
        yield sdc


@in_two_sizes(sample=10_000, whole=100_000)
def test_any_number_of_machines_takes_the_memory_of_two_pages(many: Endless, size: int) -> None:
    many.size = size
    tracemalloc.start()
    try:
        page = [Machine(many, data=machine(number)) for number in range(1000)]
        page_memory = tracemalloc.get_traced_memory()[0]
        del page
        tracemalloc.reset_peak()
        start = tracemalloc.get_traced_memory()[0]
        count = sum(1 for _ in many.iter_machines())
        peak = tracemalloc.get_traced_memory()[1] - start
    finally:
        tracemalloc.stop()
    assert count == size
    assert peak <= 2 * page_memory


def test_a_page_is_asked_for_when_it_is_needed(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    for _ in range(1003):
        site.add_machine(networks=())
    machines = sdc.iter_machines()
    assert cloud.calls == []
    first = [*itertools.islice(machines, 1000)]
    assert sent(cloud) == [call("GET", "/my/machines")]
    rest = [*machines]
    assert sent(cloud)[1:] == [call("GET", "/my/machines", {"offset": "999"})]
    assert {machine.id for machine in first + rest} == {*site.machines}
    assert len(first + rest) == 1003


def test_a_machine_deleted_during_the_iteration_hides_no_other(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    for _ in range(1010):
        site.add_machine(networks=())
    listed: list[str] = []
    for machine in sdc.iter_machines():
        if len(listed) < 100:
            site.machines[machine.id].state = "destroyed"
            del site._machines[machine.id]
        listed.append(machine.id)
    assert {*site.machines} <= {*listed}
    assert len({*listed}) == len(listed) == 1010


def test_iter_machines_takes_the_filters_of_machines(sdc: DataCenter, site: Site) -> None:
    for number in range(6):
        site.add_machine(f"web-{number}", tags={"even": number % 2 == 0}, networks=())
    chosen = sdc.iter_machines(tags={"even": True}, limit=2, offset=1)
    assert [*chosen] == sdc.machines(tags={"even": True})[1:3]
    with pytest.raises(ConfigurationError, match=r"^limit must be a whole number from 1 on, not 0"):
        sdc.iter_machines(limit=0)


IMAGE = "00000000-0000-4000-8000-000000000001"
ARGUMENTS = {
    "machine_type": "smartmachine",
    "name": "web",
    "dataset": IMAGE,
    "state": "running",
    "memory": 1024,
    "tombstone": 20,
    "tags": {"role": "web"},
    "credentials": True,
    "paged": True,
    "limit": 7,
    "offset": 3,
    "image": IMAGE,
    "brand": "joyent",
    "docker": True,
}


def test_these_tests_know_every_argument() -> None:
    for method in (DataCenter.machines, DataCenter.iter_machines):
        assert list(inspect.signature(method).parameters)[1:] == list(ARGUMENTS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_machines_passes_each_argument_on(name: str, cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    site.add_machine("web", networks=())
    argument: dict[str, Any] = {
        name: next(iter(site.images)) if ARGUMENTS[name] == IMAGE else ARGUMENTS[name]
    }
    found = sdc.machines(**argument)
    (one,) = sent(cloud)
    assert [*sdc.iter_machines(**argument)] == found
    assert sent(cloud) == [one, one]
