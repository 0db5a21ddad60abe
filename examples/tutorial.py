"""The tutorial's session, from the first import to the last delete, told as it happens.

    python examples/tutorial.py                              in an emulated cloud, offline
    python examples/tutorial.py --key-id /me/keys/laptop     in a real one: it costs money

Every step does what it says: requests are signed and go over TLS, machines take their time, and the login
is a real SSH session.
"""

from __future__ import annotations

import tempfile
import textwrap
from pathlib import Path
from typing import Any

from cloud import Place, arguments, place

from smartdc import DataCenter, Machine

BOOT_SCRIPT = "#!/usr/bin/sh\n\ntouch /home/admin/FTW\n"


def say(text: str) -> None:
    """Tell what happens next."""
    print("\n" + textwrap.fill(text, 100), flush=True)


def show(expression: str, value: Any) -> None:
    """Show what was typed, and the beginning of what came back."""
    shown = repr(value)
    print(f"    >>> {expression}\n    {shown[:110]}{' ...' if len(shown) > 110 else ''}", flush=True)


def look_around(sdc: DataCenter) -> DataCenter:
    """Data centers, keys, packages and datasets; returns the data center to work in."""
    say("Once connected, look at the account: the public keys that it has on record.")
    show("sdc.keys()", sdc.keys())
    say("Given one data center, connect to another with the same key.")
    names = sorted(sdc.datacenters())
    show("sdc.datacenters()", names)
    east = sdc.datacenter("us-east-1") if "us-east-1" in names else sdc
    show("east = sdc.datacenter('us-east-1')", east)
    say(
        "Packages say how large a machine is, datasets (images, today) what is on it. A list can be searched."
    )
    show("east.default_package()", east.default_package())
    show("sdc.packages('-highcpu-.+-smartos')", [p["name"] for p in sdc.packages("-highcpu-.+-smartos")])
    show("east.datasets('base(64)?:')", [d.get("urn") for d in east.datasets("base(64)?:")])
    return east


def make_machine(east: DataCenter, boot_script: Path) -> Machine:
    """Create a machine and wait for it."""
    say(
        "Create a machine: its dataset is a dict from the list, its package a name. A boot script goes along."
    )
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
    say("It is provisioning. Wait as long as it is, looking every 3 seconds.")
    machine.poll_while("provisioning", interval=3, timeout=600)
    show("test_machine.state", machine.state)
    show("test_machine.public_ips", machine.public_ips)
    say("The machine that is listed by that name is the same one.")
    show(
        "test_machine == east.machines(name='test-machine')[0]",
        machine == east.machines(name="test-machine")[0],
    )
    return machine


def log_in(machine: Machine, where: Place) -> None:
    """Run commands on the machine, over SSH."""
    say("Log in with the key that the account knows, list the packages, and see that the boot script ran.")
    # The host keys of emulated machines, which are gone in a minute, need not be remembered.
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
        print(f"smartdc tutorial, {'in an emulated cloud on this machine' if where.emulated else 'for real'}")
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
    print(f"\ntutorial: done; {left} machines left behind.")


if __name__ == "__main__":
    main()
