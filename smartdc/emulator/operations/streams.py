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
from smartdc.emulator.http.routes import Route
from smartdc.emulator.state.changes import Change, Listener
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import HARDWARE_BRANDS

#: What a subscription may name; in `changeKind` there are others too.
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
#: All that the emulated console says: which version of the protocol it speaks.
RFB_BANNER = b"RFB 003.008\n"
_ANY_CASE_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def changefeed(site: Site, request: Incoming) -> Answer:
    """``GET /:account/changefeed``: changes of the account's machines, once the client has subscribed."""
    if not request.upgrade:
        raise crashed("Connection Must Upgrade For WebSockets")
    owner = request.account.uuid

    async def converse(websocket: WebSocket) -> None:
        subscription: dict[str, Any] = {}

        def wanted(change: Change) -> bool:
            return (
                change.vm.owner_uuid == owner
                and not {*change.names}.isdisjoint(subscription.get("subResources", ()))
                and change.vm.uuid in subscription.get("vms", (change.vm.uuid,))
            )

        def told(change: Change) -> str | None:
            if not wanted(change):
                return None
            if change.message is None:
                change.message = to_json(_shown(site, change))
            return change.message

        def heard(message: str) -> None:
            # A subscription that is none changes nothing, and nobody is told (changefeed.js).
            found = _subscription(message)
            if found is not None:
                subscription.clear()
                subscription.update(found)

        await _follow(site, websocket, told, heard)

    return Upgrade(converse=converse)


def connect_vnc(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/vnc``: refusals first, so that a plain GET tells the reason."""
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

        def told(change: Change) -> str | None:
            return _END if change.vm is vm and vm.state != "running" else None

        await _follow(site, websocket, told, lambda message: None, reason="Remote connection closed")

    return Upgrade(converse=converse, subprotocol=chosen)


#: Said instead of a message: close.
_END = ""
#: So many messages wait for a client that does not read; then its stream ends.
MOST_WAITING = 10_000


async def _follow(
    site: Site,
    websocket: WebSocket,
    told: Callable[[Change], str | None],
    heard: Callable[[str], None],
    *,
    reason: str = "",
) -> None:
    """Send what there is to tell of each change, until the client leaves or it is over.

    Changes happen on any thread: they are written down there and then, and sent by the server's.
    """
    loop = asyncio.get_running_loop()
    outgoing: asyncio.Queue[str] = asyncio.Queue()
    said = sent = 0

    def say(message: str | None) -> None:
        nonlocal said
        if message is None:
            return
        said += 1
        if said - sent > MOST_WAITING:
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

    listener = Listener(lambda change: say(told(change)), lambda: say(_END))
    with site.shared.lock:
        site.changes.add(listener)
    sender = asyncio.create_task(send())
    try:
        while (message := await websocket.receive())["type"] == "websocket.receive":
            with site.shared.lock:
                heard(message.get("text") or "")
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
    if not isinstance(machines, list) or not all(_ANY_CASE_UUID.fullmatch(str(one)) for one in machines):
        return None
    return {"subResources": names, "vms": machines}


def _shown(site: Site, change: Change) -> dict[str, Any]:
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
    # Of one version that no other operation has: ~8 includes it, ~9 does not (endpoints/vnc.js).
    Route("ConnectMachineVNC", "GET", "/:account/machines/:machine/vnc", connect_vnc, versions=((8, 4, 0),)),
]
