"""The parser of firewall rules, which reads a text into a `Rule`.

It refuses the same texts as Triton's parser, with the same messages. Triton's parser is a generated LALR
parser: its messages list every token that may follow in any rule, and the constants below are these lists.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import NamedTuple

from smartdc.emulator.javascript.numbers import WHITE_SPACE
from smartdc.emulator.javascript.texts import halves, whole
from smartdc.emulator.rules.firewall_subnets import BadSubnet, check_subnet
from smartdc.emulator.rules.look_ahead import LookAhead
from smartdc.emulator.state.fields import UUID
from smartdc.emulator.state.firewall_rules import (
    ALL_PORTS,
    ESCAPES,
    BadRule,
    Ports,
    Rule,
    SenselessRule,
    Target,
)

MOST_TARGETS = 24
MOST_PORTS = 24
#: Tokens that messages write in lower case.
_IN_LOWER_CASE = ("ALL", "ANY", "IP", "SUBNET", "TAG", "VM")

_KEYWORDS = (
    "FROM|TO|IP|SUBNET|ANY|ALL|TAG|VM|VMS|OR|AND|BLOCK|ALLOW|PORT|PORTS"
    "|TCP|UDP|ICMP|ICMP6|AH|ESP|TYPE|CODE|PRIORITY"
)
# The first alternative that matches wins, as in Triton's lexer. A keyword is in upper or in lower case.
_TOKEN = re.compile(
    rf"(?P<KEYWORD>(?:{_KEYWORDS}|{_KEYWORDS.lower()})\b)"
    r"|(?P<SIGN>[-,=()])"
    r'|(?P<STRING>"(?:\\["bfnrt/()\\]|\\u[a-fA-F0-9]{4}|[^"\\])*")'
    r"|(?P<IPV4ADDR>\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})"
    r"|(?P<IPV6ADDR>[0-9a-f]*:[0-9a-f]*:[:0-9a-f]*)"
    r"|(?P<CIDRSUFFIX>/\d{1,3})"
    r"|(?P<WORD>[-a-zA-Z0-9_]+)",
    re.ASCII,
)
_SPACE = re.compile(f"[{WHITE_SPACE}]*")

_TARGETS = ("IP", "SUBNET", "VM", "TAG")
_IN_LIST = ("ALL", "ANY", *_TARGETS)
_AFTER_TARGET = ("TO", ")", "OR", "BLOCK", "ALLOW")
_AFTER_TAG = ("TO", ")", "OR", "=", "BLOCK", "ALLOW")
_AFTER_SIDE = ("TO", "BLOCK", "ALLOW")
_PROTOCOLS = ("TCP", "UDP", "ICMP", "ICMP6", "AH", "ESP")
_END = ("EOF", "PRIORITY")
_AFTER_ALL = (*_END, ")")
_AFTER_NUMBER = (*_END, ")", "AND")

_ESCAPE = re.compile(r"\\(?:u([a-fA-F0-9]{4})|(.))", re.DOTALL)


def read_rule(text: str) -> Rule:
    """Read a rule.

    Raises:
        BadRule: The text is not a rule.
        SenselessRule: The rule is well-formed, but it makes no sense.
    """
    try:
        rule = _Reader(halves(text)).rule()
    except BadRule as bad:
        raise BadRule(whole(str(bad))) from None
    for count, what in ((len(rule.ports), "ports"), (len(rule.types), "types")):
        if count > MOST_PORTS:
            raise SenselessRule(f"maximum of {MOST_PORTS} {what} allowed")
    for side in (rule.destination, rule.source):
        if len(side) > MOST_TARGETS:
            raise SenselessRule(f"maximum of {MOST_TARGETS} targets allowed per side")
    if rule.protocol in ("icmp", "icmp6"):
        _check_versions(rule, 4 if rule.protocol == "icmp" else 6)
    if not rule.affects_machines:
        raise SenselessRule("rule does not affect VMs")
    return rule.in_order()


class _Token(NamedTuple):
    kind: str
    text: str
    end: int


class _Reader(LookAhead[_Token]):
    """Reads one rule."""

    def rule(self) -> Rule:
        self._take("FROM")
        source = self._side()
        self._take("TO")
        destination = self._side()
        action = self._take("BLOCK", "ALLOW").text.lower()
        protocol = self._take(*_PROTOCOLS).text.lower()
        ports: list[Ports] = []
        types: list[str] = []
        if protocol in ("tcp", "udp"):
            ports = self._ports()
        elif protocol in ("icmp", "icmp6"):
            types = self._types()
        priority = 0
        if self._take(*_END).kind == "PRIORITY":
            priority = _number(self._take("WORD").text, "Priority level", 0, 100)
            self._take("EOF")
        return Rule(tuple(source), tuple(destination), action, protocol, tuple(ports), tuple(types), priority)

    def _side(self) -> list[Target]:
        first = self._take("(", *_IN_LIST)
        in_parentheses = first.kind == "("
        if in_parentheses:
            first = self._take(*_IN_LIST)
        if first.kind in ("ALL", "ANY"):
            if first.kind == "ALL":
                self._take("VMS")
            if in_parentheses:
                self._take(")")
            targets = [Target("wildcard", "vmall" if first.kind == "ALL" else "any")]
        else:
            targets = [self._target(first)]
            while in_parentheses and self._take(")", "OR").kind == "OR":
                targets.append(self._target(self._take(*_TARGETS)))
        self._expect(*_AFTER_SIDE)
        return targets

    def _target(self, token: _Token) -> Target:
        if token.kind == "IP":
            address = self._take("IPV4ADDR", "IPV6ADDR")
            self._expect(*_AFTER_TARGET)
            return Target("ip", _checked_ip(address.text))
        if token.kind == "SUBNET":
            subnet = self._take("IPV4ADDR", "IPV6ADDR").text + self._take("CIDRSUFFIX").text
            self._expect(*_AFTER_TARGET)
            return Target("subnet", _checked_subnet(subnet))
        if token.kind == "VM":
            machine = self._take("WORD").text
            self._expect(*_AFTER_TARGET)
            if not UUID.fullmatch(machine):
                raise BadRule(f'UUID "{machine}" is invalid')
            return Target("vm", machine)
        name, value = _unquoted(self._take("WORD", "STRING").text), None
        if self._expect(*_AFTER_TAG).kind == "=":
            self._take("=")
            value = _unquoted(self._take("WORD", "STRING").text)
            self._expect(*_AFTER_TAG)
            self._expect(*_AFTER_TARGET)
        return Target("tag", name, value or None)

    def _ports(self) -> list[Ports]:
        start = self._take("(", "PORT", "PORTS")
        if start.kind == "PORTS":
            ranges = [self._port_range()]
            while self._expect(*_END, ",").kind == ",":
                self._take(",")
                ranges.append(self._port_range())
            return ranges
        found = []
        for word in self._numbers("PORT", in_parentheses=start.kind == "("):
            if word is None:
                return [ALL_PORTS]
            self._expect(*_AFTER_NUMBER)
            port = _port(word)
            found.append(Ports(port, port))
        return found

    def _port_range(self) -> Ports:
        word = self._take("WORD").text
        ends = word.split("-")
        if self._expect(*_END, "-", ",").kind == "-":
            self._take("-")
            ends = [word, self._take("WORD").text]
            self._expect(*_END, ",")
        if len(ends) > 2:
            raise BadRule(f'"{word}" is not a valid port number or range')
        first, last = _port(ends[0]), _port(ends[-1])
        if last < first:
            raise BadRule(f"The end of the range ({ends[-1]}) cannot be less than the start ({ends[0]})")
        return Ports(first, last)

    def _types(self) -> list[str]:
        in_parentheses = self._take("(", "TYPE").kind == "("
        found = []
        for word in self._numbers("TYPE", in_parentheses=in_parentheses):
            if word is None:
                return ["all"]
            following = self._expect(*_AFTER_NUMBER, "CODE")
            kind = str(_number(word, "ICMP type", 0, 255))
            if following.kind == "CODE":
                self._take("CODE")
                code = self._take("WORD").text
                self._expect(*_AFTER_NUMBER)
                kind += f":{_number(code, 'ICMP code', 0, 255)}"
            found.append(kind)
        return found

    def _numbers(self, keyword: str, *, in_parentheses: bool) -> Iterator[str | None]:
        """Yield each number after `keyword`, or None for ALL; without parentheses the caller has taken it."""
        if in_parentheses:
            self._take(keyword)
        word = self._take("WORD", "ALL")
        if word.kind == "ALL":
            self._expect(*_AFTER_ALL)
            if in_parentheses:
                self._take(")")
            self._expect(*_END)
            yield None
            return
        yield word.text
        while in_parentheses and self._take(")", "AND").kind == "AND":
            self._take(keyword)
            yield self._take("WORD").text
        self._expect(*_END)

    def _unexpected(self, token: _Token, kinds: tuple[str, ...]) -> BadRule:
        expected = ", ".join(f"'{_name(kind)}'" for kind in kinds)
        found = "word" if token.kind == "WORD" else token.kind
        place = self._taken - (self._text.rfind("\n", 0, self._taken) + 1)
        return BadRule(f"Error at character {place}: '{token.text}', expected: {expected}, found: {found}")

    def _read(self) -> _Token:
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        if self._at == len(self._text):
            return _Token("EOF", "", self._at)
        match = _TOKEN.match(self._text, self._at)
        if match is None or match.lastgroup is None:
            # Triton counts the characters that it prints: three dots and the last 20 characters.
            before = "..." if self._at > 20 else ""
            before += self._text[max(0, self._at - 20) : self._at].replace("\n", "")
            after = self._text[self._at : self._at + 20].replace("\n", "")
            raise BadRule(f"Error at character {len(before)}: '{after}', found: unexpected text")
        self._at = match.end()
        kind = match.lastgroup
        if kind in ("KEYWORD", "SIGN"):
            kind = match[0].upper()
        return _Token(kind, match[0], self._at)


def _name(kind: str) -> str:
    return kind.lower() if kind in _IN_LOWER_CASE else kind


def _number(word: str, what: str, low: int, high: int) -> int:
    number = int(word or 0) if re.fullmatch(r"0*[0-9]{0,9}", word) else -1
    if not low <= number <= high:
        raise BadRule(f'{what} "{word}" is invalid')
    return number


def _port(word: str) -> int:
    return _number(word, "Port number", 1, 65535)


def _checked_ip(text: str) -> str:
    version = 6 if ":" in text else 4
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise BadRule(f'IPv{version} address "{text}" is invalid') from None
    if text in ("255.255.255.255", "0.0.0.0"):  # noqa: S104 - nothing is bound here
        raise BadRule(f'IPv4 address "{text}" is invalid')
    return text


def _checked_subnet(text: str) -> str:
    address, _, length = text.partition("/")
    try:
        check_subnet(address, int(length))
    except BadSubnet as bad:
        raise BadRule(f'Subnet "{text}" is invalid ({bad})') from None
    return text


def _check_versions(rule: Rule, version: int) -> None:
    for kind, what in (("ip", "address"), ("subnet", "subnet")):
        for target in rule.targets:
            if target.kind == kind and _version(target.value.partition("/")[0]) != version:
                raise SenselessRule(f"rule affects ICMPv{version} but contains a non-IPv{version} {what}")


def _version(address: str) -> int | None:
    """The version of an address; None for an address that only the check of subnets accepts."""
    try:
        return ipaddress.ip_address(address).version
    except ValueError:
        return None


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text

    def unescaped(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else ESCAPES.get(match[2], match[2])

    return whole(_ESCAPE.sub(unescaped, text[1:-1]))
