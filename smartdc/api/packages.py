"""Packages: the bundles of memory, disk and CPU that machines are sold in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smartdc._http import shapes
from smartdc._http.connection import Connection
from smartdc._http.named import id_of
from smartdc.arguments.filters import Filters, number, text
from smartdc.arguments.ids import shown
from smartdc.arguments.kinds import flag
from smartdc.arguments.names import PACKAGE
from smartdc.arguments.refs import PackageRef
from smartdc.arguments.search import marked_default, searching
from smartdc.errors import ConfigurationError

if TYPE_CHECKING:
    from smartdc.types import Brand, Package


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
        brand: Brand | str | None = None,
        flexible_disk: bool | None = None,
    ) -> list[Package]:
        """List packages.

        ``GET /:login/packages``

        Args:
            search: Regular expression, applied by the client, ignoring case.
            fields: Fields in which to search.
            name: Name; ``*`` stands for any text (``g4*``), here and in `version`, `group` and `brand`.
            memory: MiB.
            disk: MiB.
            swap: MiB.
            lwps: Number of lightweight processes.
            version: Version.
            vcpus: Number of virtual CPUs.
            group: Group.
            brand: Brand of machine that it is for.
            flexible_disk: True for packages whose disk can be divided at will, False for the others.

        Returns:
            List of dicts.

        Raises:
            ConfigurationError: A filter has a type that the server would ignore, or is empty.
        """
        if isinstance(fields, int) or (isinstance(fields, str) and fields.isdecimal()):
            memory = shown(fields).strip("'")
            raise ConfigurationError(
                f"the second argument of packages() is where to search, not the memory: memory={memory}"
            )
        filters = Filters()
        for field, value in (("name", name), ("version", version), ("group", group), ("brand", brand)):
            if value == "null":
                # The server would list those without any (its lib/packages.js turns it into null).
                raise ConfigurationError(
                    f"{field}='null' would list packages without any {field}; leave it out to list all"
                )
            filters.pattern(field, text(field, value))
        sizes = {"memory": memory, "disk": disk, "swap": swap, "lwps": lwps, "vcpus": vcpus}
        for field, size in sizes.items():
            filters.equal(field, number(field, size))
        if flag("flexible_disk", flexible_disk) is not None:
            # Most packages lack the field, and for False the server lists only those that have it.
            filters.query |= {"flexible_disk": True} if flexible_disk else {}
            filters.add_check(lambda package: bool(package.get("flexible_disk")) is flexible_disk)
        filters.add_check(searching(search, fields))
        return filters.apply(self._list("packages", shape=shapes.PACKAGE, params=filters.query))

    def package(self, name: PackageRef) -> Package:
        """Get one package.

        ``GET /:login/packages/:package``

        Args:
            name: UUID, name (the server takes its highest version), short id, or a dict with UUID or name.
        """
        return self._get("packages", id_of(self, PACKAGE, name), shape=shapes.PACKAGE)

    def default_package(self) -> Package | None:
        """Get the package that the server marks as default; None if it marks none.

        ``GET /:login/packages``
        """
        return marked_default(self.packages())
