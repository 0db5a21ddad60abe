"""What the areas of one machine stand on: its place below an account, and the connection to that account."""

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
    from smartdc.types import MachineData, Value

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
    _deleted: bool = False
    """Whether it is known to be deleted."""
    _look_first: bool = True
    """Whether an action looks at it first, when nothing was asked yet."""
    _request_times: Mapping[str, RequestTime] = MappingProxyType({})
    """When its actions were asked for here, by their names."""
    _last_audited: datetime | None = None
    """The time of the action that was waited for last."""
    _data_order: int
    """The number, in `smartdc._http.looks.actions`, of the answer that `_data` comes from."""

    @property
    @abstractmethod
    def state(self) -> str:
        """The machine's state when last seen."""

    @abstractmethod
    def refresh(self, credentials: bool = False) -> None:
        """Fetch the machine again."""

    @abstractmethod
    def _fetch(self, connection: Connection, credentials: bool = False) -> None:
        """`refresh` by that connection."""

    @abstractmethod
    def _save(self, data: Mapping[str, Any]) -> None:
        """Take over what the server says."""

    @property
    def _created_at(self) -> datetime | None:
        """When it was created, as far as it is known without a request."""
        return None if self._data is None else parse_time(self._data.get("created"))

    def _path(self, *segments: str) -> str:
        return path_of(("machines", self.id, *segments))

    def _call(self, request: Request) -> Answer:
        return self._connection._call(request)

    def _listed_entry(self, kind: str, name: str) -> Value:
        """One of the tags or metadata that the server does not read alone, from the list of all."""
        answer, response = self._get_answer(kind)
        entries = shapes.TAGS.of_object(answer, response)
        if name not in entries:
            raise not_listed(response, f"machine {self.id} has no {kind.removesuffix('s')} {shown(name)}")
        return entries[name]
