"""Affinity rules and locality: how a create says which machines the new one must be near to or far from.

CloudAPI reads the rules (triton-affinity.js) and VMAPI checks the locality (validation.js). What they do to
the choice of a server is in `servers`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from smartdc.emulator.http.answers import ErrorItem, crashed, invalid_argument, invalid_field
from smartdc.emulator.http.parameters import as_text, is_uuid

#: What JavaScript's `\s` stands for.
_SPACES = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_KEY = re.compile(r"[a-zA-Z_][a-zA-Z0-9\-_.]+")
_VALUE = re.compile(rf"[-a-zA-Z0-9:_{_SPACES}.*/()?+\[\]\\^$|]+")
#: The same patterns as the server's messages show them.
_SHOWN_KEY = r"/^[a-z_][a-z0-9\-_.]+$/i"
_SHOWN_VALUE = r"/^[-a-z0-9:_\s.*/()?+[\]\\^$|]+$/i"


@dataclass(frozen=True)
class AffinityRule:
    """One rule, such as ``role!=~web*``.

    Attributes:
        key: ``instance``, ``container``, or the name of a tag.
        near: Whether the operator is ``==``.
        soft: Whether the machine is made as well where the rule cannot hold.
        value: An exact value, a pattern with ``*``, or a regular expression between slashes.
    """

    key: str
    near: bool
    soft: bool
    value: str

    @property
    def regexp(self) -> str | None:
        """The regular expression, where the value is one."""
        is_one = len(self.value) >= 3 and self.value.startswith("/") and self.value.endswith("/")
        return self.value[1:-1] if is_one else None


def read_affinity(affinity: Any) -> list[AffinityRule]:
    """Read the ``affinity`` of a create: a rule, or a list of rules.

    Raises:
        Refusal: 409 for a rule that is not valid.
    """
    if not affinity and affinity != []:
        return []
    rules = affinity if isinstance(affinity, list) else [affinity]
    if not all(isinstance(rule, str) for rule in rules):
        raise crashed("opts.affinity ([string]) is required")
    return [_read_rule(rule) for rule in rules]


def locality_errors(locality: Any) -> list[ErrorItem]:
    """What VMAPI finds wrong with the ``locality`` of a create."""
    problem = None
    if not locality:
        return []
    if not isinstance(locality, dict | list):
        problem = "malformed locality object"
    for side in ("near", "far") if isinstance(locality, dict) else ():
        hint = locality.get(side)
        if (hint or hint == {}) and not isinstance(hint, str | list):
            problem = problem or "locality entry is neither string nor array"
        elif hint and not all(is_uuid(as_text(item)) for item in ([hint] if isinstance(hint, str) else hint)):
            problem = problem or "locality contains malformed UUID"
    return [] if problem is None else [invalid_field("locality", problem)]


def _read_rule(rule: str) -> AffinityRule:
    operator = "==" if "==" in rule else "!="
    key, found, value = rule.partition(operator)
    if not found:
        message = 'could not find operator in affinity rule: expected one of "==", "!="'
        raise invalid_argument(f"{message}: {_inspect(rule)}")
    soft = value.startswith("~")
    value = value.removeprefix("~")
    for name, text, allowed, shown in (
        ("key", key, _KEY, _SHOWN_KEY),
        ("value", value, _VALUE, _SHOWN_VALUE),
    ):
        if not allowed.fullmatch(text):
            message = f"invalid {name} in affinity rule: {_inspect(rule)}: {_inspect(text)}"
            raise invalid_argument(f"{message} does not match {shown}")
    return AffinityRule(key, operator == "==", soft, value)


def _inspect(text: str) -> str:
    """A text as Node's `util.inspect` shows it, in single quotes where it can be."""
    quote = '"' if "'" in text and '"' not in text else "'"
    names = {
        "\b": r"\b",
        "\t": r"\t",
        "\n": r"\n",
        "\f": r"\f",
        "\r": r"\r",
        "\\": r"\\",
        quote: f"\\{quote}",
    }
    control = (f"\\x{ord(char):02X}" if ord(char) < 32 or 127 <= ord(char) < 160 else char for char in text)
    return quote + "".join(names.get(char, safe) for char, safe in zip(text, control, strict=True)) + quote
