"""Waits whose looks are answered with something else than what was asked for: another look follows.

See docs/waiting.md, "What ends a wait".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smartdc import DataCenter, WaitTimeout, fleet
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer, datacenter_at
from tests.http.odd_answers.conftest import ID, OTHER

MAC = "90:b8:d0:00:00:01"

WAITS: dict[str, tuple[str, str, Any, str, Callable[[DataCenter], object]]] = {
    "poll_until": ("id", ID, OTHER, "stopped", lambda sdc: sdc.machine(ID, lazy=True).poll_until("stopped")),
    "poll_while": ("id", ID, OTHER, "stopped", lambda sdc: sdc.machine(ID, lazy=True).poll_while("running")),
    "fleet": (
        "id",
        ID,
        OTHER,
        "stopped",
        lambda sdc: fleet.wait([sdc.machine(ID, lazy=True)], "stopped"),
    ),
    "image": ("id", ID, OTHER, "active", lambda sdc: sdc.poll_image(ID)),
    "volume": ("id", ID, OTHER, "ready", lambda sdc: sdc.poll_volume(ID)),
    "disk": ("id", ID, OTHER, "running", lambda sdc: sdc.machine(ID, lazy=True).poll_disk(ID)),
    "NIC": (
        "mac",
        MAC,
        "90:b8:d0:00:00:02",
        "running",
        lambda sdc: sdc.machine(ID, lazy=True).poll_nic(MAC),
    ),
    "migration": ("machine", ID, OTHER, "paused", lambda sdc: sdc.machine(ID, lazy=True).poll_migration()),
    "snapshot": (
        "name",
        "before",
        "after",
        "created",
        lambda sdc: sdc.machine(ID, lazy=True).snapshot("before").poll_until("created"),
    ),
}


@pytest.mark.parametrize(("key", "name", "other", "state", "wait"), WAITS.values(), ids=WAITS)
def test_an_answer_about_something_else_is_a_look_that_failed(
    stub: StubServer, key: str, name: str, other: str, state: str, wait: Callable[[DataCenter], object]
) -> None:
    whole = {key: name, "state": state}
    odd: list[dict[str, Any]] = [
        {},
        {"code": "InternalError", "message": "x"},
        {key: name},
        {"state": state},
        *({key: name, "state": value} for value in (None, 5, "")),
        *({key: value, "state": state} for value in (None, 5, "", other)),
    ]
    first = [Reply(whole)] if key == "name" else []  # the snapshot itself is fetched
    stub.answer(*first, *map(Reply, odd), Reply(whole))
    with datacenter_at(stub.url, clock=Instant()) as sdc:
        wait(sdc)
    assert len(stub.asked) == len(first) + len(odd) + 1


def test_what_was_wrong_is_said_at_the_end(stub: StubServer) -> None:
    stub.answer(Reply({"id": ID, "state": "running"}), *[Reply({"id": ID})] * 9)
    with datacenter_at(stub.url, clock=Instant()) as sdc, pytest.raises(WaitTimeout) as caught:
        sdc.machine(ID, lazy=True).poll_until("stopped", timeout=5)
    assert str(caught.value) == (
        f"gave up after 5 s: machine {ID} is not yet 'stopped', last seen 'running'; the last look failed: "
        f"GET /bob/machines/{ID}: 200 with an object that has no 'state'"
    )
