"""The names and addresses by which clients reach an emulator, for its certificate and its URLs."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from contextlib import suppress

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
#: Addresses that are reserved for documentation: the kernel finds the way there, but nothing is sent.
_ELSEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


def reachable_at(host: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return all names and addresses of a server that listens at `host`; its URLs have the first one.

    Args:
        host: The address or name. At ``0.0.0.0`` and ``::`` it is all addresses of this computer.
        names: Further names and addresses, which come first.

    Raises:
        ValueError: A name cannot be the host of a URL.
    """
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise ValueError(f"names are a list of host names and addresses, not {names!r:.60}")
    for number, name in enumerate(names):
        if not _is_host(name):
            raise ValueError(
                f"names[{number}] is a host name or an address, such as 'emulator', not {name!r:.60};"
                " use letters, digits, '-' and '.'"
            )
    own = _own_addresses(host) if _is_wildcard(host) else [host]
    return tuple(dict.fromkeys((*names, *own, *_LOOPBACK)))


def in_url(host: str) -> str:
    """Write a host as in a URL, which has IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _is_host(name: object) -> bool:
    if not isinstance(name, str) or _is_wildcard(name):
        return False
    with suppress(ValueError):
        return bool(ipaddress.ip_address(name))
    return _NAME.fullmatch(name) is not None and len(name) <= 253


def _own_addresses(host: str) -> list[str]:
    """The addresses of this computer, those of the family of `host` first, and its name."""
    families = [socket.AF_INET6, socket.AF_INET] if ":" in host else [socket.AF_INET]
    found = [_source_address(family) for family in families]
    name = socket.gethostname()
    with suppress(OSError):  # many computers do not know their own name
        found += [str(info[4][0]) for info in socket.getaddrinfo(name, None) if info[0] in families]
    return [each for each in (*found, name) if each is not None and _is_host(each) and "%" not in each]


def _source_address(family: socket.AddressFamily) -> str | None:
    """The address from which this computer reaches others; None if it has no network."""
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((_ELSEWHERE[family], 9))
        return str(probe.getsockname()[0])
    return None
