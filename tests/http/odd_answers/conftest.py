"""The data center of these tests is a scripted server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smartdc import DataCenter, Machine
from tests.helpers.servers import StubServer, datacenter_at

ID = "b6c9a5e0-8b2f-4c42-9d3f-0123456789ab"
OTHER = "11111111-8b2f-4c42-9d3f-0123456789ab"
NETWORK = "22222222-8b2f-4c42-9d3f-0123456789ab"


@pytest.fixture
def sdc(stub: StubServer) -> Iterator[DataCenter]:
    """A data center at the stub."""
    with datacenter_at(stub.url) as sdc:
        yield sdc


@pytest.fixture
def machine(sdc: DataCenter) -> Machine:
    """A machine there, of which nothing was fetched."""
    return sdc.machine(ID, lazy=True)
