"""A server whose machines change at given times of a clock; its lists lag and fail, and its feed breaks.

Its change feed sends each change at its time; `TimelineServer.feeds` tells how far each feed is.
"""

from __future__ import annotations

import json
import math
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import InvalidState
from websockets.frames import Opcode
from websockets.protocol import Protocol, Side, State
from websockets.utils import accept_key

__all__ = ["FeedProgress", "Scene", "Timeline", "TimelineServer", "change"]

PAGE = 1000


@dataclass(frozen=True)
class Timeline:
    """The life of one machine.

    Attributes:
        states: When each of its states begins, the first at 0. ``410`` and ``404``: it is gone, and answered
            so.
        hidden: From when to when lists leave it out, although it exists.
    """

    states: Sequence[tuple[float, str]] = ((0, "running"),)
    hidden: tuple[float, float] = (0, 0)

    def at(self, now: float) -> str:
        """The state at a time."""
        return next(state for begins, state in reversed(self.states) if begins <= max(now, 0))

    def is_listed(self, now: float) -> bool:
        return self.at(now) not in ("failed", "410", "404") and not self.hidden[0] <= now < self.hidden[1]


@dataclass
class Scene:
    """The state of the server.

    Attributes:
        now: Tells the time.
        machines: The machines by their ids.
        fails: From when to when lists are refused.
        silent: From when to when the server can answer nothing (503); its feed goes on.
        cuts: When the feed breaks.
        tell: The events that the feed sends when a machine gets a state.
        watch: Called in each request.
    """

    now: Callable[[], float] = lambda: 0.0
    machines: Mapping[str, Timeline] = field(default_factory=dict)
    fails: tuple[float, float] = (0, 0)
    silent: tuple[float, float] = (0, 0)
    cuts: Sequence[float] = ()
    tell: Callable[[str, str], Sequence[Any]] = lambda ident, state: [change(ident, state)]
    watch: Callable[[], None] = lambda: None


class FeedProgress(NamedTuple):
    """What an open feed has sent: all changes until a time, and the number of messages."""

    until: float
    messages: int


class TimelineServer:
    """Serves a scene, which can be changed between requests.

    Attributes:
        scene: The current scene.
        asked: ``list``, ``get`` or ``feed``, in order.
        feeds: What each open feed has sent, by the port of the client.
    """

    def __init__(self) -> None:
        self.scene = Scene()
        self.asked: list[str] = []
        self.feeds: dict[int, FeedProgress] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one packet: two would wait for each other

            def do_GET(self) -> None:
                if self.path.endswith("/changefeed"):
                    self.send_response(101)
                    for name, value in (
                        ("Upgrade", "websocket"),
                        ("Connection", "Upgrade"),
                        ("Sec-WebSocket-Accept", accept_key(self.headers["Sec-WebSocket-Key"])),
                    ):
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.flush()
                    self.close_connection = True
                    server._converse(self.connection)
                    return
                status, answer = server._answer(self.path)
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _converse(self, connection: socket.socket) -> None:
        """Send changes, until the client leaves or the feed has to break."""
        scene, port = self.scene, connection.getpeername()[1]
        self.asked.append("feed")
        connection.settimeout(0.001)
        protocol = Protocol(Side.SERVER)
        opened = scene.now()
        wanted: list[str] = []
        sent_until, messages = math.inf, 0
        with suppress(OSError, InvalidState):  # the client has left
            while protocol.state is State.OPEN and scene is self.scene:
                with suppress(TimeoutError):
                    protocol.receive_data(connection.recv(65536))
                for frame in protocol.events_received():
                    if getattr(frame, "opcode", None) is Opcode.TEXT:
                        wanted, sent_until = json.loads(bytes(frame.data))["vms"], scene.now()  # type: ignore[union-attr]
                now = scene.now()
                if any(opened < cut <= now for cut in scene.cuts):
                    break
                for _, ident, state in sorted(_changes(scene, wanted, sent_until, now)):
                    for event in scene.tell(ident, state):
                        protocol.send_text(json.dumps(event).encode())
                        messages += 1
                for data in protocol.data_to_send():
                    connection.sendall(data)
                sent_until = max(sent_until, now) if wanted else sent_until
                self.feeds[port] = FeedProgress(sent_until, messages)
        self.feeds.pop(port, None)

    def _answer(self, target: str) -> tuple[int, Any]:
        scene, now = self.scene, self.scene.now()
        scene.watch()
        if scene.silent[0] <= now < scene.silent[1]:
            self.asked.append("silence")
            return 503, {"code": "ServiceUnavailable", "message": "not now"}
        path, ident = urlsplit(target), urlsplit(target).path.partition("/machines/")[2]
        if not ident:
            self.asked.append("list")
            if scene.fails[0] <= now < scene.fails[1]:
                return 403, {"code": "NotAuthorized", "message": "no lists"}
            offset = int(parse_qs(path.query).get("offset", ["0"])[0])
            listed = [name for name, line in scene.machines.items() if line.is_listed(now)]
            return 200, [_entry(scene, name, now) for name in listed[offset : offset + PAGE]]
        self.asked.append("get")
        state = scene.machines[ident].at(now)
        if state == "404":
            return 404, {"code": "ResourceNotFound", "message": "VM not found"}
        return 410 if state == "410" else 200, _entry(scene, ident, now)


def _entry(scene: Scene, name: str, now: float) -> dict[str, Any]:
    state = scene.machines[name].at(now)
    return _machine(name, "deleted" if state == "410" else state)


def _machine(ident: str, state: str) -> dict[str, Any]:
    return {"id": ident, "name": ident[:8], "state": state, "created": "2013-01-01T00:00:00.000Z"}


def _changes(scene: Scene, wanted: Sequence[str], after: float, now: float) -> list[tuple[float, str, str]]:
    """The changes of these machines in this time: when, which, and to what state."""
    lines = ((ident, scene.machines[ident]) for ident in wanted if ident in scene.machines)
    return [
        (begins, ident, state)
        for ident, line in lines
        for begins, state in line.states
        if after < begins <= now
    ]


def change(ident: str, state: str) -> dict[str, Any]:
    """A change in the form of the feed."""
    is_gone = state in ("410", "404")
    shown_state = "deleted" if is_gone else state
    return {
        "changeKind": {"resource": "vm", "subResources": ["state", *["destroyed"] * is_gone]},
        "changedResourceId": ident,
        "resourceState": "destroyed" if is_gone else shown_state,
        "resourceObject": _machine(ident, shown_state),
    }
