"""Role tags: the PUT routes that fit every path of up to three segments (observed H).

They are why an unknown resource answers 405 with ``Allow: PUT`` and not 404. Sub-users, roles and what a role
tag does come with their issue; until then nothing has any.
"""

from __future__ import annotations

from smartdc.emulator.answers import Answer, not_found
from smartdc.emulator.incoming import Incoming
from smartdc.emulator.routes import Route
from smartdc.emulator.site import Site

TAGGABLE = (
    "machines",
    "users",
    "roles",
    "packages",
    "images",
    "policies",
    "keys",
    "datacenters",
    "fwrules",
    "networks",
    "services",
)


def replace_role_tags(site: Site, request: Incoming) -> Answer:
    """``PUT /:account[/:resource_name[/:resource_id]]``: 200 and nothing changes (observed H)."""
    resource = request.params.get("resource_name")
    if resource and resource not in TAGGABLE:
        raise not_found(f"{resource} is not a valid resource")
    if resource == "users" and request.params.get("resource_id"):
        raise not_found(f"{request.params['resource_id']} does not exist")
    account, *rest = request.path_values.values()
    login = request.account.login if account == "my" else account
    return Answer({"name": "/" + "/".join([login, *rest]), "role-tag": []})


ROUTES = [
    Route("ReplaceAccountRoleTags", "PUT", "/:account", replace_role_tags, params=("role-tag",)),
    Route(
        "ReplaceResourcesRoleTags",
        "PUT",
        "/:account/:resource_name",
        replace_role_tags,
        params=("role-tag",),
    ),
    Route(
        "ReplaceResourceRoleTags",
        "PUT",
        "/:account/:resource_name/:resource_id",
        replace_role_tags,
        params=("role-tag",),
    ),
]
