#!/usr/bin/env python3
"""Create a machine for one CI job, run a command on it over SSH, and always delete it.

    python examples/ci_machine.py --job 4711 -- uname -n    with the current profile: it costs money
    python examples/ci_machine.py --sweep                   delete what killed jobs have left behind

The exit status is that of the command.
"""

from __future__ import annotations

import codecs
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, TextIO

from cloud import everyday, run, signed_in, temporary

from smartdc import DataCenter, Machine, SmartDCError

if TYPE_CHECKING:
    from smartdc.emulator import Emulator

PACKAGE, IMAGE = "g4-highcpu-1G", "base-64-lts"
LONGEST = timedelta(hours=1)
"""No job takes longer, so an older machine was left behind."""


def copy(receive: Callable[[int], bytes], target: TextIO | None) -> None:
    """Copy one of the command's outputs as it arrives; bytes that are not UTF-8 are replaced.

    Without a target (`>&-`) it is read, so that the command does not wait, and dropped.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    chunk = b"-"
    while chunk:
        chunk = receive(65536)
        if target is not None:
            target.write(decoder.decode(chunk, final=not chunk))
            target.flush()


def run_command(machine: Machine, command: Sequence[str]) -> int:
    """Run a command over SSH and copy its output; return its exit status."""
    with machine.connect_ssh(wait=300, known_hosts=False) as ssh:
        channel = ssh.get_transport().open_session()  # type: ignore[union-attr]  # it is connected
        channel.exec_command(os.fsencode(shlex.join(command)))
        # Both outputs at the same time: a command waits if nobody reads one of them.
        errors = Thread(target=copy, args=(channel.recv_stderr, sys.stderr), daemon=True)
        errors.start()
        copy(channel.recv, sys.stdout)
        errors.join()
        return channel.recv_exit_status()


def run_job(sdc: DataCenter, job: str, command: Sequence[str]) -> int:
    """Run a command on a machine that exists only for it; return its exit status."""
    with temporary(sdc, f"ci-{job}", package=PACKAGE, image=IMAGE, tags={"purpose": "ci"}) as machine:
        status = run_command(machine, command)
    if machine.state == "deleted":
        print(f"{machine.name}: exit status {status}, and the machine is deleted")
    return status


def sweep(sdc: DataCenter) -> list[str]:
    """Ask for the deletion of the machines of killed jobs; return their names."""
    oldest = datetime.fromtimestamp(sdc.clock.time(), UTC) - LONGEST
    left = [
        machine
        for machine in sdc.machines(tags={"purpose": "ci"})
        if machine.created is not None and machine.created < oldest
    ]
    swept = []
    for machine in left:
        try:
            machine.delete()
        except SmartDCError as error:  # the others go on
            print(f"{machine.name}: {error}", file=sys.stderr)
        else:
            swept.append(str(machine.name))
    return swept


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
    if not options.command and not options.sweep:
        parser.error("give a command, or --sweep")
    if not options.job:  # a variable that is not set: all jobs would have the same machine
        parser.error("--job must not be empty")
    status = 0
    with signed_in(options, prepare, ssh_port=0) as sdc:
        if options.sweep:
            print("swept:", *sweep(sdc))
        if options.command:
            status = run_job(sdc, options.job, options.command)
    sys.exit(status)


if __name__ == "__main__":
    run(main)
