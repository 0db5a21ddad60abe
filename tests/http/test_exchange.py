"""The attempts of one request: whether and when an answer leads to another attempt, and how it is signed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from email.utils import formatdate
from hashlib import md5
from time import time
from typing import Any

import pytest

from smartdc import (
    APIError,
    AuthenticationError,
    DataCenter,
    InvalidResponse,
    NotFoundError,
    RetryPolicy,
)
from smartdc.emulator import Emulator
from tests.helpers.agents import RunningAgent
from tests.helpers.clock import Instant
from tests.helpers.keys import KeyRing
from tests.helpers.servers import Reply, StubServer, datacenter_at, reply

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"
BUSY = {"code": "ServiceUnavailable", "message": "read-only mode"}
THROTTLED = {"code": "TooManyRequestsError", "message": "You have exceeded your request rate"}


@pytest.mark.parametrize("status", [400, 403, 404, 409, 500])
def test_only_a_401_makes_the_agent_s_next_key_tried(
    stub: StubServer, ssh_keys: KeyRing, ssh_agent: RunningAgent, status: int
) -> None:
    ssh_agent.add(ssh_keys.path("ed25519"), ssh_keys.path("rsa2048"))
    refusal = {"code": "ResourceNotFound", "message": "no"}
    with datacenter_at(stub.url, key_id="/bob/keys/k", allow_agent=True) as sdc:
        stub.answer(Reply(refusal, status))
        with pytest.raises(APIError, match=r": no$"):
            sdc.account()
        assert len(stub.asked) == 1
        assert sdc.auth is not None
        assert sdc.auth.signer.public_key == ssh_keys.public("ed25519")
        stub.answer(Reply({"code": "InvalidCredentials", "message": "no"}, 401), Reply({}))
        sdc.account()
        assert sdc.auth.signer.public_key == ssh_keys.public("rsa2048")


def test_no_key_is_tried_twice_though_other_threads_go_through_them_too(
    stub: StubServer, ssh_keys: KeyRing, ssh_agent: RunningAgent
) -> None:
    ssh_agent.add(ssh_keys.path("ed25519"), ssh_keys.path("rsa2048"))
    unknown = Reply({"code": "InvalidCredentials", "message": "no"}, 401)
    with datacenter_at(stub.url, key_id="/bob/keys/k", allow_agent=True) as sdc:
        auth = sdc.auth
        assert auth is not None

        def refused_for_another_thread_as_well() -> Iterator[bytes | None]:
            auth.try_next_key(auth.signer)
            yield from unknown.pieces("GET")

        stub.otherwise = unknown
        stub.answer(unknown, refused_for_another_thread_as_well())
        with pytest.raises(AuthenticationError) as caught:
            sdc.account()
    assert (caught.value.attempts, len(stub.asked)) == (3, 3)


@pytest.mark.parametrize("verb", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST", "PATCH"])
def test_idempotent_verbs_are_repeated(stub: StubServer, verb: str) -> None:
    # RFC 9110, 9.2.2: these are idempotent, and POST and PATCH are not.
    stub.answer(Reply(None, 502), Reply({}))
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        if verb in ("POST", "PATCH"):
            with pytest.raises(APIError, match=": 502 "):
                sdc.request(verb, "/x")
        else:
            sdc.request(verb, "/x")
    assert [asked.method for asked in stub.asked] == [verb] * (1 if verb in ("POST", "PATCH") else 2)


SETTING: dict[str, Callable[[DataCenter], Any]] = {
    "/bob": lambda sdc: sdc.update_account(phone="5"),
    f"/bob/users/{UNKNOWN}": lambda sdc: sdc.update_user(UNKNOWN, phone="5"),
    f"/bob/roles/{UNKNOWN}": lambda sdc: sdc.update_role(UNKNOWN, name="ops"),
    f"/bob/policies/{UNKNOWN}": lambda sdc: sdc.update_policy(UNKNOWN, name="ops"),
    "/bob/accesskeys/a": lambda sdc: sdc.update_access_key("a", status="Inactive"),
    f"/bob/users/{UNKNOWN}/accesskeys/a": lambda sdc: sdc.update_user_access_key(
        UNKNOWN, "a", status="Inactive"
    ),
    f"/bob/fwrules/{UNKNOWN}": lambda sdc: sdc.update_firewall_rule(UNKNOWN, enabled=True),
    f"/bob/fwrules/{UNKNOWN}/enable": lambda sdc: sdc.enable_firewall_rule(UNKNOWN),
    f"/bob/fwrules/{UNKNOWN}/disable": lambda sdc: sdc.disable_firewall_rule(UNKNOWN),
    f"/bob/images/{UNKNOWN}?action=update": lambda sdc: sdc.update_image(UNKNOWN, name="web"),
    f"/bob/volumes/{UNKNOWN}": lambda sdc: sdc.update_volume(UNKNOWN, name="data"),
    f"/bob/machines/{UNKNOWN}/tags": lambda sdc: sdc.machine(UNKNOWN, lazy=True).add_tags(a="b"),
    f"/bob/machines/{UNKNOWN}/metadata": lambda sdc: sdc.machine(UNKNOWN, lazy=True).update_metadata(a="b"),
}


@pytest.mark.parametrize("target", SETTING, ids=lambda target: target.replace(UNKNOWN, "ID"))
def test_a_post_that_only_sets_what_it_names_is_made_again(stub: StubServer, target: str) -> None:
    # docs/retries.md: carried out twice, it does what it does once.
    stub.answer(Reply(None, 502), Reply({"id": UNKNOWN}))
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        SETTING[target](sdc)
    assert [(asked.method, asked.target) for asked in stub.asked] == [("POST", target)] * 2
    assert stub.asked[0].content == stub.asked[1].content


def test_a_repeated_delete_waits_for_its_turn(stub: StubServer) -> None:
    # A turn every 10 s. The machine was created just now, so the DELETE is repeated after its first 404.
    gone = Reply({"code": "ResourceNotFound", "message": "VM not found"}, 404)
    stub.answer(Reply(None, 504), gone, Reply(None, 204))
    clock = Instant()
    with DataCenter(stub.url, login="bob", clock=clock, rate=0.1) as sdc:
        sdc.machine(UNKNOWN, lazy=True, look_first=False).delete()
    assert [asked.method for asked in stub.asked] == ["DELETE"] * 3
    assert clock.now == 20


def test_a_corrected_clock_is_remembered_after_an_error_that_is_not_about_it(
    cloud: Emulator, sdc: DataCenter
) -> None:
    cloud.clock.skew = 400.0
    with pytest.raises(NotFoundError):
        sdc.machine(UNKNOWN)
    sdc.account()
    assert [call.status for call in cloud.calls] == [400, 404, 200]


@pytest.mark.parametrize("status", [429, 503])
def test_a_retry_after_date_in_an_answer_without_a_date(stub: StubServer, status: int) -> None:
    # RFC 9110, 10.2.3 and 6.6.1: nothing shows that the server's clock differs.
    until = formatdate(time() + 60, usegmt=True)
    said = THROTTLED if status == 429 else BUSY
    clock = Instant()
    stub.answer(Reply(said, status, headers={"Retry-After": until}, dates=()), Reply({}))
    with DataCenter(stub.url, login="bob", clock=clock) as sdc:
        sdc.account()
    assert 50 <= clock.slept[0] <= 60


@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_a_retry_after_in_seconds_is_the_same_by_any_clock(stub: StubServer, ahead: float) -> None:
    # The blank at the end is not part of the value (RFC 9110, 5.5), but it is received.
    dates = (formatdate(time() + ahead, usegmt=True),)
    clock = Instant()
    stub.answer(Reply(THROTTLED, 429, headers={"Retry-After": " 7 \t"}, dates=dates), Reply({}))
    with DataCenter(stub.url, login="bob", clock=clock) as sdc:
        sdc.account()
    assert clock.slept == [7]


def md5_of(body: bytes) -> str:
    return b64encode(md5(body, usedforsecurity=False).digest()).decode()


def test_a_body_that_does_not_match_its_content_md5_is_requested_again(stub: StubServer) -> None:
    body = b'{"login": "bob"}'
    damaged = reply(b'{"login": "bub"}', "Content-Type: application/json", f"Content-MD5: {md5_of(body)}")
    whole = reply(body, "Content-Type: application/json", f"Content-MD5: {md5_of(body)} ")
    stub.answer(damaged, whole)
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc:
        assert sdc.account() == {"login": "bob"}
    stub.answer(damaged)
    with (
        datacenter_at(stub.url) as sdc,
        pytest.raises(InvalidResponse, match=r": 200 with a body that is damaged: it does not match"),
    ):
        sdc.account()


def test_an_error_that_is_found_in_a_good_answer_counts_all_attempts(stub: StubServer) -> None:
    stub.answer(Reply(None, 502), Reply(None, 502), Reply([]))
    with (
        DataCenter(stub.url, login="bob", clock=Instant()) as sdc,
        pytest.raises(InvalidResponse, match=r": 200 with a list where an object was expected$") as caught,
    ):
        sdc.account()
    assert caught.value.attempts == 3


@pytest.mark.parametrize("status", [408, 502, 503, 504])
def test_a_delete_that_always_fails_is_an_error(stub: StubServer, status: int) -> None:
    # Only a 404 says that an earlier attempt may have deleted it.
    stub.otherwise = Reply({"code": "Scripted", "message": "no"}, status)
    with (
        DataCenter(stub.url, login="bob", clock=Instant(), retry=RetryPolicy(attempts=3, settling=0)) as sdc,
        pytest.raises(APIError, match=f": {status} Scripted: no$") as caught,
    ):
        sdc.request("DELETE", "/x")
    assert (caught.value.attempts, len(stub.asked)) == (3, 3)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_body_is_decoded_with_any_status(stub: StubServer, status: int) -> None:
    # 202: the work continues (RFC 9110, 15.3.3). CloudAPI's have no body, except for jobs of newer versions.
    with datacenter_at(stub.url) as sdc:
        stub.answer(Reply({"job": 7}, status))
        body, response = sdc.request("POST", "/x", data={})
    assert (body, response.status_code) == ({"job": 7}, status)


def test_a_refusal_of_an_unsigned_request_says_so(stub: StubServer) -> None:
    stub.answer(Reply({"code": "InvalidCredentials", "message": "no"}, 401))
    with (
        datacenter_at(stub.url) as sdc,
        pytest.raises(AuthenticationError, match=r"; the request was not signed: give key_id and secret$"),
    ):
        sdc.account()
    assert len(stub.asked) == 1
