"""The WebSockets: the change feed, and VNC. Watching a migration is in `migrations`."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from smartdc.emulator.http.answers import Answer, Refusal, Upgrade, crashed, to_json
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.machine_json import machine_json
from smartdc.emulator.http.parameters import ANY_CASE_UUID
from smartdc.emulator.http.routes import Route
from smartdc.emulator.state.changes import Change, Listener
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import HARDWARE_BRANDS

#: The subresources that a subscription may name; the `changeKind` of a message may hold others.
SUBRESOURCES = (
    "alias",
    "customer_metadata",
    "destroyed",
    "nics",
    "owner_uuid",
    "server_uuid",
    "state",
    "tags",
)
VNC_SUBPROTOCOLS = ("binary", "rfb")
#: The only message of the emulated console: its protocol version.
RFB_BANNER = b"RFB 003.008\n"


def changefeed(site: Site, request: Incoming) -> Answer:
    """``GET /:account/changefeed``: send the changes of the account's machines to a subscribed client."""
    if not request.upgrade:
        raise crashed("Connection Must Upgrade For WebSockets")
    owner = request.account.uuid

    async def converse(websocket: WebSocket) -> None:
        subscription: dict[str, Any] = {}

        def is_subscribed(change: Change) -> bool:
            return (
                change.vm.owner_uuid == owner
                and not {*change.names}.isdisjoint(subscription.get("subResources", ()))
                and change.vm.uuid in subscription.get("vms", (change.vm.uuid,))
            )

        def message_for(change: Change) -> str | None:
            if not is_subscribed(change):
                return None
            if change.message is None:
                change.message = to_json(_change_json(site, change))
            return change.message

        def receive(message: str) -> None:
            # The server ignores an invalid subscription without an answer (changefeed.js).
            new = _subscription(message)
            if new is not None:
                subscription.clear()
                subscription.update(new)

        await _follow(site, websocket, message_for, receive)

    return Upgrade(converse=converse)


def connect_vnc(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/vnc``; a plain GET gets the same refusals as a WebSocket."""
    vm, shown = request.vm, request.machine
    if vm.brand not in HARDWARE_BRANDS:
        message = f"Instance type {vm.brand} does not support VNC connections"
        raise Refusal(400, "MachineHasNoVNCError", message)
    if shown["state"] != "running":
        raise Refusal(400, "MachineStoppedError", "Cannot connect to a stopped machine")
    if not request.upgrade:
        message = "VNC connect endpoint is a websocket and must be upgraded"
        raise Refusal(400, "UpgradeRequiredError", message)
    offered = [name for name in re.split(", *", request.headers.get("sec-websocket-protocol", "")) if name]
    chosen = next((name for name in offered if name in VNC_SUBPROTOCOLS), None)
    if offered and chosen is None:
        raise Refusal(500, "InternalServerError", "")

    async def converse(websocket: WebSocket) -> None:
        await websocket.send_bytes(RFB_BANNER)

        def message_for(change: Change) -> str | None:
            return _END if change.vm is vm and vm.state != "running" else None

        await _follow(site, websocket, message_for, lambda message: None, reason="Remote connection closed")

    return Upgrade(converse=converse, subprotocol=chosen)


#: Queued in place of a message: close the WebSocket.
_END = ""
#: How many messages may wait for a client that does not read; then the server ends the stream.
MOST_WAITING = 10_000


async def _follow(
    site: Site,
    websocket: WebSocket,
    message_for: Callable[[Change], str | None],
    receive: Callable[[str], None],
    *,
    reason: str = "",
) -> None:
    """Send a message for each change, until the client leaves or `message_for` ends the stream.

    A change may happen on any thread: that thread queues its message, and the server's thread sends it.
    """
    loop = asyncio.get_running_loop()
    outgoing: asyncio.Queue[str] = asyncio.Queue()
    queued = sent = 0

    def queue(message: str | None) -> None:
        nonlocal queued
        if message is None:
            return
        queued += 1
        if queued - sent > MOST_WAITING:
            site.changes.remove(listener)
            message = _END
        loop.call_soon_threadsafe(outgoing.put_nowait, message)

    async def send() -> None:
        nonlocal sent
        with suppress(WebSocketDisconnect):
            while message := await outgoing.get():
                await websocket.send_text(message)
                sent += 1
            await websocket.close(reason=reason)

    listener = Listener(lambda change: queue(message_for(change)), lambda: queue(_END))
    with site.shared.lock:
        site.changes.add(listener)
    sender = asyncio.create_task(send())
    try:
        while (message := await websocket.receive())["type"] == "websocket.receive":
            with site.shared.lock:
                receive(message.get("text") or "")
    finally:
        with site.shared.lock:
            site.changes.remove(listener)
        sender.cancel()
        with suppress(asyncio.CancelledError):
            await sender


def _subscription(message: str) -> dict[str, Any] | None:
    try:
        asked = json.loads(message)
    except ValueError:
        return None
    if not isinstance(asked, dict) or asked.get("resource") != "vm":
        return None
    names, machines = asked.get("subResources"), asked.get("vms")
    if not isinstance(names, list) or any(name not in SUBRESOURCES for name in names):
        return None
    if not machines and machines != []:
        return {"subResources": names}
    if not isinstance(machines, list) or not all(ANY_CASE_UUID.fullmatch(str(one)) for one in machines):
        return None
    return {"subResources": names, "vms": machines}


def _change_json(site: Site, change: Change) -> dict[str, Any]:
    vm = change.vm
    return {
        "changeKind": {"resource": "vm", "subResources": change.names},
        "changedResourceId": vm.uuid,
        "published": str(int(change.when * 1000)),
        # Without the package's name: the feed does not look packages up.
        "resourceObject": machine_json(site, vm, "9.14.0", with_package=False),
        "resourceState": vm.state,
    }


ROUTES = [
    Route("changefeed", "GET", "/:account/changefeed", changefeed),
]

VNC_ROUTES = [
    # The route has version 8.4.0, which no other route has: ~8 includes it, ~9 does not (endpoints/vnc.js).
    Route("ConnectMachineVNC", "GET", "/:account/machines/:machine/vnc", connect_vnc, versions=((8, 4, 0),)),
]
