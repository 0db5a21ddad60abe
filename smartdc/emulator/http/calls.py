"""The call log: a line for each request, and how it was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from smartdc.emulator.http.fault_kinds import Fault


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


def report(calls: Sequence[Call], violations: Sequence[str], last: int) -> str:
    """Write the last calls, a line each, and all violations."""
    left_out = len(calls) - last
    lines = [f"({left_out} calls before)"] if left_out > 0 else []
    lines += [line(call) for call in calls[-last:]]
    if violations:
        lines += ["this would have harmed a real server:", *(f"  {violation}" for violation in violations)]
    return "\n".join(lines)


def line(call: Call) -> str:
    """Write one call."""
    code = call.response.get("code", "") if isinstance(call.response, dict) and call.status >= 400 else ""
    fault = f" ({type(call.fault).__name__} on purpose)" if call.fault is not None else ""
    status = f"{call.status} {code}".rstrip() if call.status else "no answer"
    return f"{call.datacenter}: {call.method} {call.target} -> {status}{fault}"
