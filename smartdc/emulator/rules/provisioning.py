"""Creating a machine: CloudAPI's checks, VMAPI's checks, and the job (docs/cloudapi/create.md)."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any

from smartdc.emulator.http.answers import (
    Answer,
    ErrorItem,
    Refusal,
    crashed,
    invalid_argument,
    missing_parameter,
    validation_failed,
)
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.machine_json import machine_json
from smartdc.emulator.http.parameters import LOST_NAME, as_text
from smartdc.emulator.http.versions import satisfies
from smartdc.emulator.rules import validation
from smartdc.emulator.rules.affinity import AffinityRule, locality_errors, read_affinity
from smartdc.emulator.rules.disk_layout import choose_disks
from smartdc.emulator.rules.limits import check_limits
from smartdc.emulator.rules.mounting import check_mounts, make_missing
from smartdc.emulator.rules.placement import WantedNic, choose_networks
from smartdc.emulator.rules.servers import NoServer, choose_server
from smartdc.emulator.rules.tag_text import as_stored
from smartdc.emulator.state.jobs import PROVISION_SECONDS, Step, Work
from smartdc.emulator.state.resources import Image, Package, SubnetFull
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import HARDWARE_BRANDS, VM

DEFAULT_CONTAINER_BRAND = "joyent"
DEFAULT_HARDWARE_BRAND = "bhyve"

CREATE_PARAMS = (
    "name",
    "package",
    "image",
    "dataset",
    "brand",
    "networks",
    "default_networks",
    "affinity",
    "locality",
    "metadata.",
    "tag.",
    "firewall_enabled",
    "deletion_protection",
    "delegate_dataset",
    "encrypted",
    "allow_shared_images",
    "password",
    "administrator_pw",
    "disks",
    "volumes",
    "bootrom",
    "origin",
    "credentials",
)
_METADATA = re.compile(r"metadata\.[a-zA-Z0-9_].*", re.DOTALL)
_TAG = re.compile(r"tag\..+", re.DOTALL)


def create_machine(site: Site, request: Incoming) -> Answer:
    """``POST /:account/machines``."""
    image, package = _chosen_image(request), _chosen_package(request)
    params, owner = request.params, request.account
    if (image.requirements.get("password")) and not (
        params.get("password") or params.get("administrator_pw")
    ):
        raise missing_parameter(f"{image.uuid} requires a password")
    if not owner.keys and not image.requirements.get("password"):
        raise Refusal(409, "KeyRequired", "At least one SSH key is required to provision")
    if not owner.approved:
        raise invalid_argument("User is not currently approved for provisioning")
    brand = _brand(params, image, package)
    disks, disk_errors = choose_disks(site, params, brand, image, package)
    _check_options(site, params, brand)
    wanted_nics = choose_networks(site, request, package)
    vm = site.new_vm(owner, None, brand, image, package)
    if disks is not None:
        vm.disks, vm.free_space = disks, max(0, package.disk - sum(disk.size for disk in disks))
    vm.alias = _alias(params.get("name"), vm)
    tags, metadata = _flat_values(params)
    metadata |= _administrator_password(params)
    if owner.keys:
        metadata["root_authorized_keys"] = "".join(f"{key.openssh}\n" for key in owner.keys)
    credentials = metadata.pop("credentials", None)
    if params.get("affinity") and params.get("locality"):
        raise invalid_argument('cannot specify both "locality" (deprecated) and "affinity"')
    if package.memory < int(image.requirements.get("min_ram", 0)):
        minimum = image.requirements["min_ram"]
        raise invalid_argument(
            f"You must use a package with at least {minimum} MiB of RAM "
            "in order to provision the selected image"
        )
    if package.os and package.os != image.os:
        # The server's message swaps the two systems.
        raise invalid_argument(
            "The package and image must have the same OS, "
            f'but package has "{image.os}" while image has "{package.os}"'
        )
    if owner.triton_cns_enabled and len(vm.alias) > 63:
        raise invalid_argument(
            "Name cannot be longer than 63 characters, "
            "because you have triton_cns_enabled set on your Account."
        )
    vm.volumes = check_mounts(site, request, brand, [nic.network for nic in wanted_nics])
    check_limits(site, owner, image, package)
    rules = read_affinity(params.get("affinity"))
    _check_at_vmapi(site, vm, tags, metadata, params, disk_errors)
    vm.tags, vm.customer_metadata = as_stored(tags), _compact(metadata)
    vm.internal_metadata = _passwords_in_credentials(credentials)
    if params.get("encrypted") is True:
        vm.internal_metadata = {**vm.internal_metadata, "encrypted": True}
    vm.firewall_enabled = params.get("firewall_enabled") in (True, "true")
    vm.indestructible_zoneroot = params.get("deletion_protection") is True
    if params.get("delegate_dataset") is True:
        vm.datasets = [f"zones/{vm.uuid}/data"]
    _provision(site, request, vm, image, wanted_nics, rules)
    make_missing(site, owner.uuid, vm.volumes)
    shown = machine_json(site, vm, request.version, params.get("credentials"), with_package=False)
    _drop_fields_absent_at_creation(shown)
    # docs/cloudapi/create.md#minimal-create: the Location has the login, even if the path has ``my``.
    return Answer(shown, 201, {"Location": f"/{owner.login}/machines/{vm.uuid}"})


def _drop_fields_absent_at_creation(shown: dict[str, Any]) -> None:
    """Remove the fields listed in docs/cloudapi/create.md#what-the-answer-to-a-create-lacks."""
    for name in ("free_space", "delegate_dataset"):
        shown.pop(name, None)
    for disk in shown.get("disks", ()):
        del disk["id"], disk["block_size"]


