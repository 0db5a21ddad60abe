"""Converts a machine, with its jobs, disks, snapshots, migration and NICs, to plain values and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any

from smartdc.emulator.state.jobs import Job
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM, Disk, DiskJob, Migration, MigrationStep, Nic, Snapshot

_MAPPINGS = ("customer_metadata", "internal_metadata", "tags")
_RECORDS = ("nics", "disks", "snapshots", "disk_jobs", "migration", "jobs")
_OWN = tuple(field.name for field in fields(VM) if field.init and field.name not in (*_MAPPINGS, *_RECORDS))
_values = attrgetter(*_OWN)


def _fields(record: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record))


_JOB, _DISK, _NIC, _SNAPSHOT = (_fields(record) for record in (Job, Disk, Nic, Snapshot))
_STEP, _MIGRATION = _fields(MigrationStep), _fields(Migration)


def _plain(record: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def machine_record(site: Site, vm: VM) -> dict[str, Any]:
    """Return a machine as plain values, with the NICs that it shows and those that NAPI has."""
    written: dict[str, Any] = dict(zip(_OWN, _values(vm), strict=True))
    for name in _MAPPINGS:
        written[name] = dict(getattr(vm, name))
    known = site.nics_of(vm)
    written["nics"] = [
        _plain(nic, _NIC) | {"shown": True, "known": any(nic is each for each in known)} for nic in vm.nics
    ] + [
        _plain(nic, _NIC) | {"shown": False, "known": True}
        for nic in known
        if not any(nic is each for each in vm.nics)
    ]
    written["disks"] = [_plain(disk, _DISK) for disk in vm.disks]
    written["snapshots"] = [_plain(snapshot, _SNAPSHOT) for snapshot in vm.snapshots]
    written["jobs"] = [_plain(job, _JOB) for job in vm.jobs]
    written["disk_jobs"] = [
        {
            "job": each.job.uuid,
            "task": each.task,
            "disk": _plain(each.disk, _DISK),
            "has_slot": each.has_slot,
            "number": next((n for n, disk in enumerate(vm.disks) if disk is each.disk), None),
        }
        for each in vm.disk_jobs
    ]
    written["migration"] = vm.migration and (
        _plain(vm.migration, _MIGRATION) | {"steps": [_plain(step, _STEP) for step in vm.migration.steps]}
    )
    return written


def read_machine(saved: Mapping[str, Any]) -> tuple[VM, list[Nic]]:
    """Make a machine from the plain values of `machine_record`.

    Returns:
        The machine, and its NICs in NAPI.
    """
    jobs = {job["uuid"]: Job(**job) for job in saved["jobs"]}
    disks = [Disk(**disk) for disk in saved["disks"]]
    disk_jobs = [
        DiskJob(
            jobs[each["job"]],
            each["task"],
            Disk(**each["disk"]) if each["number"] is None else disks[each["number"]],
            each["has_slot"],
        )
        for each in saved["disk_jobs"]
    ]
    nics = [(Nic(**{name: nic[name] for name in _NIC}), nic["shown"], nic["known"]) for nic in saved["nics"]]
    migration = saved["migration"]
    if migration is not None:
        steps = [MigrationStep(**step) for step in migration["steps"]]
        migration = Migration(**migration | {"steps": steps})
    vm = VM(
        **{
            **saved,
            "nics": [nic for nic, shown, _ in nics if shown],
            "disks": disks,
            "snapshots": [Snapshot(**snapshot) for snapshot in saved["snapshots"]],
            "jobs": list(jobs.values()),
            "disk_jobs": disk_jobs,
            "migration": migration,
        }
    )
    return vm, [nic for nic, _, known in nics if known]
