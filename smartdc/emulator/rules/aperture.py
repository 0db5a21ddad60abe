"""The language of policies: ``CAN listmachines AND getmachine WHEN tag_role::string = web``.

Read and evaluated as node-aperture does, which the server uses for both, with the types of conditions that
aperture-config gives it. The types themselves are in `conditions`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smartdc.emulator.rules.conditions import KINDS, RuleError, kind_of

__all__ = ["Rule", "RuleError", "allows", "parse"]

_WORDS = ("AND", "OR", "NOT", "CAN", "TO", "IF", "WHEN", "WHERE", "ALL", "EVERYTHING", "ANYTHING", "IN")
_TOKEN = re.compile(
    rf"(?P<word>(?:{'|'.join(_WORDS)})\b)"
    r"|(?P<sign>::|,|\(|\))"
    r"|(?P<regex>/(?![*])(?:[^\n\r\\/\[]|\\[^\n\r]|\[(?:[^\n\r\]\\]|\\[^\n\r])*\])+/[a-z]*(?=::regexp?))::regexp?"
    r'|"(?P<quoted>(?:\\(?:["bfnrt/\\]|u[a-f0-9]{4})|[^"\\])*)"'
    r"|(?P<string>(?:[^\s,():](?::(?!:))?)+)",
    re.IGNORECASE,
)
_SPECIAL = re.compile(r"[-/\\^$*+?.()|\[\]{}]")
_EVERYTHING = ("ALL", "EVERYTHING", "ANYTHING")
_CONDITIONAL = ("IF", "WHEN", "WHERE")

Condition = tuple[Any, ...]


@dataclass(frozen=True)
class Names:
    """Principals, actions or resources that a rule names; `everything` is all there are."""

    exact: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()
    everything: bool = False

    def fit(self, name: str) -> bool:
        """Whether this one is among them; case matters, and a pattern may match anywhere."""
        return self.everything or name in self.exact or any(found.search(name) for found in self.patterns)


@dataclass(frozen=True)
class Rule:
    """One sentence. What it does not say (None) is not looked at."""

    effect: bool
    actions: Names
    principals: Names | None = None
    resources: Names | None = None
    condition: Condition | None = None


def parse(text: str) -> Rule:
    """Read a rule.

    Raises:
        RuleError: It is none; the message is what the server's error says.
    """
    return _Reader(text).rule()


def allows(rules: Sequence[Rule], action: str, resource: str, context: Mapping[str, Any]) -> bool:
    """Whether a rule allows the action. ``CAN NOT`` takes nothing away from other rules.

    Raises:
        RuleError: A condition asks for what is not known of the request, or compares what cannot be compared.
    """
    return any(_allows(rule, action, resource, context) for rule in rules)


def _allows(rule: Rule, action: str, resource: str, context: Mapping[str, Any]) -> bool:
    # The caller is not named to the server's evaluator either: roles have chosen the rules.
    for names, name in ((rule.principals, "undefined"), (rule.actions, action), (rule.resources, resource)):
        if names is not None and not names.fit(name):
            return False
    return rule.effect and (rule.condition is None or _holds(rule.condition, context))


def _holds(condition: Condition, context: Mapping[str, Any]) -> bool:
    operation, *parts = condition
    if operation == "and":
        return all(_holds(part, context) for part in parts)
    if operation == "or":
        return any(_holds(part, context) for part in parts)
    if operation == "not":
        return not _holds(parts[0], context)
    if operation == "in":
        name, kind, values = parts
        return any(_holds(("=", name, kind, value), context) for value in values)
    name, kind, value = parts
    compare = KINDS[kind_of(name, kind)].comparison(operation, kind_of(name, kind))
    if context.get(name) is None:
        raise RuleError(f'missing condition in context: "{name}"')
    return compare(context[name], value)


class _Reader:
    """Reads one rule from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [*_tokens(text), ("EOF", "", len(text))]
        self._place = 0

    @property
    def _kind(self) -> str:
        return self._tokens[self._place][0]

    def _next(self, *expected: str) -> str:
        kind, value, _ = self._tokens[self._place]
        if expected and kind not in expected:
            raise self._error(expected)
        self._place += 1
        return value

    def _error(self, expected: Sequence[str]) -> RuleError:
        kind, _, position = self._tokens[self._place]
        wanted = ", ".join(f"'{name}'" for name in expected)
        return RuleError(
            f"Parse error on line 1:\n{_shown(self._text, position)}\nExpecting {wanted}, got '{kind}'"
        )

    def rule(self) -> Rule:
        principals = None if self._kind == "CAN" else self._names()
        self._next("CAN")
        effect = self._kind != "NOT"
        if not effect:
            self._next("NOT")
        actions = self._names()
        resources = None if self._kind in (*_CONDITIONAL, "EOF") else self._names()
        condition = None
        if self._kind in _CONDITIONAL:
            self._next()
            condition = self._or()
        self._next("EOF")
        return Rule(effect, actions, principals, resources, condition)

    def _names(self) -> Names:
        """One name, ``a AND b``, ``a, b AND c``, ``a, b, AND c``, or everything."""
        if self._kind in (*_EVERYTHING, "*"):
            self._next()
            return Names(everything=True)
        names = [self._name()]
        while self._kind == ",":
            self._next()
            if self._kind == "AND" and len(names) > 1:
                break
            names.append(self._name())
        if len(names) > 1 or self._kind == "AND":
            self._next("AND")
            names.append(self._name())
        exact = frozenset(name for name in names if isinstance(name, str))
        return Names(exact, tuple(name for name in names if not isinstance(name, str)))

    def _name(self) -> str | re.Pattern[str]:
        kind = self._kind
        value = self._next("STRING", "STRING_LITERAL", "FUZZY_STRING", "REGEX_LITERAL")
        try:
            if kind == "FUZZY_STRING":
                return re.compile(_fuzzy(value))
            if kind == "REGEX_LITERAL":
                return _regex(value)
        except re.error as error:
            raise RuleError(f"Invalid regular expression: {value}: {error}") from error
        return value

    def _or(self) -> Condition:
        condition = self._and()
        while self._kind == "OR":
            self._next()
            condition = ("or", condition, self._and())
        return condition

    def _and(self) -> Condition:
        condition = self._not()
        while self._kind == "AND":
            self._next()
            condition = ("and", condition, self._not())
        return condition

    def _not(self) -> Condition:
        if self._kind == "NOT":
            self._next()
            return ("not", self._not())
        if self._kind == "(":
            self._next()
            condition = self._or()
            self._next(")")
            return condition
        return self._comparison()

    def _comparison(self) -> Condition:
        name, kind = self._string(), None
        if self._kind == "::":
            self._next()
            kind = self._string()
        if self._kind != "IN":
            operation, value = self._string().lower(), self._string()
            _validate(operation, name, kind, value)
            return (operation, name, kind, value)
        self._next()
        self._next("(")
        values = [self._string()]
        while self._kind == ",":
            self._next()
            values.append(self._string())
        self._next(")")
        for value in values:
            _validate("=", name, kind, value)
        return ("in", name, kind, values)

    def _string(self) -> str:
        return self._next("STRING", "STRING_LITERAL", "FUZZY_STRING", "*")


