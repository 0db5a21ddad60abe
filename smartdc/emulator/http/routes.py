"""The route table: which operation a verb and a path mean, and what is answered where none fits.

Paths are matched as they came, still percent-encoded, and decoded one parameter at a time afterwards: a tag
whose name holds a ``/`` stays one segment (observed A3). The order of the table matters, as it does in the
server: it decides between two routes that fit and which route's verbs an ``Allow`` header names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from smartdc.emulator.http.answers import Answer, Refusal, not_found
from smartdc.emulator.http.versions import VERSIONS, Version, best

if TYPE_CHECKING:
    from smartdc.emulator.http.incoming import Incoming
    from smartdc.emulator.state.site import Site

Handler = Callable[["Site", "Incoming"], Answer]

#: In `Route.params`: every parameter means something here (tags and metadata).
ANYTHING = ("*",)

_UPLOADS = ("POST", "PUT", "PATCH")
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


@dataclass(frozen=True)
class Route:
    """One operation.

    Attributes:
        name: The server's name for it.
        method: The verb.
        path: Segments, those with a colon being parameters: ``/:account/machines/:machine``.
        handler: What answers it.
        params: The parameters, besides those in the path, that it knows; one that ends in ``.`` stands for
            all that begin so. Others are ignored, as the server does, and noted in the call log.
        versions: The API versions that have it.
        types: Content types that it takes; empty takes all. Such a route does not look at versions.
        authenticated: False for the few that answer anybody.
        group: Whose requests the throttle counts together; filled in where the routes are mounted.
    """

    name: str
    method: str
    path: str
    handler: Handler
    params: tuple[str, ...] = ()
    versions: tuple[Version, ...] = VERSIONS
    types: tuple[str, ...] = ()
    authenticated: bool = True
    group: str | None = None
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", _compile(self.path))

    @cached_property
    def path_params(self) -> tuple[str, ...]:
        """The names of the parameters in the path."""
        return tuple(part[1:] for part in self.path.split("/") if part.startswith(":"))

    def knows(self, param: str) -> bool:
        """Whether this operation reads the parameter."""
        if self.params == ANYTHING or param in self.path_params or param == "as-role":
            return True
        prefixes = tuple(known for known in self.params if known.endswith("."))
        return param in self.params or (bool(prefixes) and param.startswith(prefixes))

    def path_values(self, path: str) -> dict[str, str] | None:
        """The decoded parameters in the path, or None when it does not fit.

        Raises:
            Refusal: 400 for an escape that is none.
        """
        match = self.pattern.fullmatch(path)
        if match is None:
            return None
        return {name: _decode(text) for name, text in zip(self.path_params, match.groups(), strict=True)}


@dataclass(frozen=True)
class Found:
    """A route that fits, its parameters, and the verbs that its path has."""

    route: Route
    values: dict[str, str]
    methods: tuple[str, ...]


class Table:
    """All routes, in order."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._methods: dict[str, list[str]] = {}
        self._by_verb: dict[str, list[Route]] = {}
        for route in self.routes:
            self._by_verb.setdefault(route.method, []).append(route)
            methods = self._methods.setdefault(route.pattern.pattern, [])
            if route.method not in methods:
                methods.append(route.method)

    def find(self, method: str, path: str, version: str, content_type: str) -> Found:
        """The route for a request (observed B, first check).

        Raises:
            Refusal: 400 (escape, version), 404, 405 or 415.
        """
        fitting = []
        for route in self._by_verb.get(method, ()):
            values = route.path_values(path)
            if values is not None:
                fitting.append((route, values))
        if not fitting:
            raise self._no_route(method, path)
        chosen: tuple[Version, Route, dict[str, str]] | None = None
        for route, values in fitting:
            if route.types and method in _UPLOADS:
                if content_type not in route.types:
                    raise Refusal(415, "UnsupportedMediaTypeError", content_type)
                return Found(route, values, self.methods(route))
            offered = best(version, route.versions)
            if offered is not None and (chosen is None or offered > chosen[0]):
                chosen = (offered, route, values)
        if chosen is None:
            raise Refusal(400, "InvalidVersion", f"{version} is not supported by {method} {path}")
        return Found(chosen[1], chosen[2], self.methods(chosen[1]))

    def methods(self, route: Route) -> tuple[str, ...]:
        """The verbs that the path of `route` has."""
        return tuple(self._methods[route.pattern.pattern])

    def _no_route(self, method: str, path: str) -> Refusal:
        for pattern, methods in self._methods.items():
            if re.fullmatch(pattern, path):
                allow = {"Allow": ", ".join(methods)}
                return Refusal(405, "MethodNotAllowedError", f"{method} is not allowed", headers=allow)
        return not_found(f"{path} does not exist")


def _compile(path: str) -> re.Pattern[str]:
    parts = [part for part in path.split("/") if part]
    pattern = "".join("/+([^/]*)" if part.startswith(":") else "/+" + re.escape(part) for part in parts)
    return re.compile(pattern or "/")


def _decode(text: str) -> str:
    """Undo the percent-encoding as JavaScript's decodeURIComponent does, which throws."""
    if _BAD_ESCAPE.search(text):
        raise Refusal(400, "BadRequestError", "URI malformed")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise Refusal(400, "BadRequestError", "URI malformed") from None
