"""Actions on one machine, which share one route, and the machine's audit trail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from smartdc.emulator.http.answers import (
    Answer,
    ErrorItem,
    Refusal,
    invalid_argument,
    invalid_field,
    missing_parameter,
    validation_failed,
)
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.http.routes import Route
from smartdc.emulator.http.violations import note_violation
from smartdc.emulator.rules import validation
from smartdc.emulator.rules.limits import check_limits
from smartdc.emulator.rules.provisioning import alias_taken_errors
from smartdc.emulator.state.fields import LONGEST_MACHINE_NAME
from smartdc.emulator.state.jobs import (
    REBOOT_SECONDS,
    START_SECONDS,
    STOP_SECONDS,
    UPDATE_SECONDS,
    Action,
    Step,
    Work,
)
from smartdc.emulator.state.resources import Package
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

ActionHandler = Callable[[Site, Incoming], Answer]


def update_machine(site: Site, request: Incoming) -> Answer:
    """``POST /:account/machines/:machine?action=ACTION``; an action in the body takes precedence.

    See docs/cloudapi/actions.md#where-the-action-is.
    """
    action = request.params.get("action")
    handler = ACTIONS.get(action) if isinstance(action, str) else None
    if handler is None:
        if action:
            raise invalid_argument(f"{as_text(action)} is not a valid action")
        raise missing_parameter("action is required")
    if request.vm.destroyed and action not in _HARMLESS_WHEN_DELETED:
        # A real server sends this answer, and then its process crashes.
        note_violation(
            site,
            request,
            f"{action} of a deleted machine kills the server's process",
            "action-on-a-deleted-machine",
        )
        return Answer(request.machine, 410)
    return handler(site, request)


def start(site: Site, request: Incoming) -> Answer:
    """Start the machine: running after 5 s. Accepted in any state, but the job fails unless it is stopped.

    See docs/cloudapi/actions.md#actions-are-accepted-without-a-check.
    """
    vm = request.vm
    work = Work(START_SECONDS, finish=becomes(vm, "running"), possible=partial(is_in, vm, "stopped"))
    return _queue(site, request, "start", work)


def stop(site: Site, request: Incoming) -> Answer:
    """Stop the machine: stopping after 1 s, stopped after 5 s."""
    vm = request.vm
    work = Work(
        STOP_SECONDS,
        finish=becomes(vm, "stopped"),
        steps=[Step(1, becomes(vm, "stopping"))],
        possible=partial(is_in, vm, "running"),
    )
    return _queue(site, request, "stop", work)


def reboot(site: Site, request: Incoming) -> Answer:
    """Reboot the machine: running for 3 s more, then stopped, ready, and running again.

    See docs/cloudapi/machines.md#reboot-is-seen-in-the-audit.
    """
    vm = request.vm
    work = Work(
        REBOOT_SECONDS,
        finish=becomes(vm, "running"),
        steps=[Step(3, becomes(vm, "stopped")), Step(5, becomes(vm, "ready"))],
        possible=partial(is_in, vm, "running"),
    )
    return _queue(site, request, "reboot", work)


def resize(site: Site, request: Incoming) -> Answer:
    """Resize the machine to a package; without one in the request, to the default package.

    See docs/cloudapi/actions.md#resize-without-a-package.
    """
    vm, package = request.vm, request.package
    if vm.brand == "kvm":
        raise invalid_argument("resize is not supported for KVM virtualmachines")
    requested = request.params.get("package")
    if package is None and requested:
        raise invalid_argument(f"{as_text(requested)} is not a valid package")
    package = package or _default_package(site, request)
    if package is None:
        raise missing_parameter("package must be specified")
    if not package.active:
        raise invalid_argument(f"{requested} is inactive. Must use an active package")
    _check_resize(site, request, package)
    apply = partial(take_package, vm, package.uuid, package.memory, package.disk)
    return _queue_update(site, request, "resize", apply)


def take_package(vm: VM, package_uuid: str, memory: int, disk: int, due: float) -> None:
    """At the end of a resize: give the machine the package's sizes."""
    vm.billing_id = package_uuid
    vm.ram = vm.max_physical_memory = memory
    if vm.brand == "bhyve":
        vm.flexible_disk_size = disk
        vm.free_space = disk - sum(each.size for each in vm.disks)
    else:
        vm.quota = disk / 1024
    vm.updated = due


