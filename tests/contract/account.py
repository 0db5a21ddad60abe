"""Rows of the account."""

from __future__ import annotations

from smartdc import DataCenter
from tests.contract.row import AGAIN, SAME, Operation, World


def _limited(sdc: DataCenter, world: World) -> DataCenter:
    world.site.limits = [
        {"value": 100},
        {"value": 65536, "by": "ram", "check": "os", "os": "smartos"},
        {"value": 900, "by": "quota", "check": "brand", "brand": "joyent"},
        {"value": 5, "check": "image", "image": "base64"},
    ]
    world.vm  # noqa: B018 - creates it
    return sdc


ROWS = [
    Operation(
        name="GetAccount",
        verb="GET",
        path="/:login",
        since="7.0",
        method="DataCenter.account",
        call=lambda sdc, world: sdc.account(),
    ),
    Operation(
        name="UpdateAccount",
        verb="POST",
        path="/:login",
        since="7.0",
        method="DataCenter.update_account",
        call=lambda sdc, world: sdc.update_account(
            email="a@example.com", company_name="Example", triton_cns_enabled=True
        ),
        body={"email": "a@example.com", "companyName": "Example", "triton_cns_enabled": True},
        lost=(AGAIN, SAME),
    ),
    Operation(
        name="GetProvisioningLimits",
        verb="GET",
        path="/:login/limits",
        since="9.8",
        method="DataCenter.limits",
        call=lambda sdc, world: _limited(sdc, world).limits(),
    ),
    Operation(
        name="GetConfig",
        verb="GET",
        path="/:login/config",
        since="7.3",
        method="DataCenter.config",
        call=lambda sdc, world: sdc.config(),
    ),
    Operation(
        name="UpdateConfig",
        verb="PUT",
        path="/:login/config",
        since="7.3",
        method="DataCenter.update_config",
        call=lambda sdc, world: sdc.update_config(world.network_id),
        body=lambda world: {"default_network": world.network_id},
    ),
]
