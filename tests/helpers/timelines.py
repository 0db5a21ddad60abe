"""A server whose machines change at certain times of a clock, and whose lists lag and fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

__all__ = ["Timeline", "TimelineServer"]

PAGE = 1000


@dataclass(frozen=True)
class Timeline:
    """The life of one machine.

    Attributes:
        states: When each of its states begins, the first at 0. ``410`` and ``404`` are how it is gone.
        hidden: From when to when lists do not have it, though it is there.
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
    """What there is now.

    Attributes:
        now: Tells the time.
        machines: By their ids.
        fails: From when to when lists are refused.
        watch: Called in each request.
    """

    now: Callable[[], float] = lambda: 0.0
    machines: Mapping[str, Timeline] = field(default_factory=dict)
    fails: tuple[float, float] = (0, 0)
    watch: Callable[[], None] = lambda: None


class TimelineServer:
    """Serves a scene, which can be changed between requests.

    Attributes:
        scene: As it is now.
        asked: ``list`` or ``get``, in order.
    """

    def __init__(self) -> None:
        self.scene = Scene()
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one packet: two would wait for each other

            def do_GET(self) -> None:
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

    def _answer(self, target: str) -> tuple[int, Any]:
        scene, now = self.scene, self.scene.now()
        scene.watch()
        path, ident = urlsplit(target), urlsplit(target).path.partition("/machines/")[2]
        if not ident:
            self.asked.append("list")
            if scene.fails[0] <= now < scene.fails[1]:
                return 403, {"code": "NotAuthorized", "message": "no lists"}
            offset = int(parse_qs(path.query).get("offset", ["0"])[0])
            listed = [name for name, line in scene.machines.items() if line.is_listed(now)]
            return 200, [self._shown(name, now) for name in listed[offset : offset + PAGE]]
        self.asked.append("get")
        state = scene.machines[ident].at(now)
        if state == "404":
            return 404, {"code": "ResourceNotFound", "message": "VM not found"}
        return 410 if state == "410" else 200, self._shown(ident, now)

    def _shown(self, name: str, now: float) -> dict[str, Any]:
        state = self.scene.machines[name].at(now)
        shown = "deleted" if state == "410" else state
        return {"id": name, "name": name[:8], "state": shown, "created": "2013-01-01T00:00:00.000Z"}
