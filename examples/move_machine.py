#!/usr/bin/env python3
"""Move a machine to another server of its data center, and print the phases.

    python examples/move_machine.py web0             with the current profile

The machine is down only during the switch. Until then, Ctrl-C or an error aborts the migration, and the
machine stays where it is. If a run was killed, the next one continues its migration.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from cloud import everyday, run, signed_in

from smartdc import InvalidStateError, Machine, NotFoundError, SmartDCError, WaitFailed

if TYPE_CHECKING:
    from smartdc.emulator import Emulator


def move(machine: Machine) -> Iterator[str]:
    """Do the phases of a migration that are not done yet; yield a line for each."""
    try:
        done = last_phase(machine)
        if done is None:
            yield f"{machine.name}: {machine.migrate_estimate()['size'] / 2**20:.0f} MiB to copy"
        else:
            yield f"{machine.name}: an earlier run did {done}"
        for phase in {None: ["begin", "sync"], "switch": []}.get(done, ["sync"]):
            machine.migrate(phase)
            yield f"{phase}: {machine.poll_migration(timeout=7200)['state']}"
    except BaseException:
        give_up(machine)
        raise
    if done != "switch":
        machine.migrate("switch")
        yield f"switch: {machine.poll_migration(timeout=3600)['state']}"
    machine.migrate("finalize")  # deletes the copy on the old server; this cannot be undone
    machine.refresh()


def last_phase(machine: Machine) -> str | None:
    """The last phase that an earlier run has started, when it is over; None if there is no migration."""
    try:
        phase = machine.datacenter.migration(machine)["phase"]
    except NotFoundError:
        return None
    if phase == "abort":
        with suppress(WaitFailed):  # an aborted migration disappears
            machine.poll_migration(timeout=600)
        return None
    return machine.poll_migration(timeout=7200)["phase"]


def give_up(machine: Machine) -> None:
    """Abort the migration. The server refuses that while a phase runs, so pause it or wait for its end."""
    try:
        migration = machine.datacenter.migration(machine)
        if migration["phase"] == "switch":
            return
        if migration["state"] == "running":
            with suppress(InvalidStateError):  # only a sync can be paused
                machine.migrate("pause")
            with suppress(WaitFailed):  # it may be aborted after a failure as well
                machine.poll_migration(timeout=600)
        machine.migrate("abort")
    except NotFoundError:
        return  # it has not begun
    except SmartDCError as error:
        print(f"the migration of {machine.name} is left; run this again: {error}", file=sys.stderr)


def prepare(cloud: Emulator) -> None:
    """A machine for the emulated cloud."""
    cloud.site().add_machine("web0")


def main() -> None:
    """Move the machine."""
    parser = everyday(__doc__)
    parser.add_argument("machine", help="its name, short id or id")
    options = parser.parse_args()
    with signed_in(options, prepare) as sdc:
        machine = sdc.machine(options.machine)
        before = machine.compute_node
        for line in move(machine):
            print(line)
        server = "the same" if machine.compute_node == before else "another"
        print(f"{machine.name} is {machine.state} on {server} server")


if __name__ == "__main__":
    run(main)
