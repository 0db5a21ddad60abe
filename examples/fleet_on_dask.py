#!/usr/bin/env python3
"""Take down machines of two accounts in two data centers, from several processes: `dask.distributed`.

    python examples/fleet_on_dask.py --machines 30       in an emulated cloud; needs `pip install distributed`

The server counts requests by account and data center, so more processes help only if there are several of
these. Processes do not coordinate their requests, so each gets its share of the rate.
A task takes down a share of the machines. Dask runs it again if its process dies, which is safe here: each
machine is fetched first, and a stopped one is not stopped again, because the earlier run may be deleting it.
A task that creates machines must not run again (Dask's `allowed-failures` 0): each run would create more.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from smartdc import DataCenter, GoneError, Machine, fleet
from smartdc.emulator import Emulator

try:
    from distributed import Client, LocalCluster
except ImportError:
    raise SystemExit("fleet_on_dask needs dask.distributed: pip install distributed") from None

PROCESSES = 2
RATE = 10.0
"""Requests a second that a server admits for each account."""
TAGS = {"type": "test"}


def stop(machine: Machine) -> None:
    """Stop a machine, unless an earlier run has: a stop after the deletion crashes a real server."""
    machine.refresh()
    if machine.state != "stopped":
        machine.stop()


def take_down(sdc: DataCenter, idents: Sequence[str]) -> dict[str, str]:
    """Stop and delete a share of the machines, in any process; return the errors by machine."""
    machines = [sdc.machine(ident, lazy=True) for ident in idents]
    result = fleet.run(machines, stop, fleet.until("stopped", timeout=300), Machine.delete)
    return {
        machine.id: str(error) for machine, error in result.errors.items() if not isinstance(error, GoneError)
    }


def shares(sdc: DataCenter, processes: int) -> list[list[str]]:
    """The machines of one account in one data center, divided among that many processes."""
    idents = [machine.id for machine in sdc.iter_machines(tags=TAGS)]
    return [share for first in range(processes) if (share := idents[first::processes])]


def run(client: Client, places: Sequence[DataCenter], processes: int = PROCESSES) -> dict[str, str]:
    """Take down all test machines of these places, each of which has its share of the rate."""
    work = [(sdc, share) for sdc in places for share in shares(sdc, processes)]
    failed: dict[str, str] = {}
    # The key is not sent: each process reads it again, from the file or from the agent.
    futures = client.map(take_down, *zip(*work, strict=True), pure=False)
    for errors in client.gather(futures):  # type: ignore[no-untyped-call]
        failed |= errors
    return failed


def accounts(cloud: Emulator) -> list[DataCenter]:
    """Two accounts, each in two data centers, with the rate of one process."""
    other = cloud.add_account("other")
    other.add_key("laptop", cloud.account.keys[0].openssh)
    return [
        cloud.datacenter(name, key_id=key_id, rate=RATE / PROCESSES)
        for name in ("us-sw-1", "us-east-1")
        for key_id in (cloud.key_id, "/other/keys/laptop")
    ]


def main() -> None:
    """Run the example."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--emulated", action="store_true", help="use an emulated cloud (this is always so)")
    parser.add_argument("--machines", type=int, default=30, help="of each account in each data center")
    options = parser.parse_args()
    with Emulator(rate=20) as cloud:
        places = accounts(cloud)
        for sdc in places:
            login = str(sdc.account()["login"])
            for number in range(options.machines):
                cloud.site(sdc.location).add_machine(f"test-{number}", tags=dict(TAGS), account=login)
        cloud.throttle()
        with (
            LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=PROCESSES, threads_per_worker=4, dashboard_address="127.0.0.1:0"
            ) as cluster,
            Client(cluster) as client,  # type: ignore[no-untyped-call]
        ):
            began = time.monotonic()
            failed = run(client, places)
            taken = time.monotonic() - began
        left = sum(sdc.num_machines(tags=TAGS) for sdc in places)
        print(
            f"fleet_on_dask: {4 * options.machines} machines of 2 accounts in 2 data centers taken down by "
            f"{PROCESSES} processes in {taken:.1f} s, {len(failed)} failed, {left} left."
        )


if __name__ == "__main__":
    main()
