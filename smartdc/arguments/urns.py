"""URNs: what datasets were called before API 8, and which image one names today."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smartdc.types import Image


__all__ = ["images_with_urn", "is_version_of", "with_urn"]


def with_urn(image: Image) -> Image:
    """The image with its URN, which is ``sdc:sdc:NAME:VERSION`` where the server gives none."""
    if isinstance(image.get("urn"), str):
        return image
    return {**image, "urn": f"sdc:sdc:{image.get('name', '')}:{image.get('version', '')}"}


def images_with_urn(images: Iterable[Image], wanted: str) -> list[Image]:
    """The images that a URN names, or a part of one: its start, or its end from the name on.

    The version may be the beginning of one: ``base64:14`` names every base64 of 14.
    """
    known = [with_urn(image) for image in images]
    found = [image for image in known if _matches(image["urn"], wanted, str.__eq__)]
    return found or [image for image in known if _matches(image["urn"], wanted, str.startswith)]


def is_version_of(image: Image, wanted: str) -> bool:
    """Whether a URN, or its end, has the whole version of this image, which has its URN."""
    return ":" in wanted and image["urn"].rpartition(":")[2] == wanted.rpartition(":")[2]


def _matches(urn: str, wanted: str, fits: Callable[[str, str], bool]) -> bool:
    """Whether the parts of `wanted` are parts of `urn` in a row, from its start or from the name on.

    Args:
        urn: The URN.
        wanted: The parts.
        fits: Whether a version is the one that is wanted.
    """
    asked = wanted.split(":")
    for parts in (urn.split(":"), urn.split(":")[-2:]):
        if len(asked) == len(parts):
            if asked[:-1] == parts[:-1] and fits(parts[-1], asked[-1]):
                return True
        elif asked == parts[: len(asked)]:
            return True
    return False
