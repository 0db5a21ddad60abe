"""URNs, the names of datasets before API 8, and the images that they name today."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smartdc.types import Image


__all__ = ["images_with_urn", "is_version_of", "with_urn"]


def with_urn(image: Image) -> Image:
    """Return the image with its URN, which is ``sdc:sdc:NAME:VERSION`` if the server sends none."""
    if isinstance(image.get("urn"), str):
        return image
    return {**image, "urn": f"sdc:sdc:{image.get('name', '')}:{image.get('version', '')}"}


def images_with_urn(images: Iterable[Image], wanted: str) -> list[Image]:
    """Return the images that match a URN, its start, or its end from the name on.

    The start of a version is enough: ``base64:14`` names every base64 of version 14.
    """
    known = [with_urn(image) for image in images]
    found = [image for image in known if _matches(image["urn"], wanted, str.__eq__)]
    return found or [image for image in known if _matches(image["urn"], wanted, str.startswith)]


def is_version_of(image: Image, wanted: str) -> bool:
    """Whether a URN, or its end, has the whole version of this image, which must have its URN."""
    return ":" in wanted and image["urn"].rpartition(":")[2] == wanted.rpartition(":")[2]


def _matches(urn: str, wanted: str, fits: Callable[[str, str], bool]) -> bool:
    """Whether the parts of `wanted` follow each other in `urn`, from its start or from the name on.

    Args:
        urn: The URN.
        wanted: The parts.
        fits: Compares a version with the wanted one.
    """
    asked = wanted.split(":")
    for parts in (urn.split(":"), urn.split(":")[-2:]):
        if len(asked) == len(parts):
            if asked[:-1] == parts[:-1] and fits(parts[-1], asked[-1]):
                return True
        elif asked == parts[: len(asked)]:
            return True
    return False
