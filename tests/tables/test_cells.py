"""How single values are shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from smartdc import Table
from smartdc.emulator import Emulator
from smartdc.tables.cells import age, cell_text, size

NOW = 1_600_000_000


def deep() -> list[Any]:
    """A list in a list, so many times that neither JSON nor text can be made of it."""
    made: list[Any] = []
    for _ in range(5000):
        made = [made]
    return made


def within_itself() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("a\tb", "a\\tb"),
        (True, "true"),
        (False, "false"),
        (datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "2020-01-02T03:04:05Z"),
        (datetime(2020, 1, 2, 3, 4, 5, 6), "2020-01-02T03:04:05"),
        (["a", "b\n"], "a, b\\n"),
        (("a", "b"), "a, b"),
        ([], "[]"),
        (["a", 1], '["a", 1]'),
        ({"ä": [None, {1, }]}, '{"ä": [null, "{1}"]}'),
        ({(1, 2): 3}, "{(1, 2): 3}"),
        (b"\x00", "b'\\x00'"),
        (bytearray(b"a"), "bytearray(b'a')"),
        (1.5, "1.5"),
        (10**5000, "<int>"),
        (deep(), "<list>"),
        (within_itself(), "[[...]]"),
    ],
    ids=lambda value: str(type(value).__name__),
)  # fmt: skip
def test_a_cell(value: Any, text: str) -> None:
    assert cell_text(value) == text


@pytest.mark.parametrize(
    ("count", "unit", "text"),
    [
        (None, 1, "-"),
        (0, 1, "0B"),
        (0, 1024**2, "0B"),
        (0.5, 1024, "512B"),
        (0.5, 1024**2, "512K"),
        (1023, 1, "1023B"),
        (1024, 1, "1K"),
        (1025, 1, "1.0K"),
        (1535, 1, "1.4K"),
        (1536, 1, "1.5K"),
        (1024**2 - 1, 1, "1023.9K"),
        (1024**2, 1, "1M"),
        (-1536, 1, "-1.5K"),
        (512, 1024**2, "512M"),
        (-512, 1024**2, "-512M"),
        (1024, 1024**2, "1G"),
        (1056, 1024**2, "1.0G"),
        (3840, 1024**2, "3.7G"),  # cut, not rounded, as in humanSizeFromBytes of the triton command
        (10240, 1024**2, "10G"),
        (1024**2, 1024**2, "1T"),
        (1024**3, 1024**2, "1P"),
        (1024**4, 1024**2, "1E"),
        (1024**5, 1024**2, "1Z"),
        (1024**6, 1024**2, "1024Z"),
        (2**80, 1, str(2**80)),
        (-(2**80), 1, str(-(2**80))),
        (2**200, 1024**2, str(2**200)),
        (2**79, 1, "512Z"),
        (-(2**79), 1, "-512Z"),
        (True, 1, "true"),
        ("1", 1, "1"),
        ("remaining", 1024**2, "remaining"),
        (float("nan"), 1, "nan"),
        (float("inf"), 1024**2, "inf"),
    ],
)
def test_a_size(count: Any, unit: int, text: str) -> None:
    assert size(count, unit) == text


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A place whose time is not UTC."""
    monkeypatch.setenv("TZ", "UTC-5")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-4000 * 86400, "0s"),
        (-90, "0s"),  # a clock that is ahead
        (-1, "0s"),
        (0, "0s"),
        (0.4, "0s"),
        (0.6, "1s"),
        (59, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (86340, "23h"),
        (86399, "23h"),
        (86400, "1d"),
        (7 * 86400 - 3600, "6d"),
        (7 * 86400 - 1, "6d"),
        (7 * 86400, "1w"),
        (364 * 86400, "52w"),
        (365 * 86400 - 1, "52w"),
        (365 * 86400, "1y"),
        (2 * 365 * 86400, "2y"),
        (100 * 365 * 86400, "100y"),
    ],
)
def test_an_age(seconds: float, text: str) -> None:
    # https://github.com/TritonDataCenter/node-triton/blob/master/lib/common.js, longAgo
    created = datetime.fromtimestamp(NOW, UTC)
    assert age(created, NOW + seconds) == text
    assert age(created.astimezone(timezone(timedelta(hours=2))), NOW + seconds) == text
    assert age(created.replace(tzinfo=None), NOW + seconds) == text
    assert age(created.isoformat().replace("+00:00", "Z"), NOW + seconds) == text


@pytest.mark.parametrize("created", [None, "", "yesterday", 5])
def test_no_age(created: Any) -> None:
    assert age(created, NOW) == "-"


def test_the_age_of_a_machine_is_by_the_clock_of_its_data_center(cloud: Emulator) -> None:
    with cloud.datacenter() as sdc:
        machine = sdc.create_machine(package="sample-512M", image="base-64-lts")
        cloud.clock.advance(3 * 86400)
        assert Table([machine], "age").text() == "AGE\n3d"
