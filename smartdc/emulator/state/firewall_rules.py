"""Firewall rules of Triton: their parts, and their text in the form that the server writes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

#: The character for each letter after a backslash, in quoted names.
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LETTERS = {character: letter for letter, character in ESCAPES.items()}
# Characters that are escaped: syntax, control characters, and spaces outside of ASCII.
_ESCAPED = re.compile(
    r'["()\\\x00-\x1f\x7f\x85\xa0\u1680\u180e\u2000-\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]'
)
_KINDS = ("wildcard", "ip", "subnet", "tag", "vm")


class BadRule(ValueError):
    """The text is not a rule; the message is the server's."""


class SenselessRule(BadRule):
    """The text is a rule that cannot be applied."""


class Target(NamedTuple):
    """One end of the traffic: `kind` is wildcard (any, vmall), ip, subnet, tag or vm.

    `tag_value` is None if the tag matches with any value.
    """

    kind: str
    value: str
    tag_value: str | None = None


class Ports(NamedTuple):
    """Ports from the first to the last, both included."""

    first: int
    last: int


ALL_PORTS = Ports(1, 65535)


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        ports: For tcp and udp.
        types: For icmp and icmp6: ``8``, ``8:0`` (with code), ``all``.
    """

    source: tuple[Target, ...]
    destination: tuple[Target, ...]
    action: str
    protocol: str
    ports: tuple[Ports, ...] = ()
    types: tuple[str, ...] = ()
    priority: int = 0

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets of both sides."""
        return self.source + self.destination

    @property
    def affects_machines(self) -> bool:
        """Whether it names machines, and not only addresses."""
        return any(target.kind in ("tag", "vm") or target.value == "vmall" for target in self.targets)

    def in_order(self) -> Rule:
        """Return the same rule with targets, ports and types sorted and without duplicates."""
        ports = sorted(self.ports, key=lambda ports: ports.first)
        return replace(
            self,
            source=_sorted(self.source),
            destination=_sorted(self.destination),
            ports=(ALL_PORTS,) if ALL_PORTS in ports else tuple(ports),
            types=_sorted_types(self.types),
        )

    def __str__(self) -> str:
        sides = f"FROM {_format_side(self.source)} TO {_format_side(self.destination)}"
        what = f"{self.protocol}{_format_ports(self.ports)}{_format_types(self.types)}"
        end = f" PRIORITY {self.priority}" if self.priority else ""
        return f"{sides} {self.action.upper()} {what}{end}"


@dataclass
class FirewallRule:
    """The record of a rule. A rule without an owner is global: it applies to the machines of all accounts.

    Attributes:
        log: Whether connections that it allows are logged.
    """

    uuid: str
    owner_uuid: str | None
    rule: Rule
    enabled: bool = False
    log: bool = False
    description: str | None = None


def _sorted(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """Sort by kind and text, without duplicates; drop a tag with a value if the tag matches without one."""
    whole = {target.value for target in targets if target.kind == "tag" and target.tag_value is None}
    kept = {target for target in targets if target.tag_value is None or target.value not in whole}
    return tuple(
        sorted(kept, key=lambda target: (_KINDS.index(target.kind), target.value, target.tag_value or ""))
    )


def _sorted_types(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Sort the types as the server does, which is not always a correct order.

    The server sorts by insertion, and compares the codes of two types only if the first one has a code.
    """
    found: list[str] = []
    for kind in kinds:
        place = len(found)
        while place and _is_after(found[place - 1], kind):
            place -= 1
        found.insert(place, kind)
    return tuple(found)


def _is_after(one: str, other: str) -> bool:
    kind, _, code = one.partition(":")
    other_kind, _, other_code = other.partition(":")
    if not code:
        return kind != "all" and int(kind) > int(other_kind)
    # A type with a code is never after one without.
    return bool(other_code) and (int(kind), int(code)) > (int(other_kind), int(other_code))


def _format_side(targets: tuple[Target, ...]) -> str:
    written = []
    for target in targets:
        if target.kind == "wildcard":
            written.append("all vms" if target.value == "vmall" else "any")
        elif target.kind == "tag":
            value = "" if target.tag_value is None else f" = {_quoted(target.tag_value)}"
            written.append(f"tag {_quoted(target.value)}{value}")
        else:
            written.append(f"{target.kind} {target.value}")
    return written[0] if len(written) == 1 else f"({' OR '.join(written)})"


def _quoted(text: str) -> str:
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in '"()\\':
        return f"\\{character}"
    return f"\\{_LETTERS.get(character, f'u{ord(character):04X}')}"


def _format_ports(ports: tuple[Ports, ...]) -> str:
    if not ports:
        return ""
    if ports == (ALL_PORTS,):
        return " PORT all"
    if any(first != last for first, last in ports):
        return " PORTS " + ", ".join(str(a) if a == b else f"{a} - {b}" for a, b in ports)
    numbers = " AND PORT ".join(str(first) for first, _ in ports)
    return f" (PORT {numbers})" if len(ports) > 1 else f" PORT {numbers}"


def _format_types(types: tuple[str, ...]) -> str:
    if not types:
        return ""
    written = " AND TYPE ".join(kind.replace(":", " CODE ") for kind in types)
    return f" (TYPE {written})" if len(types) > 1 else f" TYPE {written}"
