"""How fast requests may be made: the server's limits, found out and kept.

The server counts requests by account and group of resources (its lib/app.js mounts every area with a token
bucket of its own, but for those of a machine, most of which share one). What is too much it answers with 429,
which loses nothing but time. One `Limiter` stands for one such bucket.
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

#: What Triton ships with, in requests a second; where a server that refuses does not state its own.
USUAL_RATE = 10.0
LOWEST_RATE = 0.2
#: So much of what the server states is used: requests do not arrive as evenly as they are sent.
SHARE = 0.98
#: A refusal leaves so much of the rate, which then grows by so much of that again each second.
CUT = 0.75
GROWTH = 0.04
#: Turns that are left out after a refusal, so that the server's bucket is not found empty at once.
REST = 3
#: Turns that nobody took within so many seconds are made up for: the server's bucket has kept them.
CREDIT_SECONDS = 1.0
#: When nobody has asked for so long, the server's bucket is full again, and its burst may be used.
QUIET_SECONDS = 10.0

_STATED = r"request rate of (\d+(?:\.\d+)?) r/s"

# Where a group has not the name with which paths begin.
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


class Turn(NamedTuple):
    """When a request may be made.

    Attributes:
        wait: Seconds from now.
        era: Which estimate of the rate that goes by.
    """

    wait: float
    era: int


class Limiter:
    """The rate of one group of resources of one account. It takes the time as an argument, and never sleeps.

    Without a fixed rate it lets everything pass until the server refuses something. From then on requests get
    turns, one after the other in the order in which they ask, at the rate that the server states. A further
    refusal (others may use the account too) cuts that; while there is none it grows again, up to what is
    stated. A cut makes the turns void that were given; who had one asks `again`, and gets one before all
    others. Refusals of requests that were under way then say nothing new, and change nothing.

    Args:
        rate: Requests a second, whatever the server says; None finds out.

    Attributes:
        fixed: Whether the rate was given.
    """

    def __init__(self, rate: float | None = None) -> None:
        self.fixed = rate is not None
        self._rate = rate  # at `_since`; None lets everything pass
        self._since = 0.0
        self._ceiling = math.inf
        self._next = -math.inf
        self._era = 0
        self._given: deque[float] = deque()  # the turns of this era that have not come yet
        self._void, self._next_of_void = 0, -math.inf
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Make a new lock: in a forked child nobody would release the old one."""
        self._lock = threading.Lock()

    def turn(self, now: float, within: float = math.inf, *, again: bool = False) -> Turn:
        """Take the next turn, unless it comes too late.

        Args:
            now: Seconds on a clock that never runs backwards.
            within: A turn with a longer `wait` than so many seconds is told, and not taken.
            again: Whether the caller had a turn that a cut made void.
        """
        with self._lock:
            if again and self._void and self._rate is not None:
                self._void -= 1
                at = max(self._next_of_void, now - CREDIT_SECONDS)
                turn = Turn(max(0.0, at - now), self._era)
                if turn.wait <= within:
                    self._next_of_void = at + 1 / self._rate_at(self._rate, at)
                    self._given.append(at)
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
                    self._given.append(at)
                while self._given and self._given[0] <= now:
                    self._given.popleft()
            return turn

    def holds(self, turn: Turn) -> bool:
        """Whether a turn that has come still counts, or the rate was cut while it was waited for."""
        return turn.era == self._era

    def refused(self, now: float, era: int, error: ThrottledError) -> None:
        """Take note of a 429.

        Args:
            now: As in `turn`.
            era: That of the request's turn.
            error: The refusal; the server may state its limit in it.
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
            self._void += sum(at > now for at in self._given)
            self._given.clear()
            # Who had a turn gets another one before all others.
            self._next = self._next_of_void
            for _ in range(self._void):
                self._next += 1 / self._rate_at(self._rate, self._next)

    def _rate_at(self, rate: float, now: float) -> float:
        """What the rate of the last cut has grown to."""
        return rate if self.fixed else min(self._ceiling, rate * (1 + GROWTH * max(0.0, now - self._since)))


class Limiters:
    """The limiters of all that a data center and its sisters ask for.

    Args:
        rate: Requests a second of each group of resources; None finds out.

    Attributes:
        rate: As given.

    Raises:
        ConfigurationError: That is no rate.
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
            account: Who is counted: the account that signs.
            group: From `group_of`.
        """
        key = server, account, group
        known = self._known.get(key)
        # setdefault: threads that come first together get the same one.
        return self._known.setdefault(key, Limiter(self.rate)) if known is None else known

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process finds out for itself."""
        return Limiters, (self.rate,)


def group_of(method: str, path: str) -> str:
    """Which group of resources a request counts for, as the server's lib/app.js mounts them.

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
    """Whether a PUT goes to a collection or a resource; the other PUTs are these."""
    return not (
        parts[0] in ("config", "fabrics")
        or (parts[0] == "networks" and parts[2:3] == ["ips"])
        or (parts[0] == "machines" and parts[2:3] == ["tags"])
    )
