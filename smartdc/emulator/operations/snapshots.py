"""Snapshots of a machine: jobs create, roll back and delete them, and a GET reads their state off the jobs.

See docs/cloudapi/storage.md#snapshot-that-is-being-made.
"""

from __future__ import annotations

import re
import time
from functools import partial
from typing import Any

from smartdc.emulator.http.answers import Answer, Refusal, invalid_argument, not_found
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.routes import Route
from smartdc.emulator.operations.lifecycle import becomes, check_provisioned
from smartdc.emulator.state.jobs import (
    ROLLBACK_SECONDS,
    SNAPSHOT_DELETE_SECONDS,
    SNAPSHOT_SECONDS,
    Step,
    Work,
)
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM, Snapshot

_SNAPSHOT_BRANDS = ("joyent", "joyent-minimal", "lx", "bhyve")
#: The names with which the job succeeds; the server accepts any name
#: (docs/cloudapi/storage.md#create-a-snapshot).
_VALID_NAME = re.compile(r"[a-zA-Z0-9._:%-]{1,64}")


def create_snapshot(site: Site, request: Incoming) -> Answer:
    """``POST /:account/machines/:machine/snapshots``."""
    vm = request.vm
    name = request.params.get("name") or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(site.shared.clock.now()))
    if vm.brand == "bhyve":
        raise invalid_argument("Snapshots of bhyve VMs are not allowed")
    _check_supported(vm, "create_snapshot")
    work = Work(
        SNAPSHOT_SECONDS, finish=partial(keep_snapshot, vm, name), possible=partial(can_make, vm, name)
    )
    _start(site, request, "create_snapshot", str(name), work)
    return Answer({"name": name, "state": "queued"}, 201)


def start_from_snapshot(site: Site, request: Incoming) -> Answer:
    """``POST /:account/machines/:machine/snapshots/:name``: roll back; accepted even if there is no snapshot.

    See docs/cloudapi/storage.md#snapshots-that-are-missing.
    """
    vm, name = request.vm, str(request.params["name"])
    _check_supported(vm, "rollback_snapshot")
    work = Work(
        ROLLBACK_SECONDS,
        finish=becomes(vm, "running"),
        steps=[Step(1, becomes(vm, "stopping")), Step(2, becomes(vm, "stopped"))],
        possible=partial(has_snapshot, vm, name),
    )
    _start(site, request, "rollback_snapshot", name, work)
    return Answer(status=202)


def list_snapshots(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/snapshots``: the snapshots that exist."""
    # A snapshot has the state of its oldest job, which comes last.
    executions = {job.snapshot_name: job.execution for job in request.vm.jobs_of("snapshot")}
    return Answer([_json(site, each, executions.get(each.name)) for each in request.vm.snapshots])


def get_snapshot(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/snapshots/:name``: "deleted" even before the snapshot exists.

    See docs/cloudapi/storage.md#snapshot-that-is-being-made.
    """
    name = str(request.params["name"])
    jobs = [job for job in request.vm.jobs_of("snapshot") if job.snapshot_name == name]
    if not jobs:
        raise not_found("Snapshot does not exist")
    snapshot = _find(request.vm, name)
    if snapshot is None:
        return Answer({"name": name, "state": "deleted"})
    return Answer(_json(site, snapshot, jobs[0].execution))


def delete_snapshot(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/machines/:machine/snapshots/:name``."""
    vm, name = request.vm, str(request.params["name"])
    snapshot = _find(vm, name)
    if snapshot is None:
        raise not_found(f"{name} not found")
    _check_supported(vm, "delete_snapshot")
    chosen = (name, snapshot.created)
    work = Work(
        SNAPSHOT_DELETE_SECONDS,
        finish=partial(drop_snapshot, vm, *chosen),
        possible=partial(has_snapshot, vm, *chosen),
    )
    _start(site, request, "delete_snapshot", name, work)
    return Answer(status=204)


def can_make(vm: VM, name: Any) -> bool:
    """Whether a job can create a snapshot with this name."""
    is_valid = isinstance(name, str) and _VALID_NAME.fullmatch(name) is not None
    return is_valid and vm.workable and _find(vm, name) is None


def keep_snapshot(vm: VM, name: str, due: float) -> None:
    """Add the snapshot to the machine."""
    vm.snapshots = (*vm.snapshots, Snapshot(name, due))


def has_snapshot(vm: VM, name: str, created: float | None = None) -> bool:
    """Whether a job can reach the machine, and the machine has this snapshot from this time."""
    return vm.workable and any(
        snapshot.name == name and created in (None, snapshot.created) for snapshot in vm.snapshots
    )


def drop_snapshot(vm: VM, name: str, created: float, _due: float) -> None:
    """Remove the snapshot from the machine."""
    vm.snapshots = [other for other in vm.snapshots if (other.name, other.created) != (name, created)]


def _start(site: Site, request: Incoming, action: str, name: str, work: Work) -> None:
    caller = request.audit_caller
    site.start_job(request.vm, "snapshot", action, work, caller=caller, snapshot_name=name)


def _check_supported(vm: VM, action: str) -> None:
    check_provisioned(vm, action)
    if vm.brand not in _SNAPSHOT_BRANDS:
        message = f'snapshots are not supported for VMs of brand "{vm.brand}"'
        raise Refusal(409, "BrandNotSupported", message)
    if vm.datasets:
        message = "snapshots are not supported for VMs with delegated datasets"
        raise Refusal(409, "BrandNotSupported", message)


def _find(vm: VM, name: Any) -> Snapshot | None:
    return next((snapshot for snapshot in vm.snapshots if snapshot.name == name), None)


def _json(site: Site, snapshot: Snapshot, execution: str | None) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": snapshot.name}
    if execution is not None:
        shown["state"] = "created" if execution == "succeeded" else execution
    if snapshot.size is not None:
        shown["size"] = snapshot.size  # docs/cloudapi/storage.md#size-of-a-snapshot
    created = site.shared.clock.dated(snapshot.created)
    return shown | {"created": created, "updated": created}


_ALL = "/:account/machines/:machine/snapshots"
_ONE = "/:account/machines/:machine/snapshots/:name"
ROUTES = [
    Route("CreateMachineSnapshot", "POST", _ALL, create_snapshot, params=("name", "origin")),
    Route("StartMachineFromSnapshot", "POST", _ONE, start_from_snapshot, params=("origin",)),
    Route("ListMachineSnapshots", "GET", _ALL, list_snapshots),
    Route("HeadMachineSnapshots", "HEAD", _ALL, list_snapshots),
    Route("GetMachineSnapshot", "GET", _ONE, get_snapshot),
    Route("HeadMachineSnapshot", "HEAD", _ONE, get_snapshot),
    Route("DeleteMachineSnapshot", "DELETE", _ONE, delete_snapshot, params=("origin",)),
]
