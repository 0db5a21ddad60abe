"""Migrations of machines to other servers: begin, sync, switch, and the actions between them.

The rules are VMAPI's (lib/vm-migration/migrate.js); its refusals are 412 PreconditionFailed, although
CloudAPI's reference says InvalidState. A phase is a job; `watch` streams its progress as JSON lines.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from starlette.websockets import WebSocket

from smartdc.emulator.http.answers import (
    Answer,
    Lines,
    Refusal,
    Upgrade,
    crashed,
    invalid_argument,
    invalid_field,
    missing_parameter,
    not_found,
    to_json,
    validation_failed,
)
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import as_text, is_uuid
from smartdc.emulator.http.routes import Route
from smartdc.emulator.http.violations import note_violation
from smartdc.emulator.state.clock import timestamp
from smartdc.emulator.state.jobs import MIGRATION_SECONDS, Work
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM, Migration, MigrationStep

ACTIONS = ("begin", "sync", "switch", "automatic", "abort", "pause", "finalize")
#: How often an automatic migration syncs before it switches (workflows/vm-migration/sync.js).
AUTOMATIC_SYNCS = 2
PAUSE_SECONDS = 1.0
BYTES_PER_SECOND = 100 * 1024 * 1024
_MESSAGES = {
    "begin": "reserving instance",
    "sync": "syncing data",
    "switch": "switching instances",
    "abort": "aborting migration",
}


def list_migrations(site: Site, request: Incoming) -> Answer:
    """``GET /:account/migrations``: the newest first."""
    owned = [vm for vm in site.machines.values() if vm.migration and vm.owner_uuid == request.account.uuid]
    owned.sort(key=lambda vm: vm.migration.created if vm.migration else 0, reverse=True)
    return Answer([_json(site, vm, vm.migration) for vm in owned if vm.migration])


def get_migration(site: Site, request: Incoming) -> Answer:
    """``GET /:account/migrations/:machine``."""
    vm = _load(site, request)
    return Answer(_json(site, vm, _existing(vm)))


def estimate(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/migrate``: how many bytes a migration would send."""
    _check_begin(site, request.vm)
    return Answer({"size": _bytes(request.vm)})


def migrate(site: Site, request: Incoming) -> Answer:
    """``POST /:account/machines/:machine/migrate``; the action may be in the query.

    See docs/cloudapi/requests.md#parameters-are-one-bag.
    """
    vm, action = request.vm, request.params.get("action")
    if not action:
        raise missing_parameter('"action" must be specified')
    if action == "watch":
        return watch(site, request)
    if action not in ACTIONS:
        raise invalid_argument(f"{as_text(action)} is not a valid migration action")
    if action in ("begin", "automatic"):
        # The server ignores `affinity`, because it reads it only for another action (migrations.js).
        _check_begin(site, vm)
        vm.migration = Migration(action == "automatic", site.shared.clock.now())
        action = "begin"
    else:
        _CHECKS[action](_existing(vm))
    migration = _existing(vm)
    if action == "finalize":
        vm.migration = None
        return Answer()
    # The answer has the record from before the job, but with the new phase.
    shown = _json(site, vm, migration) | {"phase": action, "state": "running"}
    if action == "pause":
        site.later(PAUSE_SECONDS, partial(pause, vm, migration.created))
    else:
        _run(site, vm, migration, action, site.shared.clock.now())
    return Answer(shown, 201)


def watch(site: Site, request: Incoming) -> Answer:
    """``POST /:account/machines/:machine/migrate?action=watch``: events until the phase has ended."""
    vm = request.vm
    if vm.migration is None:
        # The server has already sent the head of a 200 when it finds that there is no migration.
        note_violation(site, request, "without a migration to watch, the answer breaks off")
        raise not_found("migration not found")

    async def lines() -> AsyncIterator[bytes]:
        async for event in _events(site, vm):
            yield f"{to_json(event)}\n".encode()

    return Lines(body=lines())


def watch_socket(site: Site, request: Incoming) -> Answer:
    """``GET /:account/migrations/:machine/watch``: a WebSocket that only CloudAPI's successor has."""
    vm = _load(site, request)
    _existing(vm)
    if not request.upgrade:
        raise crashed("Connection Must Upgrade For WebSockets")

    async def converse(websocket: WebSocket) -> None:
        async for event in _events(site, vm):
            await websocket.send_text(to_json(event))
        await websocket.close()

    return Upgrade(converse=converse)


