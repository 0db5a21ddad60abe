"""The predicates that filter a list of volumes: krill's ``{"and": [{"eq": [FIELD, VALUE]}, ...]}``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from smartdc.emulator.javascript.inspect import inspect
from smartdc.emulator.javascript.objects import OBJECT_METHODS
from smartdc.emulator.rules.triton_tags import type_of

#: The fields and their types.
FIELDS = {
    "id": "string",
    "name": "string",
    "network": "string",
    "size": "number",
    "state": "string",
    "type": "string",
}
#: Properties of every JavaScript object: krill looks up operators and fields in objects, so it finds them.
INHERITED = {
    "__proto__": "[object Object]",
    "constructor": "function Object() { [native code] }",
    **{name: f"function {name}() {{ [native code] }}" for name in OBJECT_METHODS},
}
_LOGICAL = ("and", "or")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
}


class BadPredicate(Exception):
    """The text is not a predicate; the message is the server's."""


@dataclass(frozen=True)
class Predicate:
    """A valid predicate.

    Attributes:
        operator: ``eq``, ``ne``, ``lt``, ``le``, ``gt``, ``ge``, ``and`` or ``or``; empty for ``{}``, which
            matches everything.
        field: The field that it compares.
        value: The value that it compares the field with.
        parts: The predicates in an ``and`` or ``or``.
    """

    operator: str
    field: str = ""
    value: Any = None
    parts: tuple[Predicate, ...] = ()

    @classmethod
    def read(cls, text: str) -> Predicate:
        """Read a predicate from JSON.

        Raises:
            BadPredicate: The text is not JSON, or not a predicate.
        """
        try:
            found = json.loads(text, parse_constant=_no_constant)
            _check_syntax(found)
            _check_types(found)
            return cls._make(found)
        except (ValueError, RecursionError) as error:
            raise BadPredicate(f"VError: Could not parse JSON predicate {text}: {error}") from error

    @classmethod
    def _make(cls, found: Any) -> Predicate:
        if not found:
            return cls("")
        [(operator, operands)] = found.items()
        if operator in _LOGICAL:
            return cls(operator, parts=tuple(cls._make(part) for part in operands))
        return cls(operator, *operands)

    def values(self) -> Iterator[tuple[str, Any]]:
        """Each field, with the value that it is compared with."""
        if self.field:
            yield self.field, self.value
        for part in self.parts:
            yield from part.values()

    def fits(self, fields: Mapping[str, list[Any]]) -> bool:
        """Whether an object with these values matches."""
        if not self.operator:
            return True
        if self.operator in ("and", "or"):
            choose = all if self.operator == "and" else any
            return choose(part.fits(fields) for part in self.parts)
        choose = all if self.operator == "ne" else any
        return choose(_COMPARE[self.operator](own, self.value) for own in fields[self.field])


def _check_syntax(found: Any) -> None:
    """Check the syntax as krill does, outer predicates before inner ones; an empty list counts as ``{}``."""
    where = f"VError: predicate {inspect(found)}:"
    if not isinstance(found, dict | list):
        raise BadPredicate(f"{where} must be an object")
    if not found:
        return
    if len(found) > 1:
        raise BadPredicate(f'VError: predicate "{inspect(found)}": expected one key, but found {len(found)}')
    if isinstance(found, list):
        raise BadPredicate(f'{where} unknown operator "0"')
    [(operator, operands)] = found.items()
    if operator in INHERITED:
        raise BadPredicate("TypeError: krillOps[key].validate is not a function")
    if operator not in (*_COMPARE, *_LOGICAL):
        raise BadPredicate(f'{where} unknown operator "{operator}"')
    if not (operands or isinstance(operands, dict | list)):
        is_logical = operator in _LOGICAL
        problem = (
            f'expected "{operator}" in logical expression' if is_logical else f'missing key "{operator}"'
        )
        raise BadPredicate(f"{where} {problem}")
    if not isinstance(operands, list):
        raise BadPredicate(f'{where} operator "{operator}": expected array')
    if operator in _LOGICAL:
        if len(operands) < 2:
            raise BadPredicate(f'{where} operator "{operator}": expected at least 2 elements in array')
        for part in operands:
            _check_syntax(part)
        return
    if len(operands) != 2:
        raise BadPredicate(f'{where} "{operator}" array must have 2 elements')
    field, value = operands
    if not isinstance(field, str):
        raise BadPredicate(f'{where} field "{operator}" is not a string')
    if type_of(value) is None:
        raise BadPredicate(f'{where} field "{field}" is not a string, number, or boolean')


def _check_types(found: Any) -> None:
    """Check fields and types as krill does, after the syntax."""
    if not found:
        return
    where = f"VError: predicate {inspect(found)}:"
    [(operator, operands)] = found.items()
    if operator in _LOGICAL:
        for part in operands:
            _check_types(part)
        return
    field, value = operands
    actual = type_of(value)
    if operator not in ("eq", "ne") and actual != "number":
        message = f'operator "{operator}" cannot be applied to fields of type "{actual}"'
        raise BadPredicate(f"{where} {message}")
    expected = INHERITED.get(field) or FIELDS.get(field)
    if expected is None:
        raise BadPredicate(f'{where} field "{field}" is not defined')
    if expected != actual:
        message = f'field "{field}" value ("{inspect(value)}") expected "{expected}", but got "{actual}"'
        raise BadPredicate(f"{where} {message}")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
