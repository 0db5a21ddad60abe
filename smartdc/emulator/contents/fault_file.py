"""A file of faults: calls of `Emulator.faults.add`, as TOML.

::

    seed = 7

    [[faults]]
    operation = "CreateMachine"
    fault = "Drop"
    after_commit = true
    times = 1
"""

from __future__ import annotations

import os
from dataclasses import MISSING
from dataclasses import fields as fields_of
from typing import Any

from smartdc.emulator import faults as kinds
from smartdc.emulator.contents.toml_file import Table, TomlFile
from smartdc.emulator.faults import Fault, Faults
from smartdc.emulator.http import known_faults
from smartdc.emulator.http.fault_kinds import STATUS
from smartdc.emulator.state.kinds import FLAG, INTEGER, NUMBER, TABLE, TABLES, TEXT, Kind

BODY = Kind("text or a table", lambda value: isinstance(value, str | dict))
_PLAN = {"operation": TEXT, "fault": TEXT, "times": INTEGER, "probability": NUMBER, "datacenter": TEXT}
#: The kind of value in a file, by the type of a fault's field.
_KINDS = {
    "int": INTEGER,
    "float": NUMBER,
    "bool": FLAG,
    "str": TEXT,
    "Mapping[str, str]": TABLE,
    "dict[str, Any] | str | bytes | None": BODY,
}


def _fields(kind: type[Fault]) -> tuple[dict[str, Kind], tuple[str, ...]]:
    """Its fields, and the names of the required ones."""
    given = [field for field in fields_of(kind) if field.init]
    needed = [field.name for field in given if field.default is MISSING and field.default_factory is MISSING]
    return {field.name: _KINDS[str(field.type)] for field in given}, tuple(needed)


_CLASSES = [kind for kind in Fault.__subclasses__() if kind.__module__ == Fault.__module__]
_CONSTANTS = [name for name, value in vars(known_faults).items() if isinstance(value, Fault)]
#: By fault, its own fields, and the required ones among them.
_FAULTS = {kind.__name__: _fields(kind) for kind in _CLASSES} | {name: ({}, ()) for name in _CONSTANTS}

#: The field that an error of `Faults.add` is about, by the beginning of its message.
_FIELD_OF_ERROR = {
    "there is no operation": "operation",
    "there is no data center": "datacenter",
    "times": "times",
    "probability": "probability",
    "seconds": "seconds",
}


def load_faults(faults: Faults, path: str | os.PathLike[str]) -> None:
    """Add the faults of a file.

    Raises:
        ValueError: The file cannot be read, or it has an error; the message has line and field.
    """
    add_faults(faults, TomlFile(path).table)


def add_faults(faults: Faults, top: Table) -> None:
    """Add the faults of a table; add none if one of them has an error.

    Raises:
        ValueError: The table has an error.
    """
    settings = top.fields({"seed": INTEGER, "faults": TABLES})
    for target in (faults.copy(), faults):  # the copy finds the errors
        for table in top.tables("faults"):
            _add(target, table)
    if "seed" in settings:
        faults.seed(settings["seed"])


def written(fault: Fault) -> dict[str, Any]:
    """A fault as a table of the file; a named constant is written as its fields."""
    values = {field.name: getattr(fault, field.name) for field in fields_of(fault) if field.init}
    if isinstance(values.get("body"), bytes):
        values["body"] = values["body"].decode("utf-8", "replace")
    return {
        "fault": type(fault).__name__,
        **{name: value for name, value in values.items() if value is not None},
    }


def _add(faults: Faults, table: Table) -> None:
    name = table.get("fault")
    if isinstance(name, str) and name not in _FAULTS:
        table.refuse("fault", f"must be one of {', '.join(_FAULTS)}, not {name!r}")
    own, required = _FAULTS.get(str(name), ({}, ()))
    fields = table.fields(_PLAN | own, ("operation", "fault", *required))
    kind = getattr(kinds, fields.pop("fault"))
    arguments = {name: fields.pop(name) for name in own if name in fields}
    if kind is kinds.Status and (problem := STATUS["status"].problem(arguments["status"])) is not None:
        table.refuse("status", problem)
    try:
        fault: Fault = kind if isinstance(kind, Fault) else kind(**arguments)
        faults.add(fields.pop("operation"), fault, **fields)
    except ValueError as error:
        field = next(field for begin, field in _FIELD_OF_ERROR.items() if str(error).startswith(begin))
        table.refuse(field, f"cannot be used: {error}")
