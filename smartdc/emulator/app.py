"""The ASGI application: it checks a request in the server's order, runs the operation, and answers.

The order (docs/cloudapi/requests.md#order-of-the-checks): route and version, Accept, signature syntax, Date,
body; refusals up to this point have no ``Request-Id``. Then the caller's identity, the account of the path,
the resources that the parameters name, permissions, read-only mode, the throttle, the faults that a test
added, and the handler.
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

from smartdc.emulator.gate import authentication, authorization, named_resources, presigned, role_tags
from smartdc.emulator.gate.switches import Switches
from smartdc.emulator.http import bodies, negotiation, parameters, upgrading
from smartdc.emulator.http.answers import BINARY_TYPE, NOTHING, SCRIPT_TYPE, Answer, Lines, Refusal, encode
from smartdc.emulator.http.calls import Call
from smartdc.emulator.http.fault_kinds import TRANSPORT, Delay
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.routes import Route, Table
from smartdc.emulator.http.violations import note_violation
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
    ping_and_docs,
    rbac,
    snapshots,
    streams,
    tags,
    users,
    volumes,
)
from smartdc.emulator.state.site import Site

log: logging.Logger = logging.getLogger("smartdc.emulator")

SERVER = "cloudapi/9.20.0"
API_VERSION = "9.0.0"
_PING = "/--ping"
#: A real server does not answer longer request targets (docs/cloudapi/hazards.md#urls-of-more-than-8-kb).
LONGEST_TARGET = 8192


def _in_group(group: str | None, *areas: list[Route]) -> Iterator[Route]:
    """Yield the routes with their throttle group, whose requests are counted together; None: not counted."""
    for routes in areas:
        for route in routes:
            yield replace(route, group=group)


# In the server's order, which decides which route matches first and how an Allow header lists the methods.
# The groups have the names of the throttles in the server's configuration (app.js).
TABLE = Table(
    [
        *_in_group(None, ping_and_docs.ROUTES),
        *_in_group("datasets", images.ROUTES),
        *_in_group("packages", packages.ROUTES),
        *_in_group("networks", fabrics.ROUTES, networks.ROUTES),
        *_in_group("account", account.ROUTES),
        *_in_group("datacenter", datacenters.ROUTES),
        *_in_group("services", datacenters.SERVICE_ROUTES),
        *_in_group("keys", keys.ROUTES),
        *_in_group("machines", machines.ROUTES, lifecycle.ROUTES),
        *_in_group("changefeed", streams.ROUTES),
        *_in_group("machines", metadata.ROUTES, migrations.ROUTES, snapshots.ROUTES, disks.ROUTES),
        *_in_group("machines", tags.ROUTES, firewall.ROUTES, streams.VNC_ROUTES),
        *_in_group("users", users.ROUTES),
        *_in_group("policies", rbac.POLICY_ROUTES),
        *_in_group("roles", rbac.ROLE_ROUTES),
        *_in_group("nics", nics.ROUTES),
        *_in_group("config", account.CONFIG_ROUTES),
        *_in_group("resources", rbac.ROLE_TAG_ROUTES),
        *_in_group("volumes", volumes.ROUTES),
        *_in_group("accesskeys", accesskeys.ROUTES),
    ]
)

#: Operations of the OpenAPI description that CloudAPI 9.20.0 lacks
#: (docs/cloudapi/access.md#access-keys-cannot-be-updated).
SCHEMA_ONLY = ("UpdateAccessKey", "UpdateUserAccessKey", "WatchMigration")

_ALLOWED_HEADERS = (
    "Accept, Accept-Version, Content-Length, Content-MD5, Content-Type, Date, Api-Version, Response-Time"
)
_EXPOSED_HEADERS = "Api-Version, Request-Id, Response-Time"


class App:
    """The web application of all data centers of one emulator.

    Args:
        sites: The data centers by the port on which each answers.
        on_call: Called with each request after it was handled.
        switches: The faults, the throttle and the read-only mode.
    """

    def __init__(self, sites: dict[int, Site], on_call: Callable[[Call], None], switches: Switches) -> None:
        self._sites = sites
        self._on_call = on_call
        self._switches = switches

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; the port that it came in by identifies the data center."""
        if scope["type"] not in ("http", "websocket"):
            return
        site = self._sites[scope["server"][1]]
        try:
            # WebSockets begin with a request without a body.
            body = b"" if scope["type"] == "websocket" else await bodies.read(scope, receive)
        except ClientDisconnect:
            return  # the client left in the middle of the body
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
        elif TRANSPORT in scope["extensions"]:  # without it the client has already left
            await fault.answer(respond, scope, receive, send)


def _serve(site: Site, request: Incoming, step: Callable[[Site, Incoming], Answer]) -> Answer | Refusal:
    """Run `step` with the lock held; turn a refusal or an unexpected error into an answer."""
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
            site.changes.publish(site.shared.clock.now())


def _handle(switches: Switches, site: Site, request: Incoming) -> Answer:
    """Run the checks in order, then the operation, unless a fault replaces it."""
    _check(switches, site, request)
    request.fault = switches.faults.choose(request.operation.name, site.name)
    if request.fault is not None and not request.fault.after_commit:
        return Answer()  # a placeholder: the client gets the fault
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
        named_resources.load_image(site, request)
        named_resources.load_package(site, request)
        named_resources.load_machine(site, request)
        role_tags.load_tags(request)
        authorization.check_allowed(site, request, lifecycle.permission_name(request))
    if switches.read_only is not None:
        switches.read_only.check(request.method)
    if switches.throttle is not None and found.route.group is not None:
        # Unsigned pings of all clients share one bucket (authorization.js, restify).
        login = request.caller.login if request.caller else "anonymous"
        switches.throttle.take_token(site.name, login, found.route.group)


@cache
def _table(volumes: bool, schema_only: bool) -> Table:
    """Return the routes of a data center; with volumes off, those of volumes do not exist.

    See docs/cloudapi/storage.md#volumes-off.
    """
    return Table(
        route
        for route in TABLE.routes
        if (volumes or route.group != "volumes") and (schema_only or route.name not in SCHEMA_ONLY)
    )


def _carry_out(site: Site, request: Incoming) -> Answer:
    handler = ping_and_docs.ping if request.path == _PING else request.operation.handler
    answer = handler(site, request)
    role_tags.show_or_update_tags(site, request, answer)
    return answer


def _check_length(site: Site, request: Incoming) -> None:
    if len(request.target) > LONGEST_TARGET:
        # A real server never answers such a request; this answer spares a test the wait.
        note_violation(
            site,
            request,
            f"a URL of {len(request.target)} characters gets no answer",
            "urls-of-more-than-8-kb",
        )
        raise Refusal(500, None, "")


def _check_body(request: Incoming, content_type: str) -> None:
    """Check the body's size and digest, as far as the server does for this content type."""
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
    """Return the ASGI application that sends the answer."""
    if request.upgrade:
        return partial(upgrading.finish, answer=answer)
    body = b""
    clock = site.shared.clock
    # Refusals before that are dated by the wall clock, with which a signature's date is compared.
    date = clock.server_time() if request.complete else clock.wall()
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
        # The server sends its 202s chunked (docs/cloudapi/requests.md#empty-answers); uvicorn does so for an
        # answer without Content-Length.
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
    """Return the JSON of a body that was not parsed because the request was refused earlier, or None."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
