"""What `create_once` does after a lost answer: when it looks, when it asks again, and what its errors say."""

from __future__ import annotations

from email.utils import formatdate
from time import time
from typing import Any

import pytest

from smartdc import DataCenter, InvalidArgumentError, OutcomeUnknown, RetryPolicy, ThrottledError
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer

LOOKS = 6
"""After 0.5, 1.5, 3.5, 7.5, 15.5 and 30 seconds, when the lists must have settled."""
MADE = {"vlan_id": 5, "name": "lan"}
LOST, NONE = Reply(None, 504), Reply([])
OWN_429 = Reply({"code": "TooManyRequestsError", "message": "slower"}, 429)
TAKEN = Reply({"code": "InvalidArgument", "message": "VLAN 5 is already in use"}, 409)
POST = "POST /bob/fabrics/default/vlans"
UNKNOWN = "it is not known whether the VLAN with vlan_id 5 was created: "


def create(stub: StubServer, clock: Instant, **policy: Any) -> Any:
    """Create a VLAN."""
    with DataCenter(stub.url, login="bob", clock=clock, retry=RetryPolicy(**policy)) as sdc:
        return sdc.create_fabric_vlan(5, "lan")


def unknown(stub: StubServer, clock: Instant, **policy: Any) -> OutcomeUnknown:
    """Create a VLAN; return the error that says that it may have been created."""
    with pytest.raises(OutcomeUnknown) as caught:
        create(stub, clock, **policy)
    return caught.value


def methods(stub: StubServer) -> list[str]:
    return [asked.method for asked in stub.asked]


def test_what_is_asked_for_without_values_is_named_by_its_kind(stub: StubServer) -> None:
    stub.answer(LOST)
    stub.otherwise = NONE
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc, pytest.raises(OutcomeUnknown) as caught:
        sdc.create_access_key()
    assert str(caught.value) == (
        "it is not known whether the access key was created: none is found, but it may still come "
        "(POST /bob/accesskeys: 504 Gateway Timeout)"
    )


def test_candidates_that_may_be_it_are_named(stub: StubServer) -> None:
    rule = "FROM any TO all vms ALLOW tcp PORT 22"
    stub.answer(LOST)
    stub.otherwise = Reply([{"id": "a", "rule": rule}])
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc, pytest.raises(OutcomeUnknown) as caught:
        sdc.create_firewall_rule(rule)
    assert str(caught.value) == (
        f"it is not known whether the firewall rule with rule '{rule}' was created: the possible ones are in "
        "candidates (POST /bob/fwrules: 504 Gateway Timeout)"
    )
    assert caught.value.candidates == [{"id": "a", "rule": rule}]


def test_a_candidate_that_differs_is_named_with_all_its_fields(stub: StubServer) -> None:
    stub.answer(LOST)
    stub.otherwise = Reply([{"vlan_id": 5, "name": "lan", "description": "other"}])
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc, pytest.raises(OutcomeUnknown) as caught:
        sdc.create_fabric_vlan(5, "lan", description="mine")
    assert str(caught.value) == (
        f"{UNKNOWN}one is found that differs in description; it is in candidates "
        f"({POST}: 504 Gateway Timeout)"
    )


def test_what_was_throttled_is_asked_for_again_without_a_look(stub: StubServer) -> None:
    """The policy ends the repeated request after two refusals; the lost one still counts."""
    stub.answer(LOST, *[NONE] * LOOKS, OWN_429, OWN_429, Reply(MADE, 201))
    stub.otherwise = Reply([MADE])
    assert create(stub, Instant(), throttled=2) == MADE
    assert methods(stub)[: 1 + LOOKS + 4] == ["POST", *["GET"] * LOOKS, "POST", "POST", "POST", "GET"]


def test_what_was_throttled_and_never_lost_is_an_error(stub: StubServer) -> None:
    stub.answer(OWN_429, OWN_429)
    with pytest.raises(ThrottledError):
        create(stub, Instant(), throttled=2)
    assert methods(stub) == ["POST", "POST"]


def test_after_two_lost_answers_it_is_looked_for_a_second_one(stub: StubServer) -> None:
    stub.answer(LOST, *[NONE] * LOOKS, LOST)
    stub.otherwise = Reply([MADE])
    assert create(stub, Instant()) == MADE
    # Both requests may have been carried out, and the second one may show in the lists later.
    assert methods(stub) == ["POST", *["GET"] * LOOKS, "POST", *["GET"] * (1 + LOOKS)]


