"""The disks of a new bhyve machine, from the request or the package.

The checks are CloudAPI's (machines.js) and then VMAPI's.
"""

from __future__ import annotations

from typing import Any

from smartdc.emulator.http.answers import (
    ErrorItem,
    crashed,
    invalid_argument,
    invalid_field,
    missing_parameter,
)
from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.state.resources import Image, Package
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import HARDWARE_BRANDS, Disk

MOST_DISKS = 8
DEFAULT_BLOCK_SIZE = 8192
_TOO_BIG = "The size of the disks must not be greater than the package quota"


def choose_disks(
    site: Site, params: dict[str, Any], brand: str, image: Image, package: Package
) -> tuple[list[Disk] | None, list[ErrorItem]]:
    """Lay out the disks of the machine, and collect VMAPI's errors about them.

    Returns:
        The disks and the errors. The disks are None when neither the request nor the package has any: the
        machine then has two default disks.

    Raises:
        Refusal: CloudAPI's errors.
    """
    if brand not in HARDWARE_BRANDS:
        return None, []
    requested = params.get("disks")
    is_requested = bool(requested) or isinstance(requested, list)
    flexible = package.flexible_disk and brand == "bhyve"
    if is_requested and not flexible:
        raise invalid_argument(
            "The use of `disks` is only supported if the package has the flexible_disk attr set to true"
        )
    specs = requested if is_requested else package.disks
    if not flexible or specs is None:
        return None, []
    if not isinstance(specs, list) or not specs or not all(isinstance(spec, dict) for spec in specs):
        raise crashed("Cannot set property 'image_uuid' of undefined")
    if len(specs) > MOST_DISKS:
        raise invalid_argument(f"A maximum of {MOST_DISKS} disks per VM are supported")
    _check_block_sizes(specs)
    image_size = image.image_size or 10240
    sizes = _sizes(specs, image_size, package.disk)
    disks = [
        Disk(
            spec.get("id") or site.new_uuid(),
            size if isinstance(size, int) else 0,
            int(spec.get("block_size") or DEFAULT_BLOCK_SIZE),
            boot=number == 0,
            image_uuid=image.uuid if number == 0 else None,
        )
        for number, (spec, size) in enumerate(zip(specs, sizes, strict=True))
    ]
    return disks, _vmapi_errors(params, sizes)


def _check_block_sizes(specs: list[dict[str, Any]]) -> None:
    for number, spec in enumerate(specs):
        if "block_size" not in spec:
            continue
        if number == 0:
            raise invalid_argument("Cannot set block_size and image_uuid.")
        size = spec["block_size"]
        whole = isinstance(size, int) and not isinstance(size, bool)
        if not whole or not 512 <= size <= 131072 or size & (size - 1):
            raise invalid_argument(
                f"Invalid block_size: {as_text(size)} on disk: {number}. Must be 512-131072 and a power of 2."
            )


def _sizes(specs: list[dict[str, Any]], image_size: int, quota: int) -> list[Any]:
    """The sizes, with a number in place of ``remaining``; None for a disk without a size."""
    sizes = [spec.get("size") for spec in specs]
    if sizes.count("remaining") > 1:
        raise invalid_argument("Only one disk.size can be set to `remaining`")
    for spec in specs[1:]:
        if "image_uuid" in spec and "size" not in spec:
            raise missing_parameter("disk.size must be set if disk is not the boot disk")
    if sizes[0] is None:
        sizes[0] = image_size
    known = sum(size for size in sizes if isinstance(size, int))
    if "remaining" in sizes:
        number = sizes.index("remaining")
        if number == 0 and image_size > quota - known:
            raise invalid_argument(_TOO_BIG)
        sizes[number] = quota - known
        known = quota
    if isinstance(sizes[0], int) and sizes[0] < image_size:
        raise invalid_argument("Size must be greater than or equal to image size for the boot disk")
    if known > quota:
        raise invalid_argument(_TOO_BIG)
    return sizes


def _vmapi_errors(params: dict[str, Any], sizes: list[Any]) -> list[ErrorItem]:
    errors: list[ErrorItem] = []
    if not params.get("image"):  # CloudAPI does not look at the old name `dataset` here
        errors.append({"field": "disks.0.image_uuid", "code": "MissingParameter"})
    for number, size in enumerate(sizes[1:], 1):
        field = f"disks.{number}.size"
        if size is None:
            errors.append({"field": field, "code": "MissingParameter"})
        elif not isinstance(size, int):
            errors.append(invalid_field(field, "Not Allowed"))
        elif size <= 0:
            errors.append(invalid_field(field, "Disk size must be positive"))
    return errors
