"""More machines than the server lists or counts in one answer: 1000 (docs/cloudapi/lists.md#page-limit)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import pytest

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM
from tests.helpers.recorded import call, sent
from tests.helpers.servers import Reply, StubServer


def fill(site: Site, count: int) -> None:
    """Add machines without addresses: no subnet has that many, and it is quicker."""
    for number in range(count):
        site.add_machine(f"web{number}", networks=(), tags={"number": number % 2})


@pytest.fixture
def many(site: Site) -> Mapping[str, VM]:
    fill(site, 2345)
    return site.machines


def test_2345_machines_take_3_requests(cloud: Emulator, sdc: DataCenter, many: Mapping[str, VM]) -> None:
    machines = sdc.machines()
    assert len(machines) == len({machine.id for machine in machines}) == 2345
    assert {machine.id for machine in machines} == many.keys()
    # Each page begins with the last machine of the one before.
    assert sent(cloud) == [
        call("GET", "/my/machines"),
        call("GET", "/my/machines", {"offset": "999"}),
        call("GET", "/my/machines", {"offset": "1998"}),
    ]
    # The count of HEAD stops at 1000 as well: then the machines are listed and counted.
    assert sdc.num_machines() == 2345
    assert [(got.method, got.query) for got in sent(cloud, 3)] == [
        ("HEAD", {}),
        ("GET", {}),
        ("GET", {"offset": "999"}),
        ("GET", {"offset": "1998"}),
    ]
    # A limit is for all pages together.
    start = len(cloud.calls)
    assert [machine.id for machine in sdc.machines(limit=1500, offset=7)] == [
        machine.id for machine in machines[7:1507]
    ]
    assert [machine.id for machine in sdc.machines(limit=1500)] == [machine.id for machine in machines[:1500]]
    assert len(sdc.machines(limit=1999)) == 1999  # the second page has no more
    assert sent(cloud, start) == 3 * [
        call("GET", "/my/machines"),
        call("GET", "/my/machines", {"offset": "999"}),
    ]
    start = len(cloud.calls)
    assert sdc.num_machines(tags={"number": 0}) == 1173
    assert [(got.method, got.query) for got in sent(cloud, start)] == [
        ("HEAD", {"tag.number": "0"}),
        ("GET", {"tag.number": "0"}),
        ("GET", {"tag.number": "0", "offset": "999"}),
    ]


def test_exactly_one_page_full(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    fill(site, 1000)
    assert sdc.num_machines() == len(sdc.machines()) == 1000
    assert len(sdc.machines(limit=1000)) == 1000
    assert [(got.method, got.query) for got in sent(cloud)] == [
        ("HEAD", {}),
        ("GET", {}),
        ("GET", {"offset": "999"}),
        ("GET", {}),
        ("GET", {"offset": "999"}),
        ("GET", {"limit": "1000"}),
    ]


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 1998, 1999, 2000, 2997, 2998, 3000, 3001])
def test_as_many_requests_as_pages_and_at_most_one_more(stub: StubServer, count: int) -> None:
    ids = sorted((str(uuid.uuid4()) for _ in range(count)), reverse=True)
    machines = [{"id": ident, "name": "x", "state": "running"} for ident in ids]
    asked = [1000 * number - number for number in range(count // 999 + 2)]
    stub.answer(*(Reply(machines[offset : offset + 1000]) for offset in asked))
    with DataCenter(stub.url, login="bob") as sdc:
        assert [machine.id for machine in sdc.machines()] == ids
    assert len(stub.asked) <= max(1, -(-count // 1000)) + 1


def test_a_machine_on_two_pages_is_listed_once(stub: StubServer) -> None:
    # Pages shift when a machine is created while they are read: two pages share more than one machine.
    first = [{"id": str(uuid.uuid4()), "name": "x", "state": "running"} for _ in range(1000)]
    second = [first[-2], first[-1], {"id": str(uuid.uuid4()), "name": "y", "state": "running"}]
    stub.answer(Reply(first), Reply(second))
    with DataCenter(stub.url, login="bob") as sdc:
        machines = sdc.machines()
    assert [machine.id for machine in machines] == [data["id"] for data in [*first, second[2]]]
    assert [asked.target for asked in stub.asked] == ["/bob/machines", "/bob/machines?offset=999"]


def test_no_machine_is_missing_when_others_are_deleted_meanwhile(stub: StubServer) -> None:
    # Three machines of the first page are deleted before the second request: three others move into it.
    every = [{"id": str(uuid.uuid4()), "name": "x", "state": "running"} for _ in range(1500)]
    later = every[3:]
    stub.answer(Reply(every[:1000]), Reply(later[999:]), Reply(later[967:]))
    with DataCenter(stub.url, login="bob") as sdc:
        assert [machine.id for machine in sdc.machines()] == [data["id"] for data in every]
    assert [asked.target for asked in stub.asked] == [
        "/bob/machines",
        "/bob/machines?offset=999",
        "/bob/machines?offset=967",
    ]


def test_a_list_that_has_become_shorter_than_a_page_is_read_again(stub: StubServer) -> None:
    every = [{"id": str(uuid.uuid4()), "name": "x", "state": "running"} for _ in range(1500)]
    left = every[900:1010]
    stub.answer(Reply(every[:1000]), Reply([]), Reply([]), Reply([]), Reply(left))
    with DataCenter(stub.url, login="bob") as sdc:
        assert [machine.id for machine in sdc.machines()] == [data["id"] for data in every[:1010]]
    assert [asked.target for asked in stub.asked][1:] == [
        "/bob/machines?offset=999",
        "/bob/machines?offset=967",
        "/bob/machines?offset=711",
        "/bob/machines",
    ]


def test_the_list_ends_when_the_server_ignores_the_offset(stub: StubServer) -> None:
    page = [{"id": str(uuid.uuid4()), "name": "x", "state": "running"} for _ in range(1000)]
    stub.otherwise = Reply(page)
    with DataCenter(stub.url, login="bob") as sdc:
        assert len(sdc.machines()) == 1000
    # The second answer may be chance: 999 new machines move the first page to that offset.
    assert [asked.target for asked in stub.asked] == [
        "/bob/machines",
        "/bob/machines?offset=999",
        "/bob/machines?offset=1998",
    ]


def test_a_server_that_counts_without_a_cap(stub: StubServer) -> None:
    stub.answer(Reply(headers={"x-resource-count": "2345"}), Reply(headers={"x-resource-count": "0"}))
    with DataCenter(stub.url, login="bob") as sdc:
        assert sdc.num_machines() == 2345
        assert sdc.num_machines() == 0
    assert [asked.method for asked in stub.asked] == ["HEAD", "HEAD"]