def test_one_lost_answer_needs_no_look_for_a_second_one(stub: StubServer) -> None:
    stub.answer(LOST, Reply([MADE]))
    assert create(stub, Instant()) == MADE
    assert methods(stub) == ["POST", "GET"]


def test_a_look_that_is_refused_is_not_repeated(stub: StubServer) -> None:
    stub.answer(LOST)
    stub.otherwise = Reply({"code": "NotAuthorized", "message": "no"}, 403)
    error = unknown(stub, Instant())
    assert str(error) == (
        f"{UNKNOWN}it could not be looked for: GET /bob/fabrics/default/vlans: 403 NotAuthorized: no "
        f"({POST}: 504 Gateway Timeout)"
    )
    assert methods(stub) == ["POST", "GET"]


def test_a_look_that_can_never_succeed_is_not_repeated(stub: StubServer) -> None:
    stub.answer(LOST)
    stub.otherwise = [b"SSH-2.0-OpenSSH_9.6\r\n", b""]
    error = unknown(stub, Instant())
    assert "it could not be looked for: GET /bob/fabrics/default/vlans: " in str(error)
    assert "it speaks SSH and not HTTP; check the port" in str(error)
    assert methods(stub) == ["POST", "GET"]


def test_the_look_for_a_second_one_ends_at_the_deadline(stub: StubServer) -> None:
    clock = Instant()
    stub.answer(LOST, *[NONE] * LOOKS, Reply(MADE, 201))
    stub.otherwise = NONE
    assert create(stub, clock, deadline=40, first_pause=0) == MADE
    assert clock.now == 40  # and not 60, when the lists have settled again


@pytest.mark.parametrize("says_when", [{}, {"Retry-After": "4"}], ids=["at random", "as the server says"])
def test_the_pause_before_it_is_asked_for_again(stub: StubServer, says_when: dict[str, str]) -> None:
    # The page of a proxy has no Date: then this machine's clock counts.
    page = Reply(b"<html>", 503, "text/html", says_when, dates=())
    clock = Instant()
    stub.answer(page, *[NONE] * LOOKS, Reply(MADE, 201))
    stub.otherwise = NONE
    assert create(stub, clock, first_pause=8, longest_pause=8) == MADE
    pause = clock.slept[LOOKS]
    assert pause == 4 if says_when else 0 <= pause <= 8


def test_a_time_to_come_again_goes_by_this_machines_clock_if_the_server_has_none(stub: StubServer) -> None:
    when = {"Retry-After": formatdate(time() + 10, usegmt=True)}
    clock = Instant()
    stub.answer(Reply(b"<html>", 503, "text/html", when, dates=()), *[NONE] * LOOKS, Reply(MADE, 201))
    stub.otherwise = NONE
    assert create(stub, clock) == MADE
    assert 7 <= clock.slept[LOOKS] <= 10


@pytest.mark.parametrize("status", [408, 502, 503, 504])
def test_a_status_of_proxies_does_not_end_it_even_with_a_code(stub: StubServer, status: int) -> None:
    stub.answer(Reply({"code": "InternalError", "message": "no"}, status), *[NONE] * LOOKS, Reply(MADE, 201))
    stub.otherwise = NONE
    assert create(stub, Instant()) == MADE


def test_a_page_of_a_proxy_does_not_end_it(stub: StubServer) -> None:
    stub.answer(Reply(b"<html>", 500, "text/html"), *[NONE] * LOOKS)
    error = unknown(stub, Instant(), attempts=2)
    assert (
        str(error) == f"{UNKNOWN}none is found after 1 attempts ({POST}: 500 Internal Server Error: <html>)"
    )


def test_a_refusal_after_a_lost_answer_is_raised_if_nothing_is_found(stub: StubServer) -> None:
    stub.answer(LOST, *[NONE] * LOOKS, TAKEN, *[NONE] * LOOKS)
    with pytest.raises(
        InvalidArgumentError, match=r"^POST .*: 409 InvalidArgument: VLAN 5 is already in use"
    ):
        create(stub, Instant())


def test_the_attempts_of_the_failure_are_those_of_the_error(stub: StubServer) -> None:
    stub.answer(OWN_429, OWN_429, LOST)
    error = unknown(stub, Instant(), attempts=1)
    assert str(error) == f"{UNKNOWN}it was not looked for, as retry is 'none' ({POST}: 504 Gateway Timeout)"
    assert (error.attempts, error.method, error.path) == (3, "POST", "/bob/fabrics/default/vlans")
    assert methods(stub) == ["POST"] * 3
