"""The faults that a test can add to `Emulator.faults`: what goes wrong between client and server.

This module has their public names; modules of `smartdc.emulator.http` define them.
"""

from smartdc.emulator.http.fault_kinds import (
    Delay,
    Drop,
    Fault,
    Garbage,
    HalfBody,
    Status,
    WrongDigest,
)
from smartdc.emulator.http.fault_plan import EVERY, Faults
from smartdc.emulator.http.known_faults import (
    BACKEND_LOST,
    HAPROXY_400,
    HAPROXY_408,
    HAPROXY_500,
    HAPROXY_503,
    HAPROXY_TIMEOUT,
    HTML_502,
)

__all__ = [
    "BACKEND_LOST",
    "EVERY",
    "HAPROXY_400",
    "HAPROXY_408",
    "HAPROXY_500",
    "HAPROXY_503",
    "HAPROXY_TIMEOUT",
    "HTML_502",
    "Delay",
    "Drop",
    "Fault",
    "Faults",
    "Garbage",
    "HalfBody",
    "Status",
    "WrongDigest",
]
