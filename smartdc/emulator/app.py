"""The ASGI side: a request in, the server's checks in the server's order, an answer out.

The order is observed B's last lines: route and version, Accept, signature syntax, Date, body; up to here an
answer has no ``Request-Id``. Then who is asking, the account of the path, what the parameters name, and the
handler. Throttling, read-only mode and faults will stand in `_handle`, where the comments say so.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import time
import uuid
from email.utils import formatdate
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from smartdc.emulator import (
    accesskeys,
    account,
    authentication,
    authorization,
    datacenters,
    disks,
    fabrics,
    firewall,
    front,
    images,
    keys,
    lifecycle,
    loading,
    machines,
    metadata,
    migrations,
    negotiation,
    networks,
    nics,
    packages,
    parameters,
    presigned,
    rbac,
    role_tags,
    snapshots,
    streams,
    tags,
    upgrading,
    users,
    volumes,
)
from smartdc.emulator.answers import NOTHING, Answer, Lines, Refusal, encode
from smartdc.emulator.incoming import Call, Incoming
from smartdc.emulator.routes import Table
from smartdc.emulator.site import Site

logger = logging.getLogger("smartdc.emulator")

SERVER = "cloudapi/9.20.0"
API_VERSION = "9.0.0"
#: A longer request line gets no answer from a real server (observed A5).
LONGEST_TARGET = 8192

# In the server's order, which decides what fits first and what an Allow header says.
TABLE = Table(
    [
        *front.ROUTES,
        *images.ROUTES,
        *packages.ROUTES,
        *fabrics.ROUTES,
        *networks.ROUTES,
        *account.ROUTES,
        *datacenters.ROUTES,
        *keys.ROUTES,
        *machines.ROUTES,
        *lifecycle.ROUTES,
        *streams.ROUTES,
        *metadata.ROUTES,
        *migrations.ROUTES,
        *snapshots.ROUTES,
        *disks.ROUTES,
        *tags.ROUTES,
        *firewall.ROUTES,
        *users.ROUTES,
        *rbac.ROUTES,
        *nics.ROUTES,
        *account.CONFIG_ROUTES,
        *rbac.ROLE_TAG_ROUTES,
        *volumes.ROUTES,
        *accesskeys.ROUTES,
    ]
)

#: Where there are no volumes, the server has no routes for them (observed H).
_WITHOUT_VOLUMES = Table(route for route in TABLE.routes if route not in volumes.ROUTES)

_ALLOWED_HEADERS = (
    "Accept, Accept-Version, Content-Length, Content-MD5, Content-Type, Date, Api-Version, Response-Time"
)
_EXPOSED_HEADERS = "Api-Version, Request-Id, Response-Time"


class App:
    """The web application of all data centers of one emulator.

    Args:
        sites: The data centers by the port on which each answers.
        calls: Where the call log goes.
    """

    def __init__(self, sites: dict[int, Site], calls: list[Call]) -> None:
        self._sites = sites
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; the port that it came in by says which data center is meant."""
        if scope["type"] not in ("http", "websocket"):
            return
        site = self._sites[scope["server"][1]]
        if scope["type"] == "websocket":
            request = _incoming(scope, b"")
            answer, _ = self._serve(site, request)
            await upgrading.finish(scope, receive, send, answer)
            return
        try:
            request = _incoming(scope, await Request(scope, receive).body())
        except ClientDisconnect:
            return  # in the middle of its body
        _, response = self._serve(site, request)
        await response(scope, receive, send)

    def _serve(self, site: Site, request: Incoming) -> tuple[Answer | Refusal, Response]:
        started = time.monotonic()
        with site.shared.lock:
            try:
                site.settle()
                answer: Answer | Refusal = _handle(site, request)
            except Refusal as refusal:
                answer = refusal
            except Exception:
                logger.exception("the emulator failed at %s %s", request.method, request.target)
                site.shared.violations.append(f"the emulator failed at {request.method} {request.target}")
                answer = Refusal(500, "InternalError", "Internal Error")
            site.changes.look(site.shared.clock.now())
            self._calls.append(_call(site, request, answer))
            date = formatdate(site.shared.clock.wall(), usegmt=True)
        return answer, _response(request, answer, date, started)