def _chosen_image(request: Incoming) -> Image:
    params = request.params
    if params.get("dataset") and params.get("image"):
        raise invalid_argument("image and dataset are mutually exclusive parameters.")
    requested = params.get("dataset") or params.get("image")
    image = request.image
    if image is None:
        if requested:
            raise invalid_argument(f"{as_text(requested)} is not a valid image")
        raise missing_parameter("image must be specified")
    if image.state != "active":
        raise invalid_argument(f"image {requested} is not active")
    owner = request.account.uuid
    shared = owner in image.acl and image.owner != owner
    if shared and satisfies((9, 0, 0), request.version) and params.get("allow_shared_images") is not True:
        raise invalid_argument(
            f"{requested} is a shared image - to provision a shared image you can either clone the image "
            'or set "allow_shared_images" to true.'
        )
    return image


def _chosen_package(request: Incoming) -> Package:
    requested = request.params.get("package")
    if request.package is None:
        if requested:
            raise invalid_argument(f"{as_text(requested)} is not a valid package")
        raise missing_parameter("package must be specified")
    if not request.package.active:
        raise invalid_argument(f"{requested} is inactive. Must use an active package")
    return request.package


def _brand(params: dict[str, Any], image: Image, package: Package) -> str:
    """The brand that image, package and request agree on."""
    requested, by_image, by_package = params.get("brand"), image.requirements.get("brand"), package.brand
    if requested and requested not in HARDWARE_BRANDS:
        shown = re.sub(r"[^a-zA-Z0-9-]", "", as_text(requested), count=1)[:64]
        raise invalid_argument(f'Unknown brand "{shown}". Brand is restricted to one of ["bhyve","kvm"]')
    default = DEFAULT_HARDWARE_BRAND if image.type == "zvol" else DEFAULT_CONTAINER_BRAND
    brand = str(requested or by_image or by_package or default)
    if by_package and by_package != brand:
        raise invalid_argument(f'Package requires brand "{by_package}", but brand "{brand}" was selected')
    if by_image and by_image != brand:
        raise invalid_argument(f'Image requires brand "{by_image}", but brand "{brand}" was selected')
    if brand in HARDWARE_BRANDS and image.type != "zvol":
        raise invalid_argument(f'Brand "{brand}" requires the image type to be "zvol"')
    if brand not in HARDWARE_BRANDS and image.type == "zvol":
        raise invalid_argument(f'Brand "{brand}" cannot use an image of type "zvol"')
    return brand


def _check_options(site: Site, params: dict[str, Any], brand: str) -> None:
    if params.get("bootrom") and brand != "bhyve":
        raise invalid_argument('Only bhyve VMs support "bootrom" option')
    if params.get("delegate_dataset") is True and not site.delegated_datasets:
        raise invalid_argument(
            "Support for delegated datasets is not enabled (experimental_cloudapi_delegate_dataset in SAPI)"
        )


def _alias(name: Any, vm: VM) -> str:
    short_id = vm.uuid.partition("-")[0]
    if not name:
        return short_id
    if not isinstance(name, str):
        raise crashed("params.name.replace is not a function")
    return name.replace("{{shortId}}", short_id)


