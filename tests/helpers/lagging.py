"""A tiny cloud whose lists, gets and checks of names lag behind what was created, and that loses answers.

It shares no code with the client or the emulator: a thing is a row with a time, and what a request sees
depends on that time alone. Its time is a clock that only waiting moves.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.helpers.clock import Instant

__all__ = ["Fate", "LaggingCloud", "Row", "SettableClock"]

JSON = "application/json"


class SettableClock(Instant):
    """A clock that only waiting moves, and that can be set.

    Attributes:
        set_by: Seconds by which it was set.
    """

    set_by = 0.0

    def time(self) -> float:
        return super().time() + self.set_by


@dataclass
class Fate:
    """How a create is handled.

    Attributes:
        commits: Whether it is carried out.
        late: Seconds until it is carried out.
        answer: How it is answered: ``ok``, ``drop`` (not at all), or a status with a body.
    """

    commits: bool = True
    late: float = 0.0
    answer: str | tuple[int, dict[str, Any] | str] = "ok"


@dataclass
class Row:
    """Something that was created.

    Attributes:
        place: Where it was created: ``/machines``.
        data: What the server shows of it.
        at: When it was inserted, on the clock.
    """

    place: str
    data: dict[str, Any]
    at: float


@dataclass
class LaggingCloud:
    """The server.

    Attributes:
        clock: Its clock, without `set_by`.
        list_lag: Seconds until something is in lists.
        get_lag: Seconds until a GET finds it.
        check_lag: Seconds until a check finds that its name is taken.
        fates: How the next creates are handled; those after them succeed.
        cut: Decides for each GET whether its connection is cut.
        set_by: Seconds by which its clock was set.
        rows: All that was created, also what is not inserted yet.
        creates: How many requests to create something came.
    """

    clock: SettableClock
    list_lag: float = 0.0
    get_lag: float = 0.0
    check_lag: float = 0.0
    fates: list[Fate] = field(default_factory=list)
    cut: Callable[[], bool] = lambda: False
    set_by: float = 0.0
    rows: list[Row] = field(default_factory=list)
    creates: int = 0

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"cloud": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def now(self) -> float:
        """The time on its own clock, in seconds since 1970; the client's clock may differ."""
        return self.clock.time() - self.clock.set_by + self.set_by

    def insert(self, place: str, body: dict[str, Any], late: float = 0.0) -> Row:
        """Create something, after `late` seconds."""
        data = _as_listed(place, body, self.now() + late)
        row = Row(place, data, self.clock.now + late)
        self.rows.append(row)
        return row

    def create(self, place: str, body: dict[str, Any]) -> tuple[Fate, int, Any]:
        """Handle a create; return its fate, and status and body of the usual answer."""
        self.creates += 1
        fate = self.fates.pop(0) if self.fates else Fate()
        known = [row for row in self.seen(place, self.check_lag) if _is_taken(place, row.data, body)]
        if known and not place.endswith("/snapshots"):  # of these, a job fails later
            return fate, *_refusal(place)
        if known or not fate.commits:
            return fate, 201, {"name": body.get("name"), "state": "queued"}
        row = self.insert(place, body, fate.late)
        return fate, 201, {"name": body["name"], "state": "queued"} if "snapshots" in place else row.data

    def seen(self, place: str, lag: float) -> list[Row]:
        """The rows of a place that are visible with this lag, each identity once."""
        found = [row for row in self.rows if row.place == place and row.at + lag <= self.clock.now]
        return list({_identity(row.data): row for row in found}.values())


class _Handler(BaseHTTPRequestHandler):
    cloud: LaggingCloud
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fate, status, answer = self.cloud.create(self._place, body)
        if fate.answer == "drop":
            self.close_connection = True
        elif isinstance(fate.answer, tuple):
            self._answer(*fate.answer)
        else:
            self._answer(status, answer)

    def do_GET(self) -> None:
        if self.cloud.cut():
            self.close_connection = True
            return
        place, _, last = self._place.rpartition("/")
        if place.endswith("/snapshots"):
            found = [
                row.data for row in self.cloud.seen(place, self.cloud.get_lag) if row.data["name"] == last
            ]
            missing = {"code": "ResourceNotFound", "message": "Snapshot does not exist"}
            self._answer(200 if found else 404, found[0] if found else missing)
            return
        rows = self.cloud.seen(self._place, self.cloud.list_lag)
        self._answer(200, [row.data for row in rows if self._fits(row.data)])

    def _fits(self, data: dict[str, Any]) -> bool:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if "predicate" in query:
            query["name"] = json.loads(query["predicate"])["and"][0]["eq"][1]
        return all(str(data[key]).startswith(query[key]) for key in ("name", "version") if key in query)

    @property
    def _place(self) -> str:
        return unquote(urlsplit(self.path).path.removeprefix("/bob"))

    def _answer(self, status: int, body: Any) -> None:
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(body, str) else JSON)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(self.cloud.now(), usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _as_listed(place: str, body: dict[str, Any], now: float) -> dict[str, Any]:
    """What was requested, as CloudAPI shows it (its docs/index.md)."""
    created = formatted(now)
    if place == "/machines":
        tags = {key.removeprefix("tag."): value for key, value in body.items() if key.startswith("tag.")}
        wanted = {key: body[key] for key in ("name", "package", "image")}
        return wanted | {"id": str(uuid.uuid4()), "state": "provisioning", "tags": tags, "created": created}
    if place == "/keys":
        digest = hashlib.md5(body["key"].encode()).hexdigest()  # noqa: S324 - how the server names keys
        return body | {"fingerprint": ":".join(re.findall("..", digest))}
    if place.endswith("/vlans"):
        return body
    if place.endswith("/snapshots"):
        return body | {"state": "created", "created": created}
    data = body | {"id": str(uuid.uuid4())}
    if place == "/volumes":
        return {"size": 10240, **data, "state": "creating", "created": created}
    if place == "/images":
        return {key: value for key, value in data.items() if key != "machine"} | {"state": "creating"}
    return data


def formatted(seconds: float) -> str:
    """A time as the server writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _identity(data: dict[str, Any]) -> Any:
    return next(data[key] for key in ("id", "fingerprint", "vlan_id", "name") if key in data)


def _is_taken(place: str, data: dict[str, Any], body: dict[str, Any]) -> bool:
    if place in ("/fwrules", "/images"):
        return False
    key = "key" if place == "/keys" else "vlan_id" if place.endswith("/vlans") else "name"
    return bool(data[key] == body[key])


def _refusal(place: str) -> tuple[int, dict[str, Any]]:
    if place == "/machines":
        wrong = [{"field": "alias", "code": "Duplicate", "message": "is already in use"}]
        return 409, {"code": "ValidationFailed", "message": "Invalid VM parameters", "errors": wrong}
    if place == "/volumes":
        return 409, {"code": "VolumeAlreadyExists", "message": "Volume already exists"}
    return 409, {"code": "InvalidArgument", "message": "it is already in use"}
