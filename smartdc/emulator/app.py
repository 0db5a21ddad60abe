"""The ASGI side: a request in, the server's checks in the server's order, an answer out.

The order (docs/cloudapi/requests.md#order-of-the-checks): route and version, Accept, signature syntax, Date,
body; up to here an answer has no ``Request-Id``. Then who is asking, the account of the path, what the
parameters name, and the handler. Before the handler stand read-only mode, the throttle, and the faults that
somebody asked for.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from functools import cache, partial
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from smartdc.emulator.gate import authentication, authorization, presigned, role_tags
from smartdc.emulator.gate import named_resources as loading
from smartdc.emulator.gate.switches import Switches
from smartdc.emulator.http import bodies, negotiation, parameters, upgrading
from smartdc.emulator.http.answers import BINARY_TYPE, NOTHING, SCRIPT_TYPE, Answer, Lines, Refusal, encode
from smartdc.emulator.http.calls import Call
from smartdc.emulator.http.fault_kinds import TRANSPORT, Delay
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.routes import Route, Table
from smartdc.emulator.operations import (
    accesskeys,
    account,
    datacenters,
    disks,
    fabrics,
    firewall,
    images,
    keys,
    lifecycle,
    machines,
    metadata,
    migrations,
    networks,
    nics,
    packages,
    rbac,
    snapshots,
    streams,
    tags,
    users,
    volumes,
)
from smartdc.emulator.operations import ping_and_docs as front
from smartdc.emulator.state.site import Site

log = logging.getLogger("smartdc.emulator")

SERVER = "cloudapi/9.20.0"
API_VERSION = "9.0.0"
_PING = "/--ping"
#: A longer request line gets no answer from a real server (docs/cloudapi/hazards.md#urls-of-more-than-8-kb).
LONGEST_TARGET = 8192


def _mounted(group: str | None, *areas: list[Route]) -> Iterator[Route]:
    """Routes, with the group by which the throttle counts their requests; None is not counted."""
    for routes in areas:
        for route in routes:
            yield replace(route, group=group)


# In the server's order, which decides what fits first and what an Allow header says. The groups are named as
# their throttles are in its configuration (app.js).
TABLE = Table(
    [
        *_mounted(None, front.ROUTES),
        *_mounted("datasets", images.ROUTES),
        *_mounted("packages", packages.ROUTES),
        *_mounted("networks", fabrics.ROUTES, networks.ROUTES),
        *_mounted("account", account.ROUTES),
        *_mounted("datacenter", datacenters.ROUTES),
        *_mounted("services", datacenters.SERVICE_ROUTES),
        *_mounted("keys", keys.ROUTES),
        *_mounted("machines", machines.ROUTES, lifecycle.ROUTES),
        *_mounted("changefeed", streams.ROUTES),
        *_mounted("machines", metadata.ROUTES, migrations.ROUTES, snapshots.ROUTES, disks.ROUTES),
        *_mounted("machines", tags.ROUTES, firewall.ROUTES, streams.VNC_ROUTES),
        *_mounted("users", users.ROUTES),
        *_mounted("policies", rbac.POLICY_ROUTES),
        *_mounted("roles", rbac.ROLE_ROUTES),
        *_mounted("nics", nics.ROUTES),
        *_mounted("config", account.CONFIG_ROUTES),
        *_mounted("resources", rbac.ROLE_TAG_ROUTES),
        *_mounted("volumes", volumes.ROUTES),
        *_mounted("accesskeys", accesskeys.ROUTES),
    ]
)

#: What the OpenAPI description has and 9.20.0 lacks (docs/cloudapi/access.md#access-keys-cannot-be-updated).
SCHEMA_ONLY = ("UpdateAccessKey", "UpdateUserAccessKey", "WatchMigration")

_ALLOWED_HEADERS = (
    "Accept, Accept-Version, Content-Length, Content-MD5, Content-Type, Date, Api-Version, Response-Time"
)
_EXPOSED_HEADERS = "Api-Version, Request-Id, Response-Time"


class App:
    """The web application of all data centers of one emulator.

    Args:
        sites: The data centers by the port on which each answers.
        on_call: Called with each request when it was handled.
        switches: The faults, the throttle and the read-only mode.
    """

    def __init__(self, sites: dict[int, Site], on_call: Callable[[Call], None], switches: Switches) -> None:
        self._sites = sites
        self._on_call = on_call
        self._switches = switches

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; the port that it came in by says which data center is meant."""
        if scope["type"] not in ("http", "websocket"):
            return
        site = self._sites[scope["server"][1]]
        try:
            # WebSockets begin with a request without a body.
            body = b"" if scope["type"] == "websocket" else await bodies.read(scope, receive)
        except ClientDisconnect:
            return  # in the middle of its body
        request = _incoming(site, scope, body)
        started = time.monotonic()
        answer = _serve(site, request, partial(_handle, self._switches))
        fault = request.fault
        if isinstance(fault, Delay) and not fault.after_commit:
            await fault.wait(scope, receive)
            answer = _serve(site, request, _carry_out)
        respond = _responder(site, request, answer, started)
        self._on_call(_call(site, request, answer, len(getattr(respond, "body", b""))))
        if len(body) > parameters.longest_body(request.headers):
            respond = partial(bodies.respond_at_once, respond)
        if fault is None:
            await respond(scope, receive, send)
        elif TRANSPORT in scope["extensions"]:  # or else the client has left already
            await fault.answer(respond, scope, receive, send)


