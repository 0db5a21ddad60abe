"""Conditions of policies by HTTP: what they know of a request, and those that cannot be answered."""

from __future__ import annotations

import pytest

from smartdc import DataCenter
from smartdc.emulator.state.site import Site
from tests.helpers.sub_users import give, refused


def test_conditions_see_the_machine_and_the_request(sdc: DataCenter, bobs: DataCenter, site: Site) -> None:
    machines = {
        role: bobs.machine(site.add_machine(tags={"role": role}).uuid, lazy=True) for role in ("web", "db")
    }
    bare = bobs.machine(site.add_machine().uuid, lazy=True)
    give(
        sdc,
        "ops",
        "CAN getmachine WHEN tag_role::string = web AND sourceip = 127.0.0.1 AND method::string = get",
    )
    for machine in (*machines.values(), bare):
        sdc.set_role_tags(machine, ["ops"])
    machines["web"].refresh()
    for machine in (machines["db"], bare):
        with refused("/my/machines/"):
            machine.refresh()


@pytest.mark.parametrize(
    "condition",
    [
        "method = get",
        "day in (1, 2, 3, 4, 5, 6, 7)",
        "date > 2000-01-01",
        "time >= 00:00:00",
        "activeRoles contains x",
        "owner != x",
        "fromjob = false",
        "overwrite = false",
    ],
)
def test_a_condition_without_type_passes_when_the_policy_is_made_and_refuses_every_request(
    sdc: DataCenter, bobs: DataCenter, condition: str
) -> None:
    # sdc-cloudapi lib/policies.js checks with aperture-config's types, lib/auth.js judges with those of
    # etc/aperture.json.in: ip, sourceip and user-agent.
    give(sdc, "ops", f"CAN listimages WHEN {condition}", "CAN listpackages")
    for collection in ("images", "packages"):
        sdc.set_role_tags(collection, ["ops"])
    with refused("/my/images"):
        bobs.images()
    assert bobs.packages()  # a rule for another action does not ask for the condition


def test_a_condition_that_names_its_type_is_answered(sdc: DataCenter, bobs: DataCenter) -> None:
    give(
        sdc,
        "ops",
        "CAN listimages WHEN method::string = get AND date::date > 2000-01-01 AND day::day <= 7",
    )
    sdc.set_role_tags("images", ["ops"])
    assert bobs.images()


def test_a_refusal_whose_condition_cannot_be_answered_spoils_later_rules(
    sdc: DataCenter, bobs: DataCenter
) -> None:
    # node-aperture lib/evaluator.js, evaluateOne: the effect is returned after the condition was answered.
    give(sdc, "ops", "CAN NOT listimages WHEN tag_role::string = web", "CAN listimages")
    sdc.set_role_tags("images", ["ops"])
    with refused("/my/images"):
        bobs.images()


def test_one_rule_that_cannot_be_applied_spoils_the_others(
    sdc: DataCenter, bobs: DataCenter, site: Site
) -> None:
    machine = bobs.machine(site.add_machine().uuid, lazy=True)
    sdc.set_role_tags(machine, [])
    give(sdc, "ops", "CAN getmachine WHEN tag_role::string = web", "CAN getmachine")
    sdc.set_role_tags(machine, ["ops"])
    with refused("/my/machines/"):
        machine.refresh()