def _load(site: Site, request: Incoming) -> VM:
    machine_uuid = request.params["machine"]
    if not is_uuid(machine_uuid):
        raise validation_failed("Invalid Parameters", [invalid_field("uuid", "Invalid UUID")])
    vm = site.machines.get(machine_uuid)
    if vm is None or vm.owner_uuid != request.account.uuid:
        raise not_found("VM not found")
    return vm


def _existing(vm: VM) -> Migration:
    if vm.migration is None:
        raise not_found("migration not found")
    return vm.migration


def _refuse(message: str) -> Refusal:
    return Refusal(412, "PreconditionFailed", message)


def _check_begin(site: Site, vm: VM) -> None:
    if not site.migrations_allowed:
        raise _refuse("User migration on this VM not allowed")
    if vm.server_uuid is None or vm.destroyed:
        raise _refuse("Invalid vm instance")
    if vm.migration is not None and vm.migration.state == "successful":
        raise _refuse("A previous migration exists for this instance, use migration finalize to complete it.")
    if vm.migration is not None:
        raise _refuse("An active migration already exists for this instance")


def _check_sync(migration: Migration) -> None:
    if migration.state not in ("paused", "failed"):
        raise _refuse(f"Cannot sync in migration state: {migration.state}")
    if migration.phase not in ("begin", "sync"):
        raise _refuse(f"Cannot sync when in migration phase: {migration.phase}")


def _check_switch(migration: Migration) -> None:
    if migration.phase not in ("begin", "sync"):
        raise _refuse(f"Cannot switch in migration phase: {migration.phase}")
    if migration.state not in ("paused", "failed"):
        raise _refuse(f"Cannot switch in migration state: {migration.state}")
    if not migration.syncs:
        raise _refuse('You must perform at least one "migration sync" operation before switching')


def _check_abort(migration: Migration) -> None:
    if migration.state in ("running", "successful"):
        raise _refuse(f"Abort cannot work on a {migration.state} migration")


def _check_pause(migration: Migration) -> None:
    if migration.phase != "sync" or migration.state != "running":
        raise _refuse("Pause requires a running migration sync action")


def _check_finalize(migration: Migration) -> None:
    if migration.state != "successful":
        raise _refuse("Finalize only works on a successful migration")


_CHECKS: dict[str, Callable[[Migration], None]] = {
    "sync": _check_sync,
    "switch": _check_switch,
    "abort": _check_abort,
    "pause": _check_pause,
    "finalize": _check_finalize,
}


def _run(site: Site, vm: VM, migration: Migration, phase: str, now: float) -> None:
    """Start a phase; `end_phase` decides its outcome."""
    seconds = MIGRATION_SECONDS[phase]
    step = MigrationStep(phase, _MESSAGES[phase], now)
    if phase == "sync":
        step.total = _bytes(vm)
        step.bytes_per_second = BYTES_PER_SECOND
    migration.phase, migration.state = phase, "running"
    migration.steps.append(step)
    migration.error = None
    was_running = vm.state == "running"
    fails, site.fail_next_migration = site.fail_next_migration, False
    place = (migration.created, len(migration.steps) - 1)
    # CloudAPI does not say who asked, so the audit shows an operator.
    work = Work(seconds, finish=partial(end_phase, site, vm, *place, was_running, fails))
    site.start_job(vm, f"migrate-{phase}", f"migrate-{phase}", work, since=now)
    if phase == "switch" and was_running:
        site.later(seconds / 3, partial(stop_for_switch, vm, *place), since=now)


def _running(vm: VM, created: float, number: int) -> tuple[Migration, MigrationStep] | None:
    """The migration that began at `created`, and its step `number`; None when that step has ended."""
    migration = vm.migration
    if migration is None or migration.created != created or number >= len(migration.steps):
        return None
    step = migration.steps[number]
    return (migration, step) if step.state == "running" else None  # it may have been paused


def end_phase(
    site: Site, vm: VM, created: float, number: int, was_running: bool, fails: bool, due: float
) -> None:
    """End a phase, and in an automatic migration start the next."""
    found = _running(vm, created, number)
    if found is None:
        return
    migration, step = found
    vm.note("migration")
    if not vm.workable or fails:
        step.state, step.finished, migration.state = "failed", due, "failed"
        migration.error = f"{step.message} failed"
        return
    step.state, step.finished, step.current = "successful", due, step.total
    migration.finished = due
    migration.state = "paused"
    if step.phase == "sync":
        migration.syncs += 1
    if step.phase == "abort":
        migration.state = "successful"
        vm.migration = None
    elif step.phase == "switch":
        migration.state = "successful"
        others = [server for server in site.servers if server != vm.server_uuid]
        vm.server_uuid, vm.updated = others[0], due
        vm.state = "running" if was_running else vm.state
    elif migration.automatic:
        _run(site, vm, migration, "switch" if migration.syncs >= AUTOMATIC_SYNCS else "sync", due)