def _default_package(site: Site, request: Incoming) -> Package | None:
    for package in site.packages.values():
        if package.default and package.active and package.visible_to(request.account.uuid):
            return package
    return None


def rename(site: Site, request: Incoming) -> Answer:
    """Rename the machine; its current name is refused as taken (docs/cloudapi/actions.md#rename)."""
    vm, name = request.vm, request.params.get("name")
    if not name:
        raise missing_parameter("New name must be specified")
    if isinstance(name, str) and len(name) > LONGEST_MACHINE_NAME:
        raise invalid_argument(f"Name cannot be longer than {LONGEST_MACHINE_NAME} characters.")
    if isinstance(name, str) and len(name) > 63 and request.account.triton_cns_enabled:
        raise invalid_argument(
            "Name cannot be longer than 63 characters, "
            "because you have triton_cns_enabled set on your Account."
        )
    check_provisioned(vm, "update")
    errors = validation.alias_errors(name)
    if not errors:
        errors = alias_taken_errors(site, vm, name)
    if errors:
        raise validation_failed("Invalid VM update parameters", errors)
    return _queue_update(site, request, "rename", partial(set_field, vm, "alias", name))


def enable_firewall(site: Site, request: Incoming) -> Answer:
    """Enable the firewall; there is no job when it is already enabled."""
    return _switch(site, request, "firewall_enabled", True, "unknown")


def disable_firewall(site: Site, request: Incoming) -> Answer:
    """Disable the firewall; there is no job when it is already disabled."""
    return _switch(site, request, "firewall_enabled", False, "unknown")


def enable_deletion_protection(site: Site, request: Incoming) -> Answer:
    """Accepted for a deleted machine (docs/cloudapi/actions.md#protection-of-a-deleted-machine)."""
    return _switch(site, request, "indestructible_zoneroot", True, "enable_deletion_protection")


def disable_deletion_protection(site: Site, request: Incoming) -> Answer:
    """Accepted for a deleted machine (docs/cloudapi/actions.md#protection-of-a-deleted-machine)."""
    return _switch(site, request, "indestructible_zoneroot", False, "disable_deletion_protection")


