"""Provisioning limits: what an account may have in a data center, and how much of that it has.

They are those of CloudAPI's plugin ``provision_limits``: operators write them, and a create or a resize that
would exceed one is refused.
"""

from __future__ import annotations

from typing import Any

from smartdc.emulator.http.answers import Refusal
from smartdc.emulator.http.machine_json import disk_size
from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.state.directory import Account
from smartdc.emulator.state.resources import Image, Package
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

_CHECKS = ("brand", "image", "os")


def usage(site: Site, account: Account) -> list[dict[str, Any]]:
    """The limits and what is used of each; those that limit nothing are left out."""
    mine = [limit for limit in site.limits if limit.get("account", account.uuid) == account.uuid]
    limits = [limit for limit in map(_simplified, mine) if limit is not None]
    machines = [site.machines[uuid] for uuid in site.machines.of(account.uuid).active] if limits else []
    for limit in limits:
        counted = [vm for vm in machines if _counts(site, limit, vm)]
        limit["used"] = {
            "ram": sum(vm.ram for vm in counted),
            "quota": sum(vm.quota for vm in counted),
        }.get(limit.get("by", ""), len(counted))
    return limits


def check_limits(
    site: Site, account: Account, image: Image | None, package: Package, resized: VM | None = None
) -> None:
    """Refuse what would exceed a limit.

    Args:
        site: The data center.
        account: Whose machine it is.
        image: The machine's; limits on others do not matter.
        package: What it shall have.
        resized: The machine, when it is there already.

    Raises:
        Refusal: 403.
    """
    limits = usage(site, account)
    if any(limit["value"] < 0 for limit in limits):
        raise _exceeded()
    for limit in limits:
        if not _concerns(limit, image):
            continue
        used = limit["used"]
        if limit.get("by") == "ram":
            used += package.memory - (resized.ram if resized else 0)
        elif limit.get("by") == "quota":
            # The server takes a machine's MiB for GiB here: a resize hardly ever exceeds this.
            used += package.disk / 1024 - (disk_size(resized) if resized else 0)
        elif resized is None:
            used += 1
        else:
            continue
        if used > limit["value"]:
            raise _exceeded()


def _exceeded() -> Refusal:
    message = "Quota exceeded; to have your limits raised please contact Support"
    return Refusal(403, "NotAuthorized", message)


def _simplified(limit: dict[str, Any]) -> dict[str, Any] | None:
    """The limit without what says nothing; None for one that is incomplete or unlimited."""
    limit = {name: value for name, value in limit.items() if name != "account"}
    if any(limit.get(check) == "any" for check in _CHECKS):
        for name in ("check", *_CHECKS):
            limit.pop(name, None)
    check = limit.get("check")
    if check in _CHECKS and not limit.get(check):
        return None
    text = as_text(limit["value"])
    limit["value"] = int(text) if text.removeprefix("-").isdecimal() else 0
    return limit if limit["value"] else None


def _counts(site: Site, limit: dict[str, Any], vm: VM) -> bool:
    check = limit.get("check")
    image = site.images.get(vm.image_uuid)
    if check == "brand":
        return bool(vm.brand == limit["brand"])
    if check == "image":
        return image is not None and bool(image.name == limit["image"])
    if check == "os":
        return image is not None and bool(image.os == limit["os"])
    return True


def _concerns(limit: dict[str, Any], image: Image | None) -> bool:
    """Whether a machine of this image counts; the brand is guessed from the image alone."""
    check = limit.get("check")
    if image is None or check not in _CHECKS:
        return True
    if check == "image":
        return bool(image.name == limit["image"])
    if check == "os":
        return bool(image.os == limit["os"])
    guess = {"lx-dataset": "lx", "docker": "lx", "zone-dataset": "joyent", "zvol": "kvm"}.get(image.type)
    return bool((image.requirements.get("brand") or guess) == limit["brand"])
