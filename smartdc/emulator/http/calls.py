"""The call log: a line for each request, and how it was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from smartdc.emulator.http.answers import Written
from smartdc.emulator.http.fault_kinds import Fault

#: How many requests a log keeps, and how many bytes of their bodies.
KEPT_CALLS = 10_000
KEPT_BYTES = 16 * 1024 * 1024
#: Stands for a body that is no longer kept.
FORGOTTEN = "(no longer kept)"


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
        answer: Its body, before it was written.
        ignored: Parameters that this operation does not know, which the server silently ignores.
        fault: What went wrong with it, because somebody asked for that.
        size: How many bytes its body and that of its answer have.
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
        """The body of the answer, decoded; None where there is none."""
        return self.answer.values() if isinstance(self.answer, Written) else self.answer


class CallLog(list[Call]):
    """The last requests. The bodies of the oldest are forgotten first, then the requests themselves.

    Args:
        kept: How many requests are kept.
        kept_bytes: How many bytes of bodies.
    """

    def __init__(self, kept: int = KEPT_CALLS, kept_bytes: int = KEPT_BYTES) -> None:
        super().__init__()
        self._kept = kept
        self._kept_bytes = kept_bytes
        self._bytes = 0
        self._forgotten = 0  # so many from the beginning have no bodies

    def note(self, call: Call) -> None:
        """Add a request, and forget what there is no room for."""
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
        """Forget all."""
        super().clear()
        self._bytes = self._forgotten = 0


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
