"""What every area of operations stands on: a place in the URL space, and the arguments that lead there.

`Endpoint` is anything that requests can be made of. `smartdc._http.connection.Connection` is the endpoint
of an account in a data center; `MachineEndpoint` is that of one machine and calls back through its
data center. The areas in `smartdc.api` derive from one of the two.
"""

from __future__ import annotations

import re
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import requests

from smartdc._http.answers import count_of, list_of, object_of, standing, value_of
from smartdc._http.exchange import Again
from smartdc.arguments.values import readable_alone
from smartdc.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from smartdc.datacenter import DataCenter
    from smartdc.types import MachineData

__all__ = ["Endpoint", "MachineEndpoint", "entity_id", "given", "is_segment", "is_uuid", "path_of"]

Params = Mapping[str, Any]
_T = TypeVar("_T")

_WITHOUT_BODY = (HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT)

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Endpoint(ABC):
    """A place that requests can be made of.

    The verbs return the decoded body, if it has the shape that is asked for, else they raise InvalidResponse.
    A `key` is what the object, or each in the list, must have.
    """

    @abstractmethod
    def _call(
        self,
        method: str,
        segments: Sequence[str],
        params: Params | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        again: Again | None = None,
    ) -> tuple[Any, requests.Response]:
        """Make the request below this place: decoded body and response, whatever they are."""

    def exists(self, *path: Any) -> bool:
        """Whether there is something at this path; one request, and no body in the answer.

        ``HEAD /:login``, ``HEAD /:login/...``

        With no path it is about the account, or the machine. Data centers, services, limits, volumes,
        migrations and single entries of metadata cannot be asked about so.

        Args:
            *path: The parts of the path, below the account or the machine: words, ids or names, and dicts or
                objects that have one: ``sdc.exists('images', image)``. A NIC is its MAC without colons.

        Returns:
            True; or False when it is unknown, another account's, or a machine that is deleted.
        """
        segments = [entity_id(part, "resource", "id", "accesskeyid", "name") for part in path]
        if not all(map(readable_alone, segments)):
            raise ConfigurationError(f"{segments!r} cannot be asked about: a space; look it up in its list")
        try:
            self._head(*segments)
        except NotFoundError:
            return False
        return True

    def _get(self, *segments: str, params: Params | None = None) -> Any:
        return object_of(*self._answer("GET", segments, params))

    def _list(self, *segments: str, params: Params | None = None, key: str | None = None) -> Any:
        return list_of(*self._answer("GET", segments, params), key)

    def _value(self, *segments: str) -> Any:
        return value_of(*self._answer("GET", segments))

    def _head(self, *segments: str, params: Params | None = None) -> Mapping[str, str]:
        return self._answer("HEAD", segments, params)[1].headers

    def _count(self, *segments: str, params: Params | None = None) -> int:
        return count_of(self._answer("HEAD", segments, params)[1])

    def _post(
        self,
        *segments: str,
        params: Params | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        again: Again | None = None,
        key: str | None = None,
    ) -> Any:
        body, response = self._answer("POST", segments, params, json, headers, again)
        if not response.content and key is None and response.status_code in _WITHOUT_BODY:
            return None
        return object_of(body, response, key)

    def _put(self, *segments: str, params: Params | None = None, json: Any = None) -> Any:
        return object_of(*self._answer("PUT", segments, params, json))

    def _delete(self, *segments: str, params: Params | None = None) -> None:
        self._answer("DELETE", segments, params)

    def _answer(
        self,
        method: str,
        segments: Sequence[str],
        params: Params | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        again: Again | None = None,
    ) -> tuple[Any, requests.Response]:
        return standing(*self._call(method, segments, params, json, headers, again))


class MachineEndpoint(Endpoint):
    """One machine, as its areas see it.

    Attributes:
        datacenter: The data center that the machine is in, and that makes its requests.
        id: The machine's UUID.
    """

    datacenter: DataCenter
    id: str
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
        return self.datacenter._call(method, ("machines", self.id, *segments), params, json, headers, again)


def given(**arguments: _T | None) -> dict[str, _T]:
    """The arguments that were given: unset is None, and None is not sent. 0, False and '' are."""
    return {name: value for name, value in arguments.items() if value is not None}


def entity_id(entity: Any, what: str, *keys: str) -> str:
    """The id (or name) of what an argument names.

    Args:
        entity: The id itself, a dict that CloudAPI returned, or an object with an `id`.
        what: The field's word for it, for the error: ``image``.
        keys: Where a dict has its id, best first; ``id`` when not given.

    Raises:
        ConfigurationError: It has none, or it is empty.
    """
    found: Any
    if isinstance(entity, Mapping):
        found = next((entity[key] for key in keys or ("id",) if entity.get(key)), None)
    elif isinstance(entity, str | uuid.UUID):
        found = str(entity)
    else:
        found = getattr(entity, "id", None)
    if not isinstance(found, str) or not found:
        wanted = " or ".join(keys or ("id",))
        raise ConfigurationError(
            f"{entity!r} names no {what}: give its {wanted}, or a dict or object that has one"
        )
    # The server compares ids as text and answers 409 to upper case (observed D).
    return found.lower() if is_uuid(found) else found


def is_uuid(text: str) -> bool:
    """Whether it has the form of an id."""
    return _UUID.fullmatch(text) is not None


def path_of(segments: Sequence[str]) -> str:
    """The segments as a URL path, each quoted by itself so that none can climb out of its place.

    Raises:
        ConfigurationError: A segment is no text, or empty, ``.`` or ``..``, which would lead elsewhere, or
            has half a character in it.
    """
    for segment in segments:
        if not is_segment(segment):
            raise ConfigurationError(f"{segment!r} cannot be an id or a name in a URL")
    return "".join("/" + quote(segment, safe="") for segment in segments)


def is_segment(part: Any) -> bool:
    """Whether it can be one part of a path: text that UTF-8 can write and that does not lead elsewhere."""
    return isinstance(part, str) and part not in ("", ".", "..") and not _SURROGATE.search(part)
