"""The machines of a data center, indexed by owner, so that no request has to search all of them.

Lists of an account's machines are in the order of their ids, and a new name must be unused: so each owner has
sorted ids and counted names. `VM` reports each assignment to a field, which keeps the indexes up to date.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, MutableMapping, ValuesView
from dataclasses import dataclass, field
from typing import NamedTuple

from smartdc.emulator.state.vm import VM

#: Called with a machine, the field that has changed, and the field's earlier value.
Watcher = Callable[[VM, str, object], None]

#: Passed to watchers instead of a field's name if the machine is new.
NEW = ""


class _IndexKeys(NamedTuple):
    """The fields by which a machine is indexed."""

    owner_uuid: str
    alias: str
    server_uuid: str
    active: bool


@dataclass
class Owned:
    """The indexes of one account's machines.

    Attributes:
        every: The ids of all machines, sorted.
        active: The ids of machines that are neither destroyed nor failed, sorted.
        aliases: The number of active machines by name.
        servers: The number of active machines by server.
    """

    every: list[str] = field(default_factory=list)
    active: list[str] = field(default_factory=list)
    aliases: Counter[str] = field(default_factory=Counter)
    servers: Counter[str] = field(default_factory=Counter)


_EMPTY = Owned()


class Machines(MutableMapping[str, VM]):
    """All machines by uuid, also destroyed ones, in the order in which they were added.

    Args:
        lock: Held during each change, because tests assign to fields on their own threads.

    Attributes:
        watchers: Called for each new machine, and for each assignment to a field of a machine.
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
            self._reindex(uuid, None, _index_keys(vm))
            self._call_watchers(vm, NEW, None)

    def __delitem__(self, uuid: str) -> None:
        with self._lock:
            vm = self._by_uuid.pop(uuid)
            vm.home = None
            self._reindex(uuid, _index_keys(vm), None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_uuid)

    def __len__(self) -> int:
        return len(self._by_uuid)

    def __repr__(self) -> str:
        return repr(vars(self).get("_by_uuid", {}))

    def values(self) -> ValuesView[VM]:
        """Return the machines."""
        return self._by_uuid.values()

    def listed(self, uuids: Iterable[str]) -> Iterator[VM]:
        """Iterate over the machines with these ids."""
        return map(self._by_uuid.__getitem__, uuids)

    def of(self, owner_uuid: str) -> Owned:
        """Return the indexes of an account's machines."""
        return self._owned.get(owner_uuid, _EMPTY)

    def assign(self, vm: VM, name: str, value: object) -> None:
        """Set a field of a machine, update the indexes, and call the watchers."""
        with self._lock:
            before, old = _index_keys(vm), getattr(vm, name)
            object.__setattr__(vm, name, value)
            object.__setattr__(vm, "cached_json", None)
            self._reindex(vm.uuid, before, _index_keys(vm))
            self._call_watchers(vm, name, old)

    def note(self, vm: VM, name: str) -> None:
        """Call the watchers after a change inside a field."""
        with self._lock:
            vm.cached_json = None
            self._call_watchers(vm, name, None)

    def _call_watchers(self, vm: VM, name: str, old: object) -> None:
        for watcher in self.watchers:
            watcher(vm, name, old)

    def _reindex(self, uuid: str, before: _IndexKeys | None, after: _IndexKeys | None) -> None:
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


def _index_keys(vm: VM) -> _IndexKeys:
    return _IndexKeys(vm.owner_uuid, vm.alias, vm.server_uuid or "", vm.active)


def _remove(uuids: list[str], uuid: str) -> None:
    del uuids[bisect_left(uuids, uuid)]


def _count(counter: Counter[str], key: str, by: int) -> None:
    """Count up or down; remove a key whose count is 0."""
    counter[key] += by
    if not counter[key]:
        del counter[key]
