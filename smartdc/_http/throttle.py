"""The request rate: finds out how fast the server permits requests, and keeps to it.

The server counts requests by account and group of resources, each in a separate token bucket (its lib/app.js;
most requests for machines share one bucket). A request above the rate is answered with 429; it is repeated,
so that only time is lost. One `Limiter` models one bucket.
"""

from __future__ import annotations

import math
import re
import threading
from collections import deque
from typing import Any, NamedTuple

from smartdc._forks import renew_in_children
from smartdc.arguments.ids import shown
from smartdc.errors import ConfigurationError, ThrottledError

__all__ = ["Limiter", "Limiters", "Turn", "group_of"]

USUAL_RATE = 10.0
"""Triton's default rate in requests a second: assumed if a server refuses and does not state its rate."""
LOWEST_RATE = 0.2
SHARE = 0.98
"""The share of the stated rate that is used, as requests do not arrive as evenly as they are sent."""
CUT = 0.75
"""The share to which a refusal cuts the rate."""
GROWTH = 0.04
"""The share of the cut rate that each second after a cut adds."""
REST = 3
"""Turns that are left out after a refusal, so that the server's bucket fills a little."""
CREDIT_SECONDS = 1.0
"""Seconds for which the server's bucket keeps unused turns, which may then be taken all at once."""
QUIET_SECONDS = 10.0
"""Seconds without a request after which the server's bucket is full again: its burst may be used."""

_STATED = r"request rate of (\d+(?:\.\d+)?) r/s"

_GROUPS = {
    "": "account",
    "limits": "account",
    "images": "datasets",
    "datacenters": "datacenter",
    "foreigndatacenters": "datacenter",
    "fabrics": "networks",
    "fwrules": "machines",
    "migrations": "machines",
    "volumesizes": "volumes",
}
"""The groups of paths whose first part is not the name of the group."""


class Turn(NamedTuple):
    """When a request may be made.

    Attributes:
        wait: Seconds from now.
        era: The number of cuts of the rate before it.
    """

    wait: float
    era: int


