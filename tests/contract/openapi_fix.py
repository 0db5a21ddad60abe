"""Corrections of single places in the OpenAPI description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Deviation", "Schema", "added", "answer", "prop", "query", "ref", "required", "schema"]

Schema = dict[str, Any]


@dataclass(frozen=True)
class Deviation:
    """A place in the description, and its correct value.

    Attributes:
        place: The keys that lead there, from the top; a parameter is found by its location and name.
        value: The correct value.
        source: The source of the correction.
    """

    place: tuple[str, ...]
    value: Any
    source: str

    def apply(self, description: dict[str, Any]) -> None:
        """Correct the description."""
        *parents, last = self.place
        node: Any = description
        for key in parents:
            node = node.setdefault(key, {})
        if isinstance(node, list):
            where, _, name = last.partition(" ")
            node[:] = [each for each in node if (each["in"], each["name"]) != (where, name)]
            node.append({"in": where, "name": name, "schema": self.value})
        else:
            node[last] = self.value


def ref(name: str) -> Schema:
    """A reference to a schema of the description."""
    return {"$ref": f"#/components/schemas/{name}"}


def schema(name: str, value: Schema, source: str) -> Deviation:
    """A whole schema."""
    return Deviation(("components", "schemas", name), value, source)


def prop(name: str, value: Any, source: str) -> Deviation:
    """A property of a schema: ``Machine.tags``."""
    owner, _, key = name.partition(".")
    return Deviation(("components", "schemas", owner, "properties", key), value, source)


def required(name: str, names: list[str], source: str) -> Deviation:
    """Which properties a schema requires."""
    return Deviation(("components", "schemas", name, "required"), names, source)


def query(verb: str, path: str, name: str, value: Schema, source: str) -> Deviation:
    """A parameter of the query."""
    return Deviation(("paths", path, verb.lower(), "parameters", f"query {name}"), value, source)


def answer(verb: str, path: str, status: int, value: Schema | None, source: str) -> Deviation:
    """The answer of an operation; None for no body."""
    return Deviation(("paths", path, verb.lower(), "responses", str(status)), _answer(value), source)


def added(path: str, source: str) -> Deviation:
    """A path whose role tags can be set, and that the description lacks."""
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    content = {
        "operationId": f"role_tags {path}",
        "parameters": [
            {"in": "path", "name": name, "required": True, "schema": {"type": "string"}} for name in names
        ],
        "requestBody": {"content": {"application/json": {"schema": ref("ReplaceRoleTagsRequest")}}},
        "responses": {
            "200": _answer(ref("RoleTagsResponse")),
            "4XX": {"$ref": "#/components/responses/Error"},
            "5XX": {"$ref": "#/components/responses/Error"},
        },
    }
    return Deviation(("paths", path, "put"), content, source)


def _answer(value: Schema | None) -> Schema:
    # Not empty even without a body: an empty answer would count as missing.
    return {"description": ""} | (
        {} if value is None else {"content": {"application/json": {"schema": value}}}
    )
