"""The machines of a data center, and what must be found without looking at each of them.

A list of one account's machines comes in the order of their ids, and a new name must not be taken: so there
are sorted ids and counted names for each owner. `VM` tells of each assignment, by which they stay right.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, MutableMapping, ValuesView
from dataclasses import dataclass, field
from typing import NamedTuple

from smartdc.emulator.state.vm import VM

#: Called with a machine, the field that has changed, and what that was before.
Watcher = Callable[[VM, str, object], None]

#: Instead of a field's name: the machine is new.
NEW = ""


class _Place(NamedTuple):
    """What decides where a machine stands."""

    owner_uuid: str
    alias: str
    server_uuid: str
    active: bool


@dataclass
class Owned:
    """The machines of one account.

    Attributes:
        every: Their ids, in order.
        active: Those of machines that are neither destroyed nor failed.
        aliases: How many active ones have a name.
        servers: How many active ones are on a server.
    """

    every: list[str] = field(default_factory=list)
    active: list[str] = field(default_factory=list)
    aliases: Counter[str] = field(default_factory=Counter)
    servers: Counter[str] = field(default_factory=Counter)


_NOTHING = Owned()


class Machines(MutableMapping[str, VM]):
    """All machines by uuid, the destroyed ones too, in the order in which they came.

    Args:
        lock: Held while something changes; tests assign to fields on threads of their own.

    Attributes:
        watchers: Told of each new machine, and of each assignment to a field of one.
    """

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self.watchers: list[Watcher] = []
        self._by_uuid: dict[str, VM] = {}
        self._owned: dict[str, Owned] = {}

    def __getitem__(self, uuid: str) -> VM:
        return self._by_uuid[uuid]

    def __setitem__(self, uuid: str, vm: VM) -> None:
        with self._lock:
            if uuid in self._by_uuid:
                del self[uuid]
            self._by_uuid[uuid] = vm
            vm.home = self
            self._move(uuid, None, _place(vm))
            self._call_watchers(vm, NEW, None)

    def __delitem__(self, uuid: str) -> None:
        with self._lock:
            vm = self._by_uuid.pop(uuid)
            vm.home = None
            self._move(uuid, _place(vm), None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_uuid)

    def __len__(self) -> int:
        return len(self._by_uuid)

    def __repr__(self) -> str:
        return repr(vars(self).get("_by_uuid", {}))

    def values(self) -> ValuesView[VM]:
        """The machines."""
        return self._by_uuid.values()

    def listed(self, uuids: Iterable[str]) -> Iterator[VM]:
        """The machines with these ids, one after the other."""
        return map(self._by_uuid.__getitem__, uuids)

    def of(self, owner_uuid: str) -> Owned:
        """What is known of an account's machines."""
        return self._owned.get(owner_uuid, _NOTHING)

    def assign(self, vm: VM, name: str, value: object) -> None:
        """Set a field of a machine, and take note of it."""
        with self._lock:
            before, old = _place(vm), getattr(vm, name)
            object.__setattr__(vm, name, value)
            object.__setattr__(vm, "written", None)
            self._move(vm.uuid, before, _place(vm))
            self._call_watchers(vm, name, old)

    def note(self, vm: VM, name: str) -> None:
        """Take note of a change inside of a field."""
        with self._lock:
            vm.written = None
            self._call_watchers(vm, name, None)

    def _call_watchers(self, vm: VM, name: str, old: object) -> None:
        for watcher in self.watchers:
            watcher(vm, name, old)

    def _move(self, uuid: str, before: _Place | None, after: _Place | None) -> None:
        if before == after:
            return
        stays = before is not None and after is not None and before.owner_uuid == after.owner_uuid
        if before is not None:
            owned = self._owned[before.owner_uuid]
            if not stays:
                _remove(owned.every, uuid)
            if before.active:
                _remove(owned.active, uuid)
                _count(owned.aliases, before.alias, -1)
                _count(owned.servers, before.server_uuid, -1)
        if after is not None:
            owned = self._owned.setdefault(after.owner_uuid, Owned())
            if not stays:
                insort(owned.every, uuid)
            if after.active:
                insort(owned.active, uuid)
                _count(owned.aliases, after.alias, 1)
                _count(owned.servers, after.server_uuid, 1)


def _place(vm: VM) -> _Place:
    return _Place(vm.owner_uuid, vm.alias, vm.server_uuid or "", vm.active)


def _remove(uuids: list[str], uuid: str) -> None:
    del uuids[bisect_left(uuids, uuid)]


def _count(counter: Counter[str], key: str, by: int) -> None:
    """Count up or down, and forget what there is none of."""
    counter[key] += by
    if not counter[key]:
        del counter[key]
