"""The disks of a bhyve machine. Jobs create, resize and delete them, and the jobs determine a disk's state.

The checks are CloudAPI's (endpoints/disks.js) and then VMAPI's (endpoints/vms.js).
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

from smartdc.emulator.http.answers import (
    Answer,
    ErrorItem,
    Refusal,
    invalid_argument,
    invalid_field,
    missing_parameter,
    not_found,
    validation_failed,
)
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.routes import Route
from smartdc.emulator.http.versions import since
from smartdc.emulator.http.violations import note_violation
from smartdc.emulator.operations.lifecycle import is_workable
from smartdc.emulator.state.jobs import DISK_SECONDS, Action, Work
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM, Disk, DiskJob

MOST_DISKS = 8
_PCI_SLOT = re.compile(r"[0-9]{1,3}:[0-9]{1,2}:[0-7]")


def list_disks(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/disks``: includes disks being created in a slot of the request."""
    vm = request.vm
    shown = [_json(vm, disk) for disk in _disks(vm)]
    taken = {disk.pci_slot for disk in vm.disks}
    for work in _pending(vm):
        if work.task == "creating" and work.has_slot and work.disk.pci_slot not in taken:
            shown.append(_json(vm, work.disk))
    return Answer(shown, headers={"x-resource-count": str(len(shown))})


