"""What a client sent, in the form in which tests compare it."""

from __future__ import annotations

from typing import Any, NamedTuple

from smartdc.emulator import Emulator


class Sent(NamedTuple):
    """One request: the path is as it was on the wire, query and body are decoded."""

    method: str
    path: str
    query: dict[str, Any]
    body: Any


def call(method: str, path: str, query: dict[str, Any] | None = None, body: Any = None) -> Sent:
    """A request that is expected."""
    return Sent(method, path, query or {}, body)


def sent(cloud: Emulator, after: int = 0) -> list[Sent]:
    """The requests that the emulator got, from number `after` on."""
    return [Sent(got.method, got.path, got.query, got.body) for got in cloud.calls[after:]]
