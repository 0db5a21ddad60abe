"""Subnets in firewall rules, checked as ip6addr 0.2.2 does, which accepts leading zeros: ``010.0.0.0/8``."""

from __future__ import annotations

_LONGEST = 40


class BadSubnet(ValueError):
    """The text is not a subnet; the message says which part is wrong."""


def check_subnet(address: str, prefix: int) -> None:
    """Check a subnet.

    Args:
        address: The address as the lexer accepts it: four numbers, or hexadecimal numbers with colons.
        prefix: The length of the prefix in bits.

    Raises:
        BadSubnet: It is not a subnet.
    """
    fields, width = (_ipv6_fields(address), 16) if ":" in address else (_ipv4_fields(address), 8)
    bits = len(fields) * width
    if prefix > bits:
        raise BadSubnet("bad prefix length")
    number = sum(field << width * place for place, field in enumerate(reversed(fields)))
    if number & ((1 << bits - prefix) - 1):
        raise BadSubnet("bits set to right of mask")


def _ipv4_fields(address: str) -> list[int]:
    fields = [int(field) for field in address.split(".")]
    if max(fields) > 255:
        raise BadSubnet("bad address component")
    return fields


def _ipv6_fields(address: str) -> list[int]:
    """The eight fields; a ``::`` stands for the missing fields, even when none is missing."""
    before, gap, after = address.partition("::")
    groups = [part.split(":") if part else [] for part in (before, after)]
    words = groups[0] + groups[1]
    missing = 8 - len(words)
    if len(address) > _LONGEST or "" in words or missing < 0 or (missing and not gap):
        raise BadSubnet("bad address component")
    fields = [[int(word, 16) for word in group] for group in groups]
    if any(field > 0xFFFF for group in fields for field in group):
        raise BadSubnet("bad address component")
    return fields[0] + [0] * missing + fields[1]
