"""Rows of roles, policies and role tags."""

from __future__ import annotations

from smartdc.types import Policy, Role
from tests.contract.row import AGAIN, ERROR, SAME, Operation, World

RULE = "CAN listmachines AND getmachine"


def _policy(world: World) -> Policy:
    """A new policy."""
    return world.sdc.create_policy("reading", RULE)


def _role(world: World) -> Role:
    """A new role."""
    return world.sdc.create_role("devs")


def _user(world: World) -> str:
    """The login of a sub-user, which is created if needed."""
    return (world.cloud.account.find_user("bob") or world.cloud.account.add_user("bob")).login


_TAGS = {"role-tag": ["devs"]}

ROWS = [
    Operation(
        name="ListRoles",
        verb="GET",
        path="/:login/roles",
        since="7.2",
        method="DataCenter.roles",
        call=lambda sdc, world: (_role(world), sdc.roles()),
    ),
    Operation(
        name="GetRole",
        verb="GET",
        path="/:login/roles/:role",
        since="7.2",
        method="DataCenter.role",
        call=lambda sdc, world: sdc.role(_role(world)),
    ),
    Operation(
        name="CreateRole",
        verb="POST",
        path="/:login/roles",
        since="7.2",
        method="DataCenter.create_role",
        call=lambda sdc, world: sdc.create_role(
            "devs", default_members=[_user(world)], policies=[_policy(world)["name"]]
        ),
        body={
            "name": "devs",
            "members": [{"type": "subuser", "login": "bob", "default": True}],
            "policies": [{"name": "reading"}],
        },
        status=201,
        lost=(ERROR, "if it was created, its name is taken"),
    ),
    Operation(
        name="UpdateRole",
        verb="POST",
        path="/:login/roles/:role",
        since="7.2",
        method="DataCenter.update_role",
        call=lambda sdc, world: sdc.update_role(
            _role(world), name="staff", members=[_user(world)], policies=[]
        ),
        body={"name": "staff", "members": [{"type": "subuser", "login": "bob"}], "policies": []},
        lost=(AGAIN, SAME),
    ),
    Operation(
        name="DeleteRole",
        verb="DELETE",
        path="/:login/roles/:role",
        since="7.2",
        method="DataCenter.delete_role",
        call=lambda sdc, world: sdc.delete_role(_role(world)),
        status=204,
    ),
    Operation(
        name="ListPolicies",
        verb="GET",
        path="/:login/policies",
        since="7.2",
        method="DataCenter.policies",
        call=lambda sdc, world: (_policy(world), sdc.policies()),
    ),
    Operation(
        name="GetPolicy",
        verb="GET",
        path="/:login/policies/:policy",
        since="7.2",
        method="DataCenter.policy",
        call=lambda sdc, world: sdc.policy(_policy(world)),
    ),
    Operation(
        name="CreatePolicy",
        verb="POST",
        path="/:login/policies",
        since="7.2",
        method="DataCenter.create_policy",
        call=lambda sdc, world: sdc.create_policy("reading", [RULE], description="To look"),
        body={"name": "reading", "rules": [RULE], "description": "To look"},
        status=201,
        lost=(ERROR, "if it was created, its name is taken"),
    ),
    Operation(
        name="UpdatePolicy",
        verb="POST",
        path="/:login/policies/:policy",
        since="7.2",
        method="DataCenter.update_policy",
        call=lambda sdc, world: sdc.update_policy(
            _policy(world), name="looking", rules=RULE, description="To look"
        ),
        body={"name": "looking", "rules": [RULE], "description": "To look"},
        lost=(AGAIN, SAME),
    ),
    Operation(
        name="DeletePolicy",
        verb="DELETE",
        path="/:login/policies/:policy",
        since="7.2",
        method="DataCenter.delete_policy",
        call=lambda sdc, world: sdc.delete_policy(_policy(world)),
        status=204,
    ),
    Operation(
        name="ReplaceAccountRoleTags",
        verb="PUT",
        path="/:login",
        since="7.2",
        method="DataCenter.set_role_tags",
        call=lambda sdc, world: sdc.set_role_tags(None, _role(world)),
        body=_TAGS,
    ),
    Operation(
        name="ReplaceResourcesRoleTags",
        verb="PUT",
        path="/:login/:resource_name",
        since="7.2",
        method="DataCenter.set_role_tags",
        call=lambda sdc, world: sdc.set_role_tags("images", [_role(world)]),
        body=_TAGS,
    ),
    Operation(
        name="ReplaceResourceRoleTags",
        verb="PUT",
        path="/:login/:resource_name/:resource_id",
        since="7.2",
        method="DataCenter.set_role_tags",
        call=lambda sdc, world: sdc.set_role_tags(("images", world.image_id), [_role(world)]),
        body=_TAGS,
    ),
    Operation(
        name="ReplaceMachineRoleTags",
        verb="PUT",
        path="/:login/machines/:resource_id",
        since="7.2",
        method="DataCenter.set_role_tags",
        call=lambda sdc, world: sdc.set_role_tags(world.machine, [_role(world)]),
        body=_TAGS,
    ),
    Operation(
        name="ReplaceUserKeysResourcesRoleTags",
        verb="PUT",
        path="/:login/users/:user/:resource_name",
        since="7.2",
        method="DataCenter.set_role_tags",
        call=lambda sdc, world: sdc.set_role_tags(("users", _user(world), "keys"), [_role(world)]),
        body=_TAGS,
    ),
    Operation(
        name="ReplaceUserKeysResourceRoleTags",
        verb="PUT",
        path="/:login/users/:user/keys/:resource_id",
        since="7.2",
        method="DataCenter.set_role_tags",
        call=lambda sdc, world: sdc.set_role_tags(("users", _user(world), "keys", "laptop"), [_role(world)]),
        body=_TAGS,
    ),
]
