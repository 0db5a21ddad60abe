"""Loads the image, package and machine that the parameters name, before the handler runs.

The server does this for every request: it looks up an ``image`` in the body of any action
(docs/cloudapi/actions.md#image-in-the-body-of-an-action), and also a new tag of that name
(docs/cloudapi/tags-and-metadata.md#tags-named-image-or-package).
"""

from __future__ import annotations

from typing import Any

from smartdc.emulator.http.answers import Refusal, crashed, invalid_field, not_found, validation_failed
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.machine_json import machine_json
from smartdc.emulator.http.parameters import is_uuid
from smartdc.emulator.http.violations import note_violation
from smartdc.emulator.javascript.truth import is_true
from smartdc.emulator.rules.cns import dns_names
from smartdc.emulator.state.resources import Package
from smartdc.emulator.state.site import Site


def load_image(site: Site, request: Incoming) -> None:
    """Look up the image that ``image`` or ``dataset`` names, if that is a uuid; 404 if it is unknown."""
    named = request.params.get("image") or request.params.get("dataset")
    if not is_uuid(named):
        return
    image_uuid = str(named)
    image = site.images.get(image_uuid)
    any_owner = request.method == "GET" and "/machines" in request.path
    if image is None or not (any_owner or image.visible_to(request.account.uuid)):
        raise not_found("image not found")
    if image.state == "destroyed":
        raise not_found(f"{image_uuid} not found")
    request.image = image


def load_package(site: Site, request: Incoming) -> None:
    """Look up the package that ``package`` names.

    A uuid finds any package, also an inactive one; 404 if there is none. A name finds the highest version
    among active packages; if there is none, the handler refuses the request.
    """
    if request.path.endswith("/packages"):
        return
    name = request.params.get("package")
    if not name:
        return
    account_uuid = request.account.uuid
    if is_uuid(name):
        package = site.packages.get(name)
        if package is None or not package.visible_to(account_uuid):
            raise not_found(f"Package {name} does not exist")
        request.package = package
        return
    named = [
        package
        for package in site.packages.values()
        if package.name == name and package.active and package.visible_to(account_uuid)
    ]
    request.package = max(named, key=_version, default=None)


def load_machine(site: Site, request: Incoming) -> None:
    """Look up the machine; 409 if its id is not a uuid, 404 if it is unknown or another account's."""
    if "/machines" not in request.path:
        return
    machine_uuid: Any = request.params.get("machine")
    if not is_true(machine_uuid) and request.params.get("resource_name") == "machines":
        machine_uuid = request.params.get("resource_id")
    if not is_true(machine_uuid):
        if "machine" in request.path_values or request.path_values.get("resource_id") == "":
            note_violation(site, request, "the machine id is empty", "empty-machine-id")
            raise Refusal(500, "InternalError", "Internal Error")
        return
    if isinstance(machine_uuid, str) and " " in machine_uuid:
        # docs/cloudapi/machines.md#machine-id-with-a-space
        raise crashed("Request path contains unescaped characters")
    if not is_uuid(machine_uuid):
        raise validation_failed("Invalid Parameters", [invalid_field("uuid", "Invalid UUID")])
    vm = site.machines.get(machine_uuid)
    if vm is None or vm.owner_uuid != request.account.uuid:
        raise not_found("VM not found")
    request.vm_record = vm
    credentials = request.params.get("credentials")
    names = dns_names(site, vm, enabled=request.account.triton_cns_enabled)
    request.machine = machine_json(site, vm, request.version, credentials, dns_names=names)


def _version(package: Package) -> tuple[int, ...]:
    return tuple(int(part) for part in package.version.split(".") if part.isdigit())
