"""LegacyDataCenter: a data center that still runs API 6.5, with datasets instead of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from smartdc._http import shapes
from smartdc.arguments.ids import entity_id
from smartdc.arguments.search import searching
from smartdc.datacenter import DataCenter

if TYPE_CHECKING:
    from smartdc.types import Image

__all__ = ["LegacyDataCenter"]


class LegacyDataCenter(DataCenter):
    """A data center of API 6.5.

    Datasets come from ``/datasets``, machines are created from a ``dataset``, and images and networks, which
    came with API 7, raise RuntimeError. Requests are signed as such a server expects: the date alone, with an
    RSA key, in the form of http-signature 0.9. ``signed_headers='date'`` chooses the form of 0.10, for a
    server that has it (docs/migrating.md says which servers take which form).
    """

    API_VERSION = "~6.5"
    VERSION_HEADER = "X-Api-Version"
    OLD_SIGNATURES = True
    IMAGE_PARAMETER = "dataset"
    UNIQUE_NAMES = False  # not verified: there is no 6.5 server to test against

    def datasets(
        self, search: str | None = None, fields: Sequence[str] = ("description", "urn")
    ) -> list[Image]:
        """List datasets.

        ``GET /:login/datasets``

        Args:
            search: Regular expression, applied by the client, ignoring case.
            fields: Fields in which to search.
        """
        fits = searching(search, fields)
        return [dataset for dataset in self._list("datasets", shape=shapes.DATASET) if fits(dataset)]

    def dataset(self, identifier: str | Mapping[str, Any]) -> Image:
        """Get one dataset.

        ``GET /:login/datasets/:dataset``

        Args:
            identifier: UUID, URN, or a dict with one of them.
        """
        return self._get("datasets", entity_id(identifier, "dataset", "id", "urn"), shape=shapes.DATASET)

    def images(self, *_: Any, **__: Any) -> NoReturn:
        """Raise RuntimeError: images came with API 7."""
        raise _too_old("images", "datasets()")

    def image(self, *_: Any, **__: Any) -> NoReturn:
        """Raise RuntimeError: images came with API 7."""
        raise _too_old("images", "dataset()")

    def delete_image(self, *_: Any, **__: Any) -> NoReturn:
        """Raise RuntimeError: images came with API 7."""
        raise _too_old("images", "DataCenter")

    def networks(self, *_: Any, **__: Any) -> NoReturn:
        """Raise RuntimeError: networks came with API 7."""
        raise _too_old("networks", "DataCenter")

    def network(self, *_: Any, **__: Any) -> NoReturn:
        """Raise RuntimeError: networks came with API 7."""
        raise _too_old("networks", "DataCenter")

    def _listed_image_id(self, image: Any, dataset: Any) -> str | None:
        chosen = dataset if image is None else image
        # Machines are listed by the URN that they have, and created from an id.
        return None if chosen is None else entity_id(chosen, "dataset", "urn", "id")

    def _image_id(self, image: Any, dataset: Any) -> str | None:
        chosen = dataset if image is None else image
        return None if chosen is None else entity_id(chosen, "dataset", "id", "urn")


def _too_old(what: str, instead: str) -> RuntimeError:
    return RuntimeError(f"API 6.5 has no {what}: use {instead}")
