"""What the areas of one machine stand on: its place below an account, and the connection to that account."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import requests

from smartdc._http.connection import Connection
from smartdc._http.endpoint import Endpoint, Params
from smartdc._http.exchange import Again
from smartdc.types import MachineData

__all__ = ["MachineEndpoint"]


class MachineEndpoint(Endpoint):
    """One machine, as its areas see it.

    Attributes:
        id: The machine's UUID.
    """

    id: str
    _connection: Connection
    """What makes its requests."""
    _data: MachineData | None
    """What the server said last; None when nothing was asked yet."""
    _deleted: bool
    """Whether it is known to be deleted."""

    @property
    @abstractmethod
    def state(self) -> str:
        """The machine's state when last seen."""

    @abstractmethod
    def refresh(self, credentials: bool = False) -> None:
        """Fetch the machine again."""

    def _call(
        self,
        method: str,
        segments: Sequence[str],
        params: Params | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        again: Again | None = None,
    ) -> tuple[Any, requests.Response]:
        return self._connection._call(method, ("machines", self.id, *segments), params, json, headers, again)
