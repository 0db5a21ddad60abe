"""The transport and limiters of a connection, and how connections share them.

A `DataCenter` has its own, and shares them with its views (`as_role`). Data centers that are unpickled in one
process share them if all settings that they depend on are equal.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Any, Self, TextIO

from requests.structures import CaseInsensitiveDict

from smartdc._files import identity_of
from smartdc._http.clocks import OUT_OF_REACH, clock_of
from smartdc._http.endpoint import Endpoint
from smartdc._http.environment import authorities, proxies_for
from smartdc._http.retry import RetryPolicy
from smartdc._http.throttle import Limiters
from smartdc._http.transport import Transport
from smartdc._http.waiting import Clock, Deadline
from smartdc._kept import Hold, Kept
from smartdc.http_signature import HTTPSignatureAuth

__all__ = ["Wired"]


_Wire = tuple[Transport, Limiters]

_WIRES: Kept[_Wire] = Kept()
"""The wires of the unpickled connections of this process."""


class Wired(Endpoint):
    """A connection with a transport; it can be closed, copied and pickled."""

    login: str
    auth: HTTPSignatureAuth | None
    verify: bool | str
    verbose: bool | TextIO | None
    clock: Clock
    default_headers: CaseInsensitiveDict[str]
    retry: RetryPolicy
    max_response: int
    answer_timeout: float
    _pool_size: int
    _transport: Transport
    _limiters: Limiters
    _owns_pool: bool
    _deadline: Deadline | None = None
    _created_at: datetime | None = None
    _on_send: Callable[[], None] | None = None
    _hold: Hold[_Wire] | None = None
    _known_hosts: str | None = None
    """The file of host keys that an emulator sets for logins to its machines."""

    @property
    @abstractmethod
    def base_url(self) -> str:
        """Protocol and host."""

    @property
    def _signing_account(self) -> str:
        """The account whose requests the server counts."""
        return self.login if self.auth is None else self.auth.key_id.split("/")[1]

    def close(self) -> None:
        """Close the pooled connections, unless others use them. A later request opens new ones."""
        if self._owns_pool and (self._hold is None or self._hold.release()):
            self._transport.close()

    def _open(self) -> None:
        self._transport, self._hold, self._owns_pool = self._new_transport(), None, True

    def _new_transport(self) -> Transport:
        warned = self.verify is False
        return Transport(self.base_url, self._pool_size, self.max_response, self.answer_timeout, warned)

    def _open_shared(self) -> None:
        """Share the wire of connections that were unpickled with the same settings and environment."""
        trusted = authorities(self.verify)
        settings = (
            *(type(self), self.base_url, self.login, self.auth and self.auth.key_id, self.verify),
            *(self._pool_size, self.max_response, self.answer_timeout, self._limiters.rate),
            *(trusted, not isinstance(trusted, bool) and identity_of(trusted)),
            *sorted(proxies_for(self.base_url).items()),
        )
        rate = self._limiters.rate
        self._hold = _WIRES.hold(settings, lambda: (self._new_transport(), Limiters(rate)))
        self._transport, self._limiters = self._hold.thing
        self._owns_pool = True

    def _sharing_pool(self) -> Self:
        """Copy it, with the same settings and pool; only the original closes the pool."""
        twin = object.__new__(type(self))
        headers = self.default_headers.copy()
        twin.__dict__.update(self.__dict__, default_headers=headers, _owns_pool=False)
        return twin

    def _with(
        self,
        *,
        deadline: Deadline | None = None,
        created_at: datetime | None = None,
        on_send: Callable[[], None] | None = None,
    ) -> Self:
        """Copy it for one look of a wait, or for a DELETE of something created then."""
        twin = self._sharing_pool()
        twin._deadline, twin._created_at, twin._on_send = deadline, created_at, on_send
        return twin

    def _with_own_pool(self, **own: Any) -> Self:
        """Copy it with other settings where `own` names them, the same limiters, and another pool."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__, default_headers=self.default_headers.copy())
        twin.__dict__.update(own)
        twin._open()
        return twin

    def __copy__(self) -> Self:
        return self._with_own_pool()

    def __getstate__(self) -> dict[str, Any]:
        """Configuration only: no sockets, no stream, no clock of a test."""
        state = self.__dict__.copy()
        for name in ("_transport", "_hold", "clock"):
            state.pop(name, None)
        state["verbose"] = bool(self.verbose)
        # The clock of an emulator at rate 0: only waiting in this process moves it.
        if getattr(self.clock, "stands_still", False):
            state["clock_stands_still"] = True
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        stands_still = state.pop("clock_stands_still", False)
        self.__dict__.update(state)
        known = clock_of(self.base_url)
        self.clock = OUT_OF_REACH if stands_still and known is time else known
        self._open_shared()
