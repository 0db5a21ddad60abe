"""Names of py-smartdc's modules, which scripts import."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc.datacenter import API_HOST_SUFFIX, DEFAULT_HEADERS, search_dicts
from smartdc.machine import dt_time, priv, pub


def test_values() -> None:
    assert API_HOST_SUFFIX == ".api.joyentcloud.com"
    assert DEFAULT_HEADERS == {"Accept": "application/json"}


def test_dicts_are_searched_by_their_fields() -> None:
    dicts: list[dict[str, Any]] = [
        {"name": "Web", "os": "smartos"},
        {"name": "db", "os": "WEBLINUX"},
        {"name": 7},
        {},
    ]
    assert list(search_dicts(dicts, "web", ("name",))) == dicts[:1]
    assert list(search_dicts(dicts, "DB", ("name",))) == dicts[1:2]
    assert list(search_dicts(dicts, "web", iter(("name", "os")))) == dicts[:2]
    assert list(search_dicts(dicts, "^7$", ["name"])) == dicts[2:3]
    assert list(search_dicts(dicts, "^$", ["name"])) == dicts[3:]


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("10.0.0.1", True),
        ("172.16.0.1", True),
        ("172.31.255.255", True),
        ("172.32.0.1", False),
        ("192.168.1.1", True),
        ("8.8.8.8", False),
        ("fd00::1", True),
    ],
)
def test_addresses(address: str, private: bool) -> None:
    assert priv(address) is private
    assert pub(address) is (not private)


@pytest.mark.parametrize("text", ["2012-01-02T03:04:05.678Z", "2012-01-02T03:04:05Z", "2012-01-02T03:04:05"])
def test_times(text: str) -> None:
    assert dt_time(text).isoformat() == "2012-01-02T03:04:05"
