#!/usr/bin/env python3
"""A dynamic inventory for Ansible: machines as hosts, in groups by tag, image and data center.

    ansible -i examples/ansible_inventory.py role_web -m ping        with the current profile
    python examples/ansible_inventory.py --emulated --list           what it prints, in an emulated cloud

Ansible calls it with ``--list``, and with ``--host NAME`` where the list has no ``_meta``.
https://docs.ansible.com/ansible/latest/dev_guide/developing_inventory.html has the contract.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from cloud import everyday, run, signed_in

from smartdc import DataCenter, Machine

if TYPE_CHECKING:
    from smartdc.emulator import Emulator


def group(*parts: str) -> str:
    """The name of a group: Ansible permits letters, digits and underscores only."""
    return re.sub(r"\W", "_", "_".join(parts))


def variables(machine: Machine, images: dict[str, Any]) -> dict[str, Any]:
    """The variables of a host."""
    image = images.get(machine.image or "", {})
    known = {
        "ansible_host": machine.primary_ip,
        "ansible_user": image.get("tags", {}).get("default_user", "root"),
        "triton_id": machine.id,
        "triton_package": machine.package,
        "triton_tags": dict(machine.tags),
    }
    if image.get("os") == "smartos":
        known["ansible_python_interpreter"] = "/opt/local/bin/python3"
    return known


def inventory(sdc: DataCenter) -> dict[str, Any]:
    """All running machines that have an address; needs two requests, and one for each 1000 machines."""
    images: dict[str, Any] = {image["id"]: image for image in sdc.images()}
    groups: defaultdict[str, list[str]] = defaultdict(list)
    hosts: dict[str, dict[str, Any]] = {}
    for machine in sdc.machines(state="running"):
        if not machine.primary_ip:
            continue
        host, image = str(machine.name), images.get(machine.image or "", {}).get("name", "unknown")
        hosts[host] = variables(machine, images)
        for name in (
            group(sdc.location),
            group("image", image),
            *(group(tag, str(value)) for tag, value in machine.tags.items()),
        ):
            groups[name].append(host)
    listed = {name: {"hosts": sorted(members)} for name, members in sorted(groups.items())}
    return {**listed, "_meta": {"hostvars": dict(sorted(hosts.items()))}}


def prepare(cloud: Emulator) -> None:
    """Machines for the emulated cloud."""
    site = cloud.site()
    site.add_machine("web0", tags={"role": "web"})
    site.add_machine("web1", tags={"role": "web"})
    site.add_machine("db0", image="ubuntu-certified-22.04", package="g4-bhyve-2G-flex", tags={"role": "db"})
    site.add_machine("old", state="stopped", tags={"role": "web"})


def main() -> None:
    """Print the inventory, or the variables of one host."""
    parser = everyday(__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="all groups and hosts")
    what.add_argument("--host", help="the variables of one host")
    options = parser.parse_args()
    with signed_in(options, prepare) as sdc:
        found = inventory(sdc)
    if options.host is not None:
        found = found["_meta"]["hostvars"].get(options.host, {})
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    run(main)
