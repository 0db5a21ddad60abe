"""A program that kills a process of the Dask example between request and answer; `test_dask` runs it."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import Counter

from distributed import Client, LocalCluster
from fleet_on_dask import PROCESSES, TAGS, accounts, run

from smartdc.emulator import Emulator
from smartdc.emulator.faults import Delay


def main(size: int) -> None:
    with Emulator(rate=20) as cloud:
        places = accounts(cloud)
        for sdc in places:
            login = str(sdc.account()["login"])
            for number in range(size):
                cloud.site(sdc.location).add_machine(f"test-{number}", tags=dict(TAGS), account=login)
        before = len(cloud.calls)
        # Carried out, and answered later: whoever is killed has asked and not been answered.
        for name in ("UpdateMachine", "DeleteMachine"):
            cloud.faults.add(name, Delay(0.2, after_commit=True))
        with (
            LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=PROCESSES, threads_per_worker=4, dashboard_address=None, silence_logs=50
            ) as cluster,
            Client(cluster) as client,  # type: ignore[no-untyped-call]
        ):
            pids = [*client.run(os.getpid).values()]

            def kill() -> None:
                while not any(vm.state == "stopped" for site in sites for vm in [*site.machines.values()]):
                    time.sleep(0.01)
                os.kill(pids[0], signal.SIGKILL)

            sites = [cloud.site(name) for name in ("us-sw-1", "us-east-1")]
            killing = threading.Thread(target=kill)
            killing.start()
            failed = run(client, places)
            killing.join()
            new = {*client.run(os.getpid).values()} - {*pids}
        stops = Counter(call.path for call in cloud.calls[before:] if call.operation == "UpdateMachine")
        print(
            json.dumps(
                {
                    "failed": failed,
                    "left": sum(sdc.num_machines(tags=TAGS) for sdc in places),
                    "violations": cloud.violations,
                    "new processes": len(new),
                    "stopped twice": sum(count > 1 for count in stops.values()),
                    "deleted": sum(call.status == 204 for call in cloud.calls[before:]),
                    "again": sum(call.status == 410 for call in cloud.calls[before:]),
                }
            )
        )


if __name__ == "__main__":
    main(int(sys.argv[1]))
