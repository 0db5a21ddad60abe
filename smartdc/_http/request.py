"""One request, as an operation describes it and as it is passed down until it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["BeforeRepeat", "Params", "Request", "Timeout", "idempotent"]

Params = Mapping[str, Any]
"""The query of a request."""

Timeout = float | tuple[float, float]
"""Seconds for connecting and for reading: one number for both, or two."""

BeforeRepeat = Callable[[], None]
"""It is called before a POST that may have been carried out is repeated. Its errors reach the caller."""


def idempotent() -> None:
    """Give it as `before_repeat` with a POST that does no harm when it is carried out twice."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)  # no repr: a body may hold a password
class Request:
    """A request to the server; the connection signs and sends it.

    Attributes:
        method: HTTP verb, in capitals.
        path: Path below the account, quoted.
        params: Query.
        json: Body; None sends none.
        headers: Headers on top of the connection's own.
        before_repeat: None: a POST that may have been carried out is not repeated.
        timeout: Seconds; None takes the connection's.
        is_public: Whether it is about the server and not about an account: it is not signed, and its path is
            not below the account.
    """

    method: str
    path: str
    params: Params | None = None
    json: Any = None
    headers: Mapping[str, str] | None = None
    before_repeat: BeforeRepeat | None = None
    timeout: Timeout | None = None
    is_public: bool = False
