"""A request, which the checks complete step by step, and the route of its operation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from smartdc.emulator.http.answers import JSON_TYPE, Answer, Refusal
from smartdc.emulator.http.fault_kinds import Fault
from smartdc.emulator.http.versions import VERSIONS, Version, exceeds, reaches
from smartdc.emulator.state.directory import Account, SubUser
from smartdc.emulator.state.resources import Image, Package
from smartdc.emulator.state.roles import Role
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

Handler = Callable[[Site, "Incoming"], Answer]

#: In `Route.params`: the operation reads every parameter (tags and metadata).
ANYTHING = ("*",)

_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


@dataclass(frozen=True)
class Route:
    """One operation.

    Attributes:
        name: The server's name of the operation.
        method: The verb.
        path: The path; segments with a colon are parameters: ``/:account/machines/:machine``.
        handler: The function that carries it out.
        params: The parameters, besides those in the path, that it knows; one that ends in ``.`` stands for
            all with this prefix. Others are ignored, as the server does, and noted in the call log.
        versions: The API versions that have it.
        types: Content types that it accepts; empty: all. A route with types does not check the API version.
        authenticated: False for the few operations that need no signature.
        group: The throttle group, whose requests are counted together; the application fills it in.
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

    @cached_property
    def words(self) -> frozenset[str]:
        """The segments of the path that are not parameters."""
        return frozenset(part for part in self.path.split("/") if part and not part.startswith(":"))

    def knows(self, param: str) -> bool:
        """Whether this operation reads the parameter."""
        if self.params == ANYTHING or param in self.path_params or param == "as-role":
            return True
        prefixes = tuple(known for known in self.params if known.endswith("."))
        return param in self.params or (bool(prefixes) and param.startswith(prefixes))

    def path_values(self, path: str) -> dict[str, str] | None:
        """Return the decoded parameters in the path, or None if the path does not match.

        Raises:
            Refusal: 400 for an invalid percent-escape.
        """
        match = self.pattern.fullmatch(path)
        if match is None:
            return None
        return {name: _decode(text) for name, text in zip(self.path_params, match.groups(), strict=True)}


@dataclass
class Incoming:
    """A request; the checks fill in its fields in their order.

    Attributes:
        upgrade: Whether the client asks for an upgrade to a WebSocket.
        methods: The verbs that its path has.
        params: Path, query and body as one bag (docs/cloudapi/requests.md#parameters-are-one-bag).
        complete: Whether it has passed the checks up to its body; then the answer has CloudAPI's headers.
        caller: The account that signed it, or whose sub-user did.
        sub_user: The sub-user that signed it, or None.
        key_id: The keyId of the signature, for the audit.
        owner: The account whose resources it is about.
        image: The image that ``image`` or ``dataset`` names by uuid.
        package: The active package that ``package`` names, or any package that it names by uuid.
        vm_record: The machine of the path.
        machine: The machine in CloudAPI's form, before the request changes it.
        resource: The path by which role tags name its resource; None before API 7.2.
        tagged: The roles that the resource is tagged with.
        active_roles: The roles that a sub-user acts with; None for the account itself.
        fault: The fault to apply, or None.
    """

    method: str
    target: str
    path: str
    query_string: str
    headers: dict[str, str]
    raw_body: bytes
    ip: str
    request_id: str
    upgrade: bool = False
    media_type: str = JSON_TYPE
    route: Route | None = None
    path_values: dict[str, str] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    params: dict[str, Any] = field(default_factory=dict)
    complete: bool = False
    caller: Account | None = None
    sub_user: SubUser | None = None
    key_id: str | None = None
    owner: Account | None = None
    image: Image | None = None
    package: Package | None = None
    vm_record: VM | None = None
    machine: dict[str, Any] = field(default_factory=dict)
    resource: str | None = None
    tagged: list[Role] = field(default_factory=list)
    active_roles: list[Role] | None = None
    fault: Fault | None = None

    @property
    def version(self) -> str:
        """The range of API versions that the client accepts."""
        return self.headers.get("accept-version") or self.headers.get("x-api-version") or "*"

    @property
    def operation(self) -> Route:
        """The route of the operation; raises LookupError before it is known."""
        if self.route is None:
            raise LookupError("the route is not found yet")
        return self.route

    @property
    def account(self) -> Account:
        """The account whose resources the request is about; raises LookupError before it is loaded."""
        if self.owner is None:
            raise LookupError("the account is not loaded yet")
        return self.owner

    @property
    def vm(self) -> VM:
        """The machine of the path; raises LookupError before it is loaded."""
        if self.vm_record is None:
            raise LookupError("the machine is not loaded")
        return self.vm_record

    def since(self, version: Version) -> bool:
        """Whether the client accepts this API version or later ones."""
        return reaches(self.version, version)

    def before(self, version: Version) -> bool:
        """Whether the client accepts only API versions before this one."""
        return exceeds(version, self.version)

    @property
    def audit_caller(self) -> dict[str, Any]:
        """The caller, in the form of the audit."""
        return _audit_caller(self.ip, self.key_id)

    @property
    def ignored(self) -> tuple[str, ...]:
        """Parameters that the operation does not know."""
        if self.route is None:
            return ()
        sent = [*self.query, *(self.body if isinstance(self.body, dict) else ())]
        return tuple(name for name in dict.fromkeys(sent) if not self.route.knows(name))


@lru_cache
def _audit_caller(ip: str, key_id: str | None) -> dict[str, Any]:
    """Return the caller; cached, so that all jobs of a caller share one dictionary."""
    return {"type": "signature", "ip": ip, "keyId": key_id}


def _compile(path: str) -> re.Pattern[str]:
    parts = [part for part in path.split("/") if part]
    pattern = "".join("/+([^/]*)" if part.startswith(":") else "/+" + re.escape(part) for part in parts)
    return re.compile(pattern or "/")


def _decode(text: str) -> str:
    """Undo the percent-encoding; refuse what JavaScript's decodeURIComponent throws at."""
    if _BAD_ESCAPE.search(text):
        raise Refusal(400, "BadRequestError", "URI malformed")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise Refusal(400, "BadRequestError", "URI malformed") from None
