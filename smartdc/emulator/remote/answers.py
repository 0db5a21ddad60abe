"""The answers of the control over HTTP, with headers that keep other origins out."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from smartdc.emulator.http.answers import to_json, to_utf8

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Refused(Exception):
    """A request is refused.

    Attributes:
        status: The HTTP status.
    """

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def json_answer(body: Any, status: int = 200, **headers: str) -> Response:
    """Return an answer in JSON."""
    return Response(
        to_utf8(to_json(body)), status, {**HEADERS, "Content-Type": "application/json", **headers}
    )


def refusal(error: Refused) -> Response:
    """Return the answer to a refused request."""
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else error.headers
    return json_answer({"message": str(error)}, error.status, **headers)
