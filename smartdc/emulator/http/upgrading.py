"""Answers a request that asks for an upgrade to a WebSocket, as restify does."""

from __future__ import annotations

from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from smartdc.emulator.http.answers import Answer, Refusal, Upgrade


async def finish(scope: Scope, receive: Receive, send: Send, answer: Answer | Refusal) -> None:
    """Accept the WebSocket and converse, or refuse it with the status alone.

    Restify sends neither body nor headers with a refusal. To learn the reason, a client must repeat the
    request without the upgrade.
    """
    websocket = WebSocket(scope, receive, send)
    if not isinstance(answer, Upgrade):
        await websocket.receive()  # the message "websocket.connect"
        await websocket.send_denial_response(Response(status_code=answer.status))
        return
    await websocket.accept(answer.subprotocol)
    with suppress(WebSocketDisconnect):  # the client has left
        await answer.converse(websocket)
