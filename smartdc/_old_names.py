"""Names of py-smartdc's modules that scripts import, though they were never documented. Deprecated.

They can be imported from `smartdc.datacenter` and `smartdc.machine`; this package does not use them.
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
"""A copy that is not read: each data center has a dict `default_headers`."""


def search_dicts(
    dicts: Iterable[Mapping[str, Any]], predicate: str, fields: Iterable[str]
) -> Iterator[Mapping[str, Any]]:
    """Return the dicts in which the regular expression matches one of the fields, ignoring case."""
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
    """Return the time in CloudAPI's text, without a zone; `Machine.created` has one."""
    return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
