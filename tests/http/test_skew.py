"""Which refusals are about the Date of a request, and what an answer tells of the server's clock."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from requests.structures import CaseInsensitiveDict

from smartdc._http.error_codes import error_for
from smartdc._http.skew import is_skew, server_ahead, server_time

SKEW = "Authorization header invalid: clock skew of 400.2s was greater than 300s"


def answer(status: int = 200, body: str = "", **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response._content = body.encode()
    response.headers = CaseInsensitiveDict(headers)
    return response


def refusal(code: str, message: str) -> str:
    return f'{{"code": "{code}", "message": "{message}"}}'


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
        (404, "", 9999.0, False),
        # The answer to a HEAD has no body: the clocks tell.
        (400, "", 301.0, True),
        (400, "", -301.0, True),
        (400, "", 299.0, False),
        (400, "", -299.0, False),
        (400, "", None, False),
    ],
)
def test_which_refusals_are_about_the_clock(status: int, body: str, off: Any, found: bool) -> None:
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
