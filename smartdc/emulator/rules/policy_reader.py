"""The parser of policies' rules, which reads a text into a `Rule` as node-aperture's lib/language.jison does.

Aperture's parser is a generated LALR parser: its messages list every token that may follow in any rule. The
constants below are these lists, in the order of its tokens.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from smartdc.emulator.javascript.numbers import WHITE_SPACE
from smartdc.emulator.javascript.patterns import BadPattern, Pattern
from smartdc.emulator.javascript.texts import halves, whole
from smartdc.emulator.rules.look_ahead import LookAhead
from smartdc.emulator.rules.policy_conditions import KINDS, TYPE_TABLE, RuleError, kind_of
from smartdc.emulator.rules.policy_language import Condition, Names, Rule

_WORDS = ("AND", "OR", "NOT", "CAN", "TO", "IF", "WHEN", "WHERE", "ALL", "EVERYTHING", "ANYTHING", "IN")
_CLASS = r"\[(?:[^\n\r\]\\]|\\[^\n\r])*\]"
# The first alternative that matches wins. In quotes, parentheses are escaped like quotes.
_TOKEN = re.compile(
    rf"(?P<word>(?:{'|'.join(_WORDS)})\b)"
    r"|(?P<sign>::|,|\(|\))"
    rf"|(?P<regex>/(?:[^\n\r*\\/\[]|\\[^\n\r]|{_CLASS})(?:[^\n\r\\/\[]|\\[^\n\r]|{_CLASS})*/[a-z]*)::regexp?"
    r'|"(?P<quoted>(?:\\["bfnrt/()\\]|\\u[a-f0-9]{4}|[^"()\\])*)"'
    rf"|(?P<string>(?:[^{WHITE_SPACE},():](?::(?!:))?)+)",
    re.IGNORECASE | re.ASCII,
)
_SPACE = re.compile(f"[{WHITE_SPACE}]*")
_SPECIAL = re.compile(r"[-/\\^$*+?.()|\[\]{}]")
_LINE = re.compile(r"\r\n?|\n")
_SHOWN = 20

_ALL = ("ALL", "EVERYTHING", "ANYTHING", "*")
_CONDITIONAL = ("IF", "WHEN", "WHERE")
_STRING = ("STRING", "STRING_LITERAL", "FUZZY_STRING", "*")
_NAME = ("STRING", "STRING_LITERAL", "FUZZY_STRING", "REGEX_LITERAL")
_NAMES = (*_NAME, *_ALL)
_AFTER_NAMES = ("EOF", "CAN", *_CONDITIONAL, *_NAMES)
_AFTER_NAME = ("EOF", "AND", ",", *_AFTER_NAMES[1:])
_END = ("EOF", *_CONDITIONAL)
_CONDITION = ("NOT", "(", *_STRING)
_AFTER_STRING = ("EOF", "AND", ",", "OR", "IN", ")", "::", *_STRING)
_AFTER_CONDITION = ("EOF", "AND", "OR", ")")
_OPERATION = ("IN", *_STRING)


def parse(text: str) -> Rule:
    """Read a rule.

    Raises:
        RuleError: The text is not a rule; the message is the server's.
    """
    try:
        return _Reader(halves(text)).rule()
    except RuleError as error:
        raise RuleError(whole(str(error))) from error
    except RecursionError:
        raise RuleError("the emulator reads only a few hundred levels of parentheses") from None


class _Token(NamedTuple):
    kind: str
    value: str
    start: int
    end: int


class _Reader(LookAhead[_Token]):
    """Reads one rule."""

    def rule(self) -> Rule:
        principals = None
        if self._expect("CAN", *_NAMES).kind != "CAN":
            principals = self._names()
            self._expect("CAN")
        self._take()
        effect = self._expect("NOT", *_NAMES).kind != "NOT"
        if not effect:
            self._take()
            self._expect(*_NAMES)
        actions, resources, condition = self._names(), None, None
        if self._expect(*_END, *_NAMES).kind not in _END:
            resources = self._names()
            self._expect(*_END)
        if self._take().kind != "EOF":
            self._expect(*_CONDITION)
            condition = self._or()
            self._expect("EOF", "OR")
        return Rule(effect, actions, principals, resources, condition)

    def _names(self) -> Names:
        """One name, ``a AND b``, ``a, b AND c``, ``a, b, AND c``, or everything."""
        if self._expect(*_NAMES).kind in _ALL:
            self._take()
            self._expect(*_AFTER_NAMES)
            return Names(everything=True)
        names = [self._name()]
        following = self._expect(*_AFTER_NAME).kind
        if following == "AND":
            self._take()
            names.append(self._name())
            self._expect(*_AFTER_NAMES)
        elif following == ",":
            self._take()
            names = self._long_list(names)
        exact = frozenset(name for name in names if isinstance(name, str))
        return Names(exact, tuple(name for name in names if not isinstance(name, str)))

    def _long_list(self, names: list[str | Pattern]) -> list[str | Pattern]:
        """Read the names after the first comma. Aperture returns the last three, then the others reversed."""
        while True:
            names.append(self._name())
            if self._expect("AND", ",").kind == ",":
                self._take()
                if self._expect("AND", *_NAME).kind != "AND":
                    continue
            self._take()
            names.append(self._name())
            self._expect(*_AFTER_NAMES)
            return names[-3:] + names[-4::-1]

    def _name(self) -> str | Pattern:
        token = self._expect(*_NAME)
        self._take()
        self._expect(*_AFTER_NAME)
        try:
            if token.kind == "FUZZY_STRING":
                return Pattern(_fuzzy(token.value))
            if token.kind == "REGEX_LITERAL":
                body, _, flags = token.value[1:].rpartition("/")
                return Pattern(body, flags)
        except BadPattern as error:
            raise RuleError(str(error)) from error
        return token.value

    def _or(self) -> Condition:
        condition = self._and()
        while self._expect("EOF", "OR", ")").kind == "OR":
            self._take()
            condition = ("or", condition, self._and())
        return condition

    def _and(self) -> Condition:
        condition = self._not()
        while self._expect(*_AFTER_CONDITION).kind == "AND":
            self._take()
            condition = ("and", condition, self._not())
        return condition

    def _not(self) -> Condition:
        first = self._expect(*_CONDITION).kind
        if first == "NOT":
            self._take()
            return ("not", self._not())
        if first == "(":
            self._take()
            condition = self._or()
            self._take("OR", ")")
            return condition
        return self._comparison()

    def _comparison(self) -> Condition:
        name, kind = self._string(), None
        if self._expect("IN", "::", *_STRING).kind == "::":
            self._take()
            kind = self._string()
            self._expect(*_OPERATION)
        if self._next is None or self._next.kind != "IN":
            operation, value = self._string().lower(), self._string()
            self._expect(*_AFTER_CONDITION)
            _validate(operation, name, kind, value)
            return (operation, name, kind, value)
        self._take()
        self._take("(")
        values = [self._string()]
        while self._expect(",", ")").kind == ",":
            self._take()
            values.append(self._string())
        self._take()
        self._expect(*_AFTER_CONDITION)
        for value in values:
            _validate("=", name, kind, value)
        return ("in", name, kind, values)

    def _string(self) -> str:
        value = self._take(*_STRING).value
        self._expect(*_AFTER_STRING)
        return value

    def _unexpected(self, token: _Token, kinds: tuple[str, ...]) -> RuleError:
        expected = ", ".join(f"'{kind}'" for kind in kinds)
        where = _shown(self._text, token.start, token.end)
        line = _line(self._text[: self._taken])
        return RuleError(f"Parse error on line {line}:\n{where}\nExpecting {expected}, got '{token.kind}'")

    def _read(self) -> _Token:
        space = _SPACE.match(self._text, self._at)
        start = space.end() if space else self._at
        if start == len(self._text):
            return _Token("EOF", "", start, start)
        match = _TOKEN.match(self._text, start)
        if match is None:
            where = _shown(self._text, start, start)
            line = _line(self._text[:start])
            raise RuleError(f"Lexical error on line {line}. Unrecognized text.\n{where}")
        self._at = match.end()
        group = match.lastgroup or "string"
        value = match[group]
        kind = {"word": value.upper(), "sign": value, "regex": "REGEX_LITERAL", "quoted": "STRING_LITERAL"}
        plain = "*" if value == "*" else "FUZZY_STRING" if "*" in value else "STRING"
        return _Token(kind.get(group, plain), whole(value), start, self._at)


def _line(before: str) -> int:
    return len(_LINE.findall(before)) + 1


def _shown(text: str, start: int, end: int) -> str:
    """The text around a place, and below it a line that points at the place."""
    before = "..." * (start > _SHOWN) + text[max(0, start - _SHOWN) : start].replace("\n", "")
    after = text[start : start + max(_SHOWN, end - start)]
    after = (after[:_SHOWN] + "..." * (len(after) > _SHOWN)).replace("\n", "")
    return f"{before}{after}\n{'-' * len(before)}^"


def _fuzzy(text: str) -> str:
    """The pattern of a name with asterisks; as in aperture, only the first asterisk is a wildcard."""
    escaped = _SPECIAL.sub(lambda match: "\\" + match[0], text)
    escaped = escaped.replace("\\\\\\*", "*", 1).replace("\\*", ".*", 1)
    return re.sub(r"([^.])\*", r"\1\\*", escaped, count=1)


def _validate(operation: str, name: str, kind: str | None, value: str) -> None:
    known = kind_of(name, kind, TYPE_TABLE)
    KINDS[known].comparison(operation, known)
    try:
        KINDS[known].check(operation, value)
    except ValueError as error:
        raise RuleError(f'unable to validate value "{value}" as type "{known}"') from error
