"""Random policies, and what the server's own programs decide by them.

Written from node-aperture (lib/evaluator.js, types/), node-mahi 2.3.3 (lib/client.js, authorize) and
sdc-cloudapi (lib/auth.js, etc/aperture.json.in). Nothing is parsed here: a rule is made of parts, which are
written as text for the server, and evaluated here.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any


class Unanswerable(Exception):
    """A condition at which the evaluator throws an error; the request is refused."""


@dataclass(frozen=True)
class Name:
    """An action or a resource of a rule, and what it fits."""

    text: str
    fits: Callable[[str], bool]
    exact: bool = False


@dataclass(frozen=True)
class Compare:
    """``name::type operation value``; ``in`` has several values."""

    name: str
    kind: str | None
    operation: str
    values: Sequence[str]

    def __str__(self) -> str:
        typed = self.name if self.kind is None else f"{self.name}::{self.kind}"
        if self.operation == "in":
            return f"{typed} in ({', '.join(self.values)})"
        return f"{typed} {self.operation} {self.values[0]}"

    def holds(self, known: Mapping[str, Any]) -> bool:
        operation = "=" if self.operation == "in" else self.operation
        kind = self.kind or {"ip": "ip", "sourceip": "ip", "user-agent": "string"}.get(self.name)
        if kind is None or known.get(self.name) is None:
            raise Unanswerable
        return any(compared(kind, operation, known[self.name], value) for value in self.values)


@dataclass(frozen=True)
class Joined:
    """``and``, ``or`` or ``not`` of other conditions."""

    operation: str
    parts: Sequence[Any]

    def __str__(self) -> str:
        if self.operation == "not":
            return f"not ({self.parts[0]})"
        return f" {self.operation} ".join(f"({part})" for part in self.parts)

    def holds(self, known: Mapping[str, Any]) -> bool:
        if self.operation == "not":
            return not self.parts[0].holds(known)
        choose = all if self.operation == "and" else any
        return choose(part.holds(known) for part in self.parts)


@dataclass(frozen=True)
class Rule:
    """A rule; `resources` None names none, and empty lists stand for everything."""

    effect: bool
    actions: Sequence[Name]
    resources: Sequence[Name] | None = None
    condition: Any = None

    def __str__(self) -> str:
        words = ["CAN", *([] if self.effect else ["NOT"]), joined_names(self.actions)]
        if self.resources is not None:
            words.append(joined_names(self.resources))
        if self.condition is not None:
            words.append(f"WHEN {self.condition}")
        return " ".join(words)

    @property
    def needs_tag(self) -> bool:
        """Whether it counts for tagged resources only: mahi overlooks exact names of resources."""
        return self.resources is None or (self.resources != [] and all(name.exact for name in self.resources))

    def allows(self, action: str, path: str, known: Mapping[str, Any]) -> bool:
        if self.actions and not any(name.fits(action) for name in self.actions):
            return False
        if self.resources and not any(name.fits(path) for name in self.resources):
            return False
        holds = self.condition is None or self.condition.holds(known)
        return self.effect and holds


def allowed(rules: Sequence[Rule], *, tagged: bool, action: str, path: str, known: Mapping[str, Any]) -> bool:
    """Whether a sub-user whose only role has these rules may do this."""
    counting = [rule for rule in rules if tagged or not rule.needs_tag]
    try:
        return any(rule.allows(action, path, known) for rule in counting)
    except Unanswerable:
        return False


def joined_names(names: Sequence[Name]) -> str:
    if not names:
        return "*"
    *others, last = [name.text for name in names]
    if len(others) > 1:
        return f"{', '.join(others)}, and {last}"
    return f"{others[0]} AND {last}" if others else last


def compared(kind: str, operation: str, own: Any, value: str) -> bool:
    """The result of types/*.js; other operations were refused when the policy was created."""
    if kind == "array":
        if not isinstance(own, list):
            raise Unanswerable
        return value in own
    wanted: Any = value
    if kind == "number":
        if isinstance(own, bool) or not isinstance(own, int | float):
            raise Unanswerable
        wanted = float(value)
    elif kind == "boolean":
        if not isinstance(own, bool):
            raise Unanswerable
        own = "true" if own else "false"
    elif kind == "ip":
        if not isinstance(own, str):
            raise Unanswerable
        is_within = ip_address(own) in ip_network(value, strict=False)
        return is_within is (operation == "=")
    elif kind in ("date", "day", "time"):
        raise Unanswerable  # only used for values that are not dates
    elif operation == "like":
        return re.search(value.strip("/"), own if isinstance(own, str) else str(own).lower()) is not None
    elif not isinstance(own, str) and operation in ("=", "!="):
        return operation == "!="
    if operation in ("=", "!="):
        return bool(own == wanted) is (operation == "=")
    return bool(own < wanted if operation == "<" else own > wanted)


@dataclass
class Maker:
    """Makes rules about these paths."""

    paths: Sequence[str]
    random: random.Random = field(default_factory=lambda: random.Random(12))  # noqa: S311 - the same each time

    def rules(self) -> list[Rule]:
        return [self._rule() for _ in range(self.random.choice([1, 1, 2, 3]))]

    def _rule(self) -> Rule:
        pick = self.random
        resources = None if pick.random() < 0.6 else self._resources()
        condition = None if pick.random() < 0.3 else self._condition(0)
        return Rule(pick.random() < 0.85, self._actions(), resources, condition)

    def _actions(self) -> list[Name]:
        names = [exact(action) for action in ("getmachine", "listmachines", "listimages", "getaccount")]
        names += [
            Name("get*", lambda text: "get" in text),
            Name("*machine", lambda text: "machine" in text),
            Name("/^list/::regex", lambda text: text.startswith("list")),
            Name("/^GETM/i::regexp", lambda text: text.startswith("getm")),
        ]
        return self.random.sample(names, self.random.choice([0, 1, 1, 2, 3]))

    def _resources(self) -> list[Name]:
        names = [exact(path) for path in self.paths]
        names += [
            Name("/my/machines/*", lambda text: "/my/machines/" in text),
            Name("/machines$/::regex", lambda text: text.endswith("machines")),
            Name("/my/imag*", lambda text: "/my/imag" in text),
        ]
        return self.random.sample(names, self.random.choice([0, 1, 1, 2]))

    def _condition(self, depth: int) -> Any:
        pick = self.random
        operation = pick.choice(["and", "or", "not", "", "", ""]) if depth < 2 else ""
        if operation:
            count = 1 if operation == "not" else 2
            return Joined(operation, [self._condition(depth + 1) for _ in range(count)])
        return pick.choice(CONDITIONS)


def exact(text: str) -> Name:
    return Name(text, lambda name: name == text, exact=True)


CONDITIONS = [
    *(Compare("tag_role", "string", operation, [value]) for operation in "=<>" for value in ("web", "x")),
    Compare("tag_role", "string", "!=", ["web"]),
    Compare("tag_role", "string", "like", ["/^w/"]),
    Compare("tag_role", "string", "in", ["db", "web"]),
    Compare("tag_role", "array", "contains", ["we"]),
    Compare("tag_role", "number", "=", ["3"]),
    Compare("tag_role", "date", ">", ["2000-01-01"]),
    Compare("tag_weight", "number", "=", ["3.0"]),
    Compare("tag_weight", "number", "<", ["4"]),
    Compare("tag_weight", "string", "=", ["3"]),
    Compare("tag_weight", "string", "!=", ["3"]),
    Compare("tag_weight", "time", "<", ["23:59:59"]),
    Compare("tag_ready", "boolean", "=", ["true"]),
    Compare("tag_ready", "boolean", "!=", ["true"]),
    Compare("tag_ready", "string", "like", ["/^t/"]),
    Compare("sourceip", None, "=", ["127.0.0.0/8"]),
    Compare("sourceip", None, "!=", ["127.0.0.1"]),
    Compare("sourceip", "ip", "in", ["10.0.0.1", "127.0.0.1"]),
    Compare("sourceip", "string", "=", ["127.0.0.1"]),
    Compare("method", "string", "=", ["get"]),
    Compare("method", "string", "=", ["post"]),
    Compare("method", None, "=", ["get"]),
    Compare("day", None, "in", ["Mon", "Tue"]),
    Compare("date", None, ">", ["2000-01-01"]),
    Compare("activeRoles", None, "contains", ["x"]),
    Compare("activeRoles", "array", "contains", ["x"]),
    Compare("fromjob", None, "=", ["false"]),
    Compare("datacenter", "string", "=", ["us-sw-1"]),
    Compare("user-agent", None, "like", ["/smartdc/"]),
    Compare("missing", "string", "=", ["x"]),
]
