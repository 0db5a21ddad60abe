"""The switches of an emulator: faults, the throttle and read-only mode, which the application reads."""

from __future__ import annotations

from dataclasses import dataclass

from smartdc.emulator.gate.read_only import ReadOnly
from smartdc.emulator.gate.throttle import Throttle
from smartdc.emulator.http.fault_plan import Faults


@dataclass
class Switches:
    """The switches that hold for all data centers of one emulator.

    Attributes:
        faults: The faults to inject.
        throttle: The throttle; None: no limit.
        read_only: Read-only mode; None: off.
    """

    faults: Faults
    throttle: Throttle | None = None
    read_only: ReadOnly | None = None
