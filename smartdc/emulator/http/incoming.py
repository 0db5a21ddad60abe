"""A request on its way through the checks, and the line that it leaves in the call log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from smartdc.emulator.http.answers import JSON_TYPE
from smartdc.emulator.http.faults import Fault
from smartdc.emulator.http.routes import Route
from smartdc.emulator.http.versions import Version, reaches
from smartdc.emulator.state.directory import Account, SubUser
from smartdc.emulator.state.resources import Image, Package
from smartdc.emulator.state.roles import Role
from smartdc.emulator.state.vm import VM


@dataclass(frozen=True)
class Call:
    """One request that the emulator got, and how it answered.

    Attributes:
        target: Path and query exactly as on the wire.
        path: The path alone, still encoded.
        query: The decoded query.
        headers: By lower-case name; the value of Authorization is kept out.
        body: The decoded JSON, or None.
        operation: The server's name of the route, such as ``GetMachine``; None where there is none.
        status: Of the answer; 0 where a fault left none.
        response: Its body, decoded; None where there is none.
        ignored: Parameters that this operation does not know, which the server silently ignores.
        fault: What went wrong with it, because somebody asked for that.
    """

    method: str
    target: str
    path: str
    query: dict[str, Any]
    headers: dict[str, str]
    body: Any
    operation: str | None
    datacenter: str
    status: int
    response: Any
    ignored: tuple[str, ...] = ()
    fault: Fault | None = None


@dataclass
class Incoming:
    """A request; the checks fill in what they find out, in the order of the fields.

    Attributes:
        params: Path, query and body as one bag (D5).
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

    @property
    def audit_caller(self) -> dict[str, Any]:
        """Who asked, in the form of the audit."""
        return {"type": "signature", "ip": self.ip, "keyId": self.key_id}

    @property
    def ignored(self) -> tuple[str, ...]:
        """Parameters that the operation does not know."""
        if self.route is None:
            return ()
        sent = [*self.query, *(self.body if isinstance(self.body, dict) else ())]
        return tuple(name for name in dict.fromkeys(sent) if not self.route.knows(name))
