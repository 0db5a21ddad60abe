"""Machines: create, list, get, delete. The checks and the steps of a creation are in `provisioning`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any

from smartdc.emulator.http.answers import (
    Answer,
    ErrorItem,
    Refusal,
    crashed,
    invalid_argument,
    invalid_field,
    validation_failed,
)
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.machine_json import machine_list
from smartdc.emulator.http.parameters import as_text, is_uuid
from smartdc.emulator.http.routes import Route
from smartdc.emulator.http.violations import note_violation
from smartdc.emulator.rules import validation
from smartdc.emulator.rules.provisioning import CREATE_PARAMS, create_machine
from smartdc.emulator.rules.tag_text import fits_filter
from smartdc.emulator.state.directory import Account
from smartdc.emulator.state.jobs import DELETE_LAG_SECONDS, DELETE_SECONDS, Work, nothing
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import LISTED_STATES, VM

LONGEST_PAGE = 1000
_TAG_FILTER = re.compile(r"tag\..+", re.DOTALL)
_INVALID_IN_HEADERS = re.compile(r"[^\t\x20-\x7e\x80-\xff]")  # Node rejects these characters in a header
#: Characters that break the search filter of tags (docs/cloudapi/lists.md#tag-filters-are-not-escaped).
_BREAKS_FILTER = re.compile(r"[()\\]")
LIST_PARAMS = (
    "type",
    "brand",
    "name",
    "image",
    "dataset",
    "state",
    "memory",
    "tombstone",
    "limit",
    "offset",
    "docker",
    "credentials",
    "tags",
    "tag.",
)


def list_machines(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines``: one page, in descending order of uuid.

    See docs/cloudapi/lists.md#order-of-machines.
    """
    params = request.params
    if params.get("dataset") and params.get("image"):
        raise invalid_argument("image and dataset are mutually exclusive parameters.")
    filters = _filters(params)
    for name in ("limit", "offset"):
        if isinstance(params.get(name), list):
            note_violation(site, request, f"a repeated {name} kills the server's process", "repeated-limit")
            raise crashed(f"{name} (string) is required")
    wants_all_tagged = params.get("tags") == "*"  # overrides state, limit and every filter but type
    if not wants_all_tagged:
        _check_filters(filters)
    found = _found(site, request.account, params.get("type"), {} if wants_all_tagged else filters)
    headers = {}
    if not wants_all_tagged:
        headers["x-query-limit"] = as_text(filters["limit"]).strip()
        if _INVALID_IN_HEADERS.search(headers["x-query-limit"]):
            raise crashed("The header content contains invalid characters")
    credentials = params.get("credentials")
    # docs/cloudapi/lists.md#package-in-a-list-query
    named = not params.get("package")
    shown = machine_list(site, found, request.version, credentials, with_package=named)
    return Answer(shown, headers=headers | {"x-resource-count": str(len(found))})


def get_machine(site: Site, request: Incoming) -> Answer:
    """``GET /:account/machines/:machine``: 410 with the machine's data when it is deleted.

    See docs/cloudapi/machines.md#deleted-machines-are-gone.
    """
    return Answer(request.machine, 410 if request.vm.destroyed else 200)


