"""Where cloudapi-openapi.json differs from the server, with the source of each deviation.

The description was derived from a rewrite of the server. The sources are, best first, the facts of
`docs/cloudapi`, the server's code (a file in lib/ of sdc-cloudapi 9.20.0, or of sdc-vmapi where that is
named), and its reference ("docs", with the operation).
"""

from __future__ import annotations

from tests.contract.openapi_fix import (
    Deviation,
    Schema,
    added,
    answer,
    prop,
    query,
    ref,
    required,
    schema,
)

__all__ = ["ACTIONS", "DEVIATIONS"]

#: Which schema a body has where that depends on the action, which the description leaves open.
ACTIONS: dict[tuple[str, str | None], str] = {
    ("create_or_import_image", None): "CreateImageRequest",
    ("create_or_import_image", "import-from-datacenter"): "NoRequest",
    ("update_image", "update"): "UpdateImageRequest",
    ("update_image", "export"): "ExportImageRequest",
    ("update_image", "clone"): "CloneImageRequest",
    ("update_machine", "start"): "StartMachineRequest",
    ("update_machine", "stop"): "StopMachineRequest",
    ("update_machine", "reboot"): "RebootMachineRequest",
    ("update_machine", "resize"): "ResizeMachineRequest",
    ("update_machine", "rename"): "RenameMachineRequest",
    ("update_machine", "enable_firewall"): "EnableFirewallRequest",
    ("update_machine", "disable_firewall"): "DisableFirewallRequest",
    ("update_machine", "enable_deletion_protection"): "EnableDeletionProtectionRequest",
    ("update_machine", "disable_deletion_protection"): "DisableDeletionProtectionRequest",
    ("update_volume", "update"): "UpdateVolumeRequest",
    ("update_volume", None): "UpdateVolumeRequest",
    ("resize_machine_disk", "resize"): "ResizeDiskRequest",
}

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_TEXT_OR_NULL: Schema = {"type": "string", "nullable": True}
_NUMBER: Schema = {"type": "integer", "minimum": 0}
_FLAG: Schema = {"type": "boolean"}
_UUID: Schema = {"type": "string", "format": "uuid"}
_VALUE: Schema = {"type": ["string", "number", "boolean"]}
_OBJECTS: Schema = {"type": "array", "items": {"type": "object", "additionalProperties": True}}

_MACHINES = "/{account}/machines"
_MACHINE = "/{account}/machines/{machine}"
_IMAGES = "/{account}/images"
_IMAGE = "/{account}/images/{dataset}"
_DISKS = "/{account}/machines/{machine}/disks"
_MIGRATE = "/{account}/machines/{machine}/migrate"
_IPS = "/{account}/networks/{network}/ips"


