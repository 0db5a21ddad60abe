"""The insides of the machines: each boots when its machine starts, and goes when the machine is deleted."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

from smartdc.emulator.guest.inside import Guest
from smartdc.emulator.guest.metadata import machine_facts
from smartdc.emulator.guest.shell import boot
from smartdc.emulator.state.vm import VM

__all__ = ["Guests"]


class Guests:
    """The insides of all machines.

    Args:
        lock: The lock that a machine holds while it uses its metadata.
        unsupported: The list to which machines add what they do not support.
    """

    def __init__(self, lock: threading.RLock, unsupported: list[str]) -> None:
        self._lock = lock
        self._unsupported = unsupported
        self._guests: dict[str, Guest] = {}
        self._booted: set[str] = set()

    def follow(self, machines: Iterable[VM], datacenter: str) -> None:
        """Run the boot scripts of the machines of a data center that have started."""
        for vm in machines:
            if vm.state != "running":
                self._booted.discard(vm.uuid)
                if vm.destroyed:
                    self._guests.pop(vm.uuid, None)
            elif vm.uuid not in self._booted:
                self._booted.add(vm.uuid)
                if "user-script" in vm.customer_metadata:
                    boot(self.of(vm, datacenter))

    def of(self, vm: VM, datacenter: str) -> Guest:
        """Return the inside of a machine, which lasts as long as the machine."""
        if vm.uuid not in self._guests:
            self._guests[vm.uuid] = Guest(
                vm.alias,
                lambda: _Metadata(vm),
                facts=lambda: machine_facts(vm, datacenter),
                lock=self._lock,
                unsupported=self._unsupported,
            )
        return self._guests[vm.uuid]


class _Metadata(MutableMapping[str, Any]):
    """A machine's metadata, for the commands that run in it."""

    def __init__(self, vm: VM) -> None:
        self._vm = vm

    def __getitem__(self, key: str) -> Any:
        return self._vm.customer_metadata[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._vm.customer_metadata = {**self._vm.customer_metadata, key: value}

    def __delitem__(self, key: str) -> None:
        remaining = dict(self._vm.customer_metadata)
        del remaining[key]
        self._vm.customer_metadata = remaining

    def __iter__(self) -> Iterator[str]:
        return iter(self._vm.customer_metadata)

    def __len__(self) -> int:
        return len(self._vm.customer_metadata)
