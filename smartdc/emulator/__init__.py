"""An emulator of CloudAPI: a cloud on the loopback, to run scripts and tests without cost.

::

    from smartdc.emulator import Emulator

    with Emulator() as cloud:
        sdc = cloud.datacenter()
        machine = sdc.create_machine(name="web", package="sample-512M", image=sdc.images(name="base64")[0])
        machine.poll_until("running")

It serves real HTTPS and is as strict as the real server; ``python -m smartdc.emulator`` runs one in the
foreground. Tests get one as the fixture ``smartdc_cloud``.
"""

import sys

try:
    from smartdc.emulator.cloud import Emulator
    from smartdc.emulator.http.calls import Call
    from smartdc.emulator.remote.client import EmulatorControl
    from smartdc.emulator.state.clock import Clock
    from smartdc.emulator.state.directory import Account, Key
    from smartdc.emulator.state.resources import Image, Network, Package
    from smartdc.emulator.state.site import Site
    from smartdc.emulator.state.vm import VM
except ModuleNotFoundError as _missing:
    if str(_missing.name).startswith("smartdc"):
        raise
    _reason = f"the emulator needs its extra ({_missing.name} is missing): pip install 'smartdc[emulator]'"
    if sys.argv[0] == "-m":  # Python is still locating the module that `python -m` names
        raise SystemExit(f"python -m smartdc.emulator: {_reason}") from None
    raise ModuleNotFoundError(_reason, name=_missing.name) from None

__all__ = [
    "VM",
    "Account",
    "Call",
    "Clock",
    "Emulator",
    "EmulatorControl",
    "Image",
    "Key",
    "Network",
    "Package",
    "Site",
]
