"""Faults: what a client sees, and whether the operation is carried out."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from time import monotonic, sleep
from typing import NoReturn

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.faults import (
    BACKEND_LOST,
    HAPROXY_400,
    HAPROXY_408,
    HAPROXY_500,
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
from smartdc.emulator.http import fault_kinds as faults_module
from smartdc.emulator.http.fault_plan import Planned
from tests.helpers.raw_creation import Creation
from tests.helpers.raw_requests import Raw, outcome

pytestmark = pytest.mark.usefixtures("nothing_left")

BROKEN = [
    Drop(after_commit=False),
    Drop(after_commit=True),
    HalfBody(),
    Garbage(),
    Status(503),
    Status(503, after_commit=True),
    Delay(0.001),
    Delay(0.001, after_commit=False),
    WrongDigest(),
]


def create(raw: Raw) -> int | str:
    return outcome(lambda: Creation(raw).ask(name="web"))


@pytest.mark.parametrize(
    ("fault", "seen", "made"),
    [
        (Drop(after_commit=False), "RemoteDisconnected", 0),
        (Drop(after_commit=True), "RemoteDisconnected", 1),
        (HalfBody(), "IncompleteRead", 1),
        (Garbage(), "BadStatusLine", 1),
        (Status(502), 502, 0),
        (Status(502, after_commit=True), 502, 1),
        (Delay(0.001), 201, 1),
        (Delay(0.001, after_commit=False), 201, 1),
        (WrongDigest(), 201, 1),
    ],
)
def test_what_a_client_sees_and_what_is_done(fresh: Raw, fault: Fault, seen: int | str, made: int) -> None:
    planned = fresh.cloud.faults.add("CreateMachine", fault, times=1)
    assert create(fresh) == seen
    assert len(fresh.site.machines) == made
    call = fresh.cloud.calls[-1]
    assert (call.operation, call.fault, planned.applied) == ("CreateMachine", fault, 1)
    assert call.body["name"] == "web"
    # The fault was added for one request.
    assert fresh.get("/my/machines").status == 200
    assert fresh.cloud.calls[-1].fault is None


def test_the_call_log_has_the_answers(fresh: Raw) -> None:
    error = {"code": "X", "message": "x"}
    for fault in (Drop(after_commit=True), Garbage(), Status(500, error), Status(502, "text"), HalfBody()):
        fresh.cloud.faults.add("ListDatacenters", fault, times=1)
        outcome(lambda: fresh.get("/my/datacenters"))
    urls = fresh.get("/my/datacenters").ok()
    answers = [(call.status, call.response) for call in fresh.cloud.calls]
    assert answers == [(0, None), (0, None), (500, error), (502, "text"), (200, urls), (200, urls)]


@pytest.mark.parametrize(
    ("fault", "body", "content_type"),
    [
        (Status(503), b"", None),
        (Status(503, {"code": "X"}), b'{"code":"X"}', "application/json"),
        (Status(503, "ü"), "ü".encode(), "application/json"),
        (Status(503, b"\xff", content_type="image/png"), b"\xff", "image/png"),
        (BACKEND_LOST, b"{}", "application/json"),
        (HTML_502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html"),
    ],
)
def test_the_answer_of_a_status_fault(
    fresh: Raw, fault: Status, body: bytes, content_type: str | None
) -> None:
    fresh.cloud.faults.add("GetAccount", fault)
    answer = fresh.get("/my")
    assert (answer.status, answer.body, answer.type) == (fault.status, body, content_type)
    assert answer.late == []
    assert answer.headers["Date"] is None


def test_a_status_with_headers(fresh: Raw) -> None:
    fresh.cloud.faults.add("GetAccount", Status(503, headers={"Retry-After": "7"}))
    assert fresh.get("/my").headers["Retry-After"] == "7"
    assert fresh.head("/my").status == 200  # HeadAccount is another operation
    fresh.cloud.faults.add("HeadAccount", Status(503, {"code": "X"}))
    assert (fresh.head("/my").status, fresh.head("/my").body) == (503, b"")


@pytest.mark.parametrize(
    ("fault", "status", "known"),
    [
        (HAPROXY_400, 400, "BadHTTPRequest"),
        (HAPROXY_408, 408, "IdleClientError"),
        (HAPROXY_500, 500, "code"),
        (HAPROXY_503, 503, "code"),
        (HAPROXY_TIMEOUT, 503, "code"),
    ],
)
def test_the_answers_of_haproxy(fresh: Raw, fault: Status, status: int, known: str) -> None:
    fresh.cloud.faults.add("CreateMachine", fault)
    answer = Creation(fresh).ask()
    assert (answer.status, answer.type) == (status, "application/json")
    assert known in answer.json
    assert answer.headers["Connection"] == "close"
    assert len(fresh.site.machines) == (fault is HAPROXY_TIMEOUT)


@pytest.mark.parametrize("after_commit", [True, False])
def test_a_delay(fresh: Raw, after_commit: bool) -> None:
    fresh.cloud.faults.add("GetAccount", Delay(0.03, after_commit=after_commit))
    started = monotonic()
    fresh.get("/my").ok()
    assert monotonic() - started >= 0.03


class Impatient(Raw):
    """A client that disconnects as soon as the fault has hit its request."""

    def __init__(self, cloud: Emulator, planned: Planned) -> None:
        super().__init__(cloud)
        self.planned = planned

    def send(
        self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes | None = None
    ) -> NoReturn:
        connection = http.client.HTTPSConnection(self.host, context=self.context, timeout=20)
        with closing(connection):
            connection.request(method, target, body, dict(headers))
            while not self.planned.applied:
                sleep(0.001)
        raise TimeoutError


@pytest.mark.parametrize("after_commit", [True, False])
def test_a_client_that_does_not_wait(fresh: Raw, after_commit: bool) -> None:
    """Its request is carried out, and the server stops waiting to answer it."""
    planned = fresh.cloud.faults.add("CreateMachine", Delay(600, after_commit=after_commit))
    assert create(Impatient(fresh.cloud, planned)) == "TimeoutError"
    fresh.get("/my")  # by now the server has noticed the disconnect
    assert [vm.alias for vm in fresh.site.machines.values()] == ["web"]
    assert sorted(call.operation or "" for call in fresh.cloud.calls) == ["CreateMachine", "GetAccount"]


def test_half_a_body(fresh: Raw) -> None:
    machine = fresh.site.add_machine()
    whole = fresh.get(f"/my/machines/{machine.uuid}").body
    fresh.cloud.faults.add("*", HalfBody())
    with pytest.raises(http.client.IncompleteRead) as caught:
        fresh.get(f"/my/machines/{machine.uuid}")
    assert caught.value.partial == whole[: len(whole) // 2]
    assert caught.value.expected == len(whole) - len(whole) // 2


def test_half_of_an_empty_body(fresh: Raw) -> None:
    """A chunked answer without a body lacks its end; a 204 and the answer to a HEAD are not changed."""
    machine = fresh.site.add_machine()
    fresh.cloud.faults.add("*", HalfBody())
    assert outcome(lambda: fresh.post(f"/my/machines/{machine.uuid}", {"action": "stop"})) == "IncompleteRead"
    fresh.delete(f"/my/machines/{machine.uuid}").empty(204)
    assert fresh.head("/my").status == 200
    fresh.cloud.clock.advance(60)
    assert machine.state == "destroyed"


def test_half_of_a_large_body(fresh: Raw) -> None:
    for number in range(400):
        fresh.site.add_machine(f"m{number}")
    fresh.cloud.faults.add("ListMachines", HalfBody())
    with pytest.raises(http.client.IncompleteRead) as caught:
        fresh.get("/my/machines")
    assert len(caught.value.partial) > 100_000
    assert caught.value.expected in (len(caught.value.partial), len(caught.value.partial) + 1)


def test_a_wrong_digest(fresh: Raw) -> None:
    right = fresh.get("/my")
    fresh.cloud.faults.add("*", WrongDigest(), times=2)
    wrong = fresh.get("/my")
    assert wrong.body == right.body
    assert wrong.headers.get_all("Content-MD5") != right.headers.get_all("Content-MD5")
    assert len(wrong.headers["Content-MD5"]) == 24
    assert fresh.delete(f"/my/machines/{fresh.site.add_machine().uuid}").headers["Content-MD5"]


@pytest.mark.parametrize("fault", [Drop(after_commit=True), HalfBody(), Garbage(), HAPROXY_503], ids=repr)
def test_a_connection_that_is_kept(fresh: Raw, fault: Fault) -> None:
    """A fault breaks a kept connection as well as a new one."""
    connection = http.client.HTTPSConnection(fresh.host, context=fresh.context, timeout=20)
    with closing(connection):
        for times in range(3):
            connection.request("GET", "/--ping")
            assert connection.getresponse().read()
            fresh.cloud.faults.add("GetAccount", fault, times=1)
            with closing(connection):
                assert outcome(lambda: _asked(connection)) in (503, type_of(fault))
            assert len(fresh.cloud.calls) == 2 * times + 2


def _asked(connection: http.client.HTTPSConnection) -> http.client.HTTPResponse:
    connection.request("GET", "/--ping")
    response = connection.getresponse()
    response.read()
    return response


def type_of(fault: Fault) -> str:
    return {Drop: "RemoteDisconnected", HalfBody: "IncompleteRead", Garbage: "BadStatusLine"}.get(
        type(fault), ""
    )


def test_a_client_that_keeps_a_closed_connection(fresh: Raw, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopping the emulator does not wait until the client closes the connection."""
    monkeypatch.setattr(faults_module, "_CLOSE_SECONDS", 0.02)
    fresh.cloud.faults.add("GetAccount", Garbage())
    connection = http.client.HTTPSConnection(fresh.host, context=fresh.context, timeout=20)
    with closing(connection):
        connection.request("GET", "/--ping")
        with pytest.raises(http.client.BadStatusLine):
            connection.getresponse()
        started = monotonic()
        fresh.cloud.stop()
        assert monotonic() - started < 1


