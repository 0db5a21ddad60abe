"""Who may log in to machines."""

from __future__ import annotations

from smartdc.emulator.state.site import Shared
from smartdc.emulator.state.vm import VM


def login_keys(shared: Shared, vm: VM) -> list[str]:
    """Return the keys of a machine's owner, as OpenSSH's lines."""
    owner = shared.directory.find(vm.owner_uuid)
    return [key.openssh for key in owner.keys] if owner else []


def login_users(shared: Shared, vm: VM) -> list[str]:
    """Return the users that a machine's image adds to those that all machines have."""
    sites = shared.sites.values()
    images = [site.images[vm.image_uuid] for site in sites if vm.image_uuid in site.images]
    return [str(image.tags["default_user"]) for image in images if "default_user" in image.tags]
