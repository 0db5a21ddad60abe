"""From HTTP to a WebSocket, or not: what restify does with a request that asks for an upgrade."""

from __future__ import annotations

from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from smartdc.emulator.http.answers import Answer, Refusal, Upgrade


async def finish(scope: Scope, receive: Receive, send: Send, answer: Answer | Refusal) -> None:
    """Converse, or refuse: with the status alone, for restify sends neither body nor headers here.

    A client that wants the reason asks again without the upgrade.
    """
    websocket = WebSocket(scope, receive, send)
    if not isinstance(answer, Upgrade):
        await websocket.receive()  # the wish to connect
        await websocket.send_denial_response(Response(status_code=answer.status))
        return
    await websocket.accept(answer.subprotocol)
    with suppress(WebSocketDisconnect):  # the client has left
        await answer.converse(websocket)
