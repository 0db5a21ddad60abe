"""``mdata-get`` and the other commands that read and change the metadata inside a machine.

https://eng.tritondatacenter.com/mdata/ describes them.
"""

from __future__ import annotations

import json
from typing import Any

from smartdc.emulator.guest.inside import Process
from smartdc.emulator.guest.refusals import Unsupported
from smartdc.emulator.state.vm import VM

__all__ = ["machine_facts", "mdata_delete", "mdata_get", "mdata_list", "mdata_put"]

_USAGE = 3


def machine_facts(vm: VM, datacenter: str) -> dict[str, Any]:
    """The values of ``mdata-get sdc:KEY``: https://eng.tritondatacenter.com/mdata/datadict.html."""
    return {
        "alias": vm.alias,
        "brand": vm.brand,
        "datacenter_name": datacenter,
        "image_uuid": vm.image_uuid,
        "max_physical_memory": vm.max_physical_memory,
        "nics": [
            {
                "mac": nic.mac,
                "ip": nic.ip,
                "netmask": nic.netmask,
                "network_uuid": nic.network_uuid,
                "primary": nic.primary,
                **({"gateway": nic.gateway} if nic.gateway else {}),
            }
            for nic in vm.nics
        ],
        "owner_uuid": vm.owner_uuid,
        "server_uuid": vm.server_uuid,
        "tags": dict(vm.tags),
        "uuid": vm.uuid,
    }


def mdata_get(process: Process) -> int:
    """Write the value of a key; keys with ``sdc:`` are facts about the machine."""
    if len(process.arguments) != 1:
        return _usage(process, "KEY")
    key = process.arguments[0]
    with process.guest.lock:
        if key.startswith("sdc:"):
            facts = process.guest.facts()
            if key.removeprefix("sdc:") not in facts:
                raise Unsupported(f"mdata-get {key[:80]}")
            value = facts[key.removeprefix("sdc:")]
        else:
            value = process.guest.metadata().get(key)
    if value is None:
        process.streams.errors(f"No metadata for '{key}'\n".encode(errors="surrogateescape"))
        return 1
    text = value if isinstance(value, str) else json.dumps(value)
    process.write(text if text.endswith("\n") else f"{text}\n")
    return 0


def mdata_list(process: Process) -> int:
    """Write the keys."""
    if process.arguments:
        return _usage(process, "")
    with process.guest.lock:
        process.write("".join(f"{key}\n" for key in process.guest.metadata()))
    return 0


def mdata_put(process: Process) -> int:
    """Set a key to a value, or to standard input."""
    if len(process.arguments) not in (1, 2):
        return _usage(process, "KEY [VALUE]")
    key, *values = process.arguments
    if key.startswith("sdc:"):
        raise Unsupported("mdata-put of a sdc: key, which is read-only")
    value = values[0] if values else process.streams.input.read().decode(errors="replace")
    with process.guest.lock:
        process.guest.metadata()[key] = value
    return 0


def mdata_delete(process: Process) -> int:
    """Remove a key."""
    if len(process.arguments) != 1:
        return _usage(process, "KEY")
    with process.guest.lock:
        process.guest.metadata().pop(process.arguments[0], None)
    return 0


def _usage(process: Process, arguments: str) -> int:
    process.streams.errors(f"Usage: {process.name} {arguments}\n".encode())
    return _USAGE