def _serve(site: Site, request: Incoming, step: Callable[[Site, Incoming], Answer]) -> Answer | Refusal:
    """Take a step while nobody else looks at the site; whatever goes wrong becomes an answer."""
    with site.shared.lock:
        try:
            site.settle()
            return step(site, request)
        except Refusal as refusal:
            return refusal
        except Exception:
            log.exception("the emulator failed at %s %s", request.method, request.target)
            site.shared.violations.append(f"the emulator failed at {request.method} {request.target}")
            return Refusal(500, "InternalError", "Internal Error")
        finally:
            site.changes.look(site.shared.clock.now())


def _handle(switches: Switches, site: Site, request: Incoming) -> Answer:
    """Run the checks in order, then the operation, unless a fault comes between."""
    _check(switches, site, request)
    request.fault = switches.faults.strike(request.operation.name, site.name)
    if request.fault is not None and not request.fault.after_commit:
        return Answer()  # which nobody sees
    return _carry_out(site, request)


def _check(switches: Switches, site: Site, request: Incoming) -> None:
    _check_length(site, request)
    content_type = parameters.content_type_of(request.headers)
    table = _table(site.volumes_enabled, site.shared.schema_only)
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
        return
    # A pre-signed URL takes the place of what the Authorization header says.
    signature = presigned.check_presigned(site, request) or signature
    authentication.identify(site, request, signature)
    if request.path != _PING:
        authentication.check_identified(request)
        authentication.load_account(site, request, params)
        loading.load_image(site, request)
        loading.load_package(site, request)
        loading.load_machine(site, request)
        role_tags.load_tags(request)
        authorization.check_allowed(site, request, lifecycle.permission_name(request))
    if switches.read_only is not None:
        switches.read_only.check(request.method)
    if switches.throttle is not None and found.route.group is not None:
        # Whoever does not sign a ping shares its bucket with all who do not (authorization.js, restify).
        login = request.caller.login if request.caller else "anonymous"
        switches.throttle.pay(site.name, login, found.route.group)


@cache
def _table(volumes: bool, schema_only: bool) -> Table:
    """The routes of a data center: without volumes it has none for them.

    See docs/cloudapi/storage.md#volumes-off.
    """
    return Table(
        route
        for route in TABLE.routes
        if (volumes or route.group != "volumes") and (schema_only or route.name not in SCHEMA_ONLY)
    )


