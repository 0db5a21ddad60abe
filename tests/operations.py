"""The contract: one row for each operation of CloudAPI, from which tests and docs are derived.

The rows are in `tests/contract/AREA.py`. A row says what the server calls the operation, how a client
method asks for it, and from which version on the server has it. `tests/contract/test_contract.py` makes
every call and compares what was sent with the row, and the row with the docstring, with the emulator's
routes and with the OpenAPI description.
"""

from __future__ import annotations

from tests.contract.row import Operation, World

from tests.contract import (  # isort: skip
    accesskeys,
    account,
    datacenters,
    disks,
    fabrics,
    firewall,
    heads,
    images,
    keys,
    lifecycle,
    machines,
    metadata,
    migrations,
    networks,
    nics,
    packages,
    rbac,
    snapshots,
    streams,
    tags,
    users,
    volumes,
)

__all__ = ["OPERATIONS", "Operation", "World"]

OPERATIONS: list[Operation] = [
    *accesskeys.ROWS,
    *account.ROWS,
    *datacenters.ROWS,
    *disks.ROWS,
    *fabrics.ROWS,
    *firewall.ROWS,
    *heads.ROWS,
    *images.ROWS,
    *keys.ROWS,
    *lifecycle.ROWS,
    *machines.ROWS,
    *metadata.ROWS,
    *migrations.ROWS,
    *networks.ROWS,
    *nics.ROWS,
    *packages.ROWS,
    *rbac.ROWS,
    *snapshots.ROWS,
    *streams.ROWS,
    *tags.ROWS,
    *users.ROWS,
    *volumes.ROWS,
]
