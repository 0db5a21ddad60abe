"""The web application at ``/--emulator/``; all other paths are CloudAPI's."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
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
from smartdc.emulator.remote.page import page, set_cookie_and_go_to

log: logging.Logger = logging.getLogger("smartdc.emulator")

PREFIX = "/--emulator/"
_MOST_BYTES = 16 * 1024 * 1024
_TOML = "application/toml"


class Remote:
    """The control of an emulator over HTTP.

    Args:
        cloud: The emulator.
        names: The names and addresses by which clients reach it.

    Attributes:
        token: The token that clients must send.
    """

    def __init__(self, cloud: Controls, names: Collection[str]) -> None:
        self._cloud = cloud
        self._access = Access(names)
        self._feed = Feed(cloud)
        self._feed.follow()
        self.token: str = self._access.token

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Return an application that serves the control's paths, and leaves all others to `app`."""

        async def choose(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("raw_path", b"")
            is_control = path == PREFIX[:-1].encode() or path.startswith(PREFIX.encode())
            await (self._serve if is_control else app)(scope, receive, send)

        return choose

    def follow(self) -> None:
        """Follow the new data centers after a reset."""
        self._feed.follow()

    def note_call(self, call: Call) -> None:
        """Show a request that CloudAPI has answered."""
        self._feed.note_call(call)

    def renew(self) -> None:
        """Forget the listeners in a forked child: they belong to the parent."""
        self._feed.renew()

    def end(self) -> None:
        """Disconnect all listeners, before the server stops."""
        self._feed.end()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})  # closing before accepting answers 403
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
            raise Refused(405, f"{PREFIX}{name} only has {', '.join(methods)}", Allow=", ".join(methods))
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
        """Return the status page; a URL with the token sets the cookie, and leads to the URL without it."""
        if request.method != "GET":
            raise Refused(405, f"{PREFIX} only has GET", Allow="GET")
        token = request.query_params.get("token")
        if token is not None:
            if not self._access.is_token(token):
                raise Refused(401, "the token is wrong: each run of an emulator has a new one")
            return set_cookie_and_go_to(PREFIX, self._access.cookie(PREFIX))
        if not request.url.path.endswith("/"):
            return Response(status_code=303, headers={**HEADERS, "Location": PREFIX})
        self._access.check(request)
        return page()


async def _arguments(request: Request, operation: Operation) -> dict[str, Any]:
    """Return the arguments of an operation from the request.

    Raises:
        ValueError: The request has no valid arguments.
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
        raise Refused(415, f"the body must be application/json, or a file as {_TOML}")
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
    raise ValueError(f"{name} is not a JSON number")
