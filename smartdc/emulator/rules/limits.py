"""Provisioning limits: how much an account may use in a data center, and how much it uses.

CloudAPI's plugin ``provision_limits`` enforces them: operators set the limits, and the server refuses a
create or a resize that would exceed one.
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
    """The account's limits, each with its usage; limits without effect are left out."""
    of_account = [limit for limit in site.limits if limit.get("account", account.uuid) == account.uuid]
    limits = [limit for limit in map(_simplified, of_account) if limit is not None]
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
    """Refuse a machine that would exceed a limit.

    Args:
        site: The data center.
        account: The machine's owner.
        image: The machine's image, which decides what limits apply.
        package: The machine's new package.
        resized: The machine, if it exists and is resized.

    Raises:
        Refusal: 403.
    """
    limits = usage(site, account)
    if any(limit["value"] < 0 for limit in limits):
        raise _exceeded()
    for limit in limits:
        if not _applies(limit, image):
            continue
        used = limit["used"]
        if limit.get("by") == "ram":
            used += package.memory - (resized.ram if resized else 0)
        elif limit.get("by") == "quota":
            # The server subtracts MiB from GiB here, so that a resize hardly ever exceeds the limit.
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
    """The limit without redundant fields; None for one that is incomplete or unlimited."""
    limit = {name: value for name, value in limit.items() if name != "account"}
    if any(limit.get(check) == "any" for check in _CHECKS):
        for name in ("check", *_CHECKS):
            limit.pop(name, None)
    check = limit.get("check")
    if check in _CHECKS and not limit.get(check):
        return None
    text = as_text(limit.get("value", 0))
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


def _applies(limit: dict[str, Any], image: Image | None) -> bool:
    """Whether the limit applies to a machine with this image; the brand is guessed from the image alone."""
    check = limit.get("check")
    if image is None or check not in _CHECKS:
        return True
    if check == "image":
        return bool(image.name == limit["image"])
    if check == "os":
        return bool(image.os == limit["os"])
    guess = {"lx-dataset": "lx", "docker": "lx", "zone-dataset": "joyent", "zvol": "kvm"}.get(image.type)
    return bool((image.requirements.get("brand") or guess) == limit["brand"])
