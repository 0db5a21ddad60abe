"""How the server compares a request's date with its clock: docs/cloudapi/signing.md, "Dates"."""

import pytest

from smartdc.http_signature.scheme import http_date
from smartdc.http_signature.verify import (
    InvalidSignatureHeader,
    parse,
)
from tests.http_signature.reading import GOOD, NOW, TARGET, changed, problem, read


@pytest.mark.parametrize("offset", [-299, -300, 0, 299, 300])
def test_clock_within_the_limit(offset: int) -> None:
    assert read(date=http_date(NOW + offset))


@pytest.mark.parametrize("offset", [-301, 301, 86400])
def test_clock_beyond_the_limit(offset: int) -> None:
    message = f"clock skew of {abs(offset)}s was greater than 300s"
    assert problem(date=http_date(NOW + offset)) == message


def test_clock_skew_has_milliseconds() -> None:
    headers = {"date": http_date(NOW - 301), "authorization": GOOD}
    message = r"^clock skew of 301\.7s was greater than 300s$"
    with pytest.raises(InvalidSignatureHeader, match=message):
        parse("GET", TARGET, headers, NOW + 0.7)
    with pytest.raises(InvalidSignatureHeader, match=r"^clock skew of 301\.7s was greater than 60s$"):
        parse("GET", TARGET, headers, NOW + 0.7, clock_skew=60)
    assert parse("GET", TARGET, headers, NOW + 0.7, clock_skew=301.7)


# Milliseconds from Node 20's `new Date(text).getTime()` under TZ=UTC; None where that is NaN.
JAVASCRIPT_DATES = [
    ("Mon, 23 Nov 2026 10:00:00 GMT", 1795428000000),
    ("Mon, 23 Nov 2026 10:00:00 UTC", 1795428000000),
    ("Mon, 23 Nov 2026 00:00:00 GMT", 1795392000000),
    ("Mon, 23 Nov 2026 10:45:59 GMT", 1795430759000),
    ("Thu, 31 Dec 2026 10:00:00 GMT", 1798711200000),
    ("Tue, 01 Dec 2026 10:00:00 GMT", 1796119200000),
    ("2026-11-23T10:00:00Z", 1795428000000),
    ("2026-11-23T10:00:00.250Z", 1795428000250),
    ("2026-11-23T10:00:00+01:00", 1795424400000),
    ("2026-11-23", 1795392000000),
    ("2026-11-23T10:00:00", 1795428000000),
    ("2026-11-23 10:00:00 UTC", 1795428000000),
    ("2026-11-23 10:00:00 GMT", 1795428000000),
    ("Sun, 01 Nov 2026 10:00:00 GMT", 1793527200000),
    ("Monday, 23-Nov-26 10:00:00 GMT", 1795428000000),
    ("Mon Nov 23 10:00:00 2026", 1795428000000),
    ("Mon, 23 Nov 2026 10:00:00 +0100", 1795424400000),
    ("Mon, 23 Nov 2026 10:00:00 EST", 1795446000000),
    ("Mon, 31 Feb 2026 10:00:00 GMT", 1772532000000),
    ("23 Nov 2026 10:00 GMT", 1795428000000),
    ("Mon, 23 Nov 2026 24:00:00 GMT", 1795478400000),
    ("yesterday", None),
    ("", None),
    ("1795428000", None),
    ("Mon, 00 Nov 2026 10:00:00 GMT", None),
    ("Mon, 23 Nov 2026 24:00:01 GMT", None),
    ("20261123T100000Z", None),
    ("2026-13-01", None),
    ("2026-11-23T10:00:00+99:99", None),
    ("Mon, 32 Nov 2026 10:00:00 GMT", None),
    ("Mon, 23 Nov 2026 25:00:00 GMT", None),
    ("Mon, 23 Nov 2026 24:30:00 GMT", None),
]


@pytest.mark.parametrize(("text", "milliseconds"), JAVASCRIPT_DATES)
def test_dates_as_javascript_reads_them(text: str, milliseconds: int | None) -> None:
    headers = {"date": text, "authorization": GOOD}
    if milliseconds is None:  # the server does not check it
        assert parse("GET", TARGET, headers, 0)
        return
    assert parse("GET", TARGET, headers, milliseconds / 1000, clock_skew=0.001)
    with pytest.raises(InvalidSignatureHeader, match=r"clock skew of 2s"):
        parse("GET", TARGET, headers, milliseconds / 1000 + 2, clock_skew=1)


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("created=1795428301,", "Created lies in the future (with skew 301s greater than allowed 300s"),
        ('created="1795428301",', "Created lies in the future (with skew 301s greater than allowed 300s"),
        ("expires=1795427699,", "Request expired with skew 301s greater than allowed 300s"),
        ('expires="0",', "Request expired with skew 1795428000s greater than allowed 300s"),
    ],
)
def test_created_and_expires(parameter: str, message: str) -> None:
    assert problem(changed("Signature ", f"Signature {parameter}")) == message


@pytest.mark.parametrize(
    "parameter", ["created=1795428300,", "expires=1795427700,", "expires=0,", 'created="soon",']
)
def test_valid_created_and_expires(parameter: str) -> None:
    assert read(changed("Signature ", f"Signature {parameter}"))
