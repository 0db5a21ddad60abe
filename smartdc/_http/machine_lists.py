"""The list of machines, page by page: the query to the server, and the filters on its answers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from smartdc._http import shapes
from smartdc._http.connection import Connection
from smartdc._http.named import dataset_of, id_of
from smartdc._http.paging import PAGE, in_order
from smartdc._http.request import Params
from smartdc.arguments.filters import Filters
from smartdc.arguments.ids import entity_id, is_uuid, without_none
from smartdc.arguments.names import IMAGE
from smartdc.arguments.refs import ImageRef

if TYPE_CHECKING:
    from smartdc.types import MachineData

__all__ = ["MachineLists"]

_LARGER_THAN_A_BODY = 3 * 1024 * 1024
"""Bytes; 1000 machines have 1 or 2 MB."""


class MachineLists(Connection):
    """A connection that lists machines."""

    IMAGE_PARAMETER = "image"
    """A server since API 7 ignores `dataset` when listing (docs/cloudapi/lists.md#image-filter)."""

    def _machines_found(
        self, filters: Filters, limit: int | None, offset: int | None, *, paged: bool
    ) -> Iterator[MachineData]:
        """The machines that pass the filters, from one page if `paged`."""
        found: Iterator[MachineData]
        if paged or (filters.exact and limit is not None and limit <= PAGE):
            found = filters.passing(self._one_page(filters.query, limit, offset))
        else:
            found = islice(filters.passing(self._machine_pages(filters.query)), offset or 0, None)
        return islice(found, limit)

    def _one_page(self, filters: Params, limit: int | None, offset: int | None) -> Iterator[MachineData]:
        """One page, fetched when it is needed."""
        query = {**filters, **without_none(limit=limit, offset=offset)}
        yield from self._list("machines", shape=shapes.MACHINE, params=query)

    def _machine_pages(self, filters: Params) -> Iterator[MachineData]:
        """All pages in a row, each machine once; one is fetched when the one before is taken."""
        # glibc gives the memory of a freed block back to the system, and gets it again for the next body with
        # hundreds of page faults, unless a larger block was freed before (mallopt(3), M_TRIM_THRESHOLD).
        bytearray(_LARGER_THAN_A_BODY)

        def page_at(offset: int | None) -> list[MachineData]:
            query = {**filters, **without_none(offset=offset)}
            return self._list("machines", shape=shapes.MACHINE, params=query)

        return in_order(page_at, PAGE, "/machines")

    def _add_image(self, filters: Filters, image: ImageRef | None, dataset: ImageRef | None) -> None:
        ident = self._listed_image_id(image, dataset)
        if self.IMAGE_PARAMETER == "image":
            filters.equal("image", ident)
        else:  # a dataset, which machines may show by its URN
            filters.query |= without_none(**{self.IMAGE_PARAMETER: ident})

    def _listed_image_id(self, image: ImageRef | None, dataset: ImageRef | None) -> str | None:
        """The image id that machines are listed by."""
        return self._image_id(image, dataset)

    def _image_id(self, image: ImageRef | None, dataset: ImageRef | None) -> str | None:
        if image is not None:
            return id_of(self, IMAGE, image)
        if dataset is None:
            return None
        wanted = entity_id(dataset, "dataset", "id", "urn")
        # py-smartdc accepted a URN, or a part of one; today's servers accept UUIDs only.
        return wanted if is_uuid(wanted) else dataset_of(self, wanted)["id"]
