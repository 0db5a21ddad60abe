"""The states of what CloudAPI has: as types, and at run time for what waits for them."""

from __future__ import annotations

from typing import Literal

__all__ = ["ENDED", "MachineState", "SnapshotState"]

MachineState = Literal[
    "provisioning", "ready", "running", "stopping", "stopped", "offline", "failed", "deleted", "unknown"
]
"""The states of machines (docs/cloudapi/machines.md#states-that-are-shown)."""

ENDED = ("deleted", "failed")
"""The states that machines, volumes and snapshots do not leave."""

SnapshotState = Literal["queued", "creating", "created", "failed", "deleted", "unknown"]
"""The states of snapshots; ``unknown`` where the server says none."""
