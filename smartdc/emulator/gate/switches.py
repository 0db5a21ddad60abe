"""What is switched on from outside: faults, the throttle, read-only mode. Only the application reads it."""

from __future__ import annotations

from dataclasses import dataclass

from smartdc.emulator.gate.read_only import ReadOnly
from smartdc.emulator.gate.throttle import Throttle
from smartdc.emulator.http.fault_kinds import Faults


@dataclass
class Switches:
    """What all data centers of one emulator do to requests before an operation sees them.

    Attributes:
        faults: What goes wrong on purpose.
        throttle: How many requests are let through; None: all.
        read_only: Whether changes are refused; None: no.
    """

    faults: Faults
    throttle: Throttle | None = None
    read_only: ReadOnly | None = None
