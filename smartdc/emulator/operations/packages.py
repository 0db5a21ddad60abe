"""Packages: list and get."""

from __future__ import annotations

from typing import Any

from smartdc.emulator.http.answers import Answer, not_found
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import as_text, fits_wildcard
from smartdc.emulator.http.routes import Route
from smartdc.emulator.rules.package_filters import filter_alternatives
from smartdc.emulator.state.resources import Package
from smartdc.emulator.state.site import Site

#: The list's filters; the server ignores ``active`` and ``default``
#: (docs/cloudapi/images-and-packages.md#package-filters-that-are-ignored).
FILTERS = (
    "brand",
    "name",
    "memory",
    "disk",
    "swap",
    "lwps",
    "version",
    "vcpus",
    "group",
    "flexible_disk",
)


def package_json(package: Package) -> dict[str, Any]:
    """Write one package; fields without a value are left out."""
    shown: dict[str, Any] = {
        "brand": package.brand,
        "default": package.default,
        "description": package.description,
        "disk": package.disk,
        "group": package.group,
        "id": package.uuid,
        "lwps": package.lwps,
        "memory": package.memory,
        "name": package.name,
        "swap": package.swap,
        "vcpus": package.vcpus,
        "version": package.version,
    }
    if package.brand == "bhyve":
        shown["flexible_disk"] = package.flexible_disk
        shown["disks"] = package.disks
    return {name: value for name, value in shown.items() if value is not None}


def list_packages(site: Site, request: Incoming) -> Answer:
    """``GET /:account/packages``: active packages; ``*`` in a filter matches any text.

    See docs/cloudapi/images-and-packages.md#package-wildcards.
    """
    wanted = {name: filter_alternatives(request.params[name]) for name in FILTERS if request.params.get(name)}
    account_uuid = request.account.uuid
    shown = [
        package_json(package)
        for package in site.packages.values()
        if package.active and package.visible_to(account_uuid) and _fits(package, wanted)
    ]
    return Answer(shown)


def get_package(site: Site, request: Incoming) -> Answer:
    """``GET /:account/packages/:package``; an inactive package is found by its uuid.

    See docs/cloudapi/images-and-packages.md#inactive-packages.
    """
    if request.package is None:
        raise not_found(f"{request.params['package']} not found")
    return Answer(package_json(request.package))


def _fits(package: Package, wanted: dict[str, list[str]]) -> bool:
    return all(
        not patterns or any(fits_wildcard(as_text(getattr(package, name)), pattern) for pattern in patterns)
        for name, patterns in wanted.items()
    )


ROUTES = [
    Route("ListPackages", "GET", "/:account/packages", list_packages, params=FILTERS),
    Route("HeadPackages", "HEAD", "/:account/packages", list_packages, params=FILTERS),
    Route("GetPackage", "GET", "/:account/packages/:package", get_package),
    Route("HeadPackage", "HEAD", "/:account/packages/:package", get_package),
]
