"""Saving many machines blocks requests only briefly, and is fast when little has changed."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

from smartdc.emulator import Emulator
from smartdc.emulator.saving.folder import StateFolder
from smartdc.emulator.saving.saver import Saver
from tests.helpers.sizes import in_two_sizes


class _TimedLock:
    """A lock that records the most CPU time that a holder has used."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self.longest = 0.0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._since = time.thread_time()

    def __exit__(self, *_: object) -> None:
        self.longest = max(self.longest, time.thread_time() - self._since)
        self._lock.release()


@in_two_sizes(sample=2000, whole=10_000)
def test_many_machines(size: int, tmp_path: Path) -> None:
    cloud = Emulator(datacenters=["one"])
    site = cloud.site()
    networks = [site.add_network("big", "10.0.0.0/16").name]
    for number in range(size):
        site.add_machine(f"m{number}", tags={"role": "web"}, networks=networks)
    lock = _TimedLock(site.shared.lock)
    folder = StateFolder(tmp_path)
    saver = Saver(folder, replace(site.shared, lock=lock), dict)  # type: ignore[arg-type]
    before = time.thread_time()
    saver.save()
    first = time.thread_time() - before
    # In CPU time: a second for 10,000 machines, and 50 ms with the lock.
    assert first < size / 10_000 + 0.1
    assert lock.longest < 0.05
    next(iter(site.machines.values())).alias = "renamed"
    before = time.thread_time()
    saver.save()
    assert time.thread_time() - before < first / 2
    assert lock.longest < 0.05
    state = json.loads((tmp_path / "state.json").read_bytes())
    names = [machine["alias"] for machine in state["datacenters"][0]["machines"]]
    assert names == ["renamed", *(f"m{number}" for number in range(1, size))]
    written = (tmp_path / "state.json").stat()
    saver.save()
    assert (tmp_path / "state.json").stat() == written
    folder.close()


def test_a_change_is_saved_while_it_runs(tmp_path: Path) -> None:
    with Emulator(state_dir=tmp_path) as cloud:
        for change in (cloud.site().add_machine, cloud.account.add_user):
            change("newname")
            end = time.monotonic() + 5
            while (tmp_path / "state.json").read_text().count('"newname"') < 1:
                assert time.monotonic() < end
                time.sleep(0.05)
