"""A program that Ctrl-C interrupts while it stops and deletes a fleet; `test_interrupt` runs it.

For each moment (how many requests were made) it writes a line of JSON: the seconds from the signal to the
prompt, what the report says, and what the emulator has carried out.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time

from smartdc import Machine, fleet
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Delay


def interrupt(after: int, slow: float, push: bool) -> None:
    """Press Ctrl-C after `after` requests, each of which takes `slow` seconds."""
    with Emulator(rate=5) as cloud, cloud.datacenter() as sdc:
        for number in range(60):
            cloud.site().add_machine(f"test-{number}", networks=())
        machines = sdc.machines()
        cloud.throttle(rate=20, burst=10)
        if slow:
            for name in ("UpdateMachine", "DeleteMachine", "ListMachines"):
                cloud.faults.add(name, Delay(slow))
        pressed = [0.0]

        def press() -> None:
            while len(cloud.calls) < after:
                time.sleep(0.001)
            pressed[0] = time.monotonic()
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=press, daemon=True).start()
        try:
            fleet.run(machines, Machine.stop, fleet.until("stopped"), Machine.delete, push=push)
        except fleet.FleetInterrupted as interrupted:
            back, result = time.monotonic() - pressed[0], interrupted.result
            text = str(interrupted)
        # Requests on the wire still arrive, and end their threads; after them, none may.
        join_workers()
        asked = len(cloud.calls)
        time.sleep(0.7)
        carried_out = {
            name: [
                call.path.rpartition("/")[2]
                for call in cloud.calls
                if call.operation == name and call.status < 300
            ]
            for name in ("UpdateMachine", "DeleteMachine")
        }
        print(
            json.dumps(
                {
                    "back": back,
                    "text": text,
                    "later": len(cloud.calls) - asked,
                    "stopped": carried_out["UpdateMachine"],
                    "deleted": carried_out["DeleteMachine"],
                    "keys": [str(key) for key in result.keys],
                    "done": [str(key) for key in result.done],
                    "failed": [str(key) for key in result.errors],
                    "untried": [str(key) for key in result.untried],
                    "under_way": {str(key): steps for key, steps in result.under_way.items()},
                    "unknown": [str(key) for key in result.unknown],
                }
            ),
            flush=True,
        )


def join_workers() -> None:
    """Wait until no thread of the fleet is left."""
    end = time.monotonic() + 60
    while any(thread.name.startswith("smartdc-fleet") for thread in threading.enumerate()):
        if time.monotonic() > end:
            raise TimeoutError("a thread of the fleet goes on")
        time.sleep(0.01)


if __name__ == "__main__":
    for moment in sys.argv[3:]:
        interrupt(int(moment), float(sys.argv[1]), sys.argv[2] == "1")
