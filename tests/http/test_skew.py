"""Which refusals are about the Date of a request, and what an answer tells of the server's clock."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc._http.error_codes import error_for
from smartdc._http.skew import is_skew, server_ahead, server_time
from tests.helpers.answers import answer

SKEW = "Authorization header invalid: clock skew of 400.2s was greater than 300s"


def refusal(code: str, message: str) -> bytes:
    return f'{{"code": "{code}", "message": "{message}"}}'.encode()


@pytest.mark.parametrize(
    ("status", "body", "off", "found"),
    [
        # docs/cloudapi/signing.md#clock-skew-limit
        (400, refusal("RequestExpired", "too late"), None, True),
        (400, refusal("RequestExpired", "too late"), 0.0, True),
        (400, refusal("InvalidHeader", SKEW), None, True),
        (400, refusal("InvalidHeader", "Date is missing"), 9999.0, False),
        (400, refusal("Novelty", SKEW), 9999.0, False),
        (401, refusal("RequestExpired", "too late"), 9999.0, False),
        (404, b"", 9999.0, False),
        # The answer to a HEAD has no body: the clocks tell.
        (400, b"", 301.0, True),
        (400, b"", -301.0, True),
        (400, b"", 299.0, False),
        (400, b"", -299.0, False),
        (400, b"", None, False),
    ],
)
def test_which_refusals_are_about_the_clock(status: int, body: bytes, off: Any, found: bool) -> None:
    assert is_skew(error_for(answer(status, body)), off) is found


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Thu, 01 Jan 1970 00:00:10 GMT", 10.0),
        ("Thu, 01 Jan 1970 01:00:10 +0100", 10.0),
        ("soon", None),
        ("", None),
        ("Thu, 01 Jan 99999 00:00:10 GMT", None),
        (f"Thu, 01 Jan {'9' * 30} 00:00:10 GMT", None),
    ],
)
def test_the_servers_clock(date: str, seconds: float | None) -> None:
    assert server_time(answer(Date=date)) == seconds
    assert server_ahead(answer(date=date), 4.0) == (None if seconds is None else 6.0)


def test_an_answer_without_a_date() -> None:
    assert server_time(answer()) is None
    assert server_ahead(answer(), 4.0) is None
