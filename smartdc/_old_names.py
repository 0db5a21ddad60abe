"""Names of py-smartdc's modules that scripts import, though they were never documented. Deprecated.

`smartdc.datacenter` and `smartdc.machine` have them; nothing of this package uses them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

__all__ = ["API_HOST_SUFFIX", "DEFAULT_HEADERS", "dt_time", "priv", "pub", "search_dicts"]

API_HOST_SUFFIX = ".api.joyentcloud.com"
"""Where Joyent's data centers were; they closed in 2019."""

DEFAULT_HEADERS = {"Accept": "application/json"}
"""A copy that nothing reads: each data center has its own `default_headers`."""


def search_dicts(
    dicts: Iterable[Mapping[str, Any]], predicate: str, fields: Iterable[str]
) -> Iterator[Mapping[str, Any]]:
    """Those in which the regular expression is found in one of the fields, whatever the case."""
    pattern = re.compile(predicate, re.IGNORECASE)
    names = tuple(fields)
    return (entry for entry in dicts if any(pattern.search(str(entry.get(name, ""))) for name in names))


def priv(address: str) -> bool:
    """Whether an address is a private one; `Machine.private_ips` has those of a machine."""
    return ipaddress.ip_address(address).is_private


def pub(address: str) -> bool:
    """Whether an address is not private; `Machine.public_ips` has those of a machine."""
    return not priv(address)


def dt_time(text: str) -> datetime:
    """The time in CloudAPI's text, without a zone; `Machine.created` has one."""
    return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
