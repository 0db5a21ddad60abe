"""Writing the state of an emulator to its directory, while it serves and at the end.

The JSON of each machine and of each entry of the timeline is kept until the machine or the entry changes. So
requests wait only while changes are converted, and only for a short slice of time at once. The rest of the
state is small: it is converted each time, and compared with what was written last.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from smartdc.emulator.saving.folder import FORMAT, VERSION, StateFolder
from smartdc.emulator.saving.machine_records import machine_record
from smartdc.emulator.saving.records import account_record, site_record
from smartdc.emulator.saving.tasks import NotSavedError, to_plain
from smartdc.emulator.state.site import Shared, Site
from smartdc.emulator.state.vm import VM

log: logging.Logger = logging.getLogger("smartdc.emulator")

#: Real seconds between two checks whether there is something to save.
SAVE_SECONDS = 2.0
#: How long the lock is held at once, and how long it is then left to requests, in real seconds.
SLICE_SECONDS = 0.005
PAUSE_SECONDS = 0.001


class _Pieces:
    """The pieces of JSON of one data center."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._machines: dict[str, str] = {}
        self._changed: dict[VM, None] = dict.fromkeys(site.unsettled_machines.values())
        self._entries: dict[int, str] = {}
        site.unsettled_machines.watchers.append(self._note)

    def close(self) -> None:
        """Stop watching for changes."""
        self.site.unsettled_machines.watchers.remove(self._note)

    def _note(self, vm: VM, _name: str, _old: object) -> None:
        self._changed[vm] = None

    def update(self, end: float) -> bool:
        """Convert what has changed to JSON, until the time `end`.

        Returns:
            Whether all pieces are up to date.
        """
        while self._changed:
            if time.perf_counter() > end:
                return False
            vm, _ = self._changed.popitem()
            self._machines[vm.uuid] = _dumped(machine_record(self.site, vm))
        for due, last, number, action in self.site.timeline.pending():
            if number not in self._entries:
                if time.perf_counter() > end:
                    return False
                try:
                    entry = {"due": due, "last": last, "action": to_plain(action)}
                    self._entries[number] = _dumped(entry)
                except NotSavedError:
                    self._entries[number] = ""
        return True

    def whole(self) -> list[str]:
        """Return the JSON of the whole data center, in pieces."""
        head = _dumped(site_record(self.site))[:-1]
        self._machines = {uuid: self._machines[uuid] for uuid in self.site.unsettled_machines}
        pending = [number for _, _, number, _ in self.site.timeline.pending()]
        self._entries = {number: self._entries[number] for number in pending}
        entries = [entry for entry in self._entries.values() if entry]
        machines = _joined(list(self._machines.values()))
        return [head, ', "machines": [\n', *machines, '], "timeline": [\n', *_joined(entries), "]}"]


class Saver:
    """Saves the state of an emulator.

    Args:
        folder: The state directory.
        shared: The state.
        describe: Returns the settings of the emulator as plain values.
    """

    def __init__(self, folder: StateFolder, shared: Shared, describe: Callable[[], dict[str, Any]]) -> None:
        self._folder = folder
        self._shared = shared
        self._describe = describe
        self._sites: dict[str, _Pieces] = {}
        self._saved: list[str] = []
        self._saved_now = 0.0
        self._failure = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="smartdc-emulator-state", daemon=True)

    def start(self) -> None:
        """Save now, and from now on when something changes.

        Raises:
            OSError: It cannot be written.
        """
        self.save()
        self._thread.start()

    def stop(self) -> None:
        """Save for the last time.

        Raises:
            OSError: It cannot be written.
        """
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self.save()
        finally:
            with self._shared.lock:
                for pieces in self._sites.values():
                    pieces.close()
                self._sites.clear()

    def save(self) -> None:
        """Save the state if it has changed since the last time; if only time has passed, save the time.

        Raises:
            OSError: It cannot be written.
        """
        now, pieces = self._collect()
        if pieces != self._saved:
            head = f'{{"format": {json.dumps(FORMAT)}, "version": {VERSION}, "now": {_dumped(now)},\n'
            self._folder.write_state([head, *pieces])
            self._saved, self._saved_now = pieces, now
        elif now != self._saved_now:
            self._folder.write_clock(now)
            self._saved_now = now

    def _collect(self) -> tuple[float, list[str]]:
        """Return the time and all pieces, as they are at one moment."""
        while True:
            with self._shared.lock:
                end = time.perf_counter() + SLICE_SECONDS
                self._look_for_sites()
                if all(pieces.update(end) for pieces in self._sites.values()):
                    return self._shared.clock.now(), self._whole()
            time.sleep(PAUSE_SECONDS)

    def _look_for_sites(self) -> None:
        for name, site in self._shared.sites.items():
            known = self._sites.get(name)
            if known is None or known.site is not site:
                if known is not None:
                    known.close()
                self._sites[name] = _Pieces(site)

    def _whole(self) -> list[str]:
        head = {
            "emulator": self._describe(),
            "chance": self._shared.chance.saved(),
            "request_ids": self._shared.request_ids.saved(),
            "accounts": [account_record(account) for account in self._shared.directory.accounts],
        }
        sites = [self._sites[name].whole() for name in self._shared.sites]
        pieces = [_dumped(head)[1:-1], ',\n"datacenters": [\n']
        for number, site in enumerate(sites):
            pieces += [",\n", *site] if number else site
        return [*pieces, "],\n"]

    def _run(self) -> None:
        while not self._stop.wait(SAVE_SECONDS):
            try:
                self.save()
            except Exception as error:
                if str(error) != self._failure:  # logged once, although each further attempt may fail
                    self._failure = str(error)
                    log.exception("the state cannot be saved in %s", self._folder.path)
            else:
                self._failure = ""


def _dumped(value: Any) -> str:
    return json.dumps(value, default=dict, allow_nan=False)  # NaN is not JSON: the state could not be read


def _joined(pieces: list[str]) -> list[str]:
    """Add a comma and a newline after each piece but the last."""
    return [*(part for piece in pieces[:-1] for part in (piece, ",\n")), *pieces[-1:]]
