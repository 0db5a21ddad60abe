"""A machine on a stub server, and the requests that its operations send."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc import DataCenter, Machine, RetryPolicy
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer

__all__ = ["ABSENT", "ID", "RUNNING", "clock", "machine", "requests", "sdc"]

ID = "00000000-0000-4000-8000-00000000000a"
RUNNING = {"id": ID, "name": "web", "state": "running"}
ABSENT = Reply({"code": "ResourceNotFound", "message": "not found"}, 404)


@pytest.fixture
def clock() -> Instant:
    """The clock of `sdc`."""
    return Instant()


@pytest.fixture
def sdc(stub: StubServer, clock: Instant) -> DataCenter:
    """A data center on the stub server, which repeats a request once."""
    return DataCenter(stub.url, login="bob", clock=clock, retry=RetryPolicy(attempts=2, throttled=1))


@pytest.fixture
def machine(sdc: DataCenter) -> Machine:
    """A machine that runs; making this object costs no request."""
    return Machine(sdc, data=RUNNING)


def requests(stub: StubServer) -> list[tuple[str, str, Any]]:
    """The verbs, paths below the machine and bodies of all requests."""
    return [
        (asked.method, asked.target.removeprefix(f"/bob/machines/{ID}"), asked.body) for asked in stub.asked
    ]
