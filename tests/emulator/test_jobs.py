"""Jobs of one machine run one after another: each begins when the one before has taken effect."""

from __future__ import annotations

from smartdc import DataCenter
from smartdc.emulator import Emulator


def test_a_job_queued_behind_the_deletion_does_not_bring_the_machine_back(
    smartdc_cloud: Emulator,
) -> None:
    sdc: DataCenter = smartdc_cloud.datacenter()
    machine = sdc.machine(smartdc_cloud.site().add_machine("web").uuid)
    machine.delete()
    machine.reboot()
    smartdc_cloud.clock.advance(60)
    machine.poll_until("deleted", timeout=60)
    outcome = {entry["action"]: entry["success"] for entry in machine.audit()}
    assert outcome == {"destroy": "yes", "reboot": "no"}


def test_each_queued_job_sees_the_effect_of_the_one_before(smartdc_cloud: Emulator) -> None:
    sdc: DataCenter = smartdc_cloud.datacenter()
    machine = sdc.machine(smartdc_cloud.site().add_machine("web").uuid)
    machine.stop()
    machine.start()
    machine.stop()
    machine.start()
    smartdc_cloud.clock.advance(60)
    assert machine.status() == "running"
    assert [(entry["action"], entry["success"]) for entry in machine.audit()] == [
        ("start", "yes"),
        ("stop", "yes"),
        ("start", "yes"),
        ("stop", "yes"),
    ]
