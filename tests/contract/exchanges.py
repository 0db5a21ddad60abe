"""Checks that requests of the client and answers of the emulator match CloudAPI's OpenAPI description.

Every test that uses the fixture `cloud` is checked when it ends. Objects are closed for this: a property that
the description does not know is an error, in a request and in an answer. Where the description is wrong,
`tests/contract/deviations.py` has the correction, with its source.
"""

from __future__ import annotations

import copy
import json
import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match

from smartdc.emulator.http.calls import FORGOTTEN, Call
from tests.contract.deviations import ACTIONS, DEVIATIONS
from tests.contract.kinds import Kinds
from tests.contract.openapi_fix import Deviation

__all__ = ["DESCRIPTION", "Description", "Tally"]

_PAGE = Path(__file__).parents[1] / "data" / "cloudapi-openapi.json"

#: Roots and pings are not in the description.
_OUTSIDE = re.compile(r"/(--ping|docs.*|favicon\.ico)?/?")

_FORMATS = FormatChecker(formats=())

# Every operation accepts these (auth.js: authorize, preSignedUrl), and the description leaves them out.
_EVERYWHERE = frozenset({"as-role", "algorithm", "expires", "keyId", "method", "signature"})


@_FORMATS.checks("uuid", raises=ValueError)
def _is_uuid(instance: Any) -> bool:
    return not isinstance(instance, str) or str(uuid.UUID(instance)) == instance


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(instance: Any) -> bool:
    return not isinstance(instance, str) or datetime.fromisoformat(instance).tzinfo is not None


@dataclass(frozen=True)
class Described:
    """One operation of the description."""

    ident: str
    verb: str
    path: str
    description: Description = field(repr=False, compare=False)
    content: dict[str, Any] = field(repr=False, compare=False)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """A pattern of paths as they are on the wire."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))

    @property
    def example(self) -> str:
        """A path of this operation."""
        return re.sub(r"[{}]", "", self.path)

    def errors(self, call: Call, *, answers_only: bool = False) -> Iterator[str]:
        """What is wrong with an exchange."""
        if call.status < 400 and not answers_only:  # a request that the server refuses may be wrong
            yield from self.request_errors(call)
        yield from self._answer_errors(call)

    def request_errors(self, call: Call) -> Iterator[str]:
        """What is wrong with a request."""
        match = self.pattern.fullmatch(call.path)
        found = match.groupdict() if match else {}
        for name, text in found.items():
            schema = self._parameters["path", name]
            yield from self._wrong(f"path {name}", schema, _read(unquote(text), schema))
        for name, text in call.query.items():
            if name in _EVERYWHERE:
                continue
            known = self._parameters.get(("query", name)) or self._flat_parameter(name)
            if known is None:
                yield f"query {name}: not in the description"
            else:
                yield from self._wrong(f"query {name}", known, _read(text, known))
        yield from self._body_errors(call)

    def _body_errors(self, call: Call) -> Iterator[str]:
        schema = self._body(call)
        if schema is None:
            if call.body:
                yield f"body: {call.body!r}, where the description has none"
        else:
            yield from self._wrong("body", schema, {} if call.body is None else call.body)

    def _body(self, call: Call) -> dict[str, Any] | None:
        body = self.content.get("requestBody")
        if body is None:
            return None
        schema: dict[str, Any] = body["content"]["application/json"]["schema"]
        if schema == {}:
            # The body depends on the action: the description has no schema for it.
            action = call.query.get("action") or (call.body or {}).get("action")
            name = ACTIONS.get((self.ident, action), "NoRequest")
            return {"$ref": f"#/components/schemas/{name}"}
        return schema

    def _answer_errors(self, call: Call) -> Iterator[str]:
        if call.method == "HEAD" or call.status == 101:
            return
        responses = self.content["responses"]
        family = f"{call.status // 100}XX"
        answer = responses.get(str(call.status)) or responses.get(family) or responses.get("default")
        if answer is None:
            yield f"status {call.status}: the description has {', '.join(responses)}"
            return
        content = self.description.resolved(answer).get("content")
        if content is None:
            if call.response is not None:
                yield f"answer: {call.response!r}, where the description has none"
        elif "application/json" in content:
            yield from self._wrong("answer", content["application/json"]["schema"], call.response)

    def _wrong(self, where: str, schema: dict[str, Any], instance: Any) -> Iterator[str]:
        validator = self.description.validator(schema)
        for found in validator.iter_errors(instance):
            error = best_match([found])
            place = "".join(f"[{step!r}]" for step in error.absolute_path)
            yield f"{where}{place}: {error.message[:400]}"

    @cached_property
    def _parameters(self) -> dict[tuple[str, str], dict[str, Any]]:
        return {(each["in"], each["name"]): each["schema"] for each in self.content["parameters"]}

    def _flat_parameter(self, name: str) -> dict[str, Any] | None:
        """The parameter of a whole family: ``tag.`` for ``tag.role``."""
        family = name.partition(".")[0] + "."
        return self._parameters.get(("query", family)) if "." in name else None


class Description:
    """The OpenAPI description, with the deviations applied."""

    def __init__(self, raw: dict[str, Any], deviations: Iterable[Deviation] = ()) -> None:
        self._raw = copy.deepcopy(raw)
        for deviation in deviations:
            deviation.apply(self._raw)
        self.kinds = Kinds(self._raw)
        schemas = self._raw["components"]["schemas"]
        self._components = {"schemas": {name: _closed(schema) for name, schema in schemas.items()}}
        self._validators: dict[str, Draft202012Validator] = {}
        described = [
            Described(content.get("operationId", f"{verb} {path}"), verb.upper(), path, self, content)
            for path, verbs in self._raw["paths"].items()
            for verb, content in verbs.items()
        ]
        self._operations = sorted(described, key=lambda operation: operation.path.count("{"))
        self.operations = [each for each in described if each.verb.lower() in raw["paths"].get(each.path, ())]

    def find(self, call: Call) -> Described | None:
        """The operation that was called; of two that match, the one with fewer parameters."""
        for operation in self._operations:
            if operation.verb == call.method and operation.pattern.fullmatch(call.path):
                return operation
        return None

    def resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        """The node that a reference points to."""
        if "$ref" not in node:
            return node
        found: Any = self._raw
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return self.resolved(found)

    def kind(self, call: Call) -> int:
        """The same number for exchanges that the description cannot tell apart."""
        path, query = self.kinds.of_path(call.path), repr(call.query)
        bodies = (self.kinds.of(call.body), self.kinds.of(call.response))
        return hash((call.method, path, query, call.status, bodies))

    def validator(self, schema: dict[str, Any]) -> Draft202012Validator:
        """The validator of a schema."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            whole = {**_closed(schema), "components": self._components}
            self._validators[key] = Draft202012Validator(whole, format_checker=_FORMATS)
        return self._validators[key]


