"""Reads the bodies of requests, up to the server's limit."""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smartdc.emulator.http.parameters import longest_body


async def read(scope: Scope, receive: Receive) -> bytes:
    """Read a body. If it is too long, only its beginning is read; nothing if Content-Length says so.

    Returns:
        The body; more bytes than `longest_body` if it is too long.

    Raises:
        ClientDisconnect: The client left in the middle of the body.
    """
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    most = longest_body(headers)
    if int(headers.get("content-length", 0)) > most:
        return bytes(most + 1)
    body = bytearray()
    more = True
    while more and len(body) <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


async def respond_at_once(respond: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer before the whole body has arrived, then read and drop the rest of it, as a real server does.

    Many clients read the answer only when they have sent everything, and report a broken connection if the
    server does not read the whole body.
    """

    async def drop_the_rest(message: Message) -> None:
        if message["type"] != "http.response.body" or message.get("more_body"):
            await send(message)
            return
        await send({**message, "more_body": True})
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.body"})

    await respond(scope, receive, drop_the_rest)
