"""NAPI's checks of a fabric network, with the errors combined as CloudAPI does."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any, TypeVar

from smartdc.emulator.http.answers import Refusal, invalid_argument
from smartdc.emulator.state.resources import Network

LONGEST_TEXT = 64
_SMALLEST_PREFIX = 8
_PRIVATE = [ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]

Address = ipaddress.IPv4Address
Subnet = ipaddress.IPv4Network | ipaddress.IPv6Network
Problems = dict[str, str]
_T = TypeVar("_T")


class _InvalidValue(ValueError):
    """A value is invalid; the message says why."""


def check_texts(params: dict[str, Any]) -> None:
    """Check a name and a description.

    Raises:
        Refusal: 409 InvalidArgument.
    """
    problems: Problems = {}
    _read_texts(params, problems)
    _refuse(problems)


def new_network(params: dict[str, Any], others: list[Network]) -> dict[str, Any]:
    """The fields of a new network, except its name, owner and VLAN.

    Args:
        params: The parameters, which have passed CloudAPI's schema.
        others: The networks on the same fabric.

    Raises:
        Refusal: 409 InvalidArgument with all problems of the first step that finds any.
    """
    problems: Problems = {}
    _read_texts(params, problems)
    subnet = _try(problems, "subnet", _subnet, params["subnet"])
    nat = _try(problems, "internet_nat", _boolean, params.get("internet_nat", True))
    routes = _try(problems, "routes", _routes, params["routes"]) if "routes" in params else None
    _refuse(problems)
    if not isinstance(subnet, ipaddress.IPv4Network):
        for end in ("start", "end"):
            name = f"provision_{end}_ip"
            problems[name] = f"{name} and subnet must both be IPv4 or IPv6 addresses"
        raise _refusal(problems)
    gateway = params.get("gateway")
    _check_range(subnet, params["provision_start_ip"], params["provision_end_ip"], gateway)
    if not any(subnet.subnet_of(block) for block in _PRIVATE):
        raise invalid_argument('property "subnet": subnet must be within private ranges')
    overlapping = [other for other in others if subnet.overlaps(ipaddress.IPv4Network(other.subnet))]
    if overlapping:
        message = 'property "subnet": subnet overlaps with another network'
        raise invalid_argument(", ".join(message for _ in overlapping))
    if gateway is None and nat and "internet_nat" in params:
        gateway = params["provision_start_ip"]  # only if the request itself asks for NAT
    return {
        "subnet": str(subnet),
        "provision_start_ip": params["provision_start_ip"],
        "provision_end_ip": params["provision_end_ip"],
        "gateway": gateway,
        "resolvers": list(params.get("resolvers") or ()),
        "routes": routes,
        "internet_nat": bool(nat),
    }


def changed_network(params: dict[str, Any], network: Network) -> dict[str, Any]:
    """The fields that change, except the name and the description.

    Raises:
        Refusal: 409 InvalidArgument with all problems of the first step that finds any.
    """
    problems: Problems = {}
    _read_texts(params, problems)
    changes: dict[str, Any] = {}
    if "routes" in params:
        changes["routes"] = _try(problems, "routes", _routes, params["routes"])
    _refuse(problems)
    for name in ("resolvers", "provision_start_ip", "provision_end_ip"):
        if name in params:
            changes[name] = params[name]
    start = changes.get("provision_start_ip", network.provision_start_ip)
    end = changes.get("provision_end_ip", network.provision_end_ip)
    if (start, end) != (network.provision_start_ip, network.provision_end_ip):
        _check_range(ipaddress.IPv4Network(network.subnet), start, end, None)
    return changes


def _read_texts(params: dict[str, Any], problems: Problems) -> None:
    for name in ("name", "description"):
        if name in params:
            _try(problems, name, _text, params[name])


def _check_range(subnet: ipaddress.IPv4Network, start: str, end: str, gateway: str | None) -> None:
    problems: Problems = {}
    for name, ip in (("provision_start_ip", start), ("provision_end_ip", end), ("gateway", gateway)):
        if ip is not None and Address(ip) not in subnet:
            problems[name] = f"{name} cannot be outside subnet"
        elif name != "gateway" and ip is not None and Address(ip) == subnet.broadcast_address:
            problems[name] = f"{name} cannot be the broadcast address"
    if not problems.keys() & {"provision_start_ip", "provision_end_ip"} and Address(start) >= Address(end):
        for name in ("provision_start_ip", "provision_end_ip"):
            problems[name] = "provision_start_ip must be before provision_end_ip"
    _refuse(problems)


def _try(problems: Problems, name: str, read: Callable[[Any], _T], value: Any) -> _T | None:
    try:
        return read(value)
    except _InvalidValue as error:
        problems[name] = str(error)
        return None


def _refuse(problems: Problems) -> None:
    if problems:
        raise _refusal(problems)


def _refusal(problems: Problems) -> Refusal:
    return invalid_argument(", ".join(f'property "{name}": {problems[name]}' for name in sorted(problems)))


def _text(value: str) -> str:
    if len(value) > LONGEST_TEXT:
        raise _InvalidValue(f"must not be longer than {LONGEST_TEXT} characters")
    if not re.sub(r"\s", "", value):
        raise _InvalidValue("must not be empty")
    return value


def _boolean(value: Any) -> bool:
    if not (isinstance(value, bool) or value in ("true", "false")):
        raise _InvalidValue("must be a boolean value")
    return value in (True, "true")


def _subnet(text: str) -> Subnet:
    parts = text.split("/")
    if len(parts) != 2:
        raise _InvalidValue("Subnet must be in CIDR form")
    try:
        start = ipaddress.ip_address(int(parts[0]) if parts[0].isdecimal() else parts[0])
    except ValueError:
        raise _InvalidValue("Subnet IP invalid") from None
    if not parts[1].isdecimal() or not _SMALLEST_PREFIX <= int(parts[1]) <= start.max_prefixlen:
        raise _InvalidValue("Subnet bits invalid")
    try:
        return ipaddress.ip_network(f"{start}/{parts[1]}")
    except ValueError:
        raise _InvalidValue("invalid CIDR format") from None


def _routes(routes: Any) -> dict[str, str]:
    if not isinstance(routes, dict):
        raise _InvalidValue("must be an object")
    checked = {}
    invalid = 0
    for destination, gateway in routes.items():
        try:
            to: Any = ipaddress.ip_network(destination, strict=False)
            via = ipaddress.ip_address(gateway)
            if "/" not in destination:
                to = to.network_address
            elif to.prefixlen < _SMALLEST_PREFIX:
                raise ValueError
        except ValueError:
            invalid += 1
            continue
        if to.version != via.version:
            raise _InvalidValue("address family of route and next-hop address should match")
        if to.version != 4:
            raise _InvalidValue("addresses used for routing should match subnet type (ipv4)")
        checked[str(to)] = str(via)
    if invalid:
        raise _InvalidValue("invalid route" if invalid == 1 else "invalid routes")
    return checked
