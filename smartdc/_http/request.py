"""One request, as an operation describes it and as it is passed down until it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["BeforeRepeat", "Params", "Request", "Timeout", "idempotent"]

Params = Mapping[str, Any]
"""The query of a request."""

Timeout = float | tuple[float, float]
"""Seconds for connecting and for reading: one number for both, or two."""

BeforeRepeat = Callable[[], None]
"""What is called before a POST is repeated that may have been carried out. Its errors go to the caller."""


def idempotent() -> None:
    """A `BeforeRepeat` for POSTs that do no harm when they are carried out twice."""


class Request:
    """What is asked of the server; how it is sent and signed is the connection's business.

    It has no repr of its own: a body may hold a password.

    Args:
        method: HTTP verb, in capitals.
        path: Path below the account, quoted.
        params: Query.
        json: Body; None sends none.
        headers: Headers on top of the connection's own.
        before_repeat: For a POST that may have been carried out: None does not repeat it.
        timeout: Seconds; None takes the connection's.
        is_public: Whether it is about the server and not about an account: neither signed nor below the
            account's URL.
    """

    def __init__(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        before_repeat: BeforeRepeat | None = None,
        timeout: Timeout | None = None,
        is_public: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        self.params = params
        self.json = json
        self.headers = headers
        self.before_repeat = before_repeat
        self.timeout = timeout
        self.is_public = is_public

    def with_params(self, params: Params | None) -> Request:
        """The same request with this query."""
        return Request(
            self.method,
            self.path,
            params,
            self.json,
            self.headers,
            self.before_repeat,
            self.timeout,
            self.is_public,
        )
