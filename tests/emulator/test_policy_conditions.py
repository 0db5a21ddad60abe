"""Conditions of policies by HTTP: the values of a request that they see, and conditions that always fail."""

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
def test_a_condition_without_a_type_is_accepted_in_a_policy_but_fails_every_request(
    sdc: DataCenter, bobs: DataCenter, condition: str
) -> None:
    # sdc-cloudapi lib/policies.js checks with the types of aperture-config, lib/auth.js authorizes with those
    # of etc/aperture.json.in: ip, sourceip and user-agent.
    give(sdc, "ops", f"CAN listimages WHEN {condition}", "CAN listpackages")
    for collection in ("images", "packages"):
        sdc.set_role_tags(collection, ["ops"])
    with refused("/my/images"):
        bobs.images()
    assert bobs.packages()  # the condition of a rule for another action is not evaluated


def test_a_condition_with_a_type_is_evaluated(sdc: DataCenter, bobs: DataCenter) -> None:
    give(
        sdc,
        "ops",
        "CAN listimages WHEN method::string = get AND date::date > 2000-01-01 AND day::day <= 7",
    )
    sdc.set_role_tags("images", ["ops"])
    assert bobs.images()


def test_a_can_not_rule_whose_condition_fails_ends_the_evaluation(sdc: DataCenter, bobs: DataCenter) -> None:
    # node-aperture lib/evaluator.js, evaluateOne: it evaluates the condition before it returns the effect.
    give(sdc, "ops", "CAN NOT listimages WHEN tag_role::string = web", "CAN listimages")
    sdc.set_role_tags("images", ["ops"])
    with refused("/my/images"):
        bobs.images()


def test_a_rule_that_cannot_be_applied_ends_the_evaluation(
    sdc: DataCenter, bobs: DataCenter, site: Site
) -> None:
    machine = bobs.machine(site.add_machine().uuid, lazy=True)
    sdc.set_role_tags(machine, [])
    give(sdc, "ops", "CAN getmachine WHEN tag_role::string = web", "CAN getmachine")
    sdc.set_role_tags(machine, ["ops"])
    with refused("/my/machines/"):
        machine.refresh()
