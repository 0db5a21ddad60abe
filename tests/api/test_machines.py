"""Listing, counting and getting machines. Creating them is in test_machines_create."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc import (
    APIError,
    ConfigurationError,
    ConflictError,
    DataCenter,
    GoneError,
    InvalidArgumentError,
    Machine,
    NotFoundError,
    ValidationFailedError,
)
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"


def names(machines: list[Machine]) -> list[str]:
    return sorted(machine.name for machine in machines)


def test_machines_lists_them_with_one_request(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    for name in ("a", "b"):
        site.add_machine(name)
    machines = sdc.machines()
    assert names(machines) == ["a", "b"]
    assert {machine.state for machine in machines} == {"running"}
    assert sdc.num_machines() == 2
    assert sent(cloud) == [call("GET", "/my/machines"), call("HEAD", "/my/machines")]


@pytest.mark.parametrize(
    ("arguments", "query", "found"),
    [
        ({"machine_type": "virtualmachine"}, {"type": "virtualmachine"}, ["kvm"]),
        ({"state": "stopped"}, {"state": "stopped"}, ["down"]),
        ({"state": "destroyed"}, {"state": "destroyed"}, ["gone"]),
        ({"state": "deleted"}, {"state": "destroyed"}, ["gone"]),
        ({"tombstone": 20}, {"tombstone": "20"}, ["down", "failed", "gone", "kvm", "small", "web", "web2"]),
        # Any value switches the tombstone on, 0 too (docs/cloudapi/lists.md#tombstone-shows-failed-machines):
        # so 0 is not sent.
        ({"tombstone": 0}, {}, ["down", "kvm", "small", "web", "web2"]),
        ({"tags": {"role": "web"}}, {"tag.role": "web"}, ["web", "web2"]),
        ({"tags": {"number": 42}}, {"tag.number": "42"}, ["web"]),
        ({"tags": {"flag": True}}, {"tag.flag": "true"}, ["web2"]),
        ({"tags": {"role": "*", "number": 42}}, {"tag.role": "*", "tag.number": "42"}, ["web"]),
        ({"brand": "kvm"}, {"brand": "kvm"}, ["kvm"]),
        ({"docker": True}, {"docker": "true"}, ["small"]),
        ({"docker": False}, {"docker": "false"}, ["down", "kvm", "web", "web2"]),
    ],
    ids=str,
)
def test_machines_and_num_machines_take_the_same_filters(
    cloud: Emulator, sdc: DataCenter, site: Site, arguments: Any, query: Any, found: list[str]
) -> None:
    site.add_machine("web", tags={"role": "web", "number": 42})
    site.add_machine("web2", tags={"role": "web", "flag": True})
    site.add_machine("down", state="stopped", tags={"other": "x"})
    site.add_machine("small", docker=True, ram=77, max_physical_memory=77)
    site.add_machine("kvm", brand="kvm")
    site.add_machine("failed", state="failed")
    site.add_machine("gone", state="deleted")
    assert names(sdc.machines(**arguments)) == found
    assert sdc.num_machines(**arguments) == len(found)
    assert sent(cloud) == [call("GET", "/my/machines", query), call("HEAD", "/my/machines", query)]
    assert all(got.ignored == () for got in cloud.calls)


def test_num_machines_applies_its_filters(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    site.add_machine("a", tags={"type": "test"})
    site.add_machine("b")
    assert sdc.num_machines(tags={"type": "test"}) == 1
    assert sdc.num_machines("smartmachine", state="stopped") == 0
    assert sent(cloud) == [
        call("HEAD", "/my/machines", {"tag.type": "test"}),
        call("HEAD", "/my/machines", {"type": "smartmachine", "state": "stopped"}),
    ]


def test_machines_by_image_or_dataset(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    one, other = sdc.datasets("base(64)?:")[:2]
    site.add_machine("one", image=one["id"])
    site.add_machine("other", image=other["id"])
    start = len(cloud.calls)
    query = {"image": one["id"]}
    # The server ignores `dataset` since API 7 (docs/cloudapi/lists.md#image-filter): it is sent as `image`.
    for found in (sdc.machines(image=one), sdc.machines(dataset=one), sdc.machines(dataset=one["id"])):
        assert names(found) == ["one"]
    assert sdc.num_machines(dataset=one) == sdc.num_machines(image=one["id"].upper()) == 1
    assert (
        sent(cloud, start)
        == [call("GET", "/my/machines", query)] * 3 + [call("HEAD", "/my/machines", query)] * 2
    )


def test_machines_by_the_urn_of_a_dataset(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    dataset = sdc.datasets("base64:")[0]
    site.add_machine("one", image=dataset["id"])
    assert names(sdc.machines(dataset=dataset["urn"])) == ["one"]
    assert sent(cloud)[1:] == [
        call("GET", "/my/images"),
        call("GET", "/my/machines", {"image": dataset["id"]}),
    ]


def test_machines_by_name_is_exact_although_the_server_matches_prefixes(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    for name in ("web", "web0", "web1"):
        site.add_machine(name)
    # docs/cloudapi/lists.md#name-filter-matches-prefixes: name=web is a prefix match.
    assert names(sdc.machines(name="web")) == ["web"]
    assert sent(cloud) == [call("GET", "/my/machines", {"name": "web"})]


def test_machines_by_name_with_a_limit_counts_exact_matches_only(sdc: DataCenter, site: Site) -> None:
    for number in range(9):
        site.add_machine(f"web{number}")
    site.add_machine("web")
    assert names(sdc.machines(name="web", limit=1)) == ["web"]
    assert sdc.machines(name="web", limit=1, offset=1) == []


@pytest.mark.parametrize("state", ["provisioning", "stopping"])
def test_states_that_the_server_does_not_filter_are_filtered_by_the_client(
    sdc: DataCenter, site: Site, state: str
) -> None:
    # docs/cloudapi/lists.md#states-that-mean-active: the server answers both with every machine
    # that is not destroyed.
    for name in ("a", "b", "c"):
        site.add_machine(name, state=state)
        site.add_machine(f"{name}-runs")
    assert names(sdc.machines(state=state)) == ["a", "b", "c"]
    assert sdc.num_machines(state=state) == 3
    assert len(sdc.machines(state=state, limit=2)) == 2
    assert len(sdc.machines(state=state, offset=2)) == 1


def test_machines_with_credentials(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    site.add_machine("a", internal_metadata={"root_pw": "secret"})
    (machine,) = sdc.machines(credentials=True)
    assert machine.credentials() == {"root": "secret"}
    assert "credentials" not in machine.metadata
    # Any value shows the passwords (docs/cloudapi/lists.md#credentials-in-a-list), so False is left out.
    assert sdc.machines(credentials=False)[0].raw["metadata"] == {}
    query = {"credentials": "true"}
    assert sent(cloud) == [call("GET", "/my/machines", query), call("GET", "/my/machines")]


def test_paged_makes_exactly_one_request(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    for number in range(5):
        site.add_machine(f"web{number}")
    pages = [sdc.machines(paged=True, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({machine.id for page in pages for machine in page}) == 5
    assert sent(cloud) == [
        call("GET", "/my/machines", {"limit": "2", "offset": str(offset)}) for offset in (0, 2, 4)
    ]


def test_a_limit_that_the_server_refuses(sdc: DataCenter) -> None:
    with pytest.raises(ValidationFailedError) as caught:
        sdc.machines(paged=True, limit=1001)
    assert caught.value.errors[0]["field"] == "limit"


def test_limit_and_offset_without_paging(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    ids = sorted((site.add_machine(f"web{number}").uuid for number in range(5)), reverse=True)
    assert [machine.id for machine in sdc.machines(limit=3)] == ids[:3]
    assert [machine.id for machine in sdc.machines(offset=3)] == ids[3:]
    assert [machine.id for machine in sdc.machines(limit=2, offset=1)] == ids[1:3]
    assert sent(cloud) == [
        call("GET", "/my/machines", {"limit": "3"}),
        call("GET", "/my/machines"),
        call("GET", "/my/machines", {"limit": "2", "offset": "1"}),
    ]


def test_a_limit_holds_although_the_server_ignores_it_for_all_tagged(sdc: DataCenter, site: Site) -> None:
    for number in range(5):
        site.add_machine(f"web{number}", tags={"role": "web"})
    # docs/cloudapi/lists.md#all-that-have-tags: tags=* ignores limit.
    assert len(sdc.machines(tags="*", limit=3)) == 3


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"state": "nonsense"}, InvalidArgumentError),
        ({"brand": "nonsense"}, ValidationFailedError),
        ({"image": UNKNOWN}, NotFoundError),
    ],
    ids=str,
)
def test_filters_that_the_server_refuses(sdc: DataCenter, arguments: Any, error: type[APIError]) -> None:
    with pytest.raises(error):
        sdc.machines(**arguments)
    # HEAD has no body: only the status tells the error.
    with pytest.raises(NotFoundError if error is NotFoundError else ConflictError):
        sdc.num_machines(**arguments)


def test_machine(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine("web", tags={"role": "web"})
    machine = sdc.machine(vm.uuid)
    assert (machine.id, machine.name, machine.tags) == (vm.uuid, "web", {"role": "web"})
    assert machine.datacenter is sdc
    assert sent(cloud) == [call("GET", f"/my/machines/{vm.uuid}")]


def test_machine_by_dict_machine_or_upper_case_id(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine()
    machine = sdc.machine({"id": vm.uuid})
    assert sdc.machine(machine) == machine
    # The server would answer 409 to upper case (docs/cloudapi/machines.md#bad-and-upper-case-ids).
    assert sdc.machine(vm.uuid.upper()).id == vm.uuid
    assert sdc.raw_machine_data(machine)["id"] == vm.uuid
    assert sent(cloud) == [call("GET", f"/my/machines/{vm.uuid}")] * 4


def test_machine_with_credentials(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine(internal_metadata={"root_pw": "secret"})
    machine = sdc.machine(vm.uuid, credentials=True)
    assert machine.credentials() == {"root": "secret"}
    assert sdc.raw_machine_data(vm.uuid, credentials=True)["metadata"] == {"credentials": {"root": "secret"}}
    assert sdc.raw_machine_data(vm.uuid)["metadata"] == {}
    path = f"/my/machines/{vm.uuid}"
    assert sent(cloud) == [call("GET", path, {"credentials": "true"})] * 2 + [call("GET", path)]


def test_machine_that_does_not_exist(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError, match="VM not found"):
        sdc.machine(UNKNOWN)
    with pytest.raises(ValidationFailedError, match="uuid Invalid Invalid UUID"):
        sdc.raw_machine_data({"id": "nonsense"})
    other = cloud.site("us-sw-1").add_machine(account=cloud.add_account("other"))
    with pytest.raises(NotFoundError):
        sdc.machine(other.uuid)


def test_a_deleted_machine_is_gone_and_the_error_has_its_data(sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine("web", state="deleted")
    with pytest.raises(GoneError, match=f"410 Gone: machine {vm.uuid} is deleted") as caught:
        sdc.machine(vm.uuid)
    assert caught.value.machine is not None
    assert (caught.value.machine["name"], caught.value.machine["state"]) == ("web", "deleted")


@pytest.mark.parametrize("nothing", ["", None, {}, {"id": None}, {"name": "web"}, 5, b"x"])
def test_machine_by_an_invalid_reference(cloud: Emulator, sdc: DataCenter, nothing: Any) -> None:
    for look in (sdc.machine, sdc.raw_machine_data):
        with pytest.raises(ConfigurationError, match="names no machine: give its id"):
            look(nothing)
    assert sent(cloud) == []


@pytest.mark.parametrize("ident", [".", ".."])
def test_machine_by_an_id_that_would_change_the_path(cloud: Emulator, sdc: DataCenter, ident: str) -> None:
    with pytest.raises(ConfigurationError, match="neither an id nor a name"):
        sdc.machine(ident)
    with pytest.raises(ConfigurationError, match="neither an id nor a name"):
        sdc.machine(ident, lazy=True)
    with pytest.raises(ConfigurationError, match="cannot be an id"):
        sdc.machine({"id": ident})
    assert sent(cloud) == []


def test_an_id_with_slashes_stays_one_segment(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.raises(ValidationFailedError):
        sdc.raw_machine_data({"id": "../keys?x#y"})
    assert sent(cloud) == [call("GET", "/my/machines/..%2Fkeys%3Fx%23y")]


def test_lazy_makes_no_request_until_a_value_is_read(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine("web")
    machine = sdc.machine(vm.uuid, lazy=True)
    assert repr(machine) == f"<Machine {vm.uuid} in us-sw-1>"
    assert machine.id == vm.uuid
    assert sent(cloud) == []
    assert machine.name == "web"
    assert machine.state == "running"
    assert sent(cloud) == [call("GET", f"/my/machines/{vm.uuid}")]
