"""The web application at ``/--emulator/``; everything else is CloudAPI's."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from smartdc.emulator.contents.toml_file import JsonObject, Table, TomlFile
from smartdc.emulator.control.controls import Controls
from smartdc.emulator.http.calls import Call
from smartdc.emulator.remote.access import Access
from smartdc.emulator.remote.answers import HEADERS, Refused, json_answer, refusal
from smartdc.emulator.remote.feed import Feed
from smartdc.emulator.remote.operations import OPERATIONS, Operation
from smartdc.emulator.remote.page import led_to, page

log = logging.getLogger("smartdc.emulator")

PREFIX = "/--emulator/"
_MOST_BYTES = 16 * 1024 * 1024
_TOML = "application/toml"


class Remote:
    """What an emulator lets be done with it over HTTP.

    Args:
        cloud: The emulator.
        host: The address that it listens on.

    Attributes:
        token: What a client has to show.
    """

    def __init__(self, cloud: Controls, host: str) -> None:
        self._cloud = cloud
        self._access = Access(host)
        self._feed = Feed(cloud)
        self._feed.follow()
        self.token = self._access.token

    def before(self, app: ASGIApp) -> ASGIApp:
        """The whole application: this one for its paths, and the other one for the rest."""

        async def choose(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("raw_path", b"")
            mine = path == PREFIX[:-1].encode() or path.startswith(PREFIX.encode())
            await (self._serve if mine else app)(scope, receive, send)

        return choose

    def follow(self) -> None:
        """The data centers are others now."""
        self._feed.follow()

    def note_call(self, call: Call) -> None:
        """CloudAPI has answered a request."""
        self._feed.note_call(call)

    def renew(self) -> None:
        """In a forked child: who listens does so in the parent."""
        self._feed.renew()

    def end(self) -> None:
        """The server is about to stop."""
        self._feed.end()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})  # before it is accepted: 403
            return
        request = Request(scope, receive)
        try:
            self._access.check_origin(request)
            name = scope["raw_path"].decode("latin-1")[len(PREFIX) :]
            if name:
                self._access.check(request)
            if (request.method, name) == ("GET", "events"):
                await self._feed.answer(scope, receive, send)
                return
            answer = await self._answer(request, name)
        except Refused as error:
            answer = refusal(error)
        except ClientDisconnect:
            return
        await answer(scope, receive, send)

    async def _answer(self, request: Request, name: str) -> Response:
        if name == "":
            return self._page(request)
        operation = OPERATIONS.get((request.method, name))
        if operation is None:
            methods = [method for method, known in (*OPERATIONS, ("GET", "events")) if known == name]
            if not methods:
                raise Refused(404, f"there is nothing at {PREFIX}{name[:40]}")
            raise Refused(405, f"{PREFIX}{name} has {', '.join(methods)}", Allow=", ".join(methods))
        try:
            arguments = await _arguments(request, operation)
            with self._cloud.lock:
                body = operation.act(self._cloud, **arguments)
        except (Refused, ClientDisconnect):
            raise
        except ValueError as error:
            raise Refused(400, str(error)) from None
        except Exception:
            log.exception("the emulator failed at %s %s%s", request.method, PREFIX, name)
            raise Refused(500, "the emulator failed; its log has the reason") from None
        return Response(status_code=204, headers=HEADERS) if body is None else json_answer(body)

    def _page(self, request: Request) -> Response:
        """The status page. Who comes with the token gets the cookie, and is led to the URL without it."""
        if request.method != "GET":
            raise Refused(405, f"{PREFIX} has GET", Allow="GET")
        token = request.query_params.get("token")
        if token is not None:
            if not self._access.is_token(token):
                raise Refused(401, "the token is wrong: the emulator that runs now has another one")
            return led_to(PREFIX, self._access.cookie(PREFIX))
        if not request.url.path.endswith("/"):
            return Response(status_code=303, headers={**HEADERS, "Location": PREFIX})
        self._access.check(request)
        return page()


async def _arguments(request: Request, operation: Operation) -> dict[str, Any]:
    """What the request says to an operation.

    Raises:
        ValueError: It makes no sense.
    """
    if request.method == "GET":
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        return JsonObject(query).table.fields(operation.fields)
    table = _table(await _body(request), request.headers.get("content-type", ""))
    return {"table": table} if operation.of_file else table.fields(operation.fields, operation.required)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise Refused(413, f"more than {_MOST_BYTES} bytes", Connection="close")
    return bytes(body)


def _table(body: bytes, content_type: str) -> Table:
    media_type = content_type.partition(";")[0].strip().lower()
    if not body:
        return JsonObject({}).table
    if media_type == _TOML:
        return TomlFile(Path("contents"), body).table
    if media_type != "application/json":
        raise Refused(415, f"the body must be application/json, or the {_TOML} of a file")
    try:
        content = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"the body is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError("the body must be an object")
    return JsonObject(content).table


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")
