"""Which machines have changed, and in what: VMAPI's change feed, as CloudAPI listens to it.

Nothing in the emulator reports a change. While somebody listens, the machines are compared with what they
were: after each job's step and after each request, so that a state that lasts a second is seen as well.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from smartdc.emulator.state.vm import VM

#: VMAPI's names of what is compared. A state comes with the state of its zone, as on a server.
_FIELDS: dict[str, str] = {
    "alias": "alias",
    "billing_id": "billing_id",
    "customer_metadata": "customer_metadata",
    "disks": "disks",
    "firewall_enabled": "firewall_enabled",
    "indestructible_zoneroot": "indestructible_zoneroot",
    "last_modified": "updated",
    "nics": "nics",
    "owner_uuid": "owner_uuid",
    "quota": "quota",
    "ram": "ram",
    "server_uuid": "server_uuid",
    "snapshots": "snapshots",
    "state": "state",
    "tags": "tags",
    "zone_state": "state",
}


@dataclass(eq=False)
class Listener:
    """Somebody who wants to know.

    Attributes:
        tell: Called with the machine, the names of what changed, and the emulated time.
        end: Called when there will be no more.
    """

    tell: Callable[[VM, list[str], float], None]
    end: Callable[[], None]


class Changes:
    """The changes of the machines of one data center.

    Args:
        machines: Its machines; the dictionary is looked at, not copied.
    """

    def __init__(self, machines: Mapping[str, VM]) -> None:
        self._machines = machines
        self._listeners: list[Listener] = []
        self._seen: dict[str, dict[str, Any]] = {}

    def __len__(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def add(self, listener: Listener) -> None:
        """Tell it of every change from now on."""
        if not self._listeners:
            self._seen = {vm.uuid: _snapshot(vm) for vm in self._machines.values()}
        self._listeners.append(listener)

    def remove(self, listener: Listener) -> None:
        """Tell it no more; one that is not known is no error."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def end(self) -> None:
        """End for all who listen, as a server does when its own connection to VMAPI ends."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.end()

    def look(self, when: float) -> None:
        """Compare, and tell what is new."""
        if not self._listeners:
            return
        for vm in self._machines.values():
            changed = _changed(vm, self._seen.get(vm.uuid, {}))
            if changed:
                self._seen[vm.uuid] = _snapshot(vm)
                for listener in list(self._listeners):
                    listener.tell(vm, changed, when)


def _changed(vm: VM, before: Mapping[str, Any]) -> list[str]:
    """What differs from an earlier snapshot. It copies nothing: most machines have not changed."""
    changed = [
        name for name, field in _FIELDS.items() if name not in before or before[name] != getattr(vm, field)
    ]
    return changed + ["destroyed"] * (vm.destroyed and "destroyed" not in before)


def _snapshot(vm: VM) -> dict[str, Any]:
    found = {name: copy.deepcopy(getattr(vm, field)) for name, field in _FIELDS.items()}
    if vm.destroyed:
        found["destroyed"] = True
    return found
