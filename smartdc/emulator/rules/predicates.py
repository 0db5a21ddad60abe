"""The predicates by which volumes are searched: krill's ``{"and": [{"eq": [FIELD, VALUE]}, ...]}``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smartdc.emulator.http.answers import to_json

#: The fields, and whether each is text or a number.
FIELDS: dict[str, type] = {"id": str, "name": str, "network": str, "size": int, "state": str, "type": str}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
}


class BadPredicate(Exception):
    """It is none; the text is what the server says."""


@dataclass(frozen=True)
class Predicate:
    """One that has been checked.

    Attributes:
        operator: ``eq``, ``ne``, ``lt``, ``le``, ``gt``, ``ge``, ``and`` or ``or``; empty for ``{}``, which
            everything fits.
        field: What is compared.
        value: What it is compared with.
        parts: Of ``and`` and ``or``.
    """

    operator: str
    field: str = ""
    value: Any = None
    parts: tuple[Predicate, ...] = ()

    @classmethod
    def read(cls, text: str) -> Predicate:
        """Read the JSON of a query.

        Raises:
            BadPredicate: It is no JSON, or no predicate.
        """
        try:
            found = json.loads(text)
        except ValueError as error:
            raise BadPredicate(f"VError: Could not parse JSON predicate {text}: {error}") from error
        return cls._make(found)

    @classmethod
    def _make(cls, found: Any) -> Predicate:
        where = f"VError: predicate {to_json(found)}:"
        if not isinstance(found, dict):
            raise BadPredicate(f"{where} must be an object")
        if not found:
            return cls("")
        if len(found) > 1:
            raise BadPredicate(f"{where} expected exactly one key")
        [(operator, operands)] = found.items()
        if operator not in (*_COMPARE, "and", "or"):
            raise BadPredicate(f'{where} unknown operator "{operator}"')
        if not isinstance(operands, list) or len(operands) < 2:
            raise BadPredicate(f'{where} operator "{operator}": expected at least 2 elements in array')
        if operator in ("and", "or"):
            return cls(operator, parts=tuple(cls._make(part) for part in operands))
        field, value, *more = operands
        if more:
            raise BadPredicate(f'{where} "{operator}" array must have 2 elements')
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise BadPredicate(f'{where} field "{field}" is not a string, number, or boolean')
        kind = FIELDS.get(field) if isinstance(field, str) else None
        if kind is None:
            raise BadPredicate(f'{where} field "{field}" is not defined')
        if isinstance(value, str) is not (kind is str):
            names = ("string", "number") if kind is str else ("number", "string")
            message = f'field "{field}" value ("{value}") expected "{names[0]}", but got "{names[1]}"'
            raise BadPredicate(f"{where} {message}")
        if kind is str and operator not in ("eq", "ne"):
            message = f'operator "{operator}" cannot be applied to fields of type "string"'
            raise BadPredicate(f"{where} {message}")
        return cls(operator, field, value)

    def values(self) -> Iterator[tuple[str, Any]]:
        """Each field, with the value that it is compared with."""
        if self.field:
            yield self.field, self.value
        for part in self.parts:
            yield from part.values()

    def fits(self, fields: Mapping[str, list[Any]]) -> bool:
        """Whether a thing with these values fits."""
        if not self.operator:
            return True
        if self.operator in ("and", "or"):
            choose = all if self.operator == "and" else any
            return choose(part.fits(fields) for part in self.parts)
        choose = all if self.operator == "ne" else any
        return choose(_COMPARE[self.operator](own, self.value) for own in fields[self.field])
