"""Every argument of every public method, and calls in which one of them has another value."""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any

from paramiko import SSHClient

from smartdc import DataCenter, Machine, Snapshot, change_feeds, streams
from smartdc import types as answers
from tests.helpers.odd_values import ID

# Valid values for the other arguments of a call, by name.
VALID: dict[str, Any] = {
    "accounts": ID,
    "action": "begin",
    "disk": ID,
    "expires": 300,
    "interval": 1,
    "ip": "10.0.0.1",
    "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJKwZyPEGqSxwKsIEIcWG2ZzuLdPA3vTNrSTOWJJRq7J",
    "method": "GET",
    "name": "web",
    "nic": "90:b8:d0:00:00:01",
    "path": "/keys",
    "provision_end_ip": "10.0.0.9",
    "provision_start_ip": "10.0.0.2",
    "reserved": True,
    "resource": f"machines/{ID}",
    "roles": "ops",
    "rules": "CAN getmachine",
    "size": 1024,
    "state": "running",
    "subnet": "10.0.0.0/24",
    "tag": "role",
    "vlan": 2,
    "vlan_id": 2,
}
# Methods that connect to another place, or make no request.
APART = (
    "close",
    "from_env",
    "from_profile",
    "profiles",
    "datacenter",
    "create_in_datacenter",
    "connect_ssh",
    "connect_vnc",
)


def parameters(cls: type, name: str) -> list[inspect.Parameter]:
    """The parameters of a method, without ``self``."""
    return list(inspect.signature(getattr(cls, name)).parameters.values())[1:]


ARGUMENTS = [
    (cls, name, parameter.name)
    for cls in (DataCenter, Machine)
    for name, member in inspect.getmembers(cls, callable)
    if not name.startswith("_") and name not in APART
    for parameter in parameters(cls, name)
    if parameter.name != "old"  # the one of `request`: other names are a TypeError, as for any function
]


def annotated(*kinds: Any) -> list[tuple[type, str, str]]:
    """The arguments whose annotation has these kinds only, and maybe None."""
    # The modules of the methods import these for checkers only.
    hints = {**vars(answers), **vars(streams), **vars(change_feeds)}
    hints |= {"DataCenter": DataCenter, "Machine": Machine, "Snapshot": Snapshot, "SSHClient": SSHClient}
    found: list[tuple[type, str, str]] = []
    for cls, name, argument in ARGUMENTS:
        hint = typing.get_type_hints(getattr(cls, name), localns=hints).get(argument)
        of = {hint} if hint in kinds else set(typing.get_args(hint) or (None,)) - {type(None)}
        of = of if typing.get_origin(hint) in (None, types.UnionType, typing.Union) else set()
        if of and of <= set(kinds):
            found.append((cls, name, argument))
    return found


def call(
    cls: type, name: str, other: str | None = None, value: Any = None
) -> tuple[list[Any], dict[str, Any]]:
    """Arguments for a method: valid ones where they are required, and the defaults of the others.

    Args:
        cls: The class of the method.
        name: Its name.
        other: An argument that is given `value` instead.
        value: Its value, which may be a wrong one.
    """
    args: list[Any] = []
    more: dict[str, Any] = {}
    for parameter in parameters(cls, name):
        chosen = value if parameter.name == other else VALID.get(parameter.name, ID)
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            more |= {"x": chosen} if parameter.name == other else {}
        elif parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            if parameter.name == other or parameter.default is inspect.Parameter.empty:
                more[parameter.name] = chosen
        elif parameter.name == other or parameter.default is inspect.Parameter.empty:
            args.append(chosen)
        else:
            args.append(parameter.default)
    return args, more
