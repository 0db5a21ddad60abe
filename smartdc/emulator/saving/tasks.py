"""Converts the actions on the timeline to plain values and back: the name of a function, and its arguments.

Operations put partials of the functions below on the timeline. Machines and jobs among their arguments are
written as their ids; the other arguments are plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from smartdc.emulator.operations import (
    disks,
    image_making,
    lifecycle,
    machines,
    migrations,
    nics,
    snapshots,
    tag_and_metadata_jobs,
    volumes,
)
from smartdc.emulator.rules import mounting, provisioning
from smartdc.emulator.state import jobs, site
from smartdc.emulator.state.jobs import Job, Step, Timeline, Work
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

_FUNCTIONS: list[Callable[..., Any]] = [
    disks.attach_disk,
    disks.change_disks,
    disks.detach_disk,
    disks.set_size,
    image_making.activate,
    image_making.write_file,
    jobs.always,
    jobs.failure_of_job,
    jobs.nothing,
    jobs.start_of_job,
    jobs.success_of_job,
    lifecycle.is_in,
    lifecycle.is_workable,
    lifecycle.set_field,
    lifecycle.take_package,
    machines.disappear,
    machines.is_there,
    migrations.end_phase,
    migrations.pause,
    migrations.stop_for_switch,
    mounting.finish_volume,
    nics.attach,
    nics.can_attach,
    nics.can_detach,
    nics.change_and_boot,
    nics.detach,
    nics.halt,
    provisioning.boot,
    provisioning.place,
    site.note_jobs,
    snapshots.can_make,
    snapshots.drop_snapshot,
    snapshots.has_snapshot,
    snapshots.keep_snapshot,
    tag_and_metadata_jobs.write,
    volumes.disappear,
]


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


_BY_NAME = {_name(function): function for function in _FUNCTIONS}
_NAMES = {function: name for name, function in _BY_NAME.items()}


class NotSavedError(Exception):
    """An action cannot be saved: its function is not in the list, or its machine is in no list any more."""


def to_plain(value: Any) -> Any:
    """Convert an action, or one of its arguments, to plain values.

    Raises:
        NotSavedError: It cannot be saved.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list | tuple):
        return [to_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {"values": dict(value)}
    if isinstance(value, VM) and value.home is not None:
        return {"machine": value.uuid}
    if isinstance(value, Job):
        return {"job": value.uuid}
    if isinstance(value, Site):
        return {"here": "datacenter"}
    if isinstance(value, Timeline):
        return {"here": "timeline"}
    if isinstance(value, Work):
        return {"work": _plain_work(value)}
    function = value.func if isinstance(value, partial) else value
    try:
        name = _NAMES[function]
    except (KeyError, TypeError):
        raise NotSavedError(f"{value!r:.200}") from None
    return {"do": name, "with": to_plain(value.args) if isinstance(value, partial) else []}


def _plain_work(work: Work) -> dict[str, Any]:
    return {
        "seconds": work.seconds,
        "finish": to_plain(work.finish),
        "steps": [[step.offset, to_plain(step.act)] for step in work.steps],
        "possible": to_plain(work.possible),
        "lag": work.lag,
        "after": to_plain(work.after),
    }


class GoneError(Exception):
    """The machine or the job of a saved action was not saved."""


class Reader:
    """Converts plain values back to actions, for a data center whose machines have been restored."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._jobs = {job.uuid: job for vm in site.unsettled_machines.values() for job in vm.jobs}

    def read(self, value: Any) -> Any:
        """Convert what `to_plain` returned back.

        Raises:
            GoneError: The data center does not have the machine or the job.
            LookupError: There is no function of this name.
        """
        if isinstance(value, list):
            return [self.read(each) for each in value]
        if not isinstance(value, dict):
            return value
        kind = next(iter(value))
        content = value[kind]
        if kind == "values":
            return content
        if kind in ("machine", "job"):
            records = self._site.unsettled_machines if kind == "machine" else self._jobs
            found = records.get(content)
            if found is None:
                raise GoneError(content)
            return found
        if kind == "here":
            return self._site.timeline if content == "timeline" else self._site
        if kind == "work":
            return self._work(content)
        function = _BY_NAME[value["do"]]
        arguments = self.read(value["with"])
        return partial(function, *arguments) if arguments else function

    def _work(self, content: dict[str, Any]) -> Work:
        return Work(
            content["seconds"],
            finish=self.read(content["finish"]),
            steps=[Step(offset, self.read(act)) for offset, act in content["steps"]],
            possible=self.read(content["possible"]),
            lag=content["lag"],
            after=self.read(content["after"]),
        )
