"""Images, and the datasets that py-smartdc knew them as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from smartdc.connection import Connection
from smartdc.endpoint import entity_id, given, is_uuid
from smartdc.search import marked_default, search_dicts
from smartdc.types import Image

ImageRef = str | Mapping[str, Any]

_VISIBILITY = {"public": "true", "private": "false"}


class ImageOperations(Connection):
    """Operations on the images that machines are made from."""

    def images(
        self,
        name: str | None = None,
        os: str | None = None,
        version: str | None = None,
        public: bool | str | None = None,
        state: str | None = None,
        owner: str | None = None,
        type: str | None = None,
    ) -> list[Image]:
        """List images.

        ``GET /:login/images``

        Args:
            name: Exact name.
            os: ``smartos``, ``linux``, ``windows``, ...
            version: Exact version.
            public: True for public images, False for private ones (``'public'``, ``'private'`` as well).
            state: ``active`` (what the server shows when not told), ``disabled``, ``creating``, ``failed``,
                ``unactivated``, or ``all``.
            owner: UUID of the owner.
            type: ``zone-dataset``, ``lx-dataset``, ``zvol``, ``docker``; docker images are listed only when
                asked for.

        Returns:
            List of dicts.
        """
        visibility = _VISIBILITY.get(public, public) if isinstance(public, str) else public
        filters: dict[str, Any] = given(
            name=name, os=os, version=version, state=state, owner=owner, type=type
        ) | given(public=visibility)
        return cast(list[Image], self._get("images", params=filters))

    def image(self, identifier: ImageRef) -> Image:
        """Get one image.

        ``GET /:login/images/:image``

        Args:
            identifier: UUID, or dict with ``id``.
        """
        return cast(Image, self._get("images", entity_id(identifier, "image")))

    def delete_image(self, identifier: ImageRef) -> None:
        """Delete an image of one's own.

        ``DELETE /:login/images/:image``

        Args:
            identifier: UUID, or dict with ``id``.
        """
        self._delete("images", entity_id(identifier, "image"))

    def datasets(
        self, search: str | None = None, fields: Sequence[str] = ("description", "urn")
    ) -> list[Image]:
        """List images under the name and with the URN that they had as datasets.

        ``GET /:login/images``

        Args:
            search: Regular expression, applied here, whatever the case.
            fields: Where to look for it.

        Returns:
            List of dicts as from `images`, each with ``urn``: ``sdc:sdc:NAME:VERSION``.
        """
        return search_dicts([_with_urn(image) for image in self.images()], search, fields)

    def dataset(self, identifier: ImageRef) -> Image:
        """Get one image, as `image` does, by its UUID or by its URN.

        ``GET /:login/images/:image``

        Args:
            identifier: UUID, URN, the start of a URN or its end from the name on (``base64`` or
                ``base64:14.3.0``), or a dict with one of them. Of several the newest is taken.
        """
        wanted = entity_id(identifier, "dataset", "id", "urn")
        return self._dataset_by_urn(wanted) or _with_urn(self.image(wanted))

    def default_dataset(self) -> Image | None:
        """The image that the server marks as default; None when it marks none.

        ``GET /:login/images``
        """
        return marked_default(self.datasets())

    def _dataset_by_urn(self, wanted: str) -> Image | None:
        if is_uuid(wanted):
            return None
        found = [dataset for dataset in self.datasets() if _urn_matches(dataset["urn"], wanted)]
        return max(found, key=lambda dataset: dataset.get("published_at", ""), default=None)


def _with_urn(image: Image) -> Image:
    return {"urn": f"sdc:sdc:{image['name']}:{image['version']}", **image}


def _urn_matches(urn: str, wanted: str) -> bool:
    """Whether the parts of `wanted` are parts of `urn` in a row, from its start or from the name on."""
    parts, asked = urn.split(":"), wanted.split(":")
    return asked in (parts[: len(asked)], parts[-2:][: len(asked)])