def get_disk(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/disks/:disk``; 404 for a disk that is still being created."""
    return Answer(_json(request.vm, _find(request)))


def create_disk(site: Site, request: Incoming) -> Answer:
    """``POST /:account/machines/:machine/disks``: 202 without a body; with a slot, 200 with the disk."""
    vm, params = request.vm, request.params
    if vm.brand != "bhyve":
        # The server calls the error's constructor without `new`, passes no error on, and never answers.
        note_violation(site, request, "a disk for a machine that is not bhyve gets no answer")
        raise invalid_argument("Disk Creation is supported only for BHYVE VMs")
    _check_stopped(vm)
    size, slot = params.get("size"), params.get("pci_slot")
    if not size:
        raise missing_parameter("size must be specified")
    if size != "remaining" and _as_number(size) is None:
        raise invalid_argument("size must be a number")
    if slot is not None and not (isinstance(slot, str) and _PCI_SLOT.fullmatch(slot)):
        raise invalid_argument("pci_slot has wrong format")
    disks = _disks(vm)
    if len(disks) >= MOST_DISKS:
        raise invalid_argument(f"A maximum of {MOST_DISKS} disks per VM are supported")
    if any(disk.block_size is not None and disk.image_uuid is not None for disk in disks):
        note_violation(
            site,
            request,
            "a disk for a machine whose boot disk has an image kills the server's process",
            "disk-on-a-machine-with-an-image",
        )
    used = sum(disk.size for disk in disks)
    if size == "remaining" and not vm.flexible_disk_size:
        message = "remaining is only supported for VMs created with flexible_disk_size packages"
        raise invalid_argument(message)
    taken = next((disk for disk in disks if slot is not None and disk.pci_slot == slot), None)
    if taken is not None:
        # VMAPI first checks the uuid made from the slot; disks created with the machine have another uuid.
        has_same_uuid = taken.uuid == _disk_uuid(vm, slot)
        raise _invalid("disk_uuid" if has_same_uuid else "pci_slot", "Already in use")
    total = _flexible_size(vm)
    wanted = total - used if size == "remaining" else int(_as_number(size) or 0)
    if used + wanted > total:
        raise Refusal(409, "InsufficientDiskSpace", "VM does not have sufficient free disk")
    if wanted <= 0:
        raise _invalid("size", "Must be greater than zero")
    new = Disk(_disk_uuid(vm, slot or _free_slot(vm)), wanted, pci_slot=slot or _free_slot(vm))
    apply = partial(attach_disk, vm, new.uuid, new.size, new.pci_slot)
    work = _start(site, request, "creating", new, apply)
    if slot is None:
        work.has_slot = False
        return Answer(status=202)
    location = f"/{request.account.login}/machines/{vm.uuid}/disks/{new.uuid}"
    # VMAPI knows only the request's values at this time: no block size.
    shown = {"id": new.uuid, "pci_slot": slot, "size": wanted, "boot": False, "state": "creating"}
    return Answer(shown, headers={"Location": location})


def resize_disk(site: Site, request: Incoming) -> Answer:
    """``POST /:account/machines/:machine/disks/:disk``: the answer has the old size."""
    vm, params = request.vm, request.params
    disk = _find(request)
    _check_stopped(vm)
    size, shrink = params.get("size"), params.get("dangerous_allow_shrink")
    if not size:
        raise missing_parameter("size must be specified")
    wanted = _as_number(size)
    if wanted is None:
        raise invalid_argument("size must be a number")
    if "dangerous_allow_shrink" in params and not isinstance(shrink, bool):
        raise invalid_argument("dangerous_allow_shrink must be a boolean")
    if vm.brand != "bhyve":
        raise Refusal(409, "BrandNotSupported", "Can only resize disks on bhyve VMs")
    total = _flexible_size(vm)
    if disk.size > wanted and not shrink:
        raise _invalid("size", "Reducing disk size is a dangerous operation")
    if sum(known.size for known in vm.disks) - disk.size + wanted > total:
        raise Refusal(409, "InsufficientDiskSpace", "VM does not have sufficient free disk")
    shown = _json(vm, disk)
    _start(site, request, "resizing", disk, partial(set_size, vm, disk.uuid, int(wanted)))
    return Answer(shown | {"state": "resizing"})


def delete_disk(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/machines/:machine/disks/:disk``."""
    vm = request.vm
    disk = _find(request)
    _check_stopped(vm)
    if disk.boot:
        raise _invalid("slot", "Cannot remove boot disk")
    if vm.brand != "bhyve":
        raise Refusal(409, "BrandNotSupported", "Can only delete disks on bhyve VMs")
    _flexible_size(vm)
    _start(site, request, "deleting", disk, partial(detach_disk, vm, disk.uuid))
    return Answer(status=204)


def _start(site: Site, request: Incoming, task: str, disk: Disk, apply: Action) -> DiskJob:
    vm = request.vm
    work = Work(DISK_SECONDS, finish=partial(change_disks, vm, apply), possible=partial(is_workable, vm))
    # The audit has no names for changes of disks (audit.js).
    job = site.start_job(vm, "update", "unknown", work, caller=request.audit_caller)
    pending = DiskJob(job, task, disk)
    vm.disk_jobs = (*_pending(vm), pending)
    return pending


def change_disks(vm: VM, apply: Action, due: float) -> None:
    """At the end of a job: change the disks, and update the free space."""
    apply(due)
    vm.updated = due
    if vm.flexible_disk_size is not None:
        vm.free_space = vm.flexible_disk_size - sum(known.size for known in vm.disks)


def attach_disk(vm: VM, disk_uuid: str, size: int, slot: str | None, _due: float) -> None:
    """Add a disk to the machine."""
    vm.disks = (*vm.disks, Disk(disk_uuid, size, pci_slot=slot))


def set_size(vm: VM, disk_uuid: str, size: int, _due: float) -> None:
    """Set the size of a disk."""
    for disk in vm.disks:
        if disk.uuid == disk_uuid:
            disk.size = size
            vm.note("disks")
            return


def detach_disk(vm: VM, disk_uuid: str, _due: float) -> None:
    """Remove the disk from the machine."""
    vm.disks = [disk for disk in vm.disks if disk.uuid != disk_uuid]


def _pending(vm: VM) -> list[DiskJob]:
    return [work for work in vm.disk_jobs if work.job.execution in ("queued", "running")]


def _disks(vm: VM) -> Sequence[Disk]:
    """The machine's disks; gives a slot to each disk that has none."""
    if vm.brand == "bhyve":
        for disk in vm.disks:
            if disk.pci_slot is None:
                disk.pci_slot = _free_slot(vm)
                vm.note("disks")
    return vm.disks


def _free_slot(vm: VM) -> str:
    taken = {disk.pci_slot for disk in vm.disks} | {work.disk.pci_slot for work in _pending(vm)}
    return next(slot for slot in (f"0:4:{number}" for number in range(8)) if slot not in taken)


def _find(request: Incoming) -> Disk:
    vm, wanted = request.vm, request.params["disk"]
    for disk in _disks(vm):
        if wanted in (disk.uuid, _disk_uuid(vm, disk.pci_slot)):
            return disk
    raise not_found("disk not found")


def _disk_uuid(vm: VM, slot: str | None) -> str:
    """The uuid that the server derives from machine and slot; always the same."""
    digest = hashlib.sha1(f"{vm.uuid}/{slot}".encode(), usedforsecurity=False).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


def _check_stopped(vm: VM) -> None:
    if vm.state != "stopped":
        raise invalid_argument("VM must be stopped")


def _flexible_size(vm: VM) -> int:
    if not vm.flexible_disk_size:
        raise Refusal(409, "VmWithoutFlexibleDiskSize", "VM does not have flexible disk sizing enabled")
    return vm.flexible_disk_size


def _as_number(value: Any) -> float | None:
    """Convert as JavaScript's ``+value`` does; None for NaN."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _invalid(field: str, message: str) -> Refusal:
    errors: list[ErrorItem] = [invalid_field(field, message)]
    return validation_failed("Invalid Parameters", errors)


def _json(vm: VM, disk: Disk) -> dict[str, Any]:
    tasks = [work.task for work in _pending(vm) if work.disk is disk]
    shown: dict[str, Any] = {"id": disk.uuid}
    if disk.pci_slot is not None:
        shown["pci_slot"] = disk.pci_slot
    shown["size"] = disk.size
    if disk.block_size is not None and disk in vm.disks:
        shown["block_size"] = disk.block_size
    return shown | {"boot": disk.boot, "state": tasks[0] if tasks else vm.state}


_ALL = "/:account/machines/:machine/disks"
_ONE = "/:account/machines/:machine/disks/:disk"
_SINCE = since((7, 2, 0))
ROUTES = [
    Route("CreateMachineDisk", "POST", _ALL, create_disk, ("size", "pci_slot", "origin"), _SINCE),
    Route("ListMachineDisks", "GET", _ALL, list_disks, versions=_SINCE),
    Route("ListMachineDisks", "HEAD", _ALL, list_disks, versions=_SINCE),
    Route("GetMachineDisk", "GET", _ONE, get_disk, versions=_SINCE),
    Route("GetMachineDisk", "HEAD", _ONE, get_disk, versions=_SINCE),
    Route(
        "ResizeMachineDisk",
        "POST",
        _ONE,
        resize_disk,
        # `action` is what CloudAPI's successor asks for; this server does not look at it.
        params=("size", "dangerous_allow_shrink", "action", "origin"),
        versions=_SINCE,
    ),
    Route("DeleteMachineDisk", "DELETE", _ONE, delete_disk, params=("origin",), versions=_SINCE),
]
