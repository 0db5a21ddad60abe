"""IP addresses in policies, parsed and compared as ipaddr.js 0.1.1 does.

It accepts more than other parsers: ``0x0a010203``, ``10.0.0.0/08``, ``1:2:3:4:5:6:7:8:``, and any prefix that
JavaScript converts to a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from smartdc.emulator.javascript.numbers import to_number

_OCTET = r"(0?[0-9]+|0[xX][a-fA-F0-9]+)"
_FOUR_OCTETS = re.compile(rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}")
_ONE_NUMBER = re.compile(_OCTET)
_PART = "(?:[0-9a-fA-F]+::?)+"
_IPV6 = re.compile(f"(::)?({_PART})?([0-9a-fA-F]+)?(::)?")
_IPV4_WITHIN = re.compile(rf"({_PART}|::(?:{_PART})?){_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}")
_MAPPED = [0, 0, 0, 0, 0, 0xFFFF]


@dataclass(frozen=True)
class Address:
    """An address: four parts of 8 bits, or eight of 16."""

    parts: list[int]

    @property
    def is_ipv6(self) -> bool:
        """Whether it is an IPv6 address."""
        return len(self.parts) == 8

    @property
    def bits(self) -> int:
        """The number of its bits."""
        return 128 if self.is_ipv6 else 32

    def is_within(self, network: Address, prefix: float) -> bool:
        """Whether the first `prefix` bits of both are equal; with NaN no bit is compared."""
        own, other = self._in_same_version(network)
        width = 16 if other.is_ipv6 else 8
        if own.is_ipv6 is not other.is_ipv6:
            return False
        place = 0
        while prefix > 0:
            shift = max(int(width - prefix), 0)
            if own.parts[place] >> shift != other.parts[place] >> shift:
                return False
            prefix -= width
            place += 1
        return True

    def _in_same_version(self, other: Address) -> tuple[Address, Address]:
        if self.is_ipv6 is other.is_ipv6:
            return self, other
        if not self.is_ipv6:
            octets = self.parts
            return Address([*_MAPPED, octets[0] << 8 | octets[1], octets[2] << 8 | octets[3]]), other
        if self.parts[:6] != _MAPPED:
            return self, other
        high, low = self.parts[6:]
        return Address([high >> 8, high & 255, low >> 8, low & 255]), other


def read_address(text: str) -> Address:
    """Read an address.

    Raises:
        ValueError: The text is not an address.
    """
    parts = _ipv6_parts(text)
    count, highest = 8, 0xFFFF
    if parts is None:
        parts = _ipv4_parts(text)
        count, highest = 4, 255
    if parts is None or len(parts) != count or any(not 0 <= part <= highest for part in parts):
        raise ValueError("not an IP address")
    return Address(parts)


def read_network(text: str) -> tuple[Address, float]:
    """Read an address with or without a prefix.

    Raises:
        ValueError: The text is not an address.
    """
    start, _, rest = text.partition("/")
    address = read_address(start)
    length = rest.partition("/")[0]
    prefix = to_number(length)
    if prefix < 0 or prefix > address.bits:
        raise ValueError(f"ip: prefix size must be between 0 and {address.bits}")
    return address, prefix if length else address.bits


def _number(text: str) -> int:
    return int(text, 16) if text[:2] in ("0x", "0X") else int(text)


def _ipv4_parts(text: str) -> list[int] | None:
    match = _FOUR_OCTETS.fullmatch(text)
    if match is not None:
        return [_number(part) for part in match.groups()]
    if _ONE_NUMBER.fullmatch(text):
        return list((_number(text) & 0xFFFFFFFF).to_bytes(4))
    return None


def _ipv6_parts(text: str) -> list[int] | None:
    if _IPV6.fullmatch(text):
        return _expanded(text, 8)
    match = _IPV4_WITHIN.fullmatch(text)
    parts = None if match is None else _expanded(match[1][:-1], 6)
    if match is None or parts is None:
        return None
    octets = [_number(part) for part in match.groups()[1:]]
    return [*parts, octets[0] << 8 | octets[1], octets[2] << 8 | octets[3]]


def _expanded(text: str, count: int) -> list[int] | None:
    """The parts, with zeros for ``::``; -1 stands for an empty part."""
    if text.count("::") > 1 or ":::" in text:
        return None
    colons = text.count(":") - text.startswith(":") - text.endswith(":")
    text = text.replace("::", ":" + "0:" * max(count - colons, 0))
    text = text[text.startswith(":") :]
    text = text[: len(text) - text.endswith(":")]
    return [int(part, 16) if part else -1 for part in text.split(":")]