def delete_machine(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/machines/:machine``."""
    vm = request.vm
    if vm.destroyed:
        return Answer(request.machine, 410)
    if vm.indestructible_zoneroot:
        message = 'Instance has "deletion_protection" enabled, preventing deletion'
        raise Refusal(409, "CannotDestroyMachineError", message)
    earlier = vm.jobs_of("destroy")
    if earlier and earlier[0].execution == "succeeded":
        return Answer(vm.uuid, 410)  # the job has finished and the state lags: the body is only the uuid
    if earlier and earlier[0].execution in ("running", "queued"):
        return Answer(status=204)
    if vm.server_uuid is None:
        raise Refusal(409, "ConflictError", "Cannot delete a VM with no server_uuid")
    work = Work(
        DELETE_SECONDS,
        finish=nothing,
        possible=partial(is_there, vm),
        lag=DELETE_LAG_SECONDS,
        after=partial(disappear, site, vm),
    )
    site.start_job(vm, "destroy", "destroy", work, caller=request.audit_caller)
    return Answer(status=204)


def is_there(vm: VM) -> bool:
    """Whether the machine can be deleted."""
    return not vm.destroyed


def disappear(site: Site, vm: VM, due: float) -> None:
    """Delete the machine, some time after its job has finished."""
    vm.becomes("destroyed", due)
    site.release(vm.nics)


def _filters(params: dict[str, Any]) -> dict[str, Any]:
    """Translate the filters to VMAPI's names; parameters that CloudAPI does not know are left out."""
    filters: dict[str, Any] = {}
    if "state" in params:
        state = params["state"]
        if not isinstance(state, str) or state not in LISTED_STATES:
            raise invalid_argument(f"{as_text(state)} is not a valid state")
        filters["state"] = LISTED_STATES[state]
    if "type" in params and params["type"] not in ("smartmachine", "virtualmachine"):
        raise invalid_argument(f"{as_text(params['type'])} is not a valid type")
    if "docker" in params:
        docker = params["docker"]
        if isinstance(docker, str) and docker not in ("true", "false"):
            raise invalid_argument(f"{docker} is not a valid boolean")
        filters["docker"] = docker in (True, "true")
    for parameter, name in (
        ("brand", "brand"),
        ("image", "image_uuid"),
        ("memory", "ram"),
        ("name", "alias"),
    ):
        if params.get(parameter) and not _is_ignored(params[parameter]):
            filters[name] = params[parameter]
    filters["limit"] = params.get("limit") or LONGEST_PAGE
    filters["offset"] = params.get("offset") or 0
    filters |= {name: value for name, value in params.items() if _TAG_FILTER.fullmatch(name)}
    if not params.get("tombstone"):
        filters.setdefault("state", "active")
    return filters


def _is_ignored(value: Any) -> bool:
    """Whether a filter is ignored: ``name[]=a`` is, while two ``name=`` are refused.

    See docs/cloudapi/lists.md#two-names-are-two-errors.
    """
    return isinstance(value, list) and len(value) == 1


def _parse_int(value: Any) -> int:
    """Parse a limit as JavaScript's parseInt does (docs/cloudapi/lists.md#odd-limits-that-pass)."""
    found = re.match(r"\s*\+?[0-9]+", str(value))
    return int(found[0]) if found else 0


def _check_filters(filters: dict[str, Any]) -> None:
    """Check the filters in the order in which VMAPI does."""
    errors: list[ErrorItem] = []
    if "alias" in filters:
        errors += validation.alias_errors(filters["alias"], longest=None)
    if "brand" in filters:
        errors += validation.one_of_errors("brand", filters["brand"], validation.BRANDS)
    if "image_uuid" in filters and not is_uuid(filters["image_uuid"]):
        errors.append(invalid_field("image_uuid", "Invalid UUID"))
    errors += validation.number_errors("limit", filters["limit"], 1, LONGEST_PAGE)
    errors += validation.number_errors("offset", filters["offset"])
    if "ram" in filters:
        errors += validation.memory_errors(filters["ram"])
    if "state" in filters:
        errors += validation.one_of_errors("state", filters["state"], validation.LIST_STATES)
    for name, value in filters.items():
        if name.startswith("tag.") and (not isinstance(value, str) or not value):
            errors.append(invalid_field("tag", f'Invalid tag value: "{as_text(value)}"'))
    if errors:
        raise validation_failed("Invalid Parameters", errors)
    if any(
        name.startswith("tag.") and _BREAKS_FILTER.search(name + value) for name, value in filters.items()
    ):
        raise crashed("Internal Error")


def _found(site: Site, account: Account, kind: Any, filters: dict[str, Any]) -> list[VM]:
    """Find the machines of a page, in order; without filters every machine that has tags."""
    owned = site.machines.of(account.uuid)
    in_order = owned.active if filters.get("state") == "active" else owned.every
    checks = list(_checks(filters)) if filters else [lambda vm: bool(vm.tags)]
    if kind is not None:
        checks.append(lambda vm: vm.is_hardware == (kind == "virtualmachine"))
    first, count = _parse_int(filters.get("offset", 0)), _parse_int(filters.get("limit", len(in_order)))
    if not checks:  # no filter: slice the page without looking at the other machines
        end = max(0, len(in_order) - first)
        return list(site.machines.listed(reversed(in_order[max(0, end - count) : end])))
    found = site.machines.listed(reversed(in_order))
    for check in checks:
        found = filter(check, found)
    return list(islice(found, first, first + count))


def _checks(filters: dict[str, Any]) -> Iterator[Callable[[VM], bool]]:
    """Yield a check for each filter of a list but ``active``."""
    for name in ("state", "docker", "brand", "image_uuid"):
        if name in filters and (name, filters[name]) != ("state", "active"):
            yield partial(_has, name, filters[name])
    if "ram" in filters:
        yield partial(_has, "max_physical_memory", int(filters["ram"]))
    if filters.get("alias"):
        alias = filters["alias"]
        yield lambda vm: vm.alias.startswith(alias)
    for name, value in filters.items():
        if name.startswith("tag."):
            yield partial(_is_tagged, name[len("tag.") :], value)


def _has(field: str, value: Any, vm: VM) -> bool:
    return bool(getattr(vm, field) == value)


def _is_tagged(name: str, value: str, vm: VM) -> bool:
    return fits_filter(vm.tags, name, value)


ROUTES = [
    Route("CreateMachine", "POST", "/:account/machines", create_machine, params=CREATE_PARAMS),
    Route("ListMachines", "GET", "/:account/machines", list_machines, params=LIST_PARAMS),
    Route("HeadMachines", "HEAD", "/:account/machines", list_machines, params=LIST_PARAMS),
    Route("GetMachine", "GET", "/:account/machines/:machine", get_machine, params=("credentials",)),
    Route("HeadMachine", "HEAD", "/:account/machines/:machine", get_machine, params=("credentials",)),
    Route("DeleteMachine", "DELETE", "/:account/machines/:machine", delete_machine, params=("origin",)),
]
