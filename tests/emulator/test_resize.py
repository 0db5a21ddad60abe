"""Resizing: accepted packages, and the refusals of CloudAPI and VMAPI."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from smartdc.emulator.state.resources import Package
from smartdc.emulator.state.vm import VM
from tests.helpers.raw_requests import Answer, Raw


def package(raw: Raw, like: str, **changes: Any) -> Package:
    """Add a package that differs from a default one in these fields."""
    known = next(package for package in raw.site.packages.values() if package.name == like)
    made = replace(known, uuid=str(uuid4()), name=f"package-{len(raw.site.packages)}", **changes)
    raw.site.packages[made.uuid] = made
    return made


def resize(raw: Raw, vm: VM, to: Package) -> Answer:
    answer = raw.post(f"/my/machines/{vm.uuid}?action=resize", {"package": to.uuid})
    raw.cloud.clock.advance(3)
    return answer


def shown(raw: Raw, vm: VM) -> dict[str, Any]:
    found: dict[str, Any] = raw.get(f"/my/machines/{vm.uuid}").ok()
    return found


def bhyve(raw: Raw, state: str = "stopped") -> VM:
    return raw.site.add_machine(brand="bhyve", package="g4-bhyve-2G-flex", state=state)


def test_a_container(raw: Raw) -> None:
    vm = raw.site.add_machine(package="g3-standard-1-smartos")
    resize(raw, vm, package(raw, "g3-standard-1-smartos", memory=2048, disk=20480)).empty(202)
    assert (shown(raw, vm)["memory"], shown(raw, vm)["disk"]) == (2048, 20480)


def test_the_memory_limits_of_the_image(raw: Raw) -> None:
    image = next(image for image in raw.site.images.values() if image.requirements.get("max_ram"))
    vm = raw.site.add_machine(image=image)
    for memory, word, limit in ((128, "less", 256), (99999, "more", 65536)):
        message = f"Package RAM ({memory}) is {word} than allowed by the image ({limit})"
        to = package(raw, "sample-512M", memory=memory)
        resize(raw, vm, to).refused(409, "InvalidArgument", message)


def test_other_traits(raw: Raw) -> None:
    vm, to = raw.site.add_machine(), package(raw, "sample-512M", traits={"ssd": True})
    message = "Resizing to a package with differing traits not supported"
    resize(raw, vm, to).refused(409, "InvalidArgument", message)


def test_another_brand(raw: Raw) -> None:
    vm, to = raw.site.add_machine(), package(raw, "sample-512M", brand="lx")
    answer = resize(raw, vm, to)
    message = "Invalid VM update parameters"
    detail = 'Package requires brand "lx", but brand "joyent" was specified'
    answer.refused(409, "ValidationFailed", message, field="brand", detail=detail)


def test_bhyve(raw: Raw) -> None:
    vm = bhyve(raw)
    resize(raw, vm, package(raw, "g4-bhyve-4G-flex")).empty(202)
    after = shown(raw, vm)
    assert (after["memory"], after["disk"], after["free_space"]) == (4096, 102400, 51200)


def test_bhyve_and_a_package_without_flexible_disk(raw: Raw) -> None:
    to = package(raw, "g4-bhyve-4G-flex", flexible_disk=None)
    message = "Resizing to a package without flexible disk space is not supported"
    resize(raw, bhyve(raw), to).refused(409, "InvalidArgument", message)


def test_bhyve_with_larger_disks(raw: Raw) -> None:
    answer = resize(raw, bhyve(raw), package(raw, "g4-bhyve-4G-flex", disk=20480))
    message = (
        "Cannot resize bhyve instance, existing disk usage (51200) exceeds the flexible disk size (20480)"
    )
    answer.refused(409, "ValidationFailed", message, field="flexible_disk_size")


def test_bhyve_that_runs(raw: Raw) -> None:
    message = "VM not stopped: changing bhyve CPU or memory requires the instance to be stopped"
    answer = resize(raw, bhyve(raw, "running"), package(raw, "g4-bhyve-4G-flex"))
    answer.refused(409, "VmNotStopped", message)


@pytest.mark.parametrize("brand", ["joyent", "bhyve"])
def test_a_machine_that_is_being_provisioned(raw: Raw, brand: str) -> None:
    like = "sample-512M" if brand == "joyent" else "g4-bhyve-4G-flex"
    vm = raw.site.add_machine(brand=brand, package=like, state="provisioning")
    resize(raw, vm, package(raw, like)).refused(409, "UnallocatedVM")
