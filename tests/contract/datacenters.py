"""Rows of the data centers."""

from __future__ import annotations

import pytest

from smartdc import DataCenter
from tests.contract.row import ERROR, LOOK, Operation, World


def _api(sdc: DataCenter, world: World) -> None:
    with pytest.warns(DeprecationWarning, match="describe"):
        sdc.api()


ROWS = [
    Operation(
        name="getroot",
        verb="GET",
        path="/",
        since="7.0",
        method="DataCenter.api",
        call=_api,
        status=302,
    ),
    Operation(
        name="ListDatacenters",
        verb="GET",
        path="/:login/datacenters",
        since="7.0",
        method="DataCenter.datacenters",
        call=lambda sdc, world: sdc.datacenters(),
    ),
    Operation(
        name="GetDatacenter",
        verb="GET",
        path="/:login/datacenters/:dc",
        since="7.0",
        method="DataCenter.datacenter_url",
        call=lambda sdc, world: sdc.datacenter_url("us-east-1"),
        status=302,
    ),
    Operation(
        name="ListForeignDatacenters",
        verb="GET",
        path="/:login/foreigndatacenters",
        since="7.0",
        method="DataCenter.foreign_datacenters",
        call=lambda sdc, world: sdc.foreign_datacenters(),
        status=403,
    ),
    Operation(
        name="AddForeignDatacenter",
        verb="POST",
        path="/:login/foreigndatacenters",
        since="7.0",
        method="DataCenter.add_foreign_datacenter",
        call=lambda sdc, world: sdc.add_foreign_datacenter("elsewhere", "https://elsewhere.example.com"),
        body={"name": "elsewhere", "url": "https://elsewhere.example.com"},
        status=403,
        lost=(ERROR, LOOK),
    ),
    Operation(
        name="ListServices",
        verb="GET",
        path="/:login/services",
        since="7.0",
        method="DataCenter.services",
        call=lambda sdc, world: sdc.services(),
    ),
]
