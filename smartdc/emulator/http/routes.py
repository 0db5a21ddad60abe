"""The route table: finds the operation of a verb and a path, and refuses requests without one.

Paths are matched while still percent-encoded, and each parameter is decoded afterwards, so that a tag whose
name holds a ``/`` is one segment (docs/cloudapi/tags-and-metadata.md#keys-with-a-slash). The order of the
table matters, as it does in the server: it decides between two routes that match, and which route's verbs an
``Allow`` header names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from smartdc.emulator.http.answers import Refusal, not_found
from smartdc.emulator.http.incoming import ANYTHING, Handler, Route
from smartdc.emulator.http.versions import Version, best

__all__ = ["ANYTHING", "Found", "Handler", "Route", "Table"]

_UPLOADS = ("POST", "PUT", "PATCH")


@dataclass(frozen=True)
class Found:
    """The route of a request, the parameters in the path, and the verbs that the path has."""

    route: Route
    values: dict[str, str]
    methods: tuple[str, ...]


class Table:
    """All routes, in order."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes: tuple[Route, ...] = tuple(routes)
        self._methods: dict[str, list[str]] = {}
        self._by_verb: dict[str, list[Route]] = {}
        for route in self.routes:
            self._by_verb.setdefault(route.method, []).append(route)
            methods = self._methods.setdefault(route.pattern.pattern, [])
            if route.method not in methods:
                methods.append(route.method)

    def find(self, method: str, path: str, version: str, content_type: str) -> Found:
        """Find the route of a request (docs/cloudapi/requests.md#order-of-the-checks).

        Raises:
            Refusal: 400 (escape, version), 404, 405 or 415.
        """
        fitting = []
        parts = set(path.split("/"))
        for route in self._by_verb.get(method, ()):
            if not route.words <= parts:
                continue  # faster than matching the pattern
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
        """Return the verbs that the path of `route` has."""
        return tuple(self._methods[route.pattern.pattern])

    def _no_route(self, method: str, path: str) -> Refusal:
        for pattern, methods in self._methods.items():
            if re.fullmatch(pattern, path):
                allow = {"Allow": ", ".join(methods)}
                return Refusal(405, "MethodNotAllowedError", f"{method} is not allowed", headers=allow)
        return not_found(f"{path} does not exist")
