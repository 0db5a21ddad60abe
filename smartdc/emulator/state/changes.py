"""Which machines have changed, and in what: VMAPI's change feed, as CloudAPI listens to it.

Changes are noted as they are made (`VM` tells of each assignment) and told together: after each job's step
and after each request, so that a state that lasts a second is seen as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from smartdc.emulator.state.machines import NEW
from smartdc.emulator.state.vm import VM, shown_state

#: VMAPI's names of what is told, by field. A state comes with the state of its zone, as on a server.
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
    """One machine has changed.

    Attributes:
        names: What of it, in order, by VMAPI's names.
        when: The emulated time.
        message: What a listener made of it, for the others who tell the same.
    """

    vm: VM
    names: list[str]
    when: float
    message: str | None = None


@dataclass(eq=False)
class Listener:
    """Somebody who wants to know.

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
        """How many listen."""
        return len(self._listeners)

    def add(self, listener: Listener) -> None:
        """Tell it of every change from now on."""
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

    def note(self, vm: VM, name: str, old: object) -> None:
        """Remember a change for the next `look`; what has got the value that it had is none."""
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

    def look(self, when: float) -> None:
        """Tell what is new."""
        noted, self._noted = self._noted, {}
        for vm, names in noted.items():
            change = Change(vm, [name for name in (*_ALL, "destroyed") if name in names], when)
            for listener in list(self._listeners):
                listener.tell(change)