def test_requests_that_are_refused_before_do_not_use_up_a_fault(fresh: Raw) -> None:
    machine = fresh.site.add_machine()
    planned = [fresh.cloud.faults.add("*", fault, times=1) for fault in BROKEN]
    assert fresh.get("/my", authorization=None).status == 401
    assert fresh.get("/nobody").status == 404
    assert fresh.get("/my/datasets").status == 405
    assert fresh.get("/my/machines/00000000-dead-4bad-8bad-000000000000").status == 404
    fresh.cloud.throttle(burst=1)
    for fault in BROKEN:
        outcome(partial(fresh.get, "/my"))
        assert fresh.cloud.calls[-1].fault == fault
        assert fresh.get("/my").status == 429
        fresh.cloud.clock.advance(0.1)
    fresh.cloud.read_only()
    assert fresh.delete(f"/my/machines/{machine.uuid}").status == 503
    assert [each.applied for each in planned] == [1] * len(BROKEN)


def test_a_fault_also_hits_a_refusal_by_the_operation(fresh: Raw) -> None:
    fresh.cloud.faults.add("CreateMachine", Drop(after_commit=True))
    assert outcome(lambda: fresh.post("/my/machines", {})) == "RemoteDisconnected"
    assert fresh.site.machines == {}


def test_unsigned_requests(fresh: Raw) -> None:
    fresh.cloud.faults.add("*", Status(503), times=2)
    assert fresh.get("/--ping", authorization=None).status == 503
    assert fresh.get("/docs", authorization=None).status == 503
    assert fresh.get("/--ping", authorization=None).status == 200


