#!/usr/bin/env python3
"""The tutorial's session, from the first call to the last, with an explanation of each step.

    python examples/tutorial.py                              in an emulated cloud, offline
    python examples/tutorial.py --key-id /me/keys/laptop     in a real one: it costs money

Nothing is simulated in the client: requests are signed and sent over TLS, the script waits for the machines,
and the login is a real SSH session.
"""

from __future__ import annotations

import tempfile
import textwrap
from pathlib import Path
from typing import Any

from cloud import Place, arguments, place, run

from smartdc import DataCenter, Machine

BOOT_SCRIPT = "#!/usr/bin/sh\n\ntouch /home/admin/FTW\n"


def say(text: str) -> None:
    """Print what happens next."""
    print("\n" + textwrap.fill(text, 100), flush=True)


def show(expression: str, value: Any) -> None:
    """Show what was typed, and the beginning of what came back."""
    shown = repr(value)
    print(f"    >>> {expression}\n    {shown[:110]}{' ...' if len(shown) > 110 else ''}", flush=True)


def look_around(sdc: DataCenter) -> DataCenter:
    """List keys, data centers, packages and datasets; return the data center to work in."""
    say("List the public keys of the account.")
    show("sdc.keys()", sdc.keys())
    say("List the data centers, and connect to another one with the same key.")
    names = sorted(sdc.datacenters())
    show("sdc.datacenters()", names)
    east = sdc.datacenter("us-east-1") if "us-east-1" in names else sdc
    show("east = sdc.datacenter('us-east-1')", east)
    say("A package is the size of a machine, a dataset (now: an image) is what is installed. Search both.")
    show("east.default_package()", east.default_package())
    show("sdc.packages('-highcpu-.+-smartos')", [p["name"] for p in sdc.packages("-highcpu-.+-smartos")])
    show("east.datasets('base(64)?:')", [d.get("urn") for d in east.datasets("base(64)?:")])
    return east


def make_machine(east: DataCenter, boot_script: Path) -> Machine:
    """Create a machine and wait for it."""
    say("Create a machine: the dataset is a dict from the list, the package a name. It gets a boot script.")
    a_base = east.datasets("base(64)?:")[0]
    package = east.packages("g3-standard-0.25-smartos") or [east.default_package() or east.packages()[0]]
    machine = east.create_machine(
        name="test-machine",
        dataset=a_base,
        boot_script=str(boot_script),
        package=package[0]["name"],
        tags={"type": "test"},
    )
    show("test_machine = east.create_machine(...)", machine)
    say("The machine is provisioning. Wait until it is not, and look every 3 seconds.")
    machine.poll_while("provisioning", interval=3, timeout=600)
    show("test_machine.state", machine.state)
    show("test_machine.public_ips", machine.public_ips)
    say("The list has the same machine under that name.")
    show(
        "test_machine == east.machines(name='test-machine')[0]",
        machine == east.machines(name="test-machine")[0],
    )
    return machine


def log_in(machine: Machine, where: Place) -> None:
    """Run commands on the machine, over SSH."""
    say("Log in with the key that the account knows, list the packages, and see that the boot script ran.")
    # Emulated machines exist for a minute, so their host keys are not stored.
    with machine.connect_ssh("admin", wait=300, known_hosts=not where.emulated) as ssh_conn:
        _, rout, _ = ssh_conn.exec_command("pkgin ls")
        packages = dict(line.split(None, 1) for line in rout)
        show("dict(ln.split(None, 1) for ln in rout)", packages)
        show("ssh_conn.exec_command('ls')[1].read()", ssh_conn.exec_command("ls")[1].read())


def take_down(machine: Machine) -> None:
    """Stop the machine, wait, and delete it."""
    say("Stop it, wait until it is stopped, delete it, and wait until it is gone.")
    machine.stop()
    machine.poll_until("stopped", timeout=600)
    show("test_machine.state", machine.state)
    machine.delete()
    machine.poll_until("deleted", timeout=600)
    show("test_machine.state", machine.state)


def main() -> None:
    """Run the session."""
    options = arguments(__doc__).parse_args()
    with place(options, rate=20.0) as where:
        print(f"smartdc tutorial, {'in an emulated cloud' if where.emulated else 'in a real cloud'}")
        show("sdc = DataCenter(...)", where.sdc)
        with tempfile.TemporaryDirectory() as directory:
            boot_script = Path(directory, "test-script.sh")
            boot_script.write_text(BOOT_SCRIPT)
            east = look_around(where.sdc)
            with east:
                machine = make_machine(east, boot_script)
                try:
                    log_in(machine, where)
                finally:
                    take_down(machine)
                left = east.num_machines(tags={"type": "test"})
    print(f"\ntutorial: done; {left} machines left.")


if __name__ == "__main__":
    run(main)
