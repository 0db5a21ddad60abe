#!/usr/bin/env python3
"""Take a snapshot of each machine that has a tag, and keep the newest snapshots.

    python examples/rotate_snapshots.py --tag backup=yes --keep 3      with the current profile

Snapshots whose name does not begin with ``auto-`` are left alone. Run it from cron or a systemd timer.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cloud import everyday, run, signed_in

from smartdc import DataCenter, Machine, fleet

if TYPE_CHECKING:
    from smartdc.emulator import Emulator

PREFIX = "auto-"


def rotate(machine: Machine, keep: int) -> list[str]:
    """Take a snapshot, then delete the oldest ones; return the names of those that were deleted.

    It waits for the new snapshot first: if that fails, nothing is deleted.
    """
    now = datetime.fromtimestamp(machine.datacenter.clock.time(), UTC)
    machine.create_snapshot(f"{PREFIX}{now:%Y%m%d-%H%M%S}").poll_until("created", timeout=600)
    # The names contain the time, so they sort by time.
    own = sorted(
        (each for each in machine.snapshots() if each.name.startswith(PREFIX)), key=lambda each: each.name
    )
    old = own[:-keep]
    for snapshot in old:
        snapshot.delete()
        snapshot.poll_until("deleted", timeout=600)
    return [snapshot.name for snapshot in old]


def rotate_all(sdc: DataCenter, tag: str, value: str, keep: int) -> bool:
    """Rotate the snapshots of all machines with a tag; return whether all succeeded."""
    machines = sdc.machines(tags={tag: value})
    if not machines:
        print(f"no machines have the tag {tag}={value}", file=sys.stderr)
        return False
    result = fleet.run(machines, lambda machine: rotate(machine, keep))
    for machine, deleted in zip(result.keys, result.values, strict=True):
        if machine not in result.errors:
            names = [snapshot.name for snapshot in machine.snapshots()]
            print(f"{machine.name}: has {', '.join(names)}; deleted {', '.join(deleted or ['none'])}")
    for machine, error in result.errors.items():
        print(f"{machine.name}: {error}", file=sys.stderr)
    return not result.errors


def prepare(cloud: Emulator) -> None:
    """A machine with snapshots of the last three days, for the emulated cloud."""
    vm = cloud.site().add_machine("db0", tags={"backup": "yes"})
    with cloud.datacenter() as sdc:
        machine = sdc.machine(vm.uuid)
        machine.create_snapshot("before-upgrade").poll_until("created")
        for _ in range(3):
            rotate(machine, keep=10)
            cloud.clock.advance(86400)


def main() -> None:
    """Rotate the snapshots."""
    parser = everyday(__doc__)
    parser.add_argument("--tag", default="backup=yes", help="tag of the machines (default: %(default)s)")
    parser.add_argument("--keep", type=int, default=7, help="how many to keep (default: %(default)s)")
    options = parser.parse_args()
    if options.keep < 1:
        parser.error("--keep must be 1 or more")
    tag, equals, value = options.tag.partition("=")
    if not tag or not equals:
        parser.error("--tag must be NAME=VALUE")
    with signed_in(options, prepare) as sdc:
        if not rotate_all(sdc, tag, value, options.keep):
            sys.exit(1)


if __name__ == "__main__":
    run(main)