def _any(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _list(*schemas: Schema) -> Schema:
    return {"type": "array", "items": _any(*schemas)}


DEVIATIONS: list[Deviation] = [
    schema(
        "SnapshotState",
        {"enum": ["queued", "running", "creating", "created", "failed", "canceled", "deleted", "unknown"]},
        "snapshots.js translate: the execution of the latest job, so that one being deleted is running",
    ),
    # Errors
    prop("Error.errors", _OBJECTS, "docs, CloudAPI HTTP Responses"),
    required("Error", ["message"], "docs/cloudapi/errors.md#answers-without-a-code"),
    # Lists of machines
    *(
        deviation
        for verb in ("GET", "HEAD")
        for deviation in (
            query(verb, _MACHINES, "tag.", _VALUE, "docs/cloudapi/lists.md#tag-filters: not tag="),
            query(verb, _MACHINES, "tags", _TEXT, "docs/cloudapi/lists.md#all-that-have-tags: tags=*"),
            query(
                verb,
                _MACHINES,
                "tombstone",
                _NUMBER,
                "docs/cloudapi/lists.md#tombstone-shows-failed-machines; docs of API 7: minutes",
            ),
            query(
                verb,
                _MACHINES,
                "state",
                {"enum": ["running", "stopped", "provisioning", "stopping", "active", "destroyed"]},
                "docs/cloudapi/lists.md#other-states-are-refused: deleted is refused",
            ),
        )
    ),
    # Machines
    query("GET", _MACHINE, "credentials", _FLAG, "machines.js translate"),
    prop(
        "Machine.credentials",
        {"type": ["string", "boolean"]},
        "docs/cloudapi/lists.md#credentials-in-a-list",
    ),
    answer("GET", _MACHINE, 410, ref("Machine"), "docs/cloudapi/machines.md#deleted-machines-are-gone"),
    answer("POST", _MACHINE, 410, ref("Machine"), "docs/cloudapi/actions.md#actions-on-a-deleted-machine"),
    answer(
        "DELETE",
        _MACHINE,
        410,
        _any(ref("Machine"), _UUID),
        "docs/cloudapi/actions.md#answers-of-a-deletion: the machine, or its uuid as text",
    ),
    Deviation(
        ("components", "schemas", "CreateMachineRequest", "patternProperties"),
        {r"^tag\..": _VALUE, r"^metadata\.\w": _VALUE},
        "docs/cloudapi/create.md#nested-tags-and-metadata-are-dropped: flat keys are read",
    ),
    prop("CreateMachineRequest.tags", False, "docs/cloudapi/create.md#nested-tags-and-metadata-are-dropped"),
    prop(
        "CreateMachineRequest.metadata",
        False,
        "docs/cloudapi/create.md#nested-tags-and-metadata-are-dropped",
    ),
    prop("CreateMachineRequest.credentials", _FLAG, "machines.js translate: read from the body"),
    prop(
        "CreateMachineRequest.networks",
        _any({"type": "array", "items": _UUID}, {"type": "array", "items": ref("NetworkObject")}),
        "docs, CreateMachine; docs/cloudapi/create.md#mixed-networks-are-refused",
    ),
    prop("DiskSpec.id", _UUID, "docs, CreateMachine: disks"),
    prop("DiskSpec.size", _any(_NUMBER, {"enum": ["remaining"]}), "docs, CreateMachine: disks"),
    # NICs
    prop("AddNicRequest.network", _any(_UUID, ref("NetworkObject")), "docs, AddNic"),
    answer("POST", "/{account}/machines/{machine}/nics", 302, None, "docs/cloudapi/networks.md#add-a-nic"),
    # Disks
    prop(
        "CreateDiskRequest.size",
        _any({"type": "integer"}, {"enum": ["remaining"]}),
        "docs, CreateMachineDisk; endpoints/disks.js",
    ),
    answer(
        "POST",
        _DISKS,
        200,
        ref("Disk"),
        "docs, CreateMachineDisk; endpoints/disks.js: the disk where a slot is given, and never 201",
    ),
    answer("POST", _DISKS, 202, None, "docs, CreateMachineDisk; endpoints/disks.js: where no slot is given"),
    schema(
        "DiskState",
        {
            "enum": [
                "creating",
                "resizing",
                "deleting",
                "running",
                "stopped",
                "stopping",
                "provisioning",
                "failed",
            ]
        },
        "endpoints/disks.js: what is being done to the disk, else the state of the machine",
    ),
    # Migrations
    answer("POST", _MIGRATE, 201, ref("Migration"), "docs, Migrate; migrations.js: 201, not 200"),
    answer("POST", _MIGRATE, 200, None, "migrations.js: finalize has no body, watch has lines of JSON"),
    query(
        "POST",
        _MIGRATE,
        "action",
        _TEXT,
        "docs, Migrate: watch is in the query; app.js: query and body are merged",
    ),
    required("MigrateRequest", [], "docs, Migrate: the example of watch has no body"),
    schema(
        "MigrationPhase",
        {"enum": ["begin", "sync", "switch", "pause", "abort"]},
        "vm-migration/migrate.js of sdc-vmapi: the action that was requested",
    ),
    prop("Migration.error", _TEXT, "docs, Migrate, GetMigration"),
    prop("Migration.duration_ms", _NUMBER, "docs, Migrate, GetMigration"),
    prop("MigrationProgressEntry.type", _TEXT, "docs, Migrate: progress events"),
    prop("MigrationProgressEntry.error", _TEXT, "docs, Migrate: progress events"),
    prop("MigrationProgressEntry.duration_ms", _NUMBER, "docs, Migrate: progress events"),
    # Images
    prop("Image.default", _FLAG, "CloudAPI 6.5: the emulator marks one image for the tutorial of py-smartdc"),
    required(
        "Image",
        ["id", "name", "version"],
        "datasets.js create; docs, CreateImageFromMachine: os and type are not known while it is made",
    ),
    schema(
        "CreateImageRequest",
        {
            "type": "object",
            "required": ["machine", "name", "version"],
            "properties": {
                "machine": _UUID,
                "name": _TEXT,
                "version": _TEXT,
                "description": _TEXT,
                "homepage": _TEXT,
                "eula": _TEXT,
                "acl": ref("ImageAcl"),
                "tags": ref("Tags"),
            },
        },
        "docs, CreateImageFromMachine: the description leaves the body open",
    ),
    schema("NoRequest", {"type": "object"}, "docs, ImportImageFromDatacenter: all is in the query"),
    answer("POST", _IMAGES, 200, ref("Image"), "datasets.js: an import is 200, where its docs have 201"),
    schema(
        "ExportedImage",
        {
            "type": "object",
            "required": ["manta_url", "image_path", "manifest_path"],
            "properties": {"manta_url": _TEXT, "image_path": _TEXT, "manifest_path": _TEXT},
        },
        "docs, ExportImage",
    ),
    answer("POST", _IMAGE, 200, _any(ref("Image"), ref("ExportedImage")), "docs, ExportImage"),
    # Networks
    *(
        query(verb, _IPS, name, _NUMBER, "docs, ListNetworkIPs")
        for verb in ("GET", "HEAD")
        for name in ("limit", "offset")
    ),
    # Volumes
    prop("CreateVolumeRequest.affinity", _TEXTS, "docs, CreateVolume; endpoints/volumes.js"),
    prop("VolumeSize.type", _TEXT, "docs, ListVolumeSizes"),
    query("GET", "/{account}/volumesizes", "type", _TEXT, "docs, ListVolumeSizes; endpoints/volumes.js"),
    # Account, keys, data centers
    required("CreateSshKeyRequest", ["key"], "docs, CreateKey: the name is optional; keys.js create"),
    answer(
        "GET",
        "/{account}/datacenters/{dc}",
        302,
        ref("Error"),
        "docs/cloudapi/requests.md#datacenter-is-a-redirect",
    ),
    # Users, roles, role tags
    *(
        prop(f"User.{name}", _TEXT_OR_NULL, "docs, GetUser; membership.js translateUser")
        for name in ("address", "city", "state", "postalCode", "country")
    ),
    prop("User.roles", _TEXTS, "docs, GetUser, with membership; users.js get"),
    prop("User.default_roles", _TEXTS, "docs, GetUser, with membership; users.js get"),
    query("GET", "/{account}/users/{uuid}", "membership", _FLAG, "docs, GetUser; users.js get"),
    prop("UpdateUserRequest.login", _TEXT, "docs, UpdateUser; users.js parseParams"),
    *(
        prop(
            f"{owner}.{name}",
            _list(ref(reference), _TEXT),
            "docs, 9.0.0: names before it; roles.js parseParams_old, membership.js translateGroup",
        )
        for owner in ("Role", "CreateRoleRequest", "UpdateRoleRequest")
        for name, reference in (
            ("members", "MemberRef"),
            ("default_members", "MemberRef"),
            ("policies", "PolicyRef"),
        )
    ),
    added("/{account}/machines", "docs, SetRoleTags: its first example; resources.js saveResource"),
    added("/{account}/datacenters/{name}", "docs, SetRoleTags; resources.js, datacenters.js get"),
    added("/{account}/{resource_name}", "docs/cloudapi/requests.md#unknown-collections-are-not-allowed"),
    added(
        "/{account}/{resource_name}/{resource_id}",
        "docs/cloudapi/requests.md#unknown-collections-are-not-allowed",
    ),
    added("/{account}/users/{user}/{resource_name}", "resources.js mount"),
]
