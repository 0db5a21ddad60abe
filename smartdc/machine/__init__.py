"""Machine and Snapshot: the last known data of a machine, and its operations, one module for each area."""

from collections.abc import Mapping
from typing import Any

from smartdc._old_names import dt_time as dt_time
from smartdc._old_names import priv as priv
from smartdc._old_names import pub as pub
from smartdc.machine.machine import Machine
from smartdc.machine.snapshots import Snapshot

__all__ = ["Machine", "MachineRef", "Snapshot"]

MachineRef = str | Mapping[str, Any] | Machine
"""A machine: UUID, name, short id, dict or `Machine`."""
