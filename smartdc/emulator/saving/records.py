"""Converts accounts and data centers, with all that belongs to them, to plain values and back.

The plain values of a record are keyed by the names of its fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any

from smartdc.emulator.rules.firewall_reader import read_rule
from smartdc.emulator.saving.machine_records import read_machine
from smartdc.emulator.saving.tasks import GoneError, Reader
from smartdc.emulator.state.directory import AccessKey, Account, Key, KeyOwner, SubUser, read_key
from smartdc.emulator.state.firewall_rules import FirewallRule
from smartdc.emulator.state.resources import Image, Network, Package, Vlan, Volume
from smartdc.emulator.state.roles import Access, Member, Policy, Role
from smartdc.emulator.state.site import Site

#: The attributes of a data center that are plain values.
_SETTINGS = (
    "fabrics_enabled",
    "default_fabric_networks",
    "volume_sizes",
    "volumes_enabled",
    "automount_volumes",
    "fail_next_volume",
    "migrations_allowed",
    "fail_next_migration",
    "delegated_datasets",
    "limits",
    "services",
    "fail_next_image",
    "manta",
    "servers",
    "fail_next_provision",
    "next_mac",
    "next_turn",
)


def plain(record: Any) -> dict[str, Any]:
    """Return the fields of a record."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def account_record(account: Account) -> dict[str, Any]:
    """Return an account as plain values, with its keys, users, roles and policies."""
    return _owner(account) | {
        "users": [_owner(user) for user in account.users.values()],
        "access": {
            "roles": [
                plain(role) | {"members": [plain(member) for member in role.members]}
                for role in account.access.roles
            ],
            "policies": [plain(policy) for policy in account.access.policies],
            "tags": account.access.tags,
        },
    }


def read_account(saved: Mapping[str, Any]) -> Account:
    """Make an account from the plain values of `account_record`."""
    users = [SubUser(**_read_owner(user)) for user in saved["users"]]
    access = saved["access"]
    roles = [
        Role(**role | {"members": [Member(**each) for each in role["members"]]}) for role in access["roles"]
    ]
    return Account(
        **_read_owner(saved)
        | {
            "users": {user.login: user for user in users},
            "access": Access(roles, [Policy(**policy) for policy in access["policies"]], access["tags"]),
        }
    )


def _owner(owner: KeyOwner) -> dict[str, Any]:
    return plain(owner) | {
        "keys": [{"name": key.name, "openssh": key.openssh} for key in owner.keys],
        "access_keys": [plain(key) for key in owner.access_keys],
    }


def _read_owner(saved: Mapping[str, Any]) -> dict[str, Any]:
    keys: list[Key] = [read_key(key["name"], key["openssh"]) for key in saved["keys"]]
    return {**saved, "keys": keys, "access_keys": [AccessKey(**key) for key in saved["access_keys"]]}


def site_record(site: Site) -> dict[str, Any]:
    """Return a data center as plain values, without its machines and its timeline."""
    return {
        "name": site.name,
        **{name: getattr(site, name) for name in _SETTINGS},
        "old_servers": sorted(site.old_servers),
        "images": [plain(image) for image in site.images.values()],
        "packages": [plain(package) for package in site.packages.values()],
        "networks": [_network(network) for network in site.networks.values()],
        "vlans": [plain(vlan) for vlan in site.vlans.values()],
        "volumes": [plain(volume) for volume in site.volumes.values()],
        "firewall_rules": [plain(rule) | {"rule": str(rule.rule)} for rule in site.firewall_rules.values()],
    }


def fill_site(site: Site, saved: Mapping[str, Any]) -> None:
    """Fill a new data center from a saved one, with machines and timeline."""
    for name in _SETTINGS:
        setattr(site, name, saved[name])
    site.old_servers = set(saved["old_servers"])
    images = [Image(**image | {"users": tuple(image["users"])}) for image in saved["images"]]
    site.images.update((image.uuid, image) for image in images)
    site.packages.update((package["uuid"], Package(**package)) for package in saved["packages"])
    site.networks.update((network["uuid"], _read_network(network)) for network in saved["networks"])
    site.vlans.update(((vlan["owner_uuid"], vlan["vlan_id"]), Vlan(**vlan)) for vlan in saved["vlans"])
    site.volumes.update((volume["uuid"], Volume(**volume)) for volume in saved["volumes"])
    for rule in saved["firewall_rules"]:
        site.firewall_rules[rule["uuid"]] = FirewallRule(**rule | {"rule": read_rule(rule["rule"])})
    for machine in saved["machines"]:
        site.restore(*read_machine(machine))
    reader = Reader(site)
    for entry in saved["timeline"]:
        with suppress(GoneError):
            site.timeline.at(entry["due"], reader.read(entry["action"]), last=entry["last"])


def _network(network: Network) -> dict[str, Any]:
    return plain(network) | {
        "in_use": sorted(network.in_use),
        "reserved": list(network.reserved.items()),
        "remembered": sorted(network.remembered),
        "nics": None,  # the records of the machines have them
        "_full": None,
    }


def _read_network(saved: Mapping[str, Any]) -> Network:
    sets = {name: set(saved[name]) for name in ("in_use", "remembered")}
    return Network(**{**saved, **sets, "reserved": dict(map(tuple, saved["reserved"])), "nics": {}})
