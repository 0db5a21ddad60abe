"""The call log: each request with its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from smartdc.emulator.http.answers import JSONArray
from smartdc.emulator.http.fault_kinds import Fault

#: How many requests a log keeps, and how many bytes of their bodies.
KEPT_CALLS = 10_000
KEPT_BYTES = 16 * 1024 * 1024
#: Replaces a body that is no longer kept.
FORGOTTEN = "(no longer kept)"


@dataclass(frozen=True)
class Call:
    """One request and its answer.

    Attributes:
        target: Path and query exactly as on the wire.
        path: The path alone, still encoded.
        query: The decoded query.
        headers: The headers by lower-case name; the value of Authorization is replaced.
        body: The decoded JSON of the request, or None.
        operation: The server's name of the route, such as ``GetMachine``; None if no route fits.
        status: The status of the answer; 0 if a fault suppressed the answer.
        answer: The body of the answer, before it was encoded.
        ignored: Parameters that this operation does not know, which the server silently ignores.
        fault: The fault that was applied to it, or None.
        size: The bytes of both bodies.
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
    answer: Any = field(repr=False)
    ignored: tuple[str, ...] = ()
    fault: Fault | None = None
    size: int = 0

    @property
    def response(self) -> Any:
        """The decoded body of the answer, or None."""
        return self.answer.values() if isinstance(self.answer, JSONArray) else self.answer


class CallLog(list[Call]):
    """The last requests. To limit memory, the oldest bodies are dropped first, then the oldest requests.

    Args:
        kept: How many requests are kept.
        kept_bytes: How many bytes of bodies are kept.
    """

    def __init__(self, kept: int = KEPT_CALLS, kept_bytes: int = KEPT_BYTES) -> None:
        super().__init__()
        self._kept = kept
        self._kept_bytes = kept_bytes
        self._bytes = 0
        self._forgotten = 0  # how many requests, from the first on, have lost their bodies

    def note(self, call: Call) -> None:
        """Add a request, and drop what exceeds the limits."""
        self.append(call)
        self._bytes += call.size
        while self._bytes > self._kept_bytes and self._forgotten < len(self):
            oldest = self[self._forgotten]
            self._bytes -= oldest.size
            if oldest.size:
                self[self._forgotten] = replace(oldest, body=FORGOTTEN, answer=FORGOTTEN, size=0)
            self._forgotten += 1
        if len(self) > self._kept:
            self._bytes -= self[0].size
            self._forgotten = max(0, self._forgotten - 1)
            del self[0]

    def clear(self) -> None:
        """Drop all requests."""
        super().clear()
        self._bytes = self._forgotten = 0


def report(calls: Sequence[Call], violations: Sequence[str], last: int) -> str:
    """Return the last calls, a line each, and all violations as text."""
    left_out = len(calls) - last
    lines = [f"({left_out} calls before)"] if left_out > 0 else []
    lines += [line(call) for call in calls[-last:]]
    if violations:
        lines += ["this would have harmed a real server:", *(f"  {violation}" for violation in violations)]
    return "\n".join(lines)


def line(call: Call) -> str:
    """Return one call as a line of text."""
    code = call.response.get("code", "") if isinstance(call.response, dict) and call.status >= 400 else ""
    fault = f" (fault: {type(call.fault).__name__})" if call.fault is not None else ""
    status = f"{call.status} {code}".rstrip() if call.status else "no answer"
    return f"{call.datacenter}: {call.method} {call.target} -> {status}{fault}"
