"""The changes that the change feed reports."""

from __future__ import annotations

from typing import Required, TypedDict

from smartdc.types.machines import MachineData

__all__ = [
    "Change",
    "ChangeKind",
]


class ChangeKind(TypedDict):
    """What has changed: `resource` is ``vm``, `subResources` names its fields as VMAPI does."""

    resource: str
    subResources: list[str]


class Change(TypedDict, total=False):
    """A change of a machine. `published` is in milliseconds since 1970, as text.

    `resourceState` is the state as VMAPI names it, `resourceObject` the machine, without its package's name.
    """

    changeKind: Required[ChangeKind]
    changedResourceId: Required[str]
    published: str
    resourceObject: MachineData
    resourceState: str