def stop_for_switch(vm: VM, created: float, number: int, due: float) -> None:
    """During a switch: stop the machine."""
    if _running(vm, created, number) is not None:
        vm.becomes("stopped", due)


def pause(vm: VM, created: float, due: float) -> None:
    """Pause the running sync; it keeps what it has sent."""
    migration = vm.migration
    if migration is None or migration.created != created:
        return
    step = migration.steps[-1]
    if step.phase == "sync" and step.state == "running":
        step.current = _progress(step, due)
        step.state, step.finished, migration.state = "paused", due, "paused"
        vm.note("migration")


def _bytes(vm: VM) -> int:
    """How many bytes a migration sends: a tenth of the disks, as if the rest were unused."""
    mebibytes = sum(disk.size for disk in vm.disks) or vm.quota * 1024
    return int(mebibytes * 1024 * 1024 / 10)


def _progress(step: MigrationStep, now: float) -> int:
    if step.state != "running":
        return step.current
    done = (now - step.started) / MIGRATION_SECONDS[step.phase]
    return max(1, min(step.total, int(step.total * done)))


async def _events(site: Site, vm: VM) -> AsyncIterator[dict[str, Any]]:
    """Yield the events of a watched phase: its progress each second when it has changed, then its end.

    When the emulated clock moves only while something sleeps, this function sleeps on it.
    """
    clock, migration = site.shared.clock, vm.migration
    last: dict[str, Any] | None = None
    while migration is not None:
        with site.shared.lock:
            site.settle()
            is_running = migration.state == "running"
            event = _event(migration.steps[-1], clock.now())
        if event != last and (is_running or last is not None):
            yield event
            last = event
        if not is_running:
            break
        if clock.rate == 0:
            clock.sleep(1)
        await asyncio.sleep(1 / clock.rate if clock.rate else 0)
    if migration is not None:
        end = {"type": "end", "phase": migration.phase, "state": migration.state}
        yield end | ({"message": migration.error} if migration.error else {})


def _event(step: MigrationStep, now: float) -> dict[str, Any]:
    shown = _step_json(step, now) | {"current_progress": _progress(step, now)}
    if step.bytes_per_second and step.state == "running":
        left = step.total - _progress(step, now)
        shown["transfer_bytes_second"] = step.bytes_per_second
        shown["eta_ms"] = int(1000 * left * MIGRATION_SECONDS[step.phase] / step.total)
    return shown


def _json(site: Site, vm: VM, migration: Migration) -> dict[str, Any]:
    now = site.shared.clock.now()
    shown: dict[str, Any] = {
        "automatic": migration.automatic,
        "created_timestamp": timestamp(migration.created),
    }
    if migration.error:
        shown["error"] = migration.error
    if migration.finished is not None:
        shown["finished_timestamp"] = timestamp(migration.finished)
    shown |= {"phase": migration.phase, "state": migration.state}
    shown["progress_history"] = [_step_json(step, now) for step in migration.steps]
    return shown | {"machine": vm.uuid}


def _step_json(step: MigrationStep, now: float) -> dict[str, Any]:
    end = now if step.finished is None else step.finished
    shown: dict[str, Any] = {
        "type": "progress",
        "current_progress": step.current,
        "duration_ms": int(1000 * (end - step.started)),
    }
    if step.finished is not None:
        shown["finished_timestamp"] = timestamp(step.finished)
    shown |= {"message": step.message, "phase": step.phase, "state": step.state}
    return shown | {"started_timestamp": timestamp(step.started), "total_progress": step.total}


ROUTES = [
    Route("ListMigrations", "GET", "/:account/migrations", list_migrations),
    Route("GetMigration", "GET", "/:account/migrations/:machine", get_migration),
    Route("MigrateMachineEstimate", "GET", "/:account/machines/:machine/migrate", estimate),
    Route("Migrate", "POST", "/:account/machines/:machine/migrate", migrate, params=("action", "affinity")),
    # Not in 9.20, which answers 404 here: its successor has a WebSocket instead of the action `watch`.
    Route("WatchMigration", "GET", "/:account/migrations/:machine/watch", watch_socket),
]
