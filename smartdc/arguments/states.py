"""The states of machines and snapshots: types that waits also check at run time."""

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
"""The states of snapshots; ``unknown`` if the server sends none."""
