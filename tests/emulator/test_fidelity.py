"""docs/emulator-fidelity.md has the operations that the tests of facts call, and its differences are real."""

from __future__ import annotations

import pytest

from smartdc import DataCenter
from smartdc.emulator import Emulator
from tests.emulator.differences import DIFFERENCES
from tests.emulator.fidelity import HOW_TO_UPDATE, PAGE, called, listed, page
from tests.helpers.cloudapi_pages import FACTS
from tests.operations import OPERATIONS


def test_the_page_matches_the_recorded_list() -> None:
    assert PAGE.read_text() == page(listed()), HOW_TO_UPDATE


def test_the_list_names_facts_and_operations() -> None:
    assert {name for _, name in listed()} <= set(FACTS)
    known = {row.name for row in OPERATIONS}
    assert known >= DIFFERENCES.keys()
    assert len({operation for operation, _ in listed()} & known) > 40


def test_calls_are_collected_with_each_fact(cloud: Emulator, sdc: DataCenter) -> None:
    with called([cloud], ["a.md#one", "a.md#two"]) as pairs:
        sdc.account()
    sdc.images()
    assert pairs == {("GetAccount", "a.md#one"), ("GetAccount", "a.md#two")}
    assert cloud.on_call == []


def test_dates_of_the_account_and_its_users_do_not_follow_the_skew(cloud: Emulator, sdc: DataCenter) -> None:
    user, machine = cloud.add_user("bob"), cloud.site().add_machine()
    before = sdc.account()["created"], sdc.user(user.uuid)["created"], sdc.machine(machine.uuid).created
    cloud.clock.skew = 120
    after = sdc.account()["created"], sdc.user(user.uuid)["created"], sdc.machine(machine.uuid).created
    assert before[:2] == after[:2]
    assert before[2] != after[2]  # like a real server, which dates everything by its own clock
    for operation in ("GetAccount", "GetUser"):
        assert "skew" in DIFFERENCES[operation]


def test_networks_have_no_suffixes(sdc: DataCenter) -> None:
    networks = sdc.networks()
    assert networks
    assert not any("suffixes" in network for network in networks)
    assert "suffixes" in DIFFERENCES["ListNetworks"]


@pytest.mark.parametrize("operation", ["ListImages", "GetImage"])
def test_images_have_a_field_of_an_old_version(sdc: DataCenter, operation: str) -> None:
    (old,) = (image for image in sdc.images() if "default" in image)
    assert "default" in sdc.image(old["id"])
    assert "default" in DIFFERENCES[operation]
