"""Machine and Snapshot: one machine as last seen, and what can be done to it, one module an area."""

from smartdc.machine.machine import Machine
from smartdc.machine.snapshots import Snapshot

__all__ = ["Machine", "Snapshot"]
