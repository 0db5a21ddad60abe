"""Create a machine for one CI job, run a command on it over SSH, and always delete it.

    python examples/ci_machine.py --job 4711 -- uname -n    with the current profile: it costs money
    python examples/ci_machine.py --sweep                   delete what killed jobs have left behind

The exit status is that of the command.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from cloud import everyday, signed_in

from smartdc import DataCenter, Machine
from smartdc.emulator import Emulator

PACKAGE, IMAGE = "g4-highcpu-1G", "base-64-lts"
LONGEST = timedelta(hours=1)
"""No job takes longer, so an older machine was left behind."""


@contextmanager
def ephemeral(sdc: DataCenter, job: str) -> Iterator[Machine]:
    """A running machine that is deleted at the end, even if the job fails or is interrupted."""
    machine = sdc.create_machine(f"ci-{job}", package=PACKAGE, image=IMAGE, tags={"purpose": "ci"})
    try:
        machine.poll_until("running", timeout=600)
        yield machine
    finally:
        machine.delete()


def sweep(sdc: DataCenter) -> list[str]:
    """Delete the machines of killed jobs; return their names."""
    oldest = datetime.fromtimestamp(sdc.clock.time(), UTC) - LONGEST
    left = [
        machine
        for machine in sdc.machines(tags={"purpose": "ci"})
        if machine.created is not None and machine.created < oldest
    ]
    for machine in left:
        machine.delete()
    return [str(machine.name) for machine in left]


def prepare(cloud: Emulator) -> None:
    """A machine that a killed job left behind two hours ago, for the emulated cloud."""
    cloud.site().add_machine("ci-4702", tags={"purpose": "ci"})
    cloud.clock.advance(7200)


def main() -> None:
    """Run a command on a new machine."""
    parser = everyday(__doc__)
    parser.add_argument("--job", default="local", help="part of the machine's name (default: %(default)s)")
    parser.add_argument("--sweep", action="store_true", help="delete machines that are older than an hour")
    parser.add_argument("command", nargs="*", help="what to run on the machine")
    options = parser.parse_args()
    status = 0
    with signed_in(options, prepare, ssh_port=0) as sdc:
        if options.sweep:
            print("swept:", *sweep(sdc))
        if options.command:
            with (
                ephemeral(sdc, options.job) as machine,
                machine.connect_ssh(wait=300, known_hosts=False) as ssh,
            ):
                _, output, errors = ssh.exec_command(shlex.join(options.command))
                sys.stdout.write(output.read().decode())
                sys.stderr.write(errors.read().decode())
                status = output.channel.recv_exit_status()
            print(f"{machine.name}: exit status {status}, and the machine is deleted")
    sys.exit(status)


if __name__ == "__main__":
    main()
