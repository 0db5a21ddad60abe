"""The call log: a line for each request, and how it was answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from smartdc.emulator.http.faults import Fault


@dataclass(frozen=True)
class Call:
    """One request that the emulator got, and how it answered.

    Attributes:
        target: Path and query exactly as on the wire.
        path: The path alone, still encoded.
        query: The decoded query.
        headers: By lower-case name; the value of Authorization is kept out.
        body: The decoded JSON, or None.
        operation: The server's name of the route, such as ``GetMachine``; None where there is none.
        status: Of the answer; 0 where a fault left none.
        response: Its body, decoded; None where there is none.
        ignored: Parameters that this operation does not know, which the server silently ignores.
        fault: What went wrong with it, because somebody asked for that.
    """

    method: str
    target: str
    path: str
    query: dict[str, Any]
    headers: dict[str, str]
    body: Any
    operation: str | None
    datacenter: str
    status: int
    response: Any
    ignored: tuple[str, ...] = ()
    fault: Fault | None = None
