"""A request on its way through the checks, and the operation that it asks for."""

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

#: In `Route.params`: every parameter means something here (tags and metadata).
ANYTHING = ("*",)

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

    @cached_property
    def words(self) -> frozenset[str]:
        """The parts of the path that are no parameters."""
        return frozenset(part for part in self.path.split("/") if part and not part.startswith(":"))

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


@dataclass
class Incoming:
    """A request; the checks fill in what they find out, in the order of the fields.

    Attributes:
        params: Path, query and body as one bag (docs/cloudapi/requests.md#parameters-are-one-bag).
        account: Whose resources the request is about.
        caller: The account that signed it, or whose sub-user did.
        sub_user: Which of its sub-users signed it.
        key_id: The signature's, for the audit.
        image: The image that ``image`` or ``dataset`` names by uuid.
        package: The active package that ``package`` names, or any by uuid.
        upgrade: Whether the client wants to go on with a WebSocket.
        vm: The machine of the path.
        machine: The same in CloudAPI's form, as it is before the request changes it.
        resource: What role tags call the thing that the request is about; None before API 7.2.
        tagged: The roles that it is tagged with.
        active_roles: Those that a sub-user acts with; None for the account itself.
        fault: What is to go wrong with it.
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
        """The API version range that the client asks for."""
        return self.headers.get("accept-version") or self.headers.get("x-api-version") or "*"

    @property
    def operation(self) -> Route:
        """What is asked for, once that is known."""
        if self.route is None:
            raise LookupError("the route is not found yet")
        return self.route

    @property
    def account(self) -> Account:
        """Whose resources the request is about; handlers run after it is known."""
        if self.owner is None:
            raise LookupError("the account is not loaded yet")
        return self.owner

    @property
    def vm(self) -> VM:
        """The machine of the path; handlers of its operations run after it is loaded."""
        if self.vm_record is None:
            raise LookupError("the machine is not loaded")
        return self.vm_record

    def since(self, version: Version) -> bool:
        """Whether the client asks for this version or a later one."""
        return reaches(self.version, version)

    def before(self, version: Version) -> bool:
        """Whether the client asks for versions that are all earlier than this one."""
        return exceeds(version, self.version)

    @property
    def audit_caller(self) -> dict[str, Any]:
        """Who asked, in the form of the audit."""
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
    """One for all jobs that the same caller asked for."""
    return {"type": "signature", "ip": ip, "keyId": key_id}


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
