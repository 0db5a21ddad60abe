"""Rows of the packages."""

from __future__ import annotations

from tests.contract.row import Operation

ROWS = [
    Operation(
        name="ListPackages",
        verb="GET",
        path="/:login/packages",
        since="7.0",
        method="DataCenter.packages",
        call=lambda sdc, world: sdc.packages(name="g4-*", memory=2048, flexible_disk=True),
        query={"name": "g4-*", "memory": "2048", "flexible_disk": "true"},
    ),
    Operation(
        name="GetPackage",
        verb="GET",
        path="/:login/packages/:package",
        since="7.0",
        method="DataCenter.package",
        call=lambda sdc, world: sdc.package("g4-highcpu-1G"),
    ),
]
