"""What tags and metadata have in common: the job that changes them, and the keys that no server survives."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote

from smartdc.emulator.http.answers import Refusal, crashed
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.operations.lifecycle import is_workable
from smartdc.emulator.state.jobs import WRITE_SECONDS, Job, Work
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

Value = TypeVar("Value")

#: What the server's HTTP client refuses to put into a path, and then hangs or throws.
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
    """Queue a change of tags or metadata; on a machine that is gone it is taken on and fails.

    See docs/cloudapi/tags-and-metadata.md#machines-that-are-not-running.

    Args:
        site: The data center.
        request: Who asks for it, and of which machine.
        action: The audit's word for it.
        field: ``tags`` or ``customer_metadata``.
        removed: The keys that it removes.
        new: What it sets.
    """
    vm = request.vm
    finish = partial(write, vm, field, list(removed), dict(new or {}))
    work = Work(WRITE_SECONDS, finish=finish, possible=partial(is_workable, vm))
    return site.start_job(vm, "update", action, work, caller=request.audit_caller)


def write(vm: VM, field: str, removed: Collection[str], new: Mapping[str, Any], due: float) -> None:
    """At the end: some keys are gone, others have new values."""
    setattr(vm, field, without(getattr(vm, field), removed) | dict(new))
    vm.updated = due


def without(values: Mapping[str, Value], keys: Collection[str]) -> dict[str, Value]:
    """The same without some keys."""
    return {key: value for key, value in values.items() if key not in keys}


def key_at_vmapi(site: Site, request: Incoming, param: str) -> str:
    """The key that a path names, as it reaches VMAPI: CloudAPI does not escape it on the way there.

    Raises:
        Refusal: 500 for a key that makes the real server hang or throw
            (docs/cloudapi/hazards.md#keys-with-a-space); 400 for a percent sign that begins no escape
            (docs/cloudapi/tags-and-metadata.md#keys-with-a-percent-sign).
    """
    key = str(request.params[param])
    if _UNSENDABLE.search(key):
        site.shared.violations.append(
            f"{request.method} {request.target}: a key with a space makes a server hang or throw"
            " (docs/cloudapi/hazards.md#keys-with-a-space)"
        )
        raise crashed("Request path contains unescaped characters")
    try:
        if _BAD_ESCAPE.search(key):
            raise ValueError
        return unquote(key, errors="strict")
    except ValueError:
        raise Refusal(400, "BadRequestError", "URI malformed") from None
