"""Move a machine to another server of its data center, and print the phases.

    python examples/move_machine.py web0             with the current profile

The machine is down only during the switch. Until then, Ctrl-C or an error aborts the migration, and the
machine stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from cloud import everyday, signed_in

from smartdc import Machine
from smartdc.emulator import Emulator


def move(machine: Machine) -> Iterator[str]:
    """Do the phases of a migration; yield a line for each."""
    size = machine.migrate_estimate()["size"]
    yield f"{machine.name}: {size / 2**20:.0f} MiB to copy"
    try:
        for phase in ("begin", "sync"):
            machine.migrate(phase)
            state = machine.poll_migration(timeout=7200)["state"]
            yield f"{phase}: {state}"
    except BaseException:
        machine.migrate("abort")
        raise
    machine.migrate("switch")
    yield f"switch: {machine.poll_migration(timeout=3600)['state']}"
    machine.migrate("finalize")  # deletes the copy on the old server; this cannot be undone
    machine.refresh()


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
    main()