def test_a_stream_that_breaks_off(fresh: Raw) -> None:
    path = f"/my/machines/{fresh.site.add_machine().uuid}/migrate"
    fresh.post(path, {"action": "begin"}).ok(201)
    fresh.cloud.faults.add("Migrate", HalfBody(), times=1)
    with pytest.raises(http.client.IncompleteRead) as caught:
        fresh.post(path, {"action": "watch"})
    assert caught.value.partial.startswith(b'{"')
    with pytest.raises(ValueError, match="column"):
        json.loads(caught.value.partial)
    # A second request gets the rest.
    assert fresh.post(path, {"action": "watch"}).body.endswith(b"}\n")


@pytest.mark.parametrize("fault", [Drop(after_commit=True), Garbage(), Status(503), Delay(0.001)], ids=repr)
def test_a_stream_that_does_not_begin(fresh: Raw, fault: Fault) -> None:
    path = f"/my/machines/{fresh.site.add_machine().uuid}/migrate"
    fresh.post(path, {"action": "begin"}).ok(201)
    fresh.cloud.faults.add("Migrate", fault)
    seen = {Drop: "RemoteDisconnected", Garbage: "BadStatusLine", Status: 503, Delay: 200}[type(fault)]
    assert outcome(lambda: fresh.post(path, {"action": "watch"})) == seen
