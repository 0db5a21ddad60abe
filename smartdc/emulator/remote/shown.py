"""The JSON values by which the control over HTTP shows an emulator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from smartdc.emulator.contents.fault_file import written
from smartdc.emulator.control.controls import Controls
from smartdc.emulator.http.calls import Call
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

#: How many of the last violations, and of the unsupported requests to machines, are shown.
LAST = 100
#: The length to which texts that clients have chosen are cut.
_LONGEST = 300


def machine(site: Site, vm: VM) -> dict[str, Any]:
    """Return a machine as an item of a list."""
    owner = site.shared.directory.find(vm.owner_uuid)
    image, package = site.images.get(vm.image_uuid), site.packages.get(vm.billing_id or "")
    return {
        "id": vm.uuid,
        "datacenter": site.name,
        "account": owner.login if owner else vm.owner_uuid,
        "name": vm.alias,
        "state": vm.shown_state,
        "created": vm.created,
        "image": image.name if image else vm.image_uuid,
        "package": package.name if package else vm.billing_id,
        "ips": [nic.ip for nic in vm.nics],
        "tags": dict(vm.tags),
    }


def machines(cloud: Controls, datacenter: str | None, state: str | None) -> list[dict[str, Any]]:
    """Return the machines of a data center or of all, in one state or in any."""
    sites = list(cloud.sites.values()) if datacenter is None else [cloud.site(datacenter)]
    return [
        machine(site, vm)
        for site in sites
        for vm in site.machines.values()
        if state in (None, vm.shown_state)
    ]


def call(made: Call) -> dict[str, Any]:
    """Return a request with all its fields."""
    return {
        **call_row(made),
        "target": made.target,
        "path": made.path,
        "query": made.query,
        "headers": made.headers,
        "body": made.body,
        "response": made.response,
        "ignored": list(made.ignored),
    }


def call_row(made: Call) -> dict[str, Any]:
    """Return a request as the status page shows it."""
    response = made.response if made.status >= 400 else None
    code = response.get("code") if isinstance(response, dict) else None
    return {
        "datacenter": made.datacenter,
        "method": made.method,
        "target": _cut(made.target),
        "operation": made.operation,
        "status": made.status,
        "code": code,
        "fault": type(made.fault).__name__ if made.fault is not None else None,
        "agent": _cut(made.headers.get("user-agent", "")),
    }


def faults(cloud: Controls) -> list[dict[str, Any]]:
    """Return the faults that were added."""
    return [
        {
            "operation": planned.operation,
            **written(planned.fault),
            "times": planned.times,
            "probability": planned.probability,
            "datacenter": planned.datacenter,
            "applied": planned.applied,
        }
        for planned in cloud.faults.planned
    ]


def status(cloud: Controls) -> dict[str, Any]:
    """Return everything but machines, calls and the time."""
    throttle, read_only = cloud.switches.throttle, cloud.switches.read_only
    return {
        "account": cloud.account.login,
        "datacenters": [
            {
                "name": site.name,
                "url": cloud.urls.get(site.name),
                "fail_next_provision": site.fail_next_provision,
            }
            for site in cloud.sites.values()
        ],
        "faults": faults(cloud),
        "throttle": None if throttle is None else {"rate": throttle.rate, "burst": throttle.burst},
        "read_only": read_only is not None and read_only.is_active,
        "violations": _last(cloud.violations),
        "unsupported": _last(cloud.unsupported),
    }


def _last(texts: Iterable[str]) -> dict[str, Any]:
    all_of_them = list(texts)
    return {"count": len(all_of_them), "last": [_cut(text) for text in all_of_them[-LAST:]]}


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
