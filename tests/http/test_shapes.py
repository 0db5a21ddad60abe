"""Lists whose entries lack what the client itself relies on are refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smartdc import DataCenter, InvalidResponse
from tests.helpers.servers import Reply, StubServer, datacenter_at

MACHINE = "aaaaaaaa-0000-4000-8000-00000000000a"

KEYS: dict[str, tuple[str, Callable[[DataCenter], object]]] = {
    "images": ("id", lambda sdc: sdc.images()),
    "machines": ("id", lambda sdc: sdc.machines()),
    "addresses": ("ip", lambda sdc: sdc.network_ips(MACHINE)),
    "snapshots": ("name", lambda sdc: sdc.machine(MACHINE, lazy=True).snapshots()),
}


@pytest.mark.parametrize(("key", "ask"), KEYS.values(), ids=KEYS)
def test_each_entry_needs_its_key(stub: StubServer, key: str, ask: Callable[[DataCenter], object]) -> None:
    entry = {"id": MACHINE, "ip": "10.0.0.1", "name": "a", "state": "running"}
    stub.otherwise = Reply([])  # no other page
    with datacenter_at(stub.url) as sdc:
        stub.answer(Reply([{key: entry[key], "state": "running"}]))
        ask(sdc)
        for wrong in ({name: value for name, value in entry.items() if name != key}, entry | {key: 7}):
            stub.answer(Reply([entry, wrong]))
            with pytest.raises(InvalidResponse):
                ask(sdc)
        stub.answer(Reply(entry))
        with pytest.raises(InvalidResponse):
            ask(sdc)


def test_entries_of_other_lists_need_none(stub: StubServer) -> None:
    with datacenter_at(stub.url) as sdc:
        stub.answer(Reply([{"odd": 1}]), Reply(["odd"]))
        assert [*map(dict, sdc.keys())] == [{"odd": 1}]
        with pytest.raises(InvalidResponse):
            sdc.keys()