def _flat_values(params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tags and metadata from parameters such as ``tag.role``; nested objects are silently dropped.

    See docs/cloudapi/create.md#nested-tags-and-metadata-are-dropped and #names-of-flat-keys.
    """
    tags = {name[len("tag.") :]: value for name, value in params.items() if _TAG.fullmatch(name)}
    tags.pop(LOST_NAME, None)
    metadata = {
        name[len("metadata.") :]: value
        for name, value in params.items()
        if _METADATA.fullmatch(name) and not name.endswith("_pw")
    }
    metadata.pop(LOST_NAME, None)
    return tags, metadata


def _administrator_password(params: dict[str, Any]) -> dict[str, Any]:
    """The administrator's password, which CloudAPI puts into the metadata, where VMAPI refuses it.

    See docs/cloudapi/create.md#password-images.
    """
    password = params.get("administrator_pw") or params.get("password")
    return {"administrator_pw": password} if password else {}


def _passwords_in_credentials(credentials: Any) -> dict[str, Any]:
    if not isinstance(credentials, dict):
        return {}
    return {name if name.endswith("_pw") else f"{name}_pw": value for name, value in credentials.items()}


def _check_at_vmapi(
    site: Site,
    vm: VM,
    tags: dict[str, Any],
    metadata: dict[str, Any],
    params: dict[str, Any],
    disk_errors: list[ErrorItem],
) -> None:
    errors: list[ErrorItem] = validation.alias_errors(vm.alias)
    errors += validation.metadata_errors(metadata)
    if "firewall_enabled" in params:
        errors += validation.boolean_errors("firewall_enabled", params["firewall_enabled"])
    if params.get("networks") == []:
        errors.append({"field": "networks", "code": "Invalid", "message": "Invalid parameter"})
    errors += locality_errors(params.get("locality"))
    errors += validation.tag_errors(tags, allow_docker=True)
    errors += disk_errors
    errors += alias_taken_errors(site, vm, vm.alias)
    if errors:
        raise validation_failed(_message(errors), errors)


def alias_taken_errors(site: Site, vm: VM, alias: str) -> list[ErrorItem]:
    """The error about a name that a machine of the owner has, unless that machine is destroyed or failed.

    See docs/cloudapi/create.md#duplicate-name.
    """
    if alias not in site.machines.of(vm.owner_uuid).aliases:
        return []
    return [{"field": "alias", "code": "Duplicate", "message": "Already exists for this owner_uuid"}]


def _message(errors: list[ErrorItem]) -> str:
    """The message with its hints; the server repeats the earlier hints for each further error."""
    message = "Invalid VM parameters"
    hints: list[str] = []
    for error in errors:
        if error["field"] == "alias":
            hints.append("Invalid machine name")
        elif error["field"] in ("networks", "tags", "customer_metadata", "firewall_enabled"):
            hints.append(f"Invalid {error['field']}")
        if hints:
            message = f"{message}: {'. '.join(hints)}"
    return message


def _provision(
    site: Site,
    request: Incoming,
    vm: VM,
    image: Image,
    wanted_nics: list[WantedNic],
    rules: list[AffinityRule],
) -> None:
    """Add the machine and start its job; its addresses are reserved now and shown halfway through the job.

    See docs/cloudapi/create.md#minimal-create.
    """
    try:
        nics = [
            site.new_nic(wanted.network, wanted.ip, primary=wanted.primary, vm=vm) for wanted in wanted_nics
        ]
    except SubnetFull as error:
        raise Refusal(507, "SubnetFull", str(error)) from error
    fails, site.fail_next_provision = site.fail_next_provision, False
    locality = request.params.get("locality")
    site.add_vm(vm)
    macs = [nic.mac for nic in nics]
    written = [astuple(rule) for rule in rules]
    step = Step(PROVISION_SECONDS / 2, partial(place, site, vm, macs, written, locality, fails))
    work = Work(PROVISION_SECONDS, finish=partial(boot, vm, list(image.users)), steps=[step])
    site.start_job(vm, "provision", "provision", work, caller=request.audit_caller)


def place(
    site: Site,
    vm: VM,
    macs: Sequence[str],
    rules: Sequence[tuple[str, bool, bool, str]],
    locality: Any,
    fails: bool | str,
    due: float,
) -> None:
    """Halfway through the job: give the machine a server and show its NICs, or mark it as failed."""
    vm.updated = due
    found = [site.nic(vm, mac) for mac in macs]
    nics = [nic for nic in found if nic is not None]
    try:
        affinity = [AffinityRule(*rule) for rule in rules]
        server = None if fails is True else choose_server(site, vm, affinity, locality)
    except NoServer:
        server = None
    if server is not None:
        vm.server_uuid, vm.nics = server, nics
    if fails or server is None:
        vm.state = "failed"
        site.release(nics)


def boot(vm: VM, users: Sequence[str], due: float) -> None:
    """At the end of the job: the machine runs and has passwords for the users; or both have failed."""
    if vm.state == "failed":
        vm.jobs_of("provision")[0].execution = "failed"
        return
    vm.becomes("running", due)
    made = {sys.intern(f"{user}_pw"): _password(vm, user) for user in users}
    vm.internal_metadata = made | dict(vm.internal_metadata)


def _compact(metadata: dict[str, Any]) -> Mapping[str, Any]:
    """Save memory: machines that have only the same root keys share one mapping."""
    if metadata.keys() == {"root_authorized_keys"}:
        return _shared_root_keys(metadata["root_authorized_keys"])
    return metadata


@lru_cache
def _shared_root_keys(keys: str) -> Mapping[str, Any]:
    return MappingProxyType({"root_authorized_keys": keys})


def _password(vm: VM, user: str) -> str:
    """A password that depends only on machine and user, so that every run generates the same."""
    return hashlib.sha256(f"{vm.uuid}/{user}".encode()).hexdigest()[:12]
