"""Waits agree with a simple model, whatever the sequence of answers: states, 404, 410, 5xx, silence, resets.

The clock is scripted, and each look is one request, so that the model tells when a wait ends and how.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartdc import APIError, DataCenter, Machine, RetryPolicy, Snapshot, WaitFailed, WaitTimeout
from tests.helpers.clock import Instant
from tests.helpers.servers import Pieces, Reply, StubServer
from tests.helpers.sizes import in_two_sizes

pytestmark = pytest.mark.stress

ID = "11111111-8b2f-4c42-9d3f-0123456789ab"
STATES = {
    "machine": ["provisioning", "running", "stopping", "stopped", "offline", "failed", "deleted"],
    "snapshot": ["queued", "creating", "created", "failed", "deleted"],
}
PASSING = ["500", "502", "503", "silence", "reset", "half", "garbage"]
CERTAIN = ["400", "401", "403", "405"]


@dataclass(frozen=True)
class Case:
    """One wait; its times are even numbers of seconds, `age` lies between two of them.

    Attributes:
        what: ``machine`` or ``snapshot``.
        verb: ``until`` or ``while``.
        age: Its age in seconds when the wait begins; None if the server does not tell.
        answers: The server's answers, one for each look; the last one is repeated.
    """

    what: str
    verb: str
    state: str
    interval: int
    timeout: int | None
    settling: int
    age: float | None
    answers: Sequence[str]


def expected(case: Case) -> tuple[str, int, int]:
    """How the wait ends (``over``, ``failed``, ``timeout`` or a status), when, and after how many looks."""
    now = looks = 0
    absent_since: int | None = None
    is_made_known, existed = False, case.what == "machine"
    while True:
        answer = case.answers[min(looks, len(case.answers) - 1)]
        looks += 1
        seen: str | None = None
        if answer in STATES[case.what]:
            seen, absent_since, is_made_known = answer, None, True
            existed = existed or answer == "created"
        elif answer == "410":
            seen, existed = "deleted", True
        elif answer in ("404", "proxy's 404"):
            absent_since = now if absent_since is None else absent_since
            stayed = now - absent_since >= case.settling
            is_old = is_made_known and case.age is not None and case.age + now >= case.settling
            if stayed or (is_old and answer == "404"):
                seen, existed = "deleted", True
        elif answer in CERTAIN:
            return answer, now, looks
        if seen is not None and (existed or seen != "deleted"):
            if case.verb == "until" and seen == case.state:
                return "over", now, looks
            if case.verb == "while" and seen != case.state:
                lost = seen == "failed" or (seen == "deleted" and case.state == "provisioning")
                return "failed" if lost else "over", now, looks
            if case.verb == "until" and seen in ("failed", "deleted"):
                return "failed", now, looks
        if case.timeout is not None and now >= case.timeout:
            return "timeout", now, looks
        now += case.interval
        if case.timeout is not None:
            now = min(now, case.timeout)


def _reply(case: Case, answer: str, clock: Instant) -> Reply | Pieces:
    if answer in STATES[case.what]:
        body = {"id": ID, "name": "s", "state": answer}
        if case.age is not None:
            body["created"] = datetime.fromtimestamp(clock.time() - case.age, UTC).isoformat()
        return Reply(body)
    others: dict[str, Reply | Pieces] = {
        # Without a Date, the scripted clock counts as the server's.
        "404": Reply({"code": "ResourceNotFound", "message": "VM not found"}, 404, dates=()),
        "proxy's 404": Reply(b"<h1>default backend</h1>", 404, "text/html"),
        "410": Reply({"id": ID, "name": "s", "state": "deleted"}, 410),
        "silence": Reply(hang=True),
        "reset": [b""],
        "half": Reply({"id": ID}, length=1000),
        "garbage": Reply(b"<html>", 200, "text/html"),
    }
    return others.get(answer) or Reply({"code": "Scripted", "message": "no"}, int(answer))


def _seen(case: Case, patience: float) -> tuple[str, float, int]:
    clock = Instant()
    policy = RetryPolicy(attempts=1, throttled=1, settling=case.settling)
    replies = [_reply(case, answer, clock) for answer in case.answers]
    with (
        StubServer(*replies) as stub,
        DataCenter(stub.url, login="bob", clock=clock, retry=policy, timeout=patience) as sdc,
    ):
        stub.otherwise = replies[-1]
        machine = Machine(sdc, ID, lazy=True)
        wait: Callable[..., None] = machine.poll_until if case.verb == "until" else machine.poll_while
        if case.what == "snapshot":
            wait = Snapshot(machine, data={"name": "s"}).poll_until
        try:
            wait(case.state, case.interval, timeout=case.timeout)
            end = "over"
        except WaitFailed:
            end = "failed"
        except WaitTimeout:
            end = "timeout"
        except APIError as error:
            end = str(error.status)
        return end, clock.now, len(stub.asked)


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    what, verb = draw(st.sampled_from([("machine", "until"), ("machine", "while"), ("snapshot", "until")]))
    state = draw(st.sampled_from(STATES[what]))
    timeout = draw(st.none() | st.sampled_from([0, 2, 10, 40, 100]))
    # Most answers go on with the wait, so that many waits see more than one; they come in runs.
    idle = [state] if verb == "while" else sorted({*STATES[what]} - {state, "failed", "deleted"})[:2]
    usual = st.sampled_from([*idle, "404", "404", "proxy's 404"])
    rare = st.sampled_from([*STATES[what], "410", *PASSING, *CERTAIN])
    runs = st.tuples(usual | usual | rare, st.sampled_from([1, 1, 2, 5]))
    answers = [answer for answer, times in draw(st.lists(runs, min_size=1)) for _ in range(times)]
    if timeout is None:
        answers += ["403"]  # without an end of its own, the wait ends there at the latest
    return Case(
        what=what,
        verb=verb,
        state=state,
        interval=draw(st.sampled_from([2, 6, 20])),
        timeout=timeout,
        settling=draw(st.sampled_from([0, 8, 30])),
        age=draw(st.sampled_from([None, -99.5, 5.5, 21.5, 999.5, 999.5])),
        answers=answers,
    )


@in_two_sizes(sample=400, whole=10_000)
def test_waits_agree_with_the_model(examples: Counter[str], size: int) -> None:
    @settings(max_examples=size)
    @given(_cases())
    def each(case: Case) -> None:
        wanted = expected(case)
        examples[f"waits: {wanted[0]}"] += 1
        # An answer that takes longer than the timeout, on a busy machine, is silence as well: then once more.
        assert _seen(case, 0.05 if "silence" in case.answers else 10) == wanted or _seen(case, 2) == wanted

    each()