def _tokens(text: str) -> list[tuple[str, str, int]]:
    """The words of a rule: their kind, their value, and where they begin."""
    found: list[tuple[str, str, int]] = []
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        match = _TOKEN.match(text, place)
        if match is None:
            raise RuleError(f"Lexical error on line 1. Unrecognized text.\n{_shown(text, place)}")
        group = match.lastgroup or "string"
        value = match[group]
        kind = {
            "word": value.upper(),
            "sign": value,
            "regex": "REGEX_LITERAL",
            "quoted": "STRING_LITERAL",
        }.get(group)
        if kind is None:
            kind = "*" if value == "*" else "FUZZY_STRING" if "*" in value else "STRING"
        found.append((kind, value, place))
        place = match.end()
    return found


def _shown(text: str, place: int) -> str:
    """The text around a place, and a line that points at it."""
    before, after = text[max(0, place - 20) : place], text[place : place + 20]
    return f"{before}{after}\n{'-' * len(before)}^"


def _fuzzy(text: str) -> str:
    """A pattern of a name with an asterisk: as in aperture, only the first of them stands for anything."""
    escaped = _SPECIAL.sub(lambda match: "\\" + match[0], text)
    escaped = escaped.replace("\\\\\\*", "*", 1).replace("\\*", ".*", 1)
    return re.sub(r"([^.])\*", r"\1\\*", escaped, count=1)


def _regex(literal: str) -> re.Pattern[str]:
    body, _, flags = literal[1:].rpartition("/")
    return re.compile(body, re.IGNORECASE if "i" in flags else 0)


def _validate(operation: str, name: str, kind: str | None, value: str) -> None:
    known = kind_of(name, kind)
    KINDS[known].comparison(operation, known)
    try:
        KINDS[known].check(operation, value)
    except ValueError as error:
        raise RuleError(f'unable to validate value "{value}" as type "{known}"') from error
