"""The base of a machine's areas: its path below an account, and the connection to that account."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from smartdc._http import shapes
from smartdc._http.answers import Answer, not_listed
from smartdc._http.connection import Connection
from smartdc._http.endpoint import Endpoint
from smartdc._http.request import Request
from smartdc._http.request_time import RequestTime
from smartdc._times import parse_time
from smartdc.arguments.ids import path_of, shown

if TYPE_CHECKING:
    from smartdc.types import AuditEntry, MachineData, Value

__all__ = ["MachineEndpoint"]


class MachineEndpoint(Endpoint):
    """The base of a machine's areas.

    Attributes:
        id: The machine's UUID.
    """

    id: str
    _connection: Connection
    """The connection for its requests."""
    _data: MachineData | None
    """The last known data; None before the first request."""
    _deleted: bool = False
    """Whether it is known to be deleted."""
    _look_first: bool = True
    """Whether an action fetches the machine first if there is no data yet."""
    _request_times: Mapping[str, RequestTime] = MappingProxyType({})
    """When this object requested actions, by their names in the audit."""
    _audited: Mapping[str, tuple[RequestTime, AuditEntry]] = MappingProxyType({})
    """What the audit says of actions that were waited for, by their names, with when each was requested."""
    _data_order: int
    """The number, in `smartdc._http.looks.actions`, of the answer that `_data` comes from."""

    @property
    @abstractmethod
    def state(self) -> str:
        """The machine's state when last seen."""

    @abstractmethod
    def refresh(self, credentials: bool = ...) -> None:
        """Fetch the machine again."""

    @abstractmethod
    def _fetch(self, connection: Connection, credentials: bool = ..., *, must_have_state: bool = ...) -> None:
        """Refresh the machine with this connection, which may have a deadline.

        Args:
            connection: The connection.
            credentials: Also fetch the generated passwords.
            must_have_state: Raise InvalidResponse for an answer without a state or this machine's id, as
                waits need.
        """

    @abstractmethod
    def _save(self, data: Mapping[str, Any]) -> None:
        """Save the data that the server sent."""

    @property
    def _created_at(self) -> datetime | None:
        """When it was created, as far as it is known without a request."""
        return None if self._data is None else parse_time(self._data.get("created"))

    def _note_request(self, action: str) -> None:
        """Note that an action is requested now, for `poll_action`."""
        self._request_times = {**self._request_times, action: RequestTime(self._connection.clock, "time")}

    def _path(self, *segments: str) -> str:
        return path_of(("machines", self.id, *segments))

    def _call(self, request: Request) -> Answer:
        return self._connection._call(request)

    def _listed_entry(self, kind: str, name: str) -> Value:
        """Return one tag or metadata entry from the list of all, if the server cannot look up its name."""
        answer, response = self._get_answer(kind)
        entries = shapes.TAGS.of_object(answer, response)
        if name not in entries:
            raise not_listed(response, f"machine {self.id} has no {kind.removesuffix('s')} {shown(name)}")
        return entries[name]
