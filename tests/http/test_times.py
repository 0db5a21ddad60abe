"""Times as CloudAPI writes them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from smartdc._times import parse_time


@pytest.mark.parametrize(
    "text", ["2026-11-23T09:58:29.250Z", "2026-11-23T10:58:29.250+01:00", "2026-11-23T09:58:29.250"]
)
def test_a_time_is_in_utc(text: str) -> None:
    found = parse_time(text)
    assert found == datetime(2026, 11, 23, 9, 58, 29, 250_000, UTC)
    assert found is not None
    assert found.tzinfo is UTC
    assert found.hour == 9


@pytest.mark.parametrize(
    "text",
    [None, 5, "", "soon", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"],
)
def test_what_is_not_a_time(text: Any) -> None:
    assert parse_time(text) is None


def test_a_time_without_a_zone_is_in_utc_wherever_this_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "UTC+5")
        time.tzset()
        found = parse_time("2026-11-23T09:58:29"), parse_time("2026-11-23T09:58:29Z")
    time.tzset()
    assert found == (datetime(2026, 11, 23, 9, 58, 29, tzinfo=UTC),) * 2
