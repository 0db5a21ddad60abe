"""The faults that a test can add to `Emulator.faults`: what goes wrong between client and server.

This module has their public names; `smartdc.emulator.http.fault_kinds` defines them.
"""

from smartdc.emulator.http.fault_kinds import (
    EVERY,
    Delay,
    Drop,
    Fault,
    Faults,
    Garbage,
    HalfBody,
    Status,
    WrongDigest,
)
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
