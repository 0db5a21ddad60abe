"""Shared by tags and metadata: the job that changes them, and the keys that crash a real server."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote

from smartdc.emulator.http.answers import Refusal, crashed
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.violations import note_violation
from smartdc.emulator.operations.lifecycle import is_workable
from smartdc.emulator.state.jobs import WRITE_SECONDS, Job, Work
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

Value = TypeVar("Value")

#: Characters that the server's HTTP client refuses in a path: the server then hangs or throws.
_UNSENDABLE = re.compile(r"[\x00-\x20\x7f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


def start_write(
    site: Site,
    request: Incoming,
    action: str,
    field: str,
    *,
    removed: Collection[str] = (),
    new: Mapping[str, Any] | None = None,
) -> Job:
    """Queue a change of tags or metadata; it is accepted even if the job cannot reach the machine and fails.

    See docs/cloudapi/tags-and-metadata.md#machines-that-are-not-running.

    Args:
        site: The data center.
        request: The request for the change.
        action: The name of the change in the audit.
        field: ``tags`` or ``customer_metadata``.
        removed: The keys to remove.
        new: The keys to set, with their values.
    """
    vm = request.vm
    finish = partial(write, vm, field, list(removed), dict(new or {}))
    work = Work(WRITE_SECONDS, finish=finish, possible=partial(is_workable, vm))
    return site.start_job(vm, "update", action, work, caller=request.audit_caller)


def write(vm: VM, field: str, removed: Collection[str], new: Mapping[str, Any], due: float) -> None:
    """At the end of the job: remove some keys and set others."""
    setattr(vm, field, without(getattr(vm, field), removed) | dict(new))
    vm.updated = due


def without(values: Mapping[str, Value], keys: Collection[str]) -> dict[str, Value]:
    """Copy the values without some keys."""
    return {key: value for key, value in values.items() if key not in keys}


def key_at_vmapi(site: Site, request: Incoming, param: str) -> str:
    """The key in the path as VMAPI gets it: CloudAPI passes it on without escaping it again.

    Raises:
        Refusal: 500 for a key that makes the real server hang or throw
            (docs/cloudapi/hazards.md#keys-with-a-space); 400 for a percent sign that does not begin an escape
            (docs/cloudapi/tags-and-metadata.md#keys-with-a-percent-sign).
    """
    key = str(request.params[param])
    if _UNSENDABLE.search(key):
        note_violation(site, request, "a key with a space makes a server hang or throw", "keys-with-a-space")
        raise crashed("Request path contains unescaped characters")
    try:
        if _BAD_ESCAPE.search(key):
            raise ValueError
        return unquote(key, errors="strict")
    except ValueError:
        raise Refusal(400, "BadRequestError", "URI malformed") from None