def _handle(site: Site, request: Incoming) -> Answer:
    """Run the checks in order, then the operation."""
    _check_length(site, request)
    content_type = parameters.content_type_of(request.headers)
    table = TABLE if site.volumes_enabled else _WITHOUT_VOLUMES
    found = table.find(request.method, request.path, request.version, content_type)
    request.route, request.path_values, request.methods = found.route, found.values, found.methods
    request.media_type = negotiation.choose(request.headers.get("accept", "*/*"))
    signature = authentication.check_authorization_header(site, request)
    authentication.check_date(site, request)
    request.query = parameters.parse_query(request.query_string)
    _check_body(request, content_type)
    request.body = parameters.parse_body(request.method, request.headers, request.raw_body)
    request.complete = True
    params = parameters.merge(found.values, request.query, request.body)
    request.params = params or {}
    if not found.route.authenticated:
        return found.route.handler(site, request)
    # A pre-signed URL takes the place of what the Authorization header says.
    signature = presigned.check_presigned(site, request) or signature
    authentication.identify(site, request, signature)
    if request.path == "/--ping":
        return front.ping(site, request)
    authentication.check_identified(request)
    authentication.load_account(site, request, params)
    loading.load_image(site, request)
    loading.load_package(site, request)
    loading.load_machine(site, request)
    role_tags.load_tags(request)
    authorization.check_allowed(site, request, lifecycle.permission_name(request))
    # Read-only mode comes here (observed H: after the 404 of a missing machine), then the throttle.
    answer = found.route.handler(site, request)
    role_tags.keep_tags(site, request, answer)
    return answer


def _check_length(site: Site, request: Incoming) -> None:
    if len(request.target) > LONGEST_TARGET:
        # A5: a real server never answers this; a client that tests itself here should not have to wait.
        site.shared.violations.append(
            f"A5: {request.method} with a URL of {len(request.target)} characters, which gets no answer"
        )
        raise Refusal(500, None, "")


def _check_body(request: Incoming, content_type: str) -> None:
    """Size and digest; of these content types the server does not read the body itself."""
    if content_type in ("multipart/form-data", "application/octet-stream"):
        return
    if len(request.raw_body) > parameters.MAX_BODY:
        message = f"Request body size exceeds {parameters.MAX_BODY}"
        raise Refusal(413, "PayloadTooLargeError", message)
    stated = request.headers.get("content-md5")
    if stated and request.raw_body:
        actual = _md5(request.raw_body)
        if stated != actual:
            raise Refusal(400, "BadDigest", f"Content-MD5 '{stated}' didn't match '{actual}'")


def _incoming(scope: Scope, body: bytes) -> Incoming:
    raw_path = scope["raw_path"].decode("latin-1")
    query_string = scope["query_string"].decode("latin-1")
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Incoming(
        method=scope.get("method", "GET"),  # WebSockets begin with a GET
        target=f"{raw_path}?{query_string}" if query_string else raw_path,
        path=raw_path,
        query_string=query_string,
        headers=headers,
        raw_body=body,
        ip=scope["client"][0] if scope["client"] else "127.0.0.1",
        request_id=headers.get("request-id") or headers.get("x-request-id") or str(uuid.uuid4()),
        upgrade=scope["type"] == "websocket",
    )


def _response(request: Incoming, answer: Answer | Refusal, date: str, started: float) -> Response:
    body = b""
    headers = {"Date": date, "Connection": "keep-alive"}
    has_body = isinstance(answer, Refusal) or answer.body is not NOTHING
    if isinstance(answer, Lines):
        headers["Content-Type"] = answer.media_type
    elif has_body:
        body = encode(answer if isinstance(answer, Refusal) else answer.body, request.media_type)
        headers["Content-Type"] = request.media_type
    if request.complete:
        headers |= {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
            "Access-Control-Allow-Methods": ", ".join(request.methods),
            "Access-Control-Expose-Headers": _EXPOSED_HEADERS,
            "Connection": "Keep-Alive",
            "Server": SERVER,
            "Api-Version": API_VERSION,
            "Request-Id": request.request_id,
            "Response-Time": str(int((time.monotonic() - started) * 1000)),
        }
        if body:
            headers["Content-MD5"] = _md5(body)
    if request.headers.get("connection", "").lower() == "close":
        headers["Connection"] = "close"
    if isinstance(answer, Lines):
        return StreamingResponse(answer.body, answer.status, headers | answer.headers)
    response = Response(body, status_code=answer.status, headers=headers | answer.headers)
    if not has_body and "content-length" not in {name.lower() for name in answer.headers}:
        # The server sends its 202s chunked (observed F); uvicorn does so when no length is stated.
        del response.headers["content-length"]
    return response


def _call(site: Site, request: Incoming, answer: Answer | Refusal) -> Call:
    headers = dict(request.headers)
    if "authorization" in headers:
        headers["authorization"] = "(not recorded)"
    body = answer.body() if isinstance(answer, Refusal) else answer.body
    return Call(
        method=request.method,
        target=request.target,
        path=request.path,
        query=request.query,
        headers=headers,
        body=request.body if request.body is not None else _decoded(request.raw_body),
        operation=request.route.name if request.route else None,
        datacenter=site.name,
        status=answer.status,
        response=None if body is NOTHING or isinstance(answer, Lines) else body,
        ignored=request.ignored,
    )


def _decoded(body: bytes) -> Any:
    """The JSON of a body that was not read because the request was refused before."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
