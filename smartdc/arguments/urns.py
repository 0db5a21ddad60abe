"""URNs: what datasets were called before API 8, and which image one names today."""

from __future__ import annotations

from collections.abc import Iterable

from smartdc.types import Image

__all__ = ["newest_with_urn", "with_urn"]


def with_urn(image: Image) -> Image:
    """The image with its URN, which is ``sdc:sdc:NAME:VERSION`` where the server gives none."""
    if isinstance(image.get("urn"), str):
        return image
    return {**image, "urn": f"sdc:sdc:{image.get('name', '')}:{image.get('version', '')}"}


def newest_with_urn(images: Iterable[Image], wanted: str) -> Image | None:
    """The image that a URN names, or a part of one: its start, or its end from the name on.

    Returns:
        The newest of several; None when there is none.
    """
    found = [image for image in map(with_urn, images) if _matches(image["urn"], wanted)]
    return max(found, key=lambda image: str(image.get("published_at", "")), default=None)


def _matches(urn: str, wanted: str) -> bool:
    """Whether the parts of `wanted` are parts of `urn` in a row, from its start or from the name on."""
    parts, asked = urn.split(":"), wanted.split(":")
    return asked in (parts[: len(asked)], parts[-2:][: len(asked)])
