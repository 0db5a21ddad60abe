"""The shapes of what the server returns, compared with the OpenAPI description of CloudAPI.

tests/data/README.md says where it is from. Editors use what is required: a field that is always present can
be read without a check, and for other fields they ask for one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Required, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from smartdc import types

SCHEMAS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "cloudapi-openapi.json").read_text(encoding="utf-8")
)["components"]["schemas"]
NAMES = {
    "FabricVLAN": "FabricVlan",
    "Key": "SshKey",
    "MachineData": "Machine",
    "NIC": "Nic",
    "NetworkIP": "NetworkIp",
    "SnapshotData": "Snapshot",
}
"""Our names and the description's, where they differ."""
RETURNED = [
    name
    for name in types.__all__
    if is_typeddict(getattr(types, name)) and "required" in SCHEMAS.get(NAMES.get(name, name), {})
]
DIFFERENT = {
    # Always present: TritonDataCenter/sdc-cloudapi lib/datasets.js, lib/membership.js (translateGroup).
    "Image": {"requirements"},
    "Role": {"members", "policies"},
    # Absent where the record of the snapshot has none: lib/snapshots.js (translate).
    "SnapshotData": {"state"},
    # An answer to an action shows it as the phase.
    "MigrationPhase": {"pause", "abort"},
}
"""Where the server is known to differ from the description."""
STATES = {
    "Brand": "VmBrand",
    "ImageState": "ImageState",
    "MachineState": "MachineState",
    "MachineType": "MachineType",
    "MigrationPhase": "MigrationPhase",
    "MigrationState": "MigrationState",
    "NICState": "NicState",
    "SnapshotState": "SnapshotState",
    "VolumeState": "VolumeState",
}


def required(name: str) -> set[str]:
    shape = getattr(types, name)
    hints = get_type_hints(shape, include_extras=True)
    total = shape.__total__
    return {
        field
        for field, hint in hints.items()
        if get_origin(hint) is Required or (total and not optional(hint))
    }


def optional(hint: Any) -> bool:
    return "NotRequired" in str(hint)


@pytest.mark.parametrize("name", RETURNED)
def test_fields_that_are_always_present_are_required(name: str) -> None:
    assert required(name) ^ set(SCHEMAS[NAMES.get(name, name)]["required"]) == DIFFERENT.get(name, set())


@pytest.mark.parametrize("name", STATES)
def test_states_are_those_of_the_description(name: str) -> None:
    schema = SCHEMAS[STATES[name]]
    known = {word for part in [schema, *schema.get("oneOf", [])] for word in part.get("enum", [])}
    assert set(get_args(getattr(types, name))) - known == DIFFERENT.get(name, set())
