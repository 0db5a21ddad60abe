"""RetryPolicy: which failure is followed by another attempt, and after how long."""

from __future__ import annotations

import pickle
import time
from email.utils import formatdate
from typing import Any

import pytest

from smartdc import (
    APIError,
    ConfigurationError,
    ConnectionFailed,
    DataCenter,
    InvalidResponse,
    RequestTimeout,
    RetryPolicy,
    SmartDCError,
)
from smartdc._http.error_codes import error_for
from smartdc._http.retry import NONE, STANDARD, chosen_policy, is_from_cloudapi, was_not_carried_out
from tests.helpers.answers import answer


def answered(
    status: int, body: bytes = b'{"code": "Novelty", "message": "why"}', **headers: str
) -> SmartDCError:
    return error_for(answer(status, body, **headers))


def pause(error: SmartDCError, policy: RetryPolicy = STANDARD, **changed: Any) -> float | None:
    arguments: dict[str, Any] = {
        "attempt": 1,
        "elapsed": 0.0,
        "repeatable": True,
        "chance": lambda: 1.0,
    } | changed
    return policy.pause(error, **arguments)


UNREACHED = ConnectionFailed("refused", sent=False)
BROKEN = ConnectionFailed("reset")
LATE = RequestTimeout("late")

# Failure; whether it certainly was not carried out; whether another attempt may succeed.
FAILURES: list[tuple[SmartDCError, bool, bool]] = [
    (UNREACHED, True, True),
    (BROKEN, False, True),
    (LATE, False, True),
    (RequestTimeout("no connection", sent=False), True, True),
    (InvalidResponse("damaged"), False, True),
    (InvalidResponse("too long", lasting=True), False, False),
    (ConnectionFailed("not trusted", sent=False, lasting=True), True, False),
    # A proxy's, and the server may have got the whole request: RFC 9110, 15.5.9.
    (answered(408), False, True),
    (answered(429), True, True),
    (answered(420), True, True),
    # A page of a proxy, which may have passed the request on.
    (answered(429, b"<html>slow down</html>"), False, True),
    (answered(502), False, True),
    # Also HAProxy's answer where the server took more than 120 s (etc/haproxy.cfg.in: errorfile 504).
    (answered(503), False, True),
    # Read-only (lib/app.js: readOnlyMode).
    (answered(503, Retry_After="1"), True, True),
    # The same status and header on the page of a proxy, or in its JSON, which has no `code` of CloudAPI's.
    (answered(503, b"<html>maintenance</html>", Retry_After="1"), False, True),
    (answered(503, b'{"error": "upstream", "code": 503}', Retry_After="1"), False, True),
    (answered(504), False, True),
    # The header alone shows nothing.
    (answered(502, Retry_After="1"), False, True),
    (ConfigurationError("none of the server's"), False, False),
    *((answered(status), False, False) for status in (400, 401, 403, 404, 409, 410, 413, 422, 500, 501)),
]


@pytest.mark.parametrize(("error", "untouched", "passing"), FAILURES, ids=str)
def test_which_failures_are_retried(error: SmartDCError, untouched: bool, passing: bool) -> None:
    assert was_not_carried_out(error) is untouched
    assert (pause(error) is not None) is passing
    assert (pause(error, repeatable=False) is not None) is (passing and untouched)
    assert pause(error, NONE) is None


@pytest.mark.parametrize(
    ("body", "is_its_own"),
    [
        (b'{"code": "InternalError", "message": "no"}', True),
        (b'{"message": "no"}', True),
        (b"{}", True),
        (b'[{"message": "no"}]', True),
        (b'{"error": "no"}', False),
        (b"[]", False),
        (b"<html>", False),
        (b"", False),
    ],
    ids=str,
)
def test_which_answers_are_cloudapis_own(body: bytes, is_its_own: bool) -> None:
    # docs/cloudapi/errors.md#answers-without-a-code
    error = answered(500, body)
    assert isinstance(error, APIError)
    assert is_from_cloudapi(error) is is_its_own
    unpickled = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert is_from_cloudapi(unpickled) is (error.code is not None)


def test_an_unpickled_error_has_no_headers() -> None:
    for status in (429, 503):
        error = pickle.loads(pickle.dumps(answered(status, Retry_After="1")))  # noqa: S301 - our own
        assert error.response is None
        assert pause(error) == 0.5
        assert pause(error, repeatable=False) == (0.5 if status == 429 else None)


