"""Answers that no CloudAPI should give: what is made of them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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
    WaitTimeout,
)
from tests.stub_server import Reply, StubServer, datacenter_at

ID = "b6c9a5e0-8b2f-4c42-9d3f-0123456789ab"
OTHER = "11111111-8b2f-4c42-9d3f-0123456789ab"
NETWORK = "22222222-8b2f-4c42-9d3f-0123456789ab"


@pytest.fixture
def sdc(stub: StubServer) -> Iterator[DataCenter]:
    """A data center at the stub."""
    with datacenter_at(stub.url) as sdc:
        yield sdc


@pytest.fixture
def machine(sdc: DataCenter) -> Machine:
    """A machine there; nothing was asked yet."""
    return sdc.machine(ID, lazy=True)


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
        (lambda sdc: sdc.machine(ID, lazy=True).create_snapshot("s"), "an object"),
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
    [(b"null", "null"), (b"7", "a number"), (b'"x"', "text"), (b"true", "a boolean"), (b"", "no body")],
)
def test_the_wrong_shape_is_an_error_that_names_it(
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
    stub.answer(Reply([]), Reply({}), Reply({}), Reply([{"id": ID}, None]))
    with pytest.raises(InvalidResponse, match="GET /bob: 200 with a list where an object was expected"):
        sdc.account()
    with pytest.raises(InvalidResponse, match="with an object where a list was expected"):
        sdc.machines()
    with pytest.raises(InvalidResponse, match="with an object where a single value was expected"):
        machine.get_tag("role")
    with pytest.raises(InvalidResponse, match="with null in a list of objects"):
        sdc.images()


def test_the_error_does_not_quote_what_may_be_secret(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply([{"accesskeysecret": "secret77"}], 201))
    with pytest.raises(OutcomeUnknown, match="with a list where an object was expected") as caught:
        sdc.create_access_key()
    assert "secret77" not in str(caught.value)
    assert b"secret77" not in pickle.dumps(caught.value)


def test_entries_without_the_id_that_they_are_known_by(
    stub: StubServer, sdc: DataCenter, machine: Machine
) -> None:
    asking: list[Callable[[], Any]] = [
        sdc.machines,
        lambda: sdc.firewall_rule_machines(OTHER),
        lambda: sdc.network_ips(NETWORK),
        machine.snapshots,
    ]
    entries: list[dict[str, Any]] = [{}, {"id": 5, "ip": None, "name": []}, {"id": "", "ip": "", "name": ""}]
    for entry in entries:
        for ask in asking:
            stub.answer(Reply([entry]))
            with pytest.raises(InvalidResponse, match=r"with an object that has no '(id|ip|name)'"):
                ask()


@pytest.mark.parametrize("body", [None, [], {"name": "web"}, "x", 7], ids=str)
def test_a_create_that_is_answered_with_something_else(stub: StubServer, sdc: DataCenter, body: Any) -> None:
    stub.answer(Reply(body, 201))
    with pytest.raises(OutcomeUnknown, match="not known whether the machine with name 'web' was") as caught:
        sdc.create_machine("web", "small", image=ID)
    assert isinstance(caught.value.__cause__, InvalidResponse)


def test_a_post_may_have_nothing_to_say(stub: StubServer, sdc: DataCenter, machine: Machine) -> None:
    for status in (200, 202, 204):
        stub.answer(Reply(None, status, None))
        assert machine.migrate("pause") is None
    for status in (202, 204):
        stub.answer(Reply(None, status, None))
        assert machine.create_disk(10240) is None
    for status in (200, 201):
        stub.answer(Reply(None, status, None))
        with pytest.raises(InvalidResponse, match="with no body"):
            sdc.create_role("ops")


@pytest.mark.parametrize("status", [301, 302, 304, 307, 399])
def test_a_redirect_is_no_answer(stub: StubServer, sdc: DataCenter, machine: Machine, status: int) -> None:
    asking: list[Callable[[], Any]] = [
        sdc.account, sdc.num_machines, machine.delete, machine.exists, machine.stop, machine.get_tags,
    ]  # fmt: skip
    for ask in asking:
        stub.answer(Reply(None, status, None, headers={"Location": "https://login.example.com/"}))
        with pytest.raises(InvalidResponse, match=f"{status} with a redirect, and none is followed"):
            ask()


@pytest.mark.parametrize("count", [None, "", "many", "-1", "1.5", "1_000", "\xb2", "9" * 5000])
def test_a_count_that_is_none(stub: StubServer, sdc: DataCenter, machine: Machine, count: str | None) -> None:
    asking: list[Callable[[], Any]] = [
        sdc.num_machines,
        lambda: sdc.num_firewall_rule_machines(OTHER),
        lambda: sdc.num_network_ips(NETWORK),
        machine.num_nics,
        machine.num_disks,
    ]
    for ask in asking:
        stub.answer(Reply(headers={} if count is None else {"x-resource-count": count}))
        with pytest.raises(InvalidResponse, match="as its x-resource-count"):
            ask()


@pytest.mark.parametrize("location", [None, "", "/"])
def test_a_location_that_leads_nowhere(
    stub: StubServer, sdc: DataCenter, machine: Machine, location: str | None
) -> None:
    reply = Reply(None, 302, None, headers={} if location is None else {"Location": location})
    stub.answer(reply, reply)
    with pytest.raises(InvalidResponse, match="as its Location"):
        sdc.datacenter_url("us-sw-1")
    with pytest.raises(InvalidResponse, match="as its Location"):
        machine.add_nic(NETWORK)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        # HAProxy's own 400 and 408 (docs/cloudapi/throttle.md#haproxy-errors).
        (
            {"BadHTTPRequest": "Your browser sent an invalid request."},
            "Your browser sent an invalid request.",
        ),
        ({"IdleClientError": "Timed out."}, "Timed out."),
        ({"IdleClientError": 7}, '{"IdleClientError": 7}'),
        ({"code": "Novelty"}, '{"code": "Novelty"}'),
        ({"message": {"a": 1}}, '{"message": {"a": 1}}'),
        (None, ""),
        (b"null", "null"),
        (b"\xef\xbb\xbf" + b'{"message": "after a mark"}', "after a mark"),
        (b'{"message": "one", "message": "two"}', "two"),
        (b'{"message": "\\ud800"}', "?"),
        (b"[" * 100_000, "[" * 200),
        (b"9" * 5000, "9" * 200),
        (b"NaN", "NaN"),
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
    # docs/cloudapi/storage.md#errors-of-volumes-may-be-a-list: of volumes the server may send one.
    entries = [{"code": "InvalidArgument", "message": "no such volume", "field": "volumes"}, {"field": "x"}]
    error = refused(stub, sdc, Reply(entries, 409))
    assert (error.code, error.message, error.errors) == ("InvalidArgument", "no such volume", entries)
    assert isinstance(error, ConflictError)
    assert refused(stub, sdc, Reply([None, 5], 500)).message == "[null, 5]"


@pytest.mark.parametrize("errors", [None, 5, "text", {"field": "x"}, [None, 5, ["x"]], [{"field": ["x"]}]])
def test_odd_field_errors(stub: StubServer, sdc: DataCenter, errors: Any) -> None:
    error = refused(stub, sdc, Reply({"code": 5, "message": "no", "errors": errors}, 409))
    assert str(error) == "GET /bob/x: 409 Conflict: no"


@pytest.mark.parametrize("body", [{"id": 5}, {"id": None}, {"id": {}}, [], 5, "", None])
def test_gone_without_a_word_about_what(stub: StubServer, sdc: DataCenter, body: Any) -> None:
    error = refused(stub, sdc, Reply(body, 410))
    assert isinstance(error, GoneError)
    assert str(error).startswith("GET /bob/x: 410 Gone")


def test_whatever_is_gone_is_deleted(stub: StubServer, machine: Machine) -> None:
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
def test_text_in_whatever_it_says_it_is(stub: StubServer, sdc: DataCenter, charset: str) -> None:
    stub.answer(Reply("hö\\d".encode(), content_type=f"text/plain; charset={charset}"))
    assert sdc.request("GET", "/x")[0] == "hö\\d"


@pytest.mark.parametrize("value", ["2.5", "", None])
def test_values_of_tags_and_metadata(stub: StubServer, machine: Machine, value: str | None) -> None:
    # Of what reads as nothing, the tags are looked at.
    stub.answer(Reply(value), *([] if value else [Reply({"a": value})]), Reply(value))
    assert machine.get_tag("a") == value
    assert machine.get_metadata_at_key("a") == (value or "")


@pytest.mark.parametrize("login", [5, None, "", "..", ["x"], "\ud800"])
def test_a_login_that_cannot_be_one(stub: StubServer, login: Any) -> None:
    stub.answer(Reply({"login": login}), Reply([]))
    with datacenter_at(stub.url, login="my") as sdc:
        assert sdc.account() == {"login": login}
        assert sdc.keys() == []
    assert [asked.target for asked in stub.asked] == ["/my", "/my/keys"]


def test_data_centers_without_a_url(stub: StubServer) -> None:
    found = {"here": "nonsense", "a": None, "b": 5, "c": "https://c.example.com"}
    stub.answer(Reply(found), Reply([]))
    with datacenter_at("here", known_locations={"here": stub.url}) as sdc:
        assert sdc.datacenters() == found
        # What this one is connected to stays as it is.
        assert sdc.known_locations == {"here": stub.url, "c": "https://c.example.com"}
        assert sdc.keys() == []


def test_an_acl_that_is_none_is_not_sent_back(stub: StubServer, sdc: DataCenter) -> None:
    for acl in ("abc", 5, {"a": "b"}, [5]):
        stub.answer(Reply({"id": ID, "acl": acl}), Reply({"id": ID, "acl": acl}))
        with pytest.raises(InvalidResponse, match="where a list of texts was expected"):
            sdc.share_image(ID, OTHER)
        with pytest.raises(InvalidResponse, match="where a list of texts was expected"):
            sdc.unshare_image(ID, OTHER)
    assert {asked.method for asked in stub.asked} == {"GET"}


def test_images_without_name_and_version(stub: StubServer, sdc: DataCenter) -> None:
    found = [{"id": ID, "urn": None, "published_at": 5}, {"id": OTHER, "name": None, "published_at": "x"}]
    stub.answer(*[Reply(found)] * 2)
    assert [image["urn"] for image in sdc.datasets()] == ["sdc:sdc::", "sdc:sdc:None:"]
    assert sdc.dataset("sdc")["id"] == OTHER


class Ticking:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_state_that_nobody_knows_is_waited_out(stub: StubServer) -> None:
    states: list[Any] = ["provisioning", "hibernating", None, 5, [], "running"]
    stub.answer(*(Reply({"id": ID, "state": state}) for state in states))
    stub.answer(*[Reply({"id": ID})] * 3)
    with datacenter_at(stub.url, clock=Ticking()) as sdc:
        machine = sdc.machine(ID, lazy=True)
        machine.poll_until("running")
        assert len(stub.asked) == len(states)
        with pytest.raises(WaitTimeout) as caught:
            machine.poll_until("running", timeout=3)
        assert caught.value.state == "unknown"
        stub.answer(Reply([]))
        with pytest.raises(InvalidResponse):
            machine.poll_while("unknown")


def page(first: int, count: int) -> list[dict[str, str]]:
    """So many machines, or addresses."""
    return [{"id": f"00000000-0000-4000-8000-{n:012}", "ip": str(n)} for n in range(first, first + count)]


def test_the_same_page_again_and_again(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(*[Reply(page(0, 1000))] * 4)
    assert len(sdc.machines()) == 1000
    assert len(sdc.network_ips(NETWORK)) == 1000
    assert len(stub.asked) == 4


def test_pages_that_are_longer_than_asked(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply(page(0, 9)), Reply(page(0, 1200)), Reply(page(0, 1200)))
    assert len(sdc.machines(limit=5)) == 5
    assert len(sdc.machines()) == 1200
    assert len(sdc.machines(limit=1100)) == 1100


def test_pages_without_end(stub: StubServer, sdc: DataCenter, monkeypatch: pytest.MonkeyPatch) -> None:
    for area in ("machines", "networks"):
        monkeypatch.setattr(f"smartdc.api.{area}.MOST_PAGES", 3)
    stub.answer(*[Reply(headers={"x-resource-count": "1000"})] * 6)
    with pytest.raises(InvalidResponse, match="HEAD /machines: there is always another page"):
        sdc.num_machines()
    with pytest.raises(InvalidResponse, match=f"HEAD /networks/{NETWORK}/ips: there is always another page"):
        sdc.num_network_ips(NETWORK)
    stub.answer(*(Reply(page(n * 1000, 1000)) for n in (*range(3), *range(3))))
    with pytest.raises(InvalidResponse, match="GET /machines: there is always another page"):
        sdc.machines()
    with pytest.raises(InvalidResponse, match="ips: there is always another page"):
        sdc.network_ips(NETWORK)


@pytest.mark.parametrize(
    ("date", "attempts"),
    [
        ("garbage", 1),
        ("", 1),
        ("Mon, 99999999999999999999 Nov 2026 10:00:00 GMT", 1),
        ("0" * 5000, 1),
        ("Mon, 23 Nov 2026 10:00:00 +999999", 1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 2),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 2),
    ],
)
def test_a_date_that_no_clock_shows(stub: StubServer, date: str, attempts: int) -> None:
    reply = Reply({"code": "InvalidHeader", "message": "clock skew of 301s"}, 400, dates=(date,))
    stub.answer(*[reply] * 4)
    key = Ed25519PrivateKey.generate()
    with datacenter_at(stub.url, key_id="/bob/keys/k", secret=key) as sdc, pytest.raises(BadRequestError):
        sdc.keys()
    assert len(stub.asked) == attempts


def test_errors_of_a_server_without_the_operation(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply([], 405), Reply(b"[" * 100_000, 404), Reply(None, 503))
    with pytest.raises(VersionError):
        sdc.roles()
    with pytest.raises(NotFoundError):
        sdc.roles()
    with pytest.raises(ServerError):
        sdc.exists("roles", ID)
