"""Random work on an emulated cloud, and everything that it then answers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from smartdc import APIError, DataCenter
from smartdc.emulator import Emulator

__all__ = ["answers", "work"]

_LISTS = (
    "", "accesskeys", "config", "fabrics/default/vlans", "fwrules", "images", "images?state=all", "keys",
    "machines", "machines?state=destroyed", "machines?state=failed", "migrations", "networks", "packages",
    "policies", "roles", "users", "volumes", "volumesizes",
)  # fmt: skip
_OF_MACHINE = (
    "audit", "disks", "fwrules", "metadata?credentials=true", "migrate", "nics", "snapshots", "tags",
)  # fmt: skip
_MIGRATE = ("begin", "automatic", "automatic", "sync", "switch", "pause", "abort", "finalize")
_OF_USER = ("", "/keys", "/accesskeys")


def answers(cloud: Emulator) -> dict[str, Any]:
    """What each GET answers in each data center, by its path."""
    found: dict[str, Any] = {}
    for name in cloud.urls:
        with cloud.datacenter(name) as sdc:
            for path in _paths(cloud, name):
                found[f"{name}/{path}"] = _get(sdc, path)
    return found


def _paths(cloud: Emulator, name: str) -> Iterator[str]:
    site = cloud.site(name)
    yield from _LISTS
    for vm in site.machines.values():
        yield f"machines/{vm.uuid}"
        yield from (f"machines/{vm.uuid}/{end}" for end in _OF_MACHINE)
    for uuid in site.networks:
        yield f"networks/{uuid}/ips"
    for user in cloud.account.users.values():
        yield from (f"users/{user.uuid}{end}" for end in _OF_USER)


def _get(sdc: DataCenter, path: str) -> Any:
    try:
        body, response = _request(sdc, "GET", path)
    except APIError as error:
        return type(error).__name__, str(error).partition(" (request")[0]
    return body, response.headers.get("role-tag"), response.headers["date"]


def _request(sdc: DataCenter, method: str, path: str, body: Any = None) -> Any:
    where, _, query = path.partition("?")
    return sdc.request(method, where, data=body, params=dict(parse_qsl(query)))


class _Worker:
    """Makes random requests, some of which are refused."""

    def __init__(self, cloud: Emulator, seed: int) -> None:
        self._cloud = cloud
        self._random = random.Random(seed)  # noqa: S311
        self._seed = seed
        self._number = 0

    def run(self, size: int) -> None:
        with self._cloud.datacenter() as sdc:
            self._sdc = sdc
            for name in ("web", "db"):
                self._make(f"{name}{self._seed}")
            vm = self._cloud.site().add_machine("hvm", brand="bhyve", state="stopped")
            vm.flexible_disk_size = vm.free_space = 102400
            self._cloud.clock.advance(self._random.choice((0, 12, 25)))
            actions: list[Callable[[], object]] = [
                self._machine, self._machine, self._machine, self._account, self._network, self._image,
            ]  # fmt: skip
            for _ in range(size):
                self._number += 1
                with suppress(APIError):
                    self._random.choice(actions)()
                self._cloud.clock.advance(self._random.choice((0, 0, 0.5, 2, 7)))

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        return _request(self._sdc, method, path, body)[0]

    def _make(self, name: str) -> None:
        site = self._cloud.site()
        image = next(image.uuid for image in site.images.values() if image.name == "base-64-lts")
        package = next(iter(site.packages))
        if self._random.random() < 0.2:
            site.fail_next_provision = self._random.choice((True, "on server"))
        self._ask("POST", "/machines", {"name": name, "image": image, "package": package,
                                        "tag.role": "web", "metadata.note": "é\x00",
                                        "affinity": ["role!=~web"]})  # fmt: skip

    def _machine(self) -> None:
        site, pick = self._cloud.site(), self._random.choice
        vm = pick(list(site.machines.values()))
        path = f"/machines/{vm.uuid}"
        mac = vm.nics[0].mac.replace(":", "") if vm.nics else "0"
        disk = pick(vm.disks).uuid if vm.disks else "0"
        requests: list[tuple[str, str, Any]] = [
            ("POST", f"{path}?action={pick(('start', 'stop', 'reboot'))}", {}),
            ("POST", f"{path}?action=rename", {"name": f"renamed{self._number}"}),
            ("POST", f"{path}?action=resize", {"package": pick(list(site.packages))}),
            ("POST", f"{path}?action=enable_firewall", {}),
            ("POST", f"{path}/tags", {"n": self._number, "here": True}),
            ("PUT", f"{path}/tags", {"machine-kind": "x", "job": "y"}),
            ("DELETE", f"{path}/tags", None),
            ("POST", f"{path}/metadata", {"text": "ü", "number": 1}),
            ("DELETE", f"{path}/metadata", None),
            ("POST", f"{path}/snapshots", {"name": f"s{self._number % 3}"}),
            ("POST", f"{path}/snapshots/s{self._number % 3}", {}),
            ("DELETE", f"{path}/snapshots/s{self._number % 3}", None),
            ("POST", f"{path}/nics", {"network": pick(list(site.networks)), "primary": True}),
            ("DELETE", f"{path}/nics/{mac}", None),
            ("POST", f"{path}/disks", {"size": 1024, "pci_slot": pick((None, "0:4:5"))}),
            ("POST", f"{path}/disks/{disk}", {"size": 20480}),
            ("DELETE", f"{path}/disks/{disk}", None),
            ("POST", f"{path}/migrate?action={pick(_MIGRATE)}", {}),
            ("PUT", path, {"role-tag": ["ops"]}),
        ]  # fmt: skip
        if self._random.random() < 0.1:
            requests = [("DELETE", path, None), ("POST", "", None)]
        method, where, body = pick(requests)
        self._make(f"m{self._seed}.{self._number}") if not where else self._ask(method, where, body)

    def _account(self) -> None:
        number, pick = self._number, self._random.choice
        users = list(self._cloud.account.users.values())
        user = pick(users).uuid if users else "none"
        method, where, body = pick([
            ("POST", "/users", {"login": f"user{number}", "email": "u@example.com", "password": "secret123"}),
            ("POST", f"/users/{user}", {"companyName": "Ä"}),
            ("POST", f"/users/{user}/change_password", {
                "password": "other1234", "password_confirmation": "other1234"}),
            ("DELETE", f"/users/{user}", None),
            ("POST", "/policies", {"name": f"p{number}", "rules": ["CAN listmachines"]}),
            ("POST", "/roles", {"name": f"ops{number}", "members": [], "policies": []}),
            ("POST", "/roles", {"name": "ops"}),
            ("PUT", "/machines", {"role-tag": ["ops"]}),
            ("POST", "/accesskeys", {"description": "d"}),
            ("POST", "/account", {"triton_cns_enabled": True, "phone": "1"}),
        ])  # fmt: skip
        self._ask(method, where, body)

    def _network(self) -> None:
        site, number, pick = self._cloud.site(), self._number, self._random.choice
        rules = list(site.firewall_rules)
        vlan = 100 + number % 3
        subnet = f"10.77.{number % 200}"
        method, where, body = pick([
            ("POST", "/fabrics/default/vlans", {"vlan_id": vlan, "name": f"v{vlan}"}),
            ("POST", f"/fabrics/default/vlans/{vlan}/networks", {
                "name": f"net{number}", "subnet": f"{subnet}.0/24", "provision_start_ip": f"{subnet}.5",
                "provision_end_ip": f"{subnet}.250", "gateway": f"{subnet}.1",
                "routes": {"10.9.0.0/16": f"{subnet}.9"}}),
            ("POST", "/fwrules", {
                "rule": f'FROM tag "role" = "web" TO (tag a OR vm {next(iter(site.machines))}) ALLOW tcp '
                        "(PORT 80 AND PORT 443)", "enabled": True, "log": True}),
            ("POST", "/fwrules", {"rule": "FROM any TO all vms BLOCK icmp6 TYPE 128 CODE 0"}),
            ("POST", f"/fwrules/{pick(rules)}", {"description": "new"}),
            ("PUT", f"/networks/{pick(list(site.networks))}/ips/10.88.88.{number}", {"reserved": True}),
            ("POST", "/volumes", {"name": f"vol{number}"}),
            ("DELETE", f"/volumes/{pick(list(site.volumes) or ['0'])}", None),
        ])  # fmt: skip
        self._ask(method, where, body)

    def _image(self) -> None:
        site, number, pick = self._cloud.site(), self._number, self._random.choice
        account = self._cloud.account.uuid
        own = [image.uuid for image in site.images.values() if image.owner == account] or ["0"]
        method, where, body = pick([
            ("POST", "/images", {"machine": next(iter(site.machines)), "name": f"i{number}", "version": "1"}),
            ("POST", f"/images/{pick(own)}?action=update", {"tags": {"a": 1}}),
            ("DELETE", f"/images/{pick(own)}", None),
        ])  # fmt: skip
        self._ask(method, where, body)


def work(cloud: Emulator, seed: int, size: int) -> None:
    """Make that many random requests to the first data center; time goes on between them."""
    _Worker(cloud, seed).run(size)
