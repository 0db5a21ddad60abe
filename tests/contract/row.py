"""The rows of the contract, and the world in which their calls are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from smartdc import DataCenter, Machine
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOiEYpXDVXuU6SMVTeQFMg0gV2h6fnnI7ZZuvAMpbNlM contract"


class World:
    """The things that calls need; each is created when it is first used, without a request.

    Attributes:
        cloud: The emulator.
        site: The state of the data center that is called.
        sdc: The data center that calls.
    """

    def __init__(self, cloud: Emulator, sdc: DataCenter) -> None:
        self.cloud = cloud
        self.site: Site = cloud.site(sdc.location)
        self.sdc = sdc

    @cached_property
    def vm(self) -> VM:
        """The emulator's record of `machine`."""
        return self.site.add_machine("contract", tags={"role": "web"}, metadata={"note": "text"})

    @cached_property
    def machine(self) -> Machine:
        """A running container with a tag ``role`` and metadata ``note``; reading values makes a request."""
        return self.sdc.machine(self.vm.uuid, lazy=True)

    @cached_property
    def stopped(self) -> Machine:
        """A stopped container."""
        return self.sdc.machine(self.site.add_machine(state="stopped").uuid, lazy=True)

    @cached_property
    def bhyve(self) -> Machine:
        """A stopped bhyve machine whose disk space is flexible."""
        vm = self.site.add_machine(brand="bhyve", package="g4-bhyve-4G-flex", state="stopped")
        return self.sdc.machine(vm.uuid, lazy=True)

    @cached_property
    def image_id(self) -> str:
        """A public image for containers."""
        return next(image.uuid for image in self.site.images.values() if image.name == "base-64-lts")

    @cached_property
    def network_id(self) -> str:
        """The account's fabric network."""
        return next(net.uuid for net in self.site.networks.values() if net.name == "My-Fabric-Network")

    def settle(self, seconds: float = 30.0) -> None:
        """Let that many seconds pass, so that jobs get done."""
        self.cloud.clock.advance(seconds)


# The outcome of a POST whose answer is lost.
AGAIN = "repeated"
FOUND = "looked for, and found"
UNKNOWN = "`OutcomeUnknown`"
ERROR = "the failure is raised"

# The reasons.
SAME = "it only sets what it names"
SECRET = "its secret is lost; keys created meanwhile are its candidates"
LOOK = "check before you repeat it"
DELETED = "a 410, or a 404 that has settled, then means that it is done"

Expected = Mapping[str, Any] | Callable[[World], Mapping[str, Any]]


@dataclass(frozen=True)
class Operation:
    """One way to call one operation.

    Attributes:
        name: The server's name of the route, as in the emulator's ROUTES.
        verb: The verb.
        path: ``/:login/users/:user``, or ``/:login/machines/:machine?action=stop``, as in the
            docstring.
        since: The API version that introduced it.
        method: ``DataCenter.create_user``, ``Machine.add_nic``.
        call: A typical call; it may make other requests before.
        query: The query that is sent, with values as text. What differs between runs is a function of the
            world, or `unittest.mock.ANY`.
        body: The JSON that is sent, in the same way.
        status: The status of the answer.
        lost: For a POST, its outcome if the answer is lost, and why, or how the thing is found.
    """

    name: str
    verb: str
    path: str
    since: str
    method: str
    call: Callable[[DataCenter, World], Any]
    query: Expected = field(default_factory=dict)
    body: Expected | None = None
    status: int = 200
    lost: tuple[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.name}-{self.method}"

    @property
    def route(self) -> tuple[str, str, str]:
        """What it has in common with the emulator's route: only names of parameters differ."""
        return self.name, self.verb, shape(self.path)


def shape(path: str) -> str:
    """The path without the names of its parameters, be they ``:name`` or ``{name}``."""
    parts = path.partition("?")[0].split("/")
    return "/".join(":" if part.startswith((":", "{")) else part for part in parts)


def value(expected: Expected | None, world: World) -> Any:
    """What a row expects, in this world."""
    return expected(world) if callable(expected) else expected
