"""VMAPI's change feed, to which CloudAPI listens: which machines have changed, and which of their fields.

Changes are collected as they are made (`VM` reports each assignment) and sent together after each step of a
job and after each request, so that a state that lasts a second is sent as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from smartdc.emulator.state.machines import NEW
from smartdc.emulator.state.vm import VM, shown_state

#: VMAPI's names of the fields. A change of the state also reports the zone's state, as on a server.
_NAMES: dict[str, tuple[str, ...]] = {
    "alias": ("alias",),
    "billing_id": ("billing_id",),
    "customer_metadata": ("customer_metadata",),
    "disks": ("disks",),
    "firewall_enabled": ("firewall_enabled",),
    "indestructible_zoneroot": ("indestructible_zoneroot",),
    "updated": ("last_modified",),
    "nics": ("nics",),
    "owner_uuid": ("owner_uuid",),
    "quota": ("quota",),
    "ram": ("ram",),
    "server_uuid": ("server_uuid",),
    "snapshots": ("snapshots",),
    "state": ("state", "zone_state"),
    "tags": ("tags",),
}
_ALL = tuple(name for names in _NAMES.values() for name in names)


@dataclass(eq=False)
class Change:
    """A change of one machine.

    Attributes:
        names: The changed fields by VMAPI's names, in order.
        when: The emulated time.
        message: The message that the first listener made of it; others send the same.
    """

    vm: VM
    names: list[str]
    when: float
    message: str | None = None


@dataclass(eq=False)
class Listener:
    """A subscriber to the changes.

    Attributes:
        tell: Called with each change.
        end: Called when there will be no more.
    """

    tell: Callable[[Change], None]
    end: Callable[[], None]


class Changes:
    """The changes of the machines of one data center."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._noted: dict[VM, set[str]] = {}

    def __len__(self) -> int:
        """Return the number of listeners."""
        return len(self._listeners)

    def add(self, listener: Listener) -> None:
        """Send it every change from now on."""
        self._listeners.append(listener)

    def remove(self, listener: Listener) -> None:
        """Send it no more changes. Does nothing if it was not added."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def end(self) -> None:
        """End the feed of all listeners, as a server does when its own connection to VMAPI ends."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.end()

    def note(self, vm: VM, name: str, old: object) -> None:
        """Remember a change for the next `publish`; setting a field to its current value is not a change."""
        if not self._listeners:
            return
        if name == NEW:
            names = _ALL + (("destroyed",) if vm.destroyed else ())
        elif name not in _NAMES or old == getattr(vm, name):
            return
        else:
            names = _NAMES[name]
            if name == "state" and vm.destroyed and shown_state(str(old)) != "deleted":
                names += ("destroyed",)
        self._noted.setdefault(vm, set()).update(names)

    def publish(self, when: float) -> None:
        """Send the changes since the last call to all listeners."""
        noted, self._noted = self._noted, {}
        for vm, names in noted.items():
            change = Change(vm, [name for name in (*_ALL, "destroyed") if name in names], when)
            for listener in list(self._listeners):
                listener.tell(change)