def _carry_out(site: Site, request: Incoming) -> Answer:
    handler = front.ping if request.path == _PING else request.operation.handler
    answer = handler(site, request)
    role_tags.keep_tags(site, request, answer)
    return answer


def _check_length(site: Site, request: Incoming) -> None:
    if len(request.target) > LONGEST_TARGET:
        # A real server never answers this; a client that tests itself here should not have to wait.
        site.shared.violations.append(
            f"{request.method} with a URL of {len(request.target)} characters, which gets no answer"
            " (docs/cloudapi/hazards.md#urls-of-more-than-8-kb)"
        )
        raise Refusal(500, None, "")


def _check_body(request: Incoming, content_type: str) -> None:
    """Size and digest; of these content types the server does not read the body itself."""
    if content_type == BINARY_TYPE:
        return
    most = parameters.longest_body(request.headers)
    if len(request.raw_body) > most:
        raise Refusal(413, "PayloadTooLargeError", f"Request body size exceeds {most}")
    if content_type == parameters.MULTIPART_TYPE:
        return
    stated = request.headers.get("content-md5")
    if stated and request.raw_body:
        actual = _md5(request.raw_body)
        if stated != actual:
            raise Refusal(400, "BadDigest", f"Content-MD5 '{stated}' didn't match '{actual}'")


def _incoming(site: Site, scope: Scope, body: bytes) -> Incoming:
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
        request_id=headers.get("request-id") or headers.get("x-request-id") or site.shared.request_ids.uuid(),
        upgrade=scope["type"] == "websocket",
    )


def _responder(site: Site, request: Incoming, answer: Answer | Refusal, started: float) -> ASGIApp:
    """What sends the answer."""
    if request.upgrade:
        return partial(upgrading.finish, answer=answer)
    body = b""
    clock = site.shared.clock
    # Before a signature was found good, the date is what its date is compared with.
    date = clock.shown() if request.complete else clock.wall()
    headers = {"Date": formatdate(date, usegmt=True), "Connection": "keep-alive"}
    has_body = isinstance(answer, Refusal) or answer.body is not NOTHING
    if isinstance(answer, Lines):
        headers["Content-Type"] = answer.media_type
    elif has_body:
        callback = request.query.get("callback") or request.query.get("jsonp")
        media_type = SCRIPT_TYPE if callback else request.media_type
        body = encode(answer if isinstance(answer, Refusal) else answer.body, media_type)
        if callback:
            # docs/cloudapi/requests.md#callback-wraps-the-answer
            name = parameters.as_text(callback)
            body = f"typeof {name} === 'function' && {name}(".encode() + body + b");"
        headers["Content-Type"] = media_type
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
        # The server sends its 202s chunked (docs/cloudapi/requests.md#empty-answers); uvicorn does so when no
        # length is stated.
        del response.headers["content-length"]
    return response


def _call(site: Site, request: Incoming, answer: Answer | Refusal, size: int) -> Call:
    headers = dict(request.headers)
    if "authorization" in headers:
        headers["authorization"] = "(not recorded)"
    response = answer.body() if isinstance(answer, Refusal) else answer.body
    status, response = answer.status, None if response is NOTHING or isinstance(answer, Lines) else response
    if request.fault is not None:
        status, response = request.fault.logged(status, response)
    body = request.body if request.body is not None else _decoded(request.raw_body)
    return Call(
        method=request.method,
        target=request.target,
        path=request.path,
        query=request.query,
        headers=headers,
        body=body,
        operation=request.route.name if request.route else None,
        datacenter=site.name,
        status=status,
        answer=response,
        ignored=request.ignored,
        fault=request.fault,
        size=size + (0 if body is None else len(request.raw_body)),
    )


def _decoded(body: bytes) -> Any:
    """The JSON of a body that was not read because the request was refused before."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
