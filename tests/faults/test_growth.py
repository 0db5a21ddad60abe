"""Thousands of requests on 32 threads, some of which fail: the resources of this process do not grow.

The emulator runs in another process, so that only the client is measured.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from smartdc import DataCenter, NotFoundError, RetryPolicy
from smartdc.emulator import Emulator
from smartdc.emulator.faults import HTML_502, Drop, HalfBody, WrongDigest
from smartdc.emulator.http.calls import KEPT_CALLS
from tests.helpers.sizes import in_two_sizes

pytestmark = pytest.mark.stress

#: After this share of the requests, everything has been used once.
WARM_UP = 0.3
THREADS = 32
_SELF = Path("/proc/self")
#: The growth that is taken for noise.
NOISE = 0.05


class NoWait:
    """Real time, but pauses are left out."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    @staticmethod
    def sleep(_: float, /) -> None:
        """Go on at once."""


def serve(pipe: Pipe) -> None:
    """The other process: a cloud in which one answer in a hundred is damaged."""
    with Emulator(rate=100) as cloud:
        site = cloud.site()
        machines = [site.add_machine(f"web{number}", tags={"number": number}).uuid for number in range(5)]
        for fault in (Drop(after_commit=True), HalfBody(), HTML_502, WrongDigest()):
            cloud.faults.add("*", fault, probability=0.0025)
        arguments = {
            "location": cloud.url(),
            "key_id": cloud.key_id,
            "secret": cloud.key_file.read_text(),
            "verify": str(cloud.ca_file),
        }
        pipe.send((arguments, machines))
        pipe.recv()
        pipe.send(Counter(call.status for call in cloud.calls))


@contextmanager
def cloud_elsewhere() -> Iterator[tuple[dict[str, Any], list[str], Callable[[], Counter[int]]]]:
    """Yield arguments to sign in, ids of machines, and a function that ends it and counts its answers."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there,))
    process.start()

    def end() -> Counter[int]:
        here.send("end")
        answered: Counter[int] = here.recv()
        return answered

    try:
        arguments, machines = here.recv()
        yield arguments, machines, end
    finally:
        process.join(10)
        process.kill()
        process.join()
        process.close()
        here.close()
        there.close()


class Resources(NamedTuple):
    """The resources that this process holds."""

    descriptors: int
    threads: int
    memory: int


def resources() -> Resources:
    gc.collect()
    pages = int((_SELF / "statm").read_text().split()[1])
    descriptors = sum(1 for _ in (_SELF / "fd").iterdir())
    return Resources(descriptors, threading.active_count(), pages * os.sysconf("SC_PAGE_SIZE"))


def calls(sdc: DataCenter, machines: list[str]) -> list[Callable[[int], object]]:
    """Functions that make one request each."""

    def machine_of(number: int) -> Any:
        return sdc.machine(machines[number % len(machines)], lazy=True)

    def nothing(number: int) -> None:
        with pytest.raises(NotFoundError):
            sdc.key(f"nothing{number}")

    return [
        lambda number: sdc.raw_machine_data(machines[number % len(machines)]),
        lambda number: machine_of(number).get_tags(),
        lambda number: machine_of(number).add_tags(last=number),
        lambda number: sdc.machines(limit=5, offset=number % 5),
        lambda number: sdc.num_machines(),
        lambda number: sdc.package("sample-512M"),
        lambda number: machine_of(number).update_metadata(note=f"{number}"),
        nothing,
    ]


@pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="not tested: growth, as there is no /proc here"
)
@in_two_sizes(sample=5_000, whole=60_000)
def test_resources_do_not_grow(note: Callable[[str], None], size: int) -> None:
    warm_up = int(WARM_UP * size)
    with cloud_elsewhere() as (arguments, machines, end):
        patient = RetryPolicy(attempts=20)
        with DataCenter(**arguments, clock=NoWait(), retry=patient) as sdc, ThreadPool(THREADS) as pool:
            kinds = calls(sdc, machines)

            def ask(number: int) -> None:
                kinds[number % len(kinds)](number)

            pool.map(ask, range(warm_up), chunksize=8)
            before, began = resources(), time.monotonic()
            pool.map(ask, range(warm_up, size), chunksize=8)
            after, seconds = resources(), time.monotonic() - began
        answered = end()
    growth = {name: getattr(after, name) / getattr(before, name) - 1 for name in Resources._fields}
    note(
        f"growth: {size} requests on {THREADS} threads; in the last {size - warm_up} of them "
        f"({seconds:.0f} s) growth of "
        + ", ".join(f"{name} {100 * part:+.1f} %" for name, part in growth.items())
        + f" (memory {after.memory / 2**20:.0f} MiB); answers {dict(sorted(answered.items()))}"
    )
    assert sum(answered.values()) >= min(size, KEPT_CALLS)
    assert all(part <= NOISE for part in growth.values()), growth
