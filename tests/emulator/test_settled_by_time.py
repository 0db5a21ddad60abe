"""While emulated time runs, jobs are done at their time, even without a request."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from smartdc import DataCenter
from smartdc.emulator import Emulator

LISTENERS = 20
#: Several machines are stopped, so that their events come close together.
MACHINES = 5


def hear(sdc: DataCenter, ready: threading.Barrier, events: int) -> list[tuple[str, str, float, float]]:
    """By event: the machine, its state, and when it happened and was received, both in emulated time."""
    heard = []
    with sdc.changefeed(subresources=["state"]) as feed:
        ready.wait(30)
        for change in feed:
            heard.append(
                (
                    change["changedResourceId"],
                    change["resourceState"],
                    int(change["published"]) / 1000,
                    sdc.clock.time(),
                )
            )
            if len(heard) == events:
                break
    return heard


@pytest.mark.parametrize("rate", [1, 10, 100])
def test_the_change_feed_sends_each_transition_at_its_time(rate: int) -> None:
    with Emulator(rate=rate, datacenters=["here"]) as cloud, cloud.datacenter() as sdc:
        site = cloud.site()
        machines = [site.add_machine(f"m{number}") for number in range(MACHINES)]
        ready = threading.Barrier(LISTENERS + 1)
        with ThreadPoolExecutor(LISTENERS) as pool:
            listeners = [pool.submit(hear, sdc, ready, 2 * MACHINES) for _ in range(LISTENERS)]
            ready.wait(30)
            time.sleep(0.3)  # a subscription has no answer to wait for
            for vm in machines:
                sdc.machine(vm.uuid, lazy=True).stop()
            asked = len(cloud.calls)
            heard = [listener.result(60) for listener in listeners]
        assert len(cloud.calls) == asked
        expected = sorted((vm.uuid, state) for vm in machines for state in ("stopping", "stopped"))
        for events in heard:
            assert sorted(event[:2] for event in events) == expected
            assert [event[2] for event in events] == sorted(event[2] for event in events)
        late = max((event[3] - event[2]) / rate for events in heard for event in events)
        assert late < 0.2, f"{late:.3f} real seconds"


def test_machines_start_without_further_requests() -> None:
    with Emulator(rate=100, datacenters=["here"]) as cloud, cloud.datacenter() as sdc:
        told = threading.Event()
        site = cloud.site()
        image = next(image for image in site.images.values() if image.type == "zone-dataset")
        machine = sdc.create_machine(package="g4-highcpu-1G", image=image.uuid)
        site.shared.on_change.append(
            lambda site, _: told.set() if site.machines[machine.id].state == "running" else None
        )
        assert told.wait(10)
        assert len(cloud.calls) == 1


def test_an_error_in_a_job_is_a_violation_and_other_jobs_go_on(caplog: pytest.LogCaptureFixture) -> None:
    with Emulator(rate=100, datacenters=["here"]) as cloud:
        done = threading.Event()

        def fail(due: float) -> None:
            raise ZeroDivisionError("on purpose")

        with cloud.site().shared.lock:
            cloud.site().later(1, fail)
            cloud.site().later(2, lambda due: done.set())
        assert done.wait(10)
    assert cloud.violations == ["the emulator failed at a job: on purpose"]
    assert "the emulator failed at a job" in caplog.text
