"""The base of every area of operations: it makes requests below one path.

`smartdc._http.connection.Connection` does so for an account in a data center, and is the base of the areas in
`smartdc.api`; `smartdc.machine.endpoint.MachineEndpoint` does so for one machine, by a `Connection`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests

from smartdc._http.answers import (
    Answer,
    count_of,
    object_seen,
    reject_other_id,
    reject_other_name,
    reject_redirect,
    value_of,
)
from smartdc._http.request import BeforeRepeat, Params, Request
from smartdc._http.shapes import OBJECT, Shape, T
from smartdc.arguments.ids import path_of, path_parts
from smartdc.arguments.values import is_readable_by_name
from smartdc.errors import BadRequestError, NotFoundError

if TYPE_CHECKING:
    from smartdc.types import Value

__all__ = ["Endpoint"]

_WITHOUT_BODY = (HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT)


class Endpoint(ABC):
    """Makes requests below one path, of an account or of a machine.

    The methods of the verbs return the decoded body if it has the expected shape, else they raise
    InvalidResponse.
    A `key` is a field that something created must have, with text; it is `named` as the request asked for.
    """

    @abstractmethod
    def _call(self, request: Request) -> Answer:
        """Make a request, with a path from `_path`; return the decoded body and the response, unchecked."""

    def _path(self, *segments: str) -> str:
        """The path of these segments, below the account."""
        return path_of(segments)

    def exists(self, *path: Any) -> bool:
        """Tell whether a thing exists, such as an image or a tag, by one request without getting it.

        ``HEAD /:login``, ``HEAD /:login/...``

        With no path it asks about the account, or the machine. Data centers, services, limits, volumes and
        migrations cannot be asked about in this way. Single entries of metadata, and tags whose names the
        server cannot read one by one (with a space, ``/`` or ``%``), are looked up in their list.

        Args:
            *path: The parts of the path, below the account or the machine: words, ids or names, and dicts or
                objects that have one: ``sdc.exists('images', image)``, ``machine.exists('nics', nic)``,
                ``sdc.exists('fabrics', 'default', 'vlans', 2)``.

        Returns:
            True; or False when it is unknown, another account's, or a machine that is deleted.

        Raises:
            ConfigurationError: A part names nothing.
        """
        segments = path_parts(path)
        entry = len(segments) >= 2 and segments[-2] in ("tags", "metadata")
        if entry and not is_readable_by_name(segments[-1]):
            return self._is_listed(segments)
        try:
            self._head(*segments)
        except NotFoundError:
            return False
        except BadRequestError as error:
            # docs/cloudapi/tags-and-metadata.md#head-of-one-metadata-key
            if not entry or error.status != HTTPStatus.METHOD_NOT_ALLOWED:
                raise
            return self._is_listed(segments)
        return True

    def _is_listed(self, segments: Sequence[str]) -> bool:
        """Whether the list of all entries of its kind has this one."""
        try:
            return segments[-1] in self._get(*segments[:-1], shape=OBJECT)
        except NotFoundError:
            return False

    def _get(self, *segments: str, shape: Shape[T], params: Params | None = None) -> T:
        body, response = self._get_answer(*segments, params=params)
        return reject_other_id(shape.of_object(body, response), response)

    def _get_with_state(
        self, *segments: str, shape: Shape[T], key: str = "id", params: Params | None = None
    ) -> T:
        """Get an object that has a state; its `key` must be the last part of the path."""
        body, response = self._get_answer(*segments, params=params)
        return object_seen(shape.of_object(body, response), response, key, segments[-1])

    def _list(self, *segments: str, shape: Shape[T], params: Params | None = None) -> list[T]:
        return shape.of_list(*self._get_answer(*segments, params=params))

    def _value(self, *segments: str) -> Value:
        return value_of(*self._get_answer(*segments))

    def _get_answer(self, *segments: str, params: Params | None = None) -> Answer:
        return self._answer(Request("GET", self._path(*segments), params))

    def _head(self, *segments: str, params: Params | None = None) -> requests.Response:
        return self._answer(Request("HEAD", self._path(*segments), params))[1]

    def _count(self, *segments: str, params: Params | None = None) -> int:
        return count_of(self._head(*segments, params=params))

    def _post(
        self,
        *segments: str,
        shape: Shape[T],
        params: Params | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        before_repeat: BeforeRepeat | None = None,
        key: str | None = None,
        named: str | None = None,
    ) -> T:
        request = Request("POST", self._path(*segments), params, json, headers, before_repeat)
        body, response = self._answer(request)
        found = reject_other_name(shape.of_object(body, response, key), response, named)
        # The id in the path is that of the original, not that of the clone.
        return found if (params or {}).get("action") == "clone" else reject_other_id(found, response)

    def _post_action(
        self,
        *segments: str,
        shape: Shape[T],
        params: Params | None = None,
        json: Any = None,
        before_repeat: BeforeRepeat | None = None,
    ) -> T | None:
        """Like `_post`, for actions that the server may answer without an object."""
        request = Request("POST", self._path(*segments), params, json, before_repeat=before_repeat)
        body, response = self._answer(request)
        if not response.content and response.status_code in _WITHOUT_BODY:
            return None
        return reject_other_id(shape.of_object(body, response), response)

    def _put(self, *segments: str, shape: Shape[T], json: Any = None) -> T:
        body, response = self._answer(Request("PUT", self._path(*segments), json=json))
        return reject_other_id(shape.of_object(body, response), response)

    def _delete(self, *segments: str) -> None:
        self._answer(Request("DELETE", self._path(*segments)))

    def _answer(self, request: Request) -> Answer:
        return reject_redirect(*self._call(request))