@dataclass
class Tally:
    """How many exchanges were validated, how many were refused, and how many of those had a wrong request."""

    validated: int = 0
    refused: int = 0
    bad: int = 0
    _right: set[int] = field(default_factory=set, repr=False)
    """The kinds of exchanges that were found right: others of the same kind are not checked again."""

    def check(
        self, description: Description, calls: Iterable[Call], *, answers_only: bool = False
    ) -> list[str]:
        """Validate exchanges that reached a route; return what is wrong, in words."""
        wrong: list[str] = []
        for call in calls:
            if call.operation is None or call.fault is not None or _OUTSIDE.fullmatch(call.path):
                continue  # an answer that a fault has changed is not described
            if call.answer == FORGOTTEN:
                continue
            operation = description.find(call)
            if operation is None:
                wrong.append(f"{call.method} {call.path}: not in the description")
                continue
            self.validated += 1
            if call.status >= 400:
                self.refused += 1
                self.bad += any(operation.request_errors(call))
            same = description.kind(call)
            if same in self._right:
                continue
            place = f"{call.method} {call.target}: {call.status}"
            one = replace(call, answer=description.kinds.one_of_each(call.response))
            found = [f"{place}: {error}" for error in operation.errors(one, answers_only=answers_only)]
            wrong += found
            if not found and not answers_only:
                self._right.add(same)
        return wrong


def _closed(schema: Any) -> Any:
    """An OpenAPI 3.0 schema as current JSON Schema, which permits no unknown properties."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("nullable"):
        rest = {key: each for key, each in schema.items() if key not in ("nullable", "default")}
        return {"anyOf": [_closed(rest), {"type": "null"}]}
    closed = {key: _closed(each) for key, each in schema.items()}
    if closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def _read(text: Any, schema: dict[str, Any]) -> Any:
    """The value of a text in a URL, by its schema."""
    if not isinstance(text, str):
        return text
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


DESCRIPTION = Description(json.loads(_PAGE.read_text()), DEVIATIONS)
