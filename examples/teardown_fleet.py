#!/usr/bin/env python3
"""Shut a whole fleet down with a thread pool: the tutorial's advanced example.

    python examples/teardown_fleet.py                            200 machines in an emulated cloud
    python examples/teardown_fleet.py --key-id /me/keys/laptop   those tagged type=test, in a real one

In the emulated cloud it creates the fleet first. In a real one it only takes down the machines with the tag
``type=test``.
"""

from __future__ import annotations

import time
from multiprocessing.dummy import Pool
from operator import methodcaller

from cloud import arguments, place, run

from smartdc import DataCenter

THREADS = 8
TAGS = {"type": "test"}


def make_fleet(sdc: DataCenter, size: int) -> None:
    """Create machines, and wait until all of them run."""
    image = sdc.image("base64")
    package = sdc.default_package()
    with Pool(THREADS) as simultaneous:
        fleet = simultaneous.map(
            lambda number: sdc.create_machine(f"test-{number}", package, image=image, tags=TAGS), range(size)
        )
        simultaneous.map(methodcaller("poll_until", "running"), fleet)


def take_down(sdc: DataCenter) -> int:
    """Stop and delete all machines that have the tag; return how many there were."""
    test_machines = sdc.machines(tags=TAGS)
    if not test_machines:
        return 0
    with Pool(min(len(test_machines), THREADS)) as simultaneous:
        simultaneous.map(methodcaller("stop"), test_machines)
        simultaneous.map(methodcaller("poll_until", "stopped"), test_machines)
        states = simultaneous.map(methodcaller("status"), test_machines)
        print(f"all stopped: {set(states) == {'stopped'}}", flush=True)
        simultaneous.map(methodcaller("delete"), test_machines)
        simultaneous.map(methodcaller("poll_until", "deleted"), test_machines)
    return len(test_machines)


def main() -> None:
    """Run the example."""
    parser = arguments(__doc__)
    parser.add_argument("--machines", type=int, default=200, help="size of the emulated fleet")
    options = parser.parse_args()
    with place(options, rate=200.0) as where:
        if where.emulated:
            started = time.monotonic()
            make_fleet(where.sdc, options.machines)
            running = where.sdc.num_machines(tags=TAGS, state="running")
            print(f"{running} machines run after {time.monotonic() - started:.1f} s", flush=True)
        started = time.monotonic()
        gone = take_down(where.sdc)
        left = where.sdc.num_machines(tags=TAGS)
        taken = time.monotonic() - started
        print(
            f"teardown_fleet: {gone} machines stopped and deleted by {THREADS} threads "
            f"in {taken:.1f} s, {left} left."
        )


if __name__ == "__main__":
    run(main)
