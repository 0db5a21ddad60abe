"""Ids of requests, which the server repeats in its answers: they tell to which request an answer belongs.

See docs/cloudapi/requests.md#request-ids-are-echoed.
"""

from __future__ import annotations

import itertools
import os

import requests

from smartdc._forks import renew_in_children
from smartdc._http.answers import invalid_response

__all__ = ["give_id", "refuse_foreign"]

_HEADER = "X-Request-Id"
_OTHERS = (_HEADER, "Request-Id")


class _Ids:
    """UUIDs with the same beginning in one process; a forked child has another."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Choose another beginning."""
        digits = os.urandom(12).hex()
        # Of version 4 and its variant, in the form that `uuid.uuid4` would give it.
        self.start = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-"
        self._numbers = itertools.count(1)

    def next(self) -> str:
        """Return an id that no other request has."""
        return f"{self.start}{next(self._numbers):012x}"


_ids = _Ids()
renew_in_children(_ids)


def give_id(request: requests.PreparedRequest) -> None:
    """Give the request an id, unless the caller has set one."""
    if not any(name in request.headers for name in _OTHERS):
        request.headers[_HEADER] = _ids.next()


def refuse_foreign(response: requests.Response) -> None:
    """Refuse an answer with the id of another request of this process.

    Any other id is accepted: a proxy may set its own, and a server may not repeat the request's.

    Raises:
        InvalidResponse: It has such an id; the connection is closed.
    """
    got = response.headers.get("Request-Id", "")
    if got.startswith(_ids.start) and got != response.request.headers.get(_HEADER):
        response.close()
        raise invalid_response(response, "which is the answer to another request, as its Request-Id says")
