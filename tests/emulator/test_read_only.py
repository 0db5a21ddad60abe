"""A data center that is being upgraded: docs/cloudapi/throttle.md#read-only-mode."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from smartdc.emulator.http.fault_kinds import Status
from tests.helpers.raw_requests import UNKNOWN, Raw

MESSAGE = "This Triton data center is being upgraded"
WRITES = [
    ("POST", "/my/machines"),
    ("POST", "/my"),
    ("PUT", "/my/config"),
    ("DELETE", "/my/keys/test_key"),
    ("PUT", "/my/machines"),
    ("POST", "/--ping"),
]


@pytest.mark.parametrize(("method", "target"), WRITES)
def test_writes_are_refused(fresh: Raw, method: str, target: str) -> None:
    fresh.cloud.read_only()
    answer = fresh.ask(method, target, json={})
    answer.refused(503, "ServiceUnavailableError", MESSAGE)
    assert answer.headers["Retry-After"] is None
    assert fresh.cloud.violations == []
    assert len(fresh.cloud.account.keys) == 1


def test_reads_are_answered(fresh: Raw) -> None:
    fresh.cloud.read_only()
    fresh.get("/my/machines").ok()
    assert fresh.head("/my/machines").status == 200
    assert fresh.get("/--ping", authorization=None).status == 200


def test_it_lasts_until_read_write(fresh: Raw) -> None:
    fresh.cloud.read_only()
    fresh.cloud.clock.advance(10**6)
    assert fresh.post("/my", {"city": "Ulm"}).status == 503
    fresh.cloud.read_write()
    fresh.cloud.read_write()
    assert fresh.post("/my", {"city": "Ulm"}).ok()["city"] == "Ulm"


def test_read_only_for_some_seconds(fresh: Raw) -> None:
    """Retry-After is by the server's clock, which may be wrong; the mode ends by emulated time."""
    fresh.cloud.clock.skew = 200
    fresh.cloud.read_only(90)
    answer = fresh.post("/my", {})
    stated = parsedate_to_datetime(answer.headers["Retry-After"])
    assert 90 <= (stated - parsedate_to_datetime(answer.headers["Date"])).total_seconds() <= 92
    assert 288 < stated.timestamp() - time.time() < 292
    fresh.cloud.clock.advance(60)
    later = fresh.post("/my", {}).headers
    left = parsedate_to_datetime(later["Retry-After"]) - parsedate_to_datetime(later["Date"])
    assert 30 <= left.total_seconds() <= 32
    fresh.cloud.clock.advance(30)
    assert fresh.post("/my", {}).status == 200


def test_read_only_until_a_time(fresh: Raw) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    fresh.cloud.read_only(end)
    stated = parsedate_to_datetime(fresh.post("/my", {}).headers["Retry-After"])
    assert timedelta() <= stated - end <= timedelta(seconds=1)
    assert stated.tzinfo is not None
    fresh.cloud.clock.advance(3601)
    assert fresh.post("/my", {}).status == 200


@pytest.mark.parametrize(
    ("until", "message"),
    [
        (0, "until must be in the future: 0"),
        (-1.0, "until must be in the future"),
        (float("nan"), "until must be in the future"),
        (datetime(2013, 1, 1, tzinfo=UTC), "until must be in the future"),
        (datetime(2093, 1, 1), "until must have a time zone"),
    ],
)
def test_invalid_ends(fresh: Raw, until: float | datetime, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fresh.cloud.read_only(until)
    assert fresh.post("/my", {}).status == 200


def test_earlier_refusals_come_first(fresh: Raw) -> None:
    fresh.cloud.read_only()
    fresh.delete(f"/my/machines/{UNKNOWN}").refused(404, "ResourceNotFound", "VM not found")
    assert fresh.post("/my/machines", {}, authorization=None).status == 401
    assert fresh.post("/nobody", {}).status == 404
    assert fresh.post("/my/datasets", {}).status == 405


def test_it_applies_to_all_data_centers(fresh: Raw) -> None:
    fresh.cloud.read_only()
    east = Raw(fresh.cloud, "us-east-1")
    assert east.post("/my", {}).status == 503


def test_faults_come_after_it(fresh: Raw) -> None:
    fresh.cloud.read_only()
    planned = fresh.cloud.faults.add("*", Status(502))
    assert fresh.post("/my", {}).status == 503
    assert fresh.get("/my").status == 502
    assert planned.applied == 1
