"""What tags and metadata have in common: the job that changes them, and the keys that no server survives."""

from __future__ import annotations

import re

from smartdc.emulator.http.answers import crashed
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.state.jobs import WRITE_SECONDS, Action, Job, Work
from smartdc.emulator.state.site import Site

#: What the server's HTTP client refuses to put into a path, and then hangs or throws.
_UNSENDABLE = re.compile(r"[\x00-\x20\x7f]")


def start_write(site: Site, request: Incoming, action: str, apply: Action) -> Job:
    """Queue a change of tags or metadata; on a machine that is gone it is taken on and fails.

    See docs/cloudapi/tags-and-metadata.md#machines-that-are-not-running.
    """
    vm = request.vm

    def finish(due: float) -> None:
        apply(due)
        vm.updated = due

    work = Work(WRITE_SECONDS, finish=finish, possible=lambda: vm.workable)
    return site.start_job(vm, "update", action, work, caller=request.audit_caller)


def check_key(site: Site, request: Incoming, key: str) -> None:
    """Refuse a key that makes the real server hang or throw (docs/cloudapi/hazards.md#keys-with-a-space)."""
    if _UNSENDABLE.search(key):
        site.shared.violations.append(
            f"{request.method} {request.target}: a key with a space makes a server hang or throw"
            " (docs/cloudapi/hazards.md#keys-with-a-space)"
        )
        raise crashed("Request path contains unescaped characters")