class Limiter:
    """The rate of one group of resources of one account. It takes the time as an argument, and never sleeps.

    Without a fixed rate, requests pass freely until the server refuses one. From then on they get turns at
    the rate that the server states, in the order in which they ask. Another refusal cuts the rate, as others
    may use the account too; it then grows again, up to the stated one. A cut makes all turns void that have
    not come yet: their callers ask with `was_void`, and get turns before all others. Refusals of requests
    that were sent before the cut change nothing.

    Args:
        rate: A fixed number of requests a second; None finds the rate out.

    Attributes:
        fixed: Whether the caller has set the rate.
    """

    def __init__(self, rate: float | None = None) -> None:
        self.fixed = rate is not None
        self._rate = rate  # at `_since`; None lets everything pass
        self._since = 0.0
        self._ceiling = math.inf
        self._next = -math.inf
        self._era = 0
        self._future_turns: deque[float] = deque()  # the turns of this era that have not come yet
        self._void, self._next_of_void = 0, -math.inf
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Make a new lock: in a forked child no thread would release the old one."""
        self._lock = threading.Lock()

    def turn(self, now: float, within: float = math.inf, *, was_void: bool = False) -> Turn:
        """Take the next turn, unless it comes too late.

        Args:
            now: Seconds on a clock that never runs backwards.
            within: A turn with a longer `wait`, in seconds, is returned but not taken.
            was_void: The caller had a turn that a cut made void.
        """
        with self._lock:
            if was_void and self._void and self._rate is not None:
                self._void -= 1
                at = max(self._next_of_void, now - CREDIT_SECONDS)
                turn = Turn(max(0.0, at - now), self._era)
                if turn.wait <= within:
                    self._next_of_void = at + 1 / self._rate_at(self._rate, at)
                    self._future_turns.append(at)
                return turn
            if not self.fixed and now - self._next > QUIET_SECONDS:
                self._rate = None
            if self._rate is None:
                return Turn(0.0, self._era)
            at = max(self._next, now if self.fixed else now - CREDIT_SECONDS)
            turn = Turn(max(0.0, at - now), self._era)
            if turn.wait <= within:
                self._next = at + 1 / self._rate_at(self._rate, at)
                if not self.fixed:
                    self._future_turns.append(at)
                while self._future_turns and self._future_turns[0] <= now:
                    self._future_turns.popleft()
            return turn

    def holds(self, turn: Turn) -> bool:
        """Whether a turn still counts; if not, the rate was cut while the caller waited for it."""
        return turn.era == self._era

    def refused(self, now: float, era: int, error: ThrottledError) -> None:
        """Note that the server answered 429.

        Args:
            now: As in `turn`.
            era: The era of the request's turn.
            error: The answer; it may state the server's rate.
        """
        with self._lock:
            if self.fixed or era != self._era:  # sent before the last cut
                return
            stated = re.search(_STATED, error.message)
            self._ceiling = max(LOWEST_RATE, SHARE * float(stated[1])) if stated else math.inf
            if self._rate is None:
                self._rate = self._ceiling if stated else USUAL_RATE
            else:
                self._rate = max(LOWEST_RATE, CUT * self._rate_at(self._rate, now))
            self._since, self._next_of_void = now, now + REST / self._rate
            self._era += 1
            self._void += sum(at > now for at in self._future_turns)
            self._future_turns.clear()
            # Callers whose turns are void get others first.
            self._next = self._next_of_void
            for _ in range(self._void):
                self._next += 1 / self._rate_at(self._rate, self._next)

    def _rate_at(self, rate: float, now: float) -> float:
        """The rate at a time: it grows after a cut."""
        return rate if self.fixed else min(self._ceiling, rate * (1 + GROWTH * max(0.0, now - self._since)))


class Limiters:
    """The limiters of a data center and of the objects made from it.

    Args:
        rate: Requests a second of each group of resources; None finds it out.

    Attributes:
        rate: As given.

    Raises:
        ConfigurationError: The rate is not valid.
    """

    def __init__(self, rate: float | None = None) -> None:
        if rate is not None and not (isinstance(rate, int | float) and rate > 0):
            raise ConfigurationError(f"rate must be None or a number of requests a second, not {shown(rate)}")
        self.rate = rate
        self._known: dict[tuple[str, str, str], Limiter] = {}

    def get(self, server: str, account: str, group: str) -> Limiter:
        """The limiter of a group of resources.

        Args:
            server: Its URL.
            account: The account that signs, whose requests are counted.
            group: From `group_of`.
        """
        key = server, account, group
        known = self._known.get(key)
        # setdefault: threads that come first together get the same one.
        return self._known.setdefault(key, Limiter(self.rate)) if known is None else known

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the rate alone: another process has its own limiters."""
        return Limiters, (self.rate,)


def group_of(method: str, path: str) -> str:
    """The group of resources that a request counts for, as in the server's lib/app.js.

    Args:
        method: HTTP verb.
        path: Path below the account.
    """
    parts = path.split("/")[1:] or [""]
    first = parts[0]
    if method == "PUT" and _sets_role_tags(parts):
        return "resources"
    if first == "machines" and len(parts) > 2 and parts[2] == "nics":
        return "nics"
    if first == "users" and len(parts) > 2 and parts[2] in ("keys", "accesskeys"):
        return parts[2]
    return _GROUPS.get(first, first)


def _sets_role_tags(parts: list[str]) -> bool:
    """Whether a PUT sets role tags; the other PUTs have the paths below."""
    return not (
        parts[0] in ("config", "fabrics")
        or (parts[0] == "networks" and parts[2:3] == ["ips"])
        or (parts[0] == "machines" and parts[2:3] == ["tags"])
    )
