"""A data center in which there is one thing of each kind, and others that could be mistaken for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from smartdc import DataCenter
from smartdc.emulator.state.resources import Vlan
from smartdc.emulator.state.site import Site

__all__ = ["Thing", "things"]

TWINS = ("7e57ab1e-0000-4000-8000-000000000001", "7e57ab1e-0000-4000-8000-000000000002")
"""Two ids with the same short id."""

HEX = "deadbeef"
"""The name of a thing, and the short id of another."""
NAMED_HEX = "11111111-0000-4000-8000-000000000001"
SHORT_HEX = f"{HEX}-0000-4000-8000-000000000001"


@dataclass
class Thing:
    """One thing, and how it may be named.

    Attributes:
        ident: Its id.
        name: Its name; None where the kind has none.
        entry: As the server shows it.
        version: An image's.
        twins: Whether there are two others, which are both called ``twin``; images have only the same short
            id.
    """

    ident: str
    name: str | None
    entry: dict[str, Any]
    version: str | None = None
    twins: bool = True

    @property
    def short(self) -> str:
        """Its short id."""
        return self.ident[:8]


def things(sdc: DataCenter, site: Site) -> dict[str, Thing]:
    """Make one of each kind, by the word that `smartdc.arguments.names` has for the kind."""
    vm = site.add_machine("web0")
    site.add_machine("web0", state="deleted")
    site.add_machine("web0", state="failed")
    site.add_machine("web00")
    volume = sdc.create_volume("data")
    sdc.poll_volume(volume)
    rule = sdc.create_firewall_rule("FROM any TO all vms ALLOW tcp PORT 22")
    user = sdc.create_user("alice", "alice@example.com", "secret1234")
    policy = sdc.create_policy("reading", "CAN getaccount")
    role = sdc.create_role("ops", members=["alice"], policies=["reading"])
    image = next(each for each in sdc.images("base-64-lts") if each["version"] == "20.4.0")
    network = next(each for each in sdc.networks() if each["name"] == "My-Fabric-Network")
    package = sdc.package("g4-highcpu-1G")
    for ident, name in ((TWINS[0], "twin"), (TWINS[1], "twin"), (NAMED_HEX, HEX), (SHORT_HEX, "other")):
        site.add_machine(name, uuid=ident)
        site.networks[ident] = replace(site.networks[network["id"]], uuid=ident, name=name)
        site.packages[ident] = replace(site.packages[package["id"]], uuid=ident, name=name)
        site.images[ident] = replace(
            site.images[image["id"]], uuid=ident, name=name if name != "twin" else ident
        )
        site.volumes[ident] = replace(site.volumes[volume["id"]], uuid=ident, name=name)
        site.firewall_rules[ident] = replace(site.firewall_rules[rule["id"]], uuid=ident)
    owner = site.volumes[volume["id"]].owner_uuid
    for number in (7, 8):
        site.vlans[owner, number] = Vlan(owner, number, "twin")
    vlan = sdc.fabric_vlan(2)
    return {
        "machine": Thing(vm.uuid, "web0", {"id": vm.uuid, "name": "web0"}),
        "image": Thing(image["id"], image["name"], {**image}, version=image["version"]),
        "network": Thing(network["id"], network["name"], {**network}),
        "package": Thing(package["id"], package["name"], {**package}),
        "volume": Thing(volume["id"], "data", {**volume}),
        "firewall rule": Thing(rule["id"], None, {**rule}),
        "user": Thing(user["id"], "alice", {**user}, twins=False),
        "role": Thing(role["id"], "ops", {**role}, twins=False),
        "policy": Thing(policy["id"], "reading", {**policy}, twins=False),
        "VLAN": Thing("2", vlan["name"], {**vlan}),
    }