def test_pauses_double_and_are_a_random_part_of_that() -> None:
    policy = RetryPolicy(attempts=100, first_pause=0.5, longest_pause=20)
    longest = [pause(BROKEN, policy, attempt=attempt) for attempt in range(1, 9)]
    assert longest == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]
    assert pause(BROKEN, policy, attempt=99) == 20.0
    assert pause(BROKEN, policy, attempt=3, chance=lambda: 0.25) == 0.5
    assert pause(BROKEN, policy, attempt=3, chance=lambda: 0.0) == 0.0
    drawn = [policy.pause(BROKEN, attempt=3, elapsed=0, repeatable=True) for _ in range(200)]
    assert all(part is not None and 0 <= part < 2 for part in drawn)
    assert len(set(drawn)) > 190


def test_attempts_and_deadline_end_the_retries() -> None:
    assert pause(BROKEN, attempt=4) is not None
    assert pause(BROKEN, attempt=5) is None
    policy = RetryPolicy(deadline=10, first_pause=2)
    assert pause(BROKEN, policy, elapsed=8) == 2
    assert pause(BROKEN, policy, elapsed=8.1) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("-1", 0.5),
        ("soon", 0.5),
        ("", 0.5),
        ("1e1000", 0.5),
        ("9" * 5000, 0.5),
        # A year that no calendar has
        (f"Fri, 31 Dec {'9' * 20} 23:59:59 GMT", 0.5),
    ],
    ids=lambda value: str(value)[:20],
)
def test_retry_after_in_seconds(text: str, seconds: float) -> None:
    assert pause(answered(503, Retry_After=text)) == seconds


def test_retry_after_as_a_date() -> None:
    error = answered(503, Retry_After=formatdate(time.time() + 30, usegmt=True))
    assert pause(error) == pytest.approx(30, abs=2)
    # By the server's clock, which is an hour ahead.
    error = answered(503, Retry_After=formatdate(time.time() + 3630, usegmt=True))
    assert pause(error, ahead=3600) == pytest.approx(30, abs=2)
    # And an hour behind, so that the date is over by ours.
    error = answered(503, Retry_After=formatdate(time.time() - 3570, usegmt=True))
    assert pause(error, ahead=-3600) == pytest.approx(30, abs=2)
    assert pause(answered(503, Retry_After="Thu, 01 Jan 1970 00:00:00 GMT")) == 0
    # Maintenance that takes longer than the deadline.
    assert pause(answered(503, Retry_After=formatdate(time.time() + 7200))) is None
    assert pause(answered(503, Retry_After="86400")) is None


def test_modes_have_names() -> None:
    assert chosen_policy("standard") is STANDARD == RetryPolicy()
    assert chosen_policy("none") is NONE
    own = RetryPolicy(attempts=2)
    assert chosen_policy(own) is own
    wrong: list[Any] = ["fast", "", None, 3, True]
    for value in wrong:
        with pytest.raises(ConfigurationError, match="retry must be 'standard', 'none' or"):
            DataCenter("cloudapi.invalid", retry=value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"attempts": 0},
        {"attempts": "5"},
        {"attempts": 2.5},
        {"deadline": None},
        {"throttled": 0},
        {"deadline": -1},
        {"first_pause": float("nan")},
        {"longest_pause": -0.1},
        {"settling": -1},
        {"settling": "30"},
    ],
    ids=str,
)
def test_policies_that_are_not_valid(arguments: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"(\w+) of a RetryPolicy must be"):
        RetryPolicy(**arguments)


def test_the_problem_of_a_policy_is_named() -> None:
    for name in ("attempts", "throttled"):
        with pytest.raises(ConfigurationError) as caught:
            RetryPolicy(**{name: 0})
        assert str(caught.value) == f"{name} of a RetryPolicy must be 1 or more, not 0"
        RetryPolicy(**{name: 1})
    for name in ("deadline", "first_pause", "longest_pause", "settling"):
        with pytest.raises(ConfigurationError) as caught:
            RetryPolicy(**{name: -1})
        assert str(caught.value) == f"{name} of a RetryPolicy must be seconds from 0, not -1"
        for seconds in (0, 0.5, float("inf")):
            assert getattr(RetryPolicy(**{name: seconds}), name) == seconds  # type: ignore[arg-type]


def test_what_a_policy_is_by_default() -> None:
    """As docs/retries.md says."""
    assert RetryPolicy() == RetryPolicy(5, 300.0, 0.5, 20.0, 20, 30.0)
    assert (NONE.attempts, NONE.throttled) == (1, 1)


def test_a_policy_is_a_value() -> None:
    assert pickle.loads(pickle.dumps(RetryPolicy(attempts=3))) == RetryPolicy(attempts=3)  # noqa: S301
    with pytest.raises(AttributeError):
        STANDARD.attempts = 9  # type: ignore[misc]
