"""A program that kills a process of the Dask example between request and answer; `test_dask` runs it."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence

import fleet_on_dask
from distributed import Client, LocalCluster

from smartdc import DataCenter, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Delay

PROCESS = "x-process"
STATE_AFTER = {"UpdateMachine": "stopped", "DeleteMachine": "deleted"}


def take_down(sdc: DataCenter, idents: Sequence[str]) -> dict[str, str]:
    """The example's task; its requests name the process that makes them."""
    sdc.default_headers[PROCESS] = str(os.getpid())
    return fleet_on_dask.take_down(sdc, idents)


def started_after(client: Client, pids: list[int]) -> set[int]:
    """The processes that were started since then; wait for the nanny to start one."""
    last = time.monotonic() + 60
    new: set[int] = set()
    while not new and time.monotonic() < last:
        time.sleep(0.1)
        now = client.run(os.getpid, on_error="ignore")
        new = {*now.values()} - {*pids}
    return new


def main(size: int, operation: str) -> None:
    """Kill the process of the first such request after it is carried out and before its answer."""
    with Emulator(rate=20) as cloud:
        places = fleet_on_dask.accounts(cloud)
        for sdc in places:
            login = str(sdc.account()["login"])
            for number in range(size):
                cloud.site(sdc.location).add_machine(
                    f"test-{number}", tags=dict(fleet_on_dask.TAGS), account=login
                )
        before = len(cloud.calls)
        cloud.faults.add(operation, Delay(120, after_commit=True), times=1)
        with (
            LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=fleet_on_dask.PROCESSES,
                threads_per_worker=4,
                dashboard_address="127.0.0.1:0",
                silence_logs=50,
            ) as cluster,
            Client(cluster) as client,  # type: ignore[no-untyped-call]
        ):
            pids = [*client.run(os.getpid).values()]
            killed: dict[str, str] = {}

            def kill() -> None:
                while not (delayed := [call for call in cloud.calls[before:] if call.fault is not None]):
                    time.sleep(0.01)
                killed.update(path=delayed[0].path, process=delayed[0].headers[PROCESS])
                machines = cloud.site(delayed[0].datacenter).machines
                vm = machines[delayed[0].path.rpartition("/")[2]]
                while vm.shown_state != STATE_AFTER[operation]:
                    time.sleep(0.01)
                os.kill(int(killed["process"]), signal.SIGKILL)

            killing = threading.Thread(target=kill)
            killing.start()
            work = fleet_on_dask.take_down
            fleet_on_dask.take_down = take_down
            failed = fleet_on_dask.run(client, places)
            fleet_on_dask.take_down = work
            killing.join()
            new = started_after(client, pids)
        # A deletion that was accepted takes some seconds.
        listed = [machine for sdc in places for machine in sdc.machines(tags=fleet_on_dask.TAGS)]
        fleet.wait(listed, "deleted", timeout=600)
        print(
            json.dumps(
                {
                    "failed": failed,
                    "left": sum(sdc.num_machines(tags=fleet_on_dask.TAGS) for sdc in places),
                    "violations": cloud.violations,
                    "new processes": len(new),
                    "deleted": sum(call.status == 204 for call in cloud.calls[before:]),
                    "again": [
                        [call.operation, call.status]
                        for call in cloud.calls[before:]
                        if call.path == killed["path"] and call.headers[PROCESS] != killed["process"]
                    ],
                }
            )
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
