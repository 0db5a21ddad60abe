"""What can go wrong between client and server when a test asks for it: the kinds of `Emulator.faults`.

They are defined in `smartdc.emulator.http.fault_kinds`; here are their public names.
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
