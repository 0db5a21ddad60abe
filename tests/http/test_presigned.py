"""Pre-signed URLs: what they are made of, when they expire, and which arguments are refused."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from smartdc import ConfigurationError, DataCenter
from tests.helpers.keys import KeyRing

CENTURY = 3_155_760_000


@pytest.fixture
def signing(ssh_keys: KeyRing) -> DataCenter:
    """A data center with a key, to which no request is made."""
    return DataCenter("https://cloud.example.com", key_id="/bob/keys/k", secret=ssh_keys.path("ed25519"))


def expiry(url: str) -> int:
    return int(parse_qs(urlsplit(url).query)["expires"][0])


@pytest.mark.parametrize("path", ["", "/keys", "/machines/a%20b"])
def test_its_path_is_below_the_account(signing: DataCenter, path: str) -> None:
    url = urlsplit(signing.presign("GET", path))
    assert (url.scheme, url.netloc, url.path) == ("https", "cloud.example.com", "/my" + path)


@pytest.mark.parametrize("seconds", [300, 1, 1.5, CENTURY - 1])
def test_seconds_from_now(signing: DataCenter, seconds: float) -> None:
    before = int(time.time() + seconds)
    assert before <= expiry(signing.presign("GET", "/keys", expires=seconds)) <= int(time.time() + seconds)


def test_it_lasts_five_minutes_by_default(signing: DataCenter) -> None:
    before = int(time.time() + 300)
    assert before <= expiry(signing.presign("GET", "/keys")) <= int(time.time() + 300)


def test_seconds_are_counted_on_the_servers_clock(signing: DataCenter) -> None:
    assert signing.auth is not None
    signing.auth.clock_offset = 1000.0
    signing._transport.correct_clock(20_000.0)
    before = int(time.time() + 21_300)
    assert before <= expiry(signing.presign("GET", "/keys")) <= int(time.time() + 21_300)


def test_a_time_is_taken_as_it_is(signing: DataCenter) -> None:
    assert signing.auth is not None
    signing.auth.clock_offset = 1000.0
    moment = datetime(2030, 1, 1, microsecond=900_000, tzinfo=UTC)
    assert expiry(signing.presign("GET", "/keys", expires=moment)) == 1_893_456_000


@pytest.mark.parametrize(
    "seconds",
    [CENTURY, CENTURY + 1, -CENTURY, -1, 0, 0.9, float("inf"), float("nan"), "300", None, [300], True],
    ids=str,
)
def test_seconds_that_are_not_valid(signing: DataCenter, seconds: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        signing.presign("GET", "/keys", expires=seconds)
    assert str(caught.value) == (
        f"expires must be seconds from now, 1 or more, or a datetime, not {seconds!r}"
    )


@pytest.mark.parametrize(
    ("method", "path", "problem"),
    [
        (7, "/keys", "method must be a list such as ['GET'], not 7"),
        (["GET", 7], "/keys", "method must be text, not 7"),
        ("GET", 7, "path must be text, not 7"),
        ("GET", "keys", "path 'keys' does not start with '/'"),
        ("FOO", "/keys", "'FOO' is none of the methods GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"),
        (["GET", ""], "/keys", "'' is none of the methods GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"),
        ("GET", "/my/keys", "path '/my/keys' must be below the account: leave '/my' out"),
        (
            "PUT",
            "/" + "a/" * 4000 + "a",
            "GET /" + "a/" * 59 + "a...: the URL is longer than 7000 bytes, to which CloudAPI does not "
            "answer: give shorter names, or fewer filters",
        ),
    ],
    ids=["method", "methods", "path", "slash", "verb", "no verb", "account", "long"],
)
def test_arguments_that_are_not_valid(signing: DataCenter, method: Any, path: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        signing.presign(method, path)
    assert str(caught.value) == problem


def test_a_time_that_is_past(signing: DataCenter) -> None:
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    with pytest.raises(ConfigurationError) as caught:
        signing.presign("GET", "/keys", expires=moment)
    assert str(caught.value) == "expires must be in the future, not 2020-01-01T00:00:00+00:00"


def test_a_time_that_is_now(signing: DataCenter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_900_000_000.0)
    now = datetime.fromtimestamp(1_900_000_000, UTC)
    with pytest.raises(ConfigurationError) as caught:
        signing.presign("GET", "/keys", expires=now)
    assert str(caught.value) == "expires must be in the future, not 2030-03-17T17:46:40+00:00"
    later = now + timedelta(seconds=1)
    assert expiry(signing.presign("GET", "/keys", expires=later)) == 1_900_000_001


def test_a_time_without_a_zone_or_no_key(signing: DataCenter) -> None:
    with pytest.raises(ConfigurationError) as caught:
        signing.presign("GET", "/keys", expires=datetime(2030, 1, 1))
    assert str(caught.value) == "expires needs a time zone: datetime.now(UTC) + timedelta(minutes=5)"
    with pytest.raises(ConfigurationError) as caught:
        DataCenter("localhost").presign("GET", "/keys")
    assert str(caught.value) == "a URL cannot be signed without a key: give key_id"
