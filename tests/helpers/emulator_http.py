"""Requests to an emulator's control exactly as a test wants them: any header, any cookie, any body."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.client import HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from smartdc.emulator import Emulator
from tests.helpers.lasting import Connections

PATH = "/--emulator/"


@dataclass
class Reply:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def refused(self, status: int, part: str) -> None:
        """Assert that the request was refused, with this text in the message."""
        assert self.status == status, (self.status, self.body)
        assert part in self.json["message"]


class Control:
    """Makes requests to an emulator."""

    def __init__(self, cloud: Emulator) -> None:
        self.cloud = cloud
        self.address = urlsplit(cloud.url())
        self.host = self.address.netloc
        tls = ssl.create_default_context(cafile=str(cloud.ca_file))
        port = self.address.port or 0
        self.connection = partial(HTTPSConnection, "127.0.0.1", port, context=tls, timeout=30)
        self._connections = Connections(self.connection)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = "",
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Make a request; the token is right unless another one is given, and None sends none."""
        sent = dict(headers or {})
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token or self.cloud.token}")
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        with self._connections.one(self.cloud) as connection:
            connection.request(method, path if path.startswith("/") else PATH + path, data, sent)
            with connection.getresponse() as answer:
                return Reply(answer.status, dict(answer.getheaders()), answer.read())

    def cookie(self) -> str:
        """The cookie that a browser gets for the page's URL."""
        page = self.ask("GET", f"{PATH}?token={self.cloud.token}", token=None)
        assert page.status == 200
        return page.headers["set-cookie"].partition(";")[0]


@dataclass
class Event:
    """A server-sent event."""

    name: str
    data: Any


def events(answer: http.client.HTTPResponse) -> Iterator[Event]:
    """The events of a streamed answer, as they come."""
    name = ""
    while line := answer.readline():
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield Event(name, json.loads(value))
