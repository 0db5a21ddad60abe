"""More machines than the server lists or counts in one answer: 1000 (docs/cloudapi/lists.md#page-limit)."""

from __future__ import annotations

import uuid

import pytest

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM
from tests.helpers.recorded import call, sent
from tests.helpers.servers import Reply, StubServer


def fill(site: Site, count: int) -> None:
    """Many machines, quickly: without addresses, because no subnet has that many."""
    for number in range(count):
        site.add_machine(f"web{number}", networks=(), tags={"number": number % 2})


@pytest.fixture
def many(site: Site) -> dict[str, VM]:
    fill(site, 2345)
    return site.machines


def test_paging_never_advanced_in_py_smartdc_2345_machines_take_3_requests(
    cloud: Emulator, sdc: DataCenter, many: dict[str, VM]
) -> None:
    machines = sdc.machines()
    assert len(machines) == len({machine.id for machine in machines}) == 2345
    assert {machine.id for machine in machines} == many.keys()
    assert sent(cloud) == [
        call("GET", "/my/machines"),
        call("GET", "/my/machines", {"offset": "1000"}),
        call("GET", "/my/machines", {"offset": "2000"}),
    ]
    # HEAD is capped at 1000 as well.
    assert sdc.num_machines() == 2345
    assert sent(cloud, 3) == [
        call("HEAD", "/my/machines"),
        call("HEAD", "/my/machines", {"limit": "1000", "offset": "1000"}),
        call("HEAD", "/my/machines", {"limit": "1000", "offset": "2000"}),
    ]
    # A limit is for all pages together.
    start = len(cloud.calls)
    assert [machine.id for machine in sdc.machines(limit=1500, offset=7)] == [
        machine.id for machine in machines[7:1507]
    ]
    assert sent(cloud, start) == [
        call("GET", "/my/machines", {"offset": "7"}),
        call("GET", "/my/machines", {"limit": "500", "offset": "1007"}),
    ]
    # Of all that have a tag the server tells at once, whatever the limit.
    start = len(cloud.calls)
    assert sdc.num_machines(tags="*") == len(sdc.machines(tags="*")) == 2345
    assert sdc.num_machines(tags={"number": 0}) == 1173
    assert [got.query for got in sent(cloud, start)] == [
        {"tags": "*"},
        {"tags": "*"},
        {"tag.number": "0"},
        {"tag.number": "0", "limit": "1000", "offset": "1000"},
    ]


def test_exactly_one_page_full(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    fill(site, 1000)
    assert sdc.num_machines() == len(sdc.machines()) == 1000
    assert len(sdc.machines(limit=1000)) == 1000
    assert len(sdc.machines(tags="*")) == 1000
    assert [(got.method, got.query) for got in sent(cloud)] == [
        ("HEAD", {}),
        ("HEAD", {"limit": "1000", "offset": "1000"}),
        ("GET", {}),
        ("GET", {"offset": "1000"}),
        ("GET", {}),
        # Nothing in this page is new: that ends it.
        ("GET", {"tags": "*"}),
        ("GET", {"tags": "*", "offset": "1000"}),
    ]


def test_a_machine_that_two_pages_show_is_listed_once(stub: StubServer) -> None:
    # Pages shift when a machine is made while they are read: then one is in two of them.
    first = [{"id": str(uuid.uuid4()), "name": "x", "state": "running"} for _ in range(1000)]
    second = [first[-1], {"id": str(uuid.uuid4()), "name": "y", "state": "running"}]
    stub.answer(Reply(first), Reply(second))
    with DataCenter(stub.url, login="bob") as sdc:
        machines = sdc.machines()
    assert [machine.id for machine in machines] == [data["id"] for data in [*first, second[1]]]
    assert [asked.target for asked in stub.asked] == ["/bob/machines", "/bob/machines?offset=1000"]


def test_a_limit_is_filled_up_when_pages_overlap(stub: StubServer) -> None:
    first = [{"id": str(uuid.uuid4()), "name": "x", "state": "running"} for _ in range(1000)]
    more = [{"id": str(uuid.uuid4()), "name": "y", "state": "running"} for _ in range(2)]
    stub.answer(Reply(first), Reply([first[-1], more[0]]), Reply([more[1]]))
    with DataCenter(stub.url, login="bob") as sdc:
        assert len(sdc.machines(limit=1002)) == 1002
    assert [asked.target for asked in stub.asked] == [
        "/bob/machines",
        "/bob/machines?limit=2&offset=1000",
        "/bob/machines?limit=1&offset=1002",
    ]


def test_a_server_that_counts_without_a_cap(stub: StubServer) -> None:
    stub.answer(Reply(headers={"x-resource-count": "2345"}), Reply(headers={"x-resource-count": "0"}))
    with DataCenter(stub.url, login="bob") as sdc:
        assert sdc.num_machines() == 2345
        assert sdc.num_machines() == 0
    assert [asked.method for asked in stub.asked] == ["HEAD", "HEAD"]
