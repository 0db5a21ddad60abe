"""Packages: the bundles of memory, disk and CPU that machines are sold in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from smartdc._http.connection import Connection
from smartdc.arguments.ids import entity_id, given
from smartdc.arguments.search import marked_default, search_dicts
from smartdc.types import Package


class PackageOperations(Connection):
    """Operations on packages."""

    def packages(
        self,
        search: str | None = None,
        fields: Sequence[str] = ("name",),
        *,
        name: str | None = None,
        memory: int | str | None = None,
        disk: int | str | None = None,
        swap: int | str | None = None,
        lwps: int | str | None = None,
        version: str | None = None,
        vcpus: int | str | None = None,
        group: str | None = None,
        brand: str | None = None,
        flexible_disk: bool | None = None,
    ) -> list[Package]:
        """List packages.

        ``GET /:login/packages``

        Args:
            search: Regular expression, applied here, whatever the case.
            fields: Where to look for it.
            name: Name; ``*`` stands for anything (``g4*``).
            memory: MiB.
            disk: MiB.
            swap: MiB.
            lwps: Number of lightweight processes.
            version: Version.
            vcpus: Number of virtual CPUs.
            group: Group.
            brand: Brand of machine that it is for.
            flexible_disk: True for packages whose disk can be divided at will.

        Returns:
            List of dicts.
        """
        filters: dict[str, Any] = given(
            name=name,
            memory=memory,
            disk=disk,
            swap=swap,
            lwps=lwps,
            version=version,
            vcpus=vcpus,
            group=group,
            brand=brand,
        ) | given(flexible_disk=flexible_disk)
        return search_dicts(cast(list[Package], self._list("packages", params=filters)), search, fields)

    def package(self, name: str | Mapping[str, Any]) -> Package:
        """Get one package.

        ``GET /:login/packages/:package``

        Args:
            name: UUID, name (the server takes its highest version), or a dict with one of them.
        """
        return cast(Package, self._get("packages", entity_id(name, "package", "id", "name")))

    def default_package(self) -> Package | None:
        """The package that the server marks as default; None when it marks none.

        ``GET /:login/packages``
        """
        return marked_default(self.packages())
