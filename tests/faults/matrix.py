"""The outcome of each kind of operation under each fault: the faults, the operations, the expected outcomes.

``python -m tests.faults.matrix`` writes docs/fault-matrix.md, which `test_matrix` compares with what it saw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from smartdc import DataCenter, Machine
from smartdc.emulator import Emulator
from smartdc.emulator.faults import (
    BACKEND_LOST,
    HAPROXY_400,
    HAPROXY_408,
    HAPROXY_503,
    HAPROXY_TIMEOUT,
    HTML_502,
    Delay,
    Drop,
    Fault,
    Garbage,
    HalfBody,
    Status,
    WrongDigest,
)
from smartdc.emulator.http.fault_kinds import TRANSPORT, _close

PAGE = Path(__file__).parents[2] / "docs" / "fault-matrix.md"

READ_TIMEOUT = 0.2
LATE = 0.5
PACKAGE = "g3-standard-0.25-smartos"


class World:
    """An emulated cloud with one machine, and the client that works in it."""

    def __init__(self, cloud: Emulator, sdc: DataCenter) -> None:
        self.cloud, self.sdc = cloud, sdc
        self.site = cloud.site()
        self.vm = self.site.add_machine("web")
        self.machine: Machine = sdc.machine(self.vm.uuid, lazy=True, look_first=False)
        self.image = next(image.uuid for image in self.site.images.values() if image.name == "base64")


@dataclass(frozen=True)
class Kind:
    """A kind of operation.

    Attributes:
        name: Heading of its column.
        operation: CloudAPI's name of the operation that stands for the kind.
        call: Calls it.
        effects: How often it was carried out, by the server's state; None if it changes nothing.
    """

    name: str
    operation: str
    call: Callable[[World], object]
    effects: Callable[[World], int] | None = None


def _follow(world: World) -> None:
    """Open a stream and take one thing from it."""
    with world.sdc.changefeed() as feed:
        world.site.add_machine("another")
        assert feed.receive(5) is not None


def _jobs(world: World, task: str) -> int:
    """Whether such a job was started; as a second one does no harm, both count as one."""
    return any(job.task == task for job in world.vm.jobs)


KINDS = [
    Kind("read", "GetMachine", lambda world: world.machine.refresh()),
    Kind("list", "ListMachines", lambda world: world.sdc.machines()),
    Kind("action", "UpdateMachine", lambda world: world.machine.stop(), lambda world: _jobs(world, "stop")),
    Kind(
        "create",
        "CreateMachine",
        lambda world: world.sdc.create_machine("new", PACKAGE, image=world.image),
        lambda world: len(world.site.machines) - 1,
    ),
    Kind(
        "delete", "DeleteMachine", lambda world: world.machine.delete(), lambda world: _jobs(world, "destroy")
    ),
    Kind(
        "tag write",
        "AddMachineTags",
        lambda world: world.machine.add_tags(role="db"),
        lambda world: _jobs(world, "update"),
    ),
    Kind("stream", "changefeed", _follow),
]

Start = Callable[[World, str, int | None], object]


def _fault(fault: Fault) -> Start:
    return lambda world, operation, times: world.cloud.faults.add(operation, fault, times=times)


def _throttle(world: World, operation: str, times: int | None) -> None:
    """Empty the bucket, which fills up at the usual rate, or nearly never."""
    world.cloud.throttle(10 if times else 1e-6, burst=1)
    if operation == "changefeed":
        world.sdc.changefeed().close()
    else:
        world.sdc.num_machines()


def _read_only(world: World, operation: str, times: int | None) -> None:
    world.cloud.read_only(until=30 if times else 7200)


def _skew(world: World, operation: str, times: int | None) -> None:
    world.cloud.clock.skew = 400


@dataclass(frozen=True)
class _HalfHead(Garbage):
    """The first half of the head of an answer, and then the connection ends."""

    async def answer(self, respond: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the bytes, and close the connection."""
        scope["extensions"][TRANSPORT].write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCont")
        await _close(scope, receive)


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong, and the expected outcomes.

    Attributes:
        name: The trouble in words.
        start: Makes it happen to an operation from now on: `times` times, or always.
        once: The outcome for each of `KINDS` if it happens once.
        always: The same if it does not end.
    """

    name: str
    start: Start
    once: str
    always: str


# In the order of KINDS. "done": at the first attempt; "again": at another one; "found": what was created was
# looked for and found; else the class of the error that is raised.
TROUBLES = [
    Trouble(
        "503: no server behind the proxy",
        _fault(HAPROXY_503),
        "again again again again again again again",
        "ServiceUnavailableError ServiceUnavailableError ServiceUnavailableError OutcomeUnknown "
        "ServiceUnavailableError ServiceUnavailableError ServiceUnavailableError",
    ),
    Trouble(
        "503: the server took longer than the proxy waits, and carried it out",
        _fault(HAPROXY_TIMEOUT),
        "again again again found again again again",
        "ServiceUnavailableError ServiceUnavailableError ServiceUnavailableError found "
        "ServiceUnavailableError ServiceUnavailableError ServiceUnavailableError",
    ),
    Trouble(
        "502 in HTML",
        _fault(HTML_502),
        "again again again again again again again",
        "ServerError ServerError ServerError OutcomeUnknown ServerError ServerError ServerError",
    ),
    Trouble(
        "408: the proxy has not got the whole request",
        _fault(HAPROXY_408),
        "again again again again again again again",
        "BadRequestError BadRequestError BadRequestError OutcomeUnknown BadRequestError BadRequestError "
        "BadRequestError",
    ),
    Trouble(
        "400 of the proxy, without code",
        _fault(HAPROXY_400),
        " ".join(["BadRequestError"] * 7),
        " ".join(["BadRequestError"] * 7),
    ),
    Trouble(
        "500 with the body `{}`",
        _fault(BACKEND_LOST),
        " ".join(["ServerError"] * 7),
        " ".join(["ServerError"] * 7),
    ),
    Trouble(
        "500 with a message only, and it was carried out",
        _fault(Status(500, {"message": "next() is not a function"}, after_commit=True)),
        "ServerError ServerError ServerError found ServerError ServerError ServerError",
        "ServerError ServerError ServerError found ServerError ServerError ServerError",
    ),
    Trouble(
        "429: the bucket is empty",
        _throttle,
        "again again again again again again again",
        " ".join(["ThrottledError"] * 7),
    ),
    Trouble(
        "503: read-only, with Retry-After (always: longer than the deadline)",
        _read_only,
        "done done again again again again done",
        "done done ServiceUnavailableError ServiceUnavailableError ServiceUnavailableError "
        "ServiceUnavailableError done",
    ),
    Trouble(
        "the answer comes too late",
        _fault(Delay(LATE, after_commit=True)),
        "again again again found again again again",
        "RequestTimeout RequestTimeout RequestTimeout found RequestTimeout RequestTimeout RequestTimeout",
    ),
    Trouble(
        "the connection breaks before it is carried out",
        _fault(Drop(after_commit=False)),
        "again again again again again again again",
        "ConnectionFailed ConnectionFailed ConnectionFailed OutcomeUnknown ConnectionFailed "
        "ConnectionFailed ConnectionFailed",
    ),
    Trouble(
        "the connection breaks after it is carried out",
        _fault(Drop(after_commit=True)),
        "again again again found again again again",
        "ConnectionFailed ConnectionFailed ConnectionFailed found ConnectionFailed ConnectionFailed "
        "ConnectionFailed",
    ),
    Trouble(
        "half of the answer (a stream breaks after it has begun)",
        _fault(HalfBody()),
        "again again again found done again ConnectionFailed",
        "ConnectionFailed ConnectionFailed ConnectionFailed found done ConnectionFailed ConnectionFailed",
    ),
    Trouble(
        "the answer is cut off in its head",
        _fault(_HalfHead()),
        "again again again found again again again",
        "ConnectionFailed ConnectionFailed ConnectionFailed found ConnectionFailed ConnectionFailed "
        "ConnectionFailed",
    ),
    Trouble(
        "garbage instead of HTTP",
        _fault(Garbage()),
        "again again again found again again again",
        "ConnectionFailed ConnectionFailed ConnectionFailed found ConnectionFailed ConnectionFailed "
        "ConnectionFailed",
    ),
    Trouble(
        "a Content-MD5 that does not match (a 202, a 204 and a stream have none)",
        _fault(WrongDigest()),
        "again again done found done again done",
        "InvalidResponse InvalidResponse done found done InvalidResponse done",
    ),
    Trouble(
        "this machine's clock is 400 s behind",
        _skew,
        "again again again again again again again",
        "again again again again again again again",
    ),
]

_HEAD = """\
# What happens to a request when something goes wrong

Observed in the emulator, with the standard retry policy, if the trouble happens once and if it does not end.
*done*: at the first attempt. *again*: at another attempt. *found*: what was created was looked for and found.
Otherwise the error that is raised. No request was carried out twice, unless that does no harm. With
`OutcomeUnknown`, nothing was found.
"""


def page() -> str:
    """The page."""
    parts = [_HEAD, _table("It happens once", [(trouble.name, trouble.once) for trouble in TROUBLES])]
    parts.append(_table("It does not end", [(trouble.name, trouble.always) for trouble in TROUBLES]))
    return "\n".join(parts)


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    lines = [f"## {title}", "", "| trouble | " + " | ".join(kind.name for kind in KINDS) + " |"]
    lines.append("| --- " * (len(KINDS) + 1) + "|")
    for name, words in rows:
        cells = [word if word.islower() else f"`{word}`" for word in words.split()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
