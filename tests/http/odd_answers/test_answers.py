"""Answers that no CloudAPI should give: each becomes an error or a value."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from smartdc import (
    APIError,
    BadRequestError,
    ConflictError,
    DataCenter,
    GoneError,
    InvalidResponse,
    Machine,
    NotFoundError,
    OutcomeUnknown,
    ServerError,
    VersionError,
)
from tests.helpers.servers import Reply, StubServer
from tests.http.odd_answers.conftest import ID, NETWORK


def refused(stub: StubServer, sdc: DataCenter, reply: Reply) -> APIError:
    """The error that this answer becomes."""
    stub.answer(reply)
    with pytest.raises(APIError) as caught:
        sdc.request("GET", "/x")
    return caught.value


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda sdc: sdc.account(), "an object"),
        (lambda sdc: sdc.config(), "an object"),
        (lambda sdc: sdc.datacenters(), "an object"),
        (lambda sdc: sdc.ping(), "an object"),
        (lambda sdc: sdc.raw_machine_data(ID), "an object"),
        (lambda sdc: sdc.machine(ID), "an object"),
        (lambda sdc: sdc.update_config(NETWORK), "an object"),
        (lambda sdc: sdc.machine(ID, lazy=True).get_tags(), "an object"),
        (lambda sdc: sdc.machine(ID, lazy=True).get_metadata(), "an object"),
        (lambda sdc: sdc.machine(ID, lazy=True).add_nic(NETWORK), "an object"),
        (lambda sdc: sdc.machine(ID, lazy=True).raw_snapshot_data("s"), "an object"),
        (lambda sdc: sdc.keys(), "a list"),
        (lambda sdc: sdc.machines(), "a list"),
        (lambda sdc: sdc.packages("g4"), "a list"),
        (lambda sdc: sdc.datasets(), "a list"),
        (lambda sdc: sdc.network_ips(NETWORK), "a list"),
        (lambda sdc: sdc.machine(ID, lazy=True).snapshots(), "a list"),
    ],
)
@pytest.mark.parametrize(
    ("body", "came"),
    [
        (b"null", "null"),
        (b"7", "a number"),
        (b"2.5", "a number"),
        (b'"x"', "text"),
        (b"true", "a boolean"),
        (b"", "no body"),
    ],
)
def test_an_answer_of_another_shape_is_an_error_that_names_the_shape(
    stub: StubServer, sdc: DataCenter, ask: Callable[[DataCenter], Any], expected: str, body: bytes, came: str
) -> None:
    stub.answer(Reply(body, 201))
    with pytest.raises(InvalidResponse) as caught:
        ask(sdc)
    asked = stub.asked[0]
    assert (
        str(caught.value) == f"{asked.method} {asked.target}: 201 with {came} where {expected} was expected"
    )
    assert (caught.value.method, caught.value.path) == (asked.method, asked.target)


def test_a_list_where_an_object_is_expected_and_the_other_way_round(
    stub: StubServer, sdc: DataCenter, machine: Machine
) -> None:
    stub.answer(Reply([]), Reply({}), Reply({}), Reply([]), Reply([{"id": ID}, None]))
    with pytest.raises(InvalidResponse, match="GET /bob: 200 with a list where an object was expected"):
        sdc.account()
    with pytest.raises(InvalidResponse, match="with an object where a list was expected"):
        sdc.machines()
    for came in ("an object", "a list"):
        with pytest.raises(InvalidResponse, match=f"with {came} where a single value was expected"):
            machine.get_tag("role")
    with pytest.raises(InvalidResponse, match="with null in a list of objects"):
        sdc.images()


def test_the_error_does_not_quote_what_may_be_secret(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply([{"accesskeysecret": "secret77"}], 201))
    with pytest.raises(OutcomeUnknown, match="with a list where an object was expected") as caught:
        sdc.create_access_key()
    assert "secret77" not in str(caught.value)
    assert b"secret77" not in pickle.dumps(caught.value)


@pytest.mark.parametrize("start", [b"{", b"[", b'"', b" {", b"\n\t["])
def test_broken_json_is_not_quoted(stub: StubServer, sdc: DataCenter, start: bytes) -> None:
    stub.answer(Reply(start + b'"accesskeysecret": "secret77'))
    with pytest.raises(
        InvalidResponse, match=r"200 with a body that is broken JSON: .*bytes\)\. Is "
    ) as caught:
        sdc.account()
    assert "secret77" not in str(caught.value)


@pytest.mark.parametrize("body", [None, [], {"name": "web"}, "x", 7], ids=str)
def test_a_create_that_is_answered_with_something_else(stub: StubServer, sdc: DataCenter, body: Any) -> None:
    stub.answer(Reply(body, 201))
    with pytest.raises(OutcomeUnknown, match="not known whether the machine with name 'web' was") as caught:
        sdc.create_machine("web", "small", image=ID)
    assert isinstance(caught.value.__cause__, InvalidResponse)


def test_an_answer_to_a_post_may_have_no_body(stub: StubServer, sdc: DataCenter, machine: Machine) -> None:
    for status in (200, 202, 204):
        stub.answer(Reply(None, status, None))
        assert machine.migrate("pause") is None
    for status in (202, 204):
        stub.answer(Reply(None, status, None))
        assert machine.create_disk(10240) is None
    for status in (200, 201, 202, 204):
        stub.answer(Reply(None, status, None))
        with pytest.raises(InvalidResponse, match="with no body"):
            sdc.create_role("ops")


@pytest.mark.parametrize("status", [300, 301, 302, 307, 399])
def test_a_redirect_is_an_error(stub: StubServer, sdc: DataCenter, machine: Machine, status: int) -> None:
    asking: list[Callable[[], Any]] = [
        sdc.account, sdc.num_machines, machine.delete, machine.exists, machine.stop, machine.get_tags,
    ]  # fmt: skip
    for ask in asking:
        stub.answer(Reply(None, status, None, headers={"Location": "https://login.example.com/"}))
        with pytest.raises(InvalidResponse, match=f"{status} with a redirect, which is not followed"):
            ask()


@pytest.mark.parametrize(
    ("status", "said", "location"),
    [
        (101, "101 Switching Protocols", {"Location": "https://login.example.com/"}),
        (302, "302 Found", {}),
        (304, "304 Not Modified", {"Location": "https://login.example.com/"}),
        (399, "399 error", {}),
    ],
    ids=[101, 302, 304, 399],
)
def test_what_is_no_redirect(
    stub: StubServer, sdc: DataCenter, status: int, said: str, location: dict[str, str]
) -> None:
    stub.answer(Reply(None, status, None, headers=location))
    with pytest.raises(InvalidResponse, match=f"{said}, which CloudAPI does not send. Is {stub.url}"):
        sdc.account()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        # HAProxy's own 400 and 408 (docs/cloudapi/throttle.md#haproxy-errors).
        (
            {"BadHTTPRequest": "Your browser sent an invalid request."},
            "Your browser sent an invalid request.",
        ),
        ({"IdleClientError": "Timed out."}, "Timed out."),
        ({"IdleClientError": 7}, "an object with IdleClientError"),
        ({"code": "Novelty"}, "an object with code"),
        ({"message": {"a": 1}}, "an object with message"),
        (None, ""),
        (b"null", "null"),
        (b"\xef\xbb\xbf" + b'{"message": "after a mark"}', "after a mark"),
        (b'{"message": "one", "message": "two"}', "two"),
        (b'{"message": "\\ud800"}', "?"),
        (b"[" * 100_000, "broken JSON of 100000 bytes"),
        (b"9" * 5000, "9" * 200),
        (b"NaN", "a number"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_the_message_of_an_error(stub: StubServer, sdc: DataCenter, body: Any, message: str) -> None:
    error = refused(stub, sdc, Reply(body, 400))
    assert type(error) is BadRequestError
    assert (error.message, error.errors) == (message, [])
    assert str(error).encode()
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own


def test_an_error_that_is_a_list(stub: StubServer, sdc: DataCenter) -> None:
    # docs/cloudapi/storage.md#errors-of-volumes-may-be-a-list: for volumes the server may send one.
    entries = [{"code": "InvalidArgument", "message": "no such volume", "field": "volumes"}, {"field": "x"}]
    error = refused(stub, sdc, Reply(entries, 409))
    assert (error.code, error.message, error.errors) == ("InvalidArgument", "no such volume", entries)
    assert isinstance(error, ConflictError)
    assert refused(stub, sdc, Reply([None, 5], 500)).message == "a list"


@pytest.mark.parametrize("errors", [None, 5, "text", {"field": "x"}, [None, 5, ["x"]], [{"field": ["x"]}]])
def test_odd_field_errors(stub: StubServer, sdc: DataCenter, errors: Any) -> None:
    error = refused(stub, sdc, Reply({"code": 5, "message": "no", "errors": errors}, 409))
    assert str(error) == "GET /bob/x: 409 Conflict: no"


@pytest.mark.parametrize("body", [{"id": 5}, {"id": None}, {"id": {}}, [], 5, "", None])
def test_gone_without_the_machine(stub: StubServer, sdc: DataCenter, body: Any) -> None:
    error = refused(stub, sdc, Reply(body, 410))
    assert isinstance(error, GoneError)
    assert str(error).startswith("GET /bob/x: 410 Gone")


def test_a_machine_that_is_gone_is_deleted_in_any_state(stub: StubServer, machine: Machine) -> None:
    stub.answer(*[Reply({"id": ID, "state": ["odd"], "name": "web"}, 410)] * 2)
    with pytest.raises(GoneError):
        machine.refresh()
    assert (machine.state, machine.name) == ("deleted", "web")
    machine.poll_until("deleted")


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b"9" * 5000, b"\xff", b'{"a": ', b"\xfe\xff\x00"],
    ids=lambda body: repr(body[:9]),
)
def test_json_that_python_cannot_hold(stub: StubServer, sdc: DataCenter, body: bytes) -> None:
    stub.answer(Reply(body), Reply(body, content_type="Application/JSON; charset=utf-8"))
    for _ in range(2):
        with pytest.raises(InvalidResponse, match="GET /bob/keys: 200 with a body that is broken JSON"):
            sdc.keys()


@pytest.mark.parametrize("charset", ["idna", "undefined", "unicode_escape", "base64", "nonsense", "utf-8"])
def test_text_is_utf_8_in_any_charset(stub: StubServer, sdc: DataCenter, charset: str) -> None:
    stub.answer(Reply("hö\\d".encode(), content_type=f"text/plain; charset={charset}"))
    assert sdc.request("GET", "/x")[0] == "hö\\d"
    stub.answer(Reply("hö".encode("latin-1"), content_type=f"text/plain; charset={charset}"))
    assert sdc.request("GET", "/x")[0] == "h\ufffd"


def test_errors_of_a_server_without_the_operation(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply([], 405), Reply(b"[" * 100_000, 404), Reply(None, 503))
    with pytest.raises(VersionError):
        sdc.roles()
    with pytest.raises(NotFoundError):
        sdc.roles()
    with pytest.raises(ServerError):
        sdc.exists("roles", ID)