def machine_audit(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine/audit``: finished jobs, the newest first.

    See docs/cloudapi/machines.md#audit-lists-finished-jobs.
    """
    return Answer(
        [
            {
                "success": "yes" if job.execution == "succeeded" else "no",
                "time": site.shared.clock.dated(job.finished),
                "action": job.action,
                "caller": job.caller or {"type": "operator"},
            }
            for job in reversed(request.vm.jobs)
            if job.finished is not None
        ]
    )


def check_provisioned(vm: VM, action: str) -> None:
    """Refuse an action that VMAPI rejects while the machine is being provisioned."""
    if vm.state == "provisioning":
        message = f"Cannot call {action} for a VM that has not been provisioned yet"
        raise Refusal(409, "UnallocatedVM", message)


def permission_name(request: Incoming) -> str:
    """The operation's name in a 403 and in policies; each action has a different name."""
    name = request.route.name.lower() if request.route else ""
    if name == "updatemachine":
        action = as_text(request.params.get("action", "undefined"))
        return {
            "enable_firewall": "enablemachinefirewall",
            "disable_firewall": "disablemachinefirewall",
        }.get(action, f"{action}machine")
    return "setroletags" if name.startswith("replace") and name.endswith("roletags") else name


def _queue(site: Site, request: Incoming, task: str, work: Work) -> Answer:
    check_provisioned(request.vm, task)
    site.start_job(request.vm, task, task, work, caller=request.audit_caller)
    return Answer(status=202)


def _queue_update(site: Site, request: Incoming, action: str, apply: Action) -> Answer:
    vm = request.vm
    check_provisioned(vm, "update")
    work = Work(UPDATE_SECONDS, finish=apply, possible=partial(is_workable, vm))
    site.start_job(vm, "update", action, work, caller=request.audit_caller)
    return Answer(status=202)


def _switch(site: Site, request: Incoming, field: str, value: bool, action: str) -> Answer:
    if getattr(request.vm, field) == value:
        return Answer(status=202)  # no job
    return _queue_update(site, request, action, partial(set_field, request.vm, field, value))


def becomes(vm: VM, state: str) -> Action:
    """The action that sets the machine's state when it is due."""
    return partial(set_field, vm, "state", state)


def set_field(vm: VM, field: str, value: Any, due: float) -> None:
    """Set a field of the machine."""
    setattr(vm, field, value)
    vm.updated = due


def is_in(vm: VM, state: str) -> bool:
    """Whether the machine is in this state."""
    return vm.state == state


def is_workable(vm: VM) -> bool:
    """Whether a job can reach the machine."""
    return vm.workable


def _check_resize(site: Site, request: Incoming, package: Package) -> None:
    """Check the new package as CloudAPI does, and then as VMAPI does."""
    vm = request.vm
    image, current = site.images.get(vm.image_uuid), site.packages.get(vm.billing_id or "")
    requirements = image.requirements if image else {}
    low, high, memory = requirements.get("min_ram"), requirements.get("max_ram"), package.memory
    if low and low > memory:
        raise invalid_argument(f"Package RAM ({memory}) is less than allowed by the image ({low})")
    if high and high < memory:
        raise invalid_argument(f"Package RAM ({memory}) is more than allowed by the image ({high})")
    if current is not None and current.traits != package.traits:
        raise invalid_argument("Resizing to a package with differing traits not supported")
    if vm.brand == "bhyve" and not package.flexible_disk:
        raise invalid_argument("Resizing to a package without flexible disk space is not supported")
    check_limits(site, request.account, image, package, resized=vm)
    check_provisioned(vm, "update")
    errors: list[ErrorItem] = []
    if package.brand is not None and package.brand != vm.brand:
        message = f'Package requires brand "{package.brand}", but brand "{vm.brand}" was specified'
        errors.append(invalid_field("brand", message))
    used = sum(disk.size for disk in vm.disks)
    if vm.brand == "bhyve" and used > package.disk:
        message = (
            f"Cannot resize bhyve instance, existing disk usage ({used}) "
            f"exceeds the flexible disk size ({package.disk})"
        )
        raise validation_failed(message, [invalid_field("flexible_disk_size")])
    if vm.brand == "bhyve" and vm.state != "stopped":
        message = "VM not stopped: changing bhyve CPU or memory requires the instance to be stopped"
        raise Refusal(409, "VmNotStopped", message)
    if errors:
        raise validation_failed("Invalid VM update parameters", errors)


ACTIONS: dict[str, ActionHandler] = {
    "rename": rename,
    "start": start,
    "stop": stop,
    "reboot": reboot,
    "resize": resize,
    "enable_deletion_protection": enable_deletion_protection,
    "disable_deletion_protection": disable_deletion_protection,
    "enable_firewall": enable_firewall,
    "disable_firewall": disable_firewall,
}
_HARMLESS_WHEN_DELETED: Sequence[str] = ("enable_deletion_protection", "disable_deletion_protection")

ROUTES = [
    Route(
        "UpdateMachine",
        "POST",
        "/:account/machines/:machine",
        update_machine,
        params=("action", "name", "package", "origin", "credentials"),
    ),
    Route("MachineAudit", "GET", "/:account/machines/:machine/audit", machine_audit),
    Route("HeadAudit", "HEAD", "/:account/machines/:machine/audit", machine_audit),
]
