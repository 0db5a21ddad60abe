"""What machines are made from: images and packages."""

from __future__ import annotations

from typing import Literal, Required, TypedDict

from smartdc.types.machines import Brand, Value

__all__ = [
    "ExportedImage",
    "Image",
    "ImageError",
    "ImageFile",
    "ImageRequirements",
    "ImageState",
    "Package",
    "PackageDisk",
]

ImageState = Literal["active", "unactivated", "disabled", "creating", "failed"]
"""The states of images."""


class ImageRequirements(TypedDict, total=False):
    """What an image needs of the machine; memory in MiB."""

    min_memory: int
    max_memory: int
    min_ram: int
    max_ram: int
    brand: Brand | str
    bootrom: str


class ImageFile(TypedDict, total=False):
    """One file of an image; size in bytes."""

    compression: Required[str]
    sha1: Required[str]
    size: Required[int]


class ImageError(TypedDict, total=False):
    """Why making an image failed."""

    code: str
    message: str


class Image(TypedDict, total=False):
    """An image (formerly: dataset). `image_size` is in MiB, for zvol images only."""

    id: Required[str]
    name: Required[str]
    version: Required[str]
    os: Required[str]
    type: Required[str]
    requirements: Required[ImageRequirements]
    description: str
    homepage: str
    published_at: str
    owner: str
    public: bool
    state: ImageState | str
    tags: dict[str, Value]
    eula: str
    acl: list[str]
    origin: str
    image_size: int
    files: list[ImageFile]
    error: ImageError
    urn: str
    """Filled in by `DataCenter.datasets` if the server sends none."""


class ExportedImage(TypedDict):
    """Where an exported image is in Manta."""

    manta_url: str
    image_path: str
    manifest_path: str


class PackageDisk(TypedDict, total=False):
    """A disk that machines of a package get; size in MiB or ``remaining``, block size in bytes."""

    size: int | str
    block_size: int


class Package(TypedDict, total=False):
    """A bundle of resources, sold by name; memory, disk and swap in MiB."""

    id: Required[str]
    name: Required[str]
    memory: Required[int]
    disk: Required[int]
    swap: Required[int]
    lwps: int
    vcpus: int
    version: str
    group: str
    description: str
    default: bool | str
    brand: Brand | str
    flexible_disk: bool
    disks: list[PackageDisk]
