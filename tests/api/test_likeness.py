"""How what the server shows is compared with what was requested: values may come back in another form."""

from __future__ import annotations

import re
from time import time
from typing import Any

import pytest

from smartdc import DataCenter, LegacyDataCenter, Machine, OutcomeUnknown, WaitTimeout
from smartdc.emulator.state.clock import timestamp
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer

ID = "00000000-0000-4000-8000-00000000000a"
IMAGE, OTHER = "00000000-0000-4000-8000-00000000000b", "00000000-0000-4000-8000-00000000000c"
PACKAGE = "00000000-0000-4000-8000-00000000000d"
NETWORK = "00000000-0000-4000-8000-00000000000e"


@pytest.fixture
def sdc(stub: StubServer) -> DataCenter:
    return DataCenter(stub.url, login="bob", clock=Instant())


def after_a_lost_answer(stub: StubServer, sdc: DataCenter, shown: dict[str, Any], **requested: Any) -> str:
    """Create a machine whose answer is lost, beside a machine that the server shows.

    Returns:
        The fields in which the two differ; empty if that machine is taken for the requested one.
    """
    machine = {"id": ID, "name": "web", "state": "running", "created": timestamp(time())} | shown
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply([machine])
    found: list[Any]
    try:
        found, differing = [sdc.create_machine("web", **requested).raw], ""
    except OutcomeUnknown as error:
        found = error.candidates
        differing = re.sub(r".*: one is found that differs in ([^;]+); .*", r"\1", str(error))
    assert [one["id"] for one in found] == [ID]
    return differing


@pytest.mark.parametrize(
    ("requested", "shown", "same"),
    [
        ({"tags": {"on": True}}, {"tags": {"on": "true"}}, True),
        ({"tags": {"on": False}}, {"tags": {"on": "false"}}, True),
        ({"tags": {"size": 5}}, {"tags": {"size": "5"}}, True),
        ({"tags": {"on": True}}, {"tags": {"on": "True"}}, False),
        ({"tags": {"role": "Web"}}, {"tags": {"role": "web"}}, False),
        ({"tags": {"a": "1"}}, {"tags": {"a": "1", "b": "2"}}, False),
        ({"tags": {"a": "1", "b": "2"}}, {"tags": {"a": "1"}}, False),
        ({"tags": {}}, {"tags": None}, True),
        ({}, {}, True),
        ({"networks": [NETWORK, ID]}, {"networks": [ID, NETWORK]}, True),
        ({"networks": [NETWORK]}, {"networks": {NETWORK: True}}, False),
        ({"brand": "kvm"}, {"brand": list("kvm")}, False),
        ({"firewall_enabled": False}, {"firewall_enabled": None}, True),
        ({"firewall_enabled": True}, {"firewall_enabled": "true"}, True),
    ],
    ids=str,
)
def test_a_new_machine(
    stub: StubServer, sdc: DataCenter, requested: dict[str, Any], shown: dict[str, Any], same: bool
) -> None:
    differing = "" if same else next(iter(requested))
    assert after_a_lost_answer(stub, sdc, shown, **requested) == differing


@pytest.mark.parametrize(
    ("field", "value", "other"),
    [
        ("brand", "bhyve", "kvm"),
        ("firewall_enabled", True, False),
        ("firewall_enabled", False, True),
        ("deletion_protection", True, False),
        ("delegate_dataset", True, False),
        ("encrypted", True, False),
        ("image", IMAGE, OTHER),
        ("package", "small", "large"),
        ("networks", [NETWORK], [OTHER]),
        ("networks", [NETWORK], [NETWORK, OTHER]),
        ("tags", {"role": "web"}, {"role": "db"}),
        ("tags", {"role": "web"}, {}),
        ("metadata", {"note": "ours"}, {"note": "theirs"}),
        ("disks", [{"size": 10240}], [{"size": 20480}]),
        ("disks", [{"size": 10240}], [{"size": 10240}, {"size": 1024}]),
        ("disks", [{"size": 10240}], ["odd"]),
        ("disks", [{"size": 10240}], 7),
    ],
    ids=str,
)
def test_a_machine_that_may_be_the_requested_one_is_compared(
    stub: StubServer, sdc: DataCenter, field: str, value: Any, other: Any
) -> None:
    assert after_a_lost_answer(stub, sdc, {field: value}, **{field: value}) == ""
    assert after_a_lost_answer(stub, sdc, {field: other}, **{field: value}) == field


def test_fields_that_are_not_shown_yet_are_not_compared(stub: StubServer, sdc: DataCenter) -> None:
    # docs/cloudapi/machines.md#values-a-client-may-not-expect
    shown = {"package": "", "image": "", "networks": [], "disks": []}
    requested = {"package": "small", "image": IMAGE, "networks": NETWORK, "disks": [{"size": 1024}]}
    assert after_a_lost_answer(stub, sdc, shown, **requested, brand="kvm", metadata={"note": "a"}) == ""


def test_disks_and_metadata_that_were_not_requested_are_not_compared(
    stub: StubServer, sdc: DataCenter
) -> None:
    shown = {"disks": [{"size": 1024}], "metadata": {"root_authorized_keys": "x", "note": "ours"}}
    assert after_a_lost_answer(stub, sdc, shown, metadata={"note": "ours"}) == ""
    assert after_a_lost_answer(stub, sdc, {"tags": {"role": "db"}}) == "tags"


def test_a_disk_that_requests_the_rest_may_have_any_size(stub: StubServer, sdc: DataCenter) -> None:
    disks = [{"size": 1024}, {"size": "remaining"}]
    shown = {"disks": [{"size": 1024}, {"size": 777}]}
    assert after_a_lost_answer(stub, sdc, shown, disks=disks) == ""


def test_a_network_object_is_compared_by_its_id(stub: StubServer, sdc: DataCenter) -> None:
    wanted = {"ipv4_uuid": NETWORK, "ipv4_ips": ["10.0.0.5"]}
    assert after_a_lost_answer(stub, sdc, {"networks": [NETWORK]}, networks=wanted) == ""
    assert after_a_lost_answer(stub, sdc, {"networks": [OTHER]}, networks=wanted) == "networks"


@pytest.mark.parametrize(("name", "differing"), [("small", ""), ("large", "package")])
def test_a_package_is_compared_by_its_name(
    stub: StubServer, sdc: DataCenter, name: str, differing: str
) -> None:
    # Machines show the name of their package, whatever the create had.
    package = {"id": PACKAGE, "name": "small"}
    assert after_a_lost_answer(stub, sdc, {"package": name}, package=package) == differing


@pytest.mark.parametrize(("image", "differing"), [(IMAGE, ""), (OTHER, "image")])
def test_a_dataset_of_an_old_server_is_compared_with_the_image(
    stub: StubServer, image: str, differing: str
) -> None:
    with LegacyDataCenter(stub.url, login="bob", clock=Instant()) as old:
        assert after_a_lost_answer(stub, old, {"image": image}, dataset=IMAGE) == differing
        assert after_a_lost_answer(stub, old, {"dataset": image}, dataset=IMAGE) == differing


def test_a_short_id_in_a_name_is_the_first_part_of_the_uuid(stub: StubServer, sdc: DataCenter) -> None:
    names = [f"web-{ID[:8]}", f"web-{ID}", "web-", "web-{{shortId}}"]
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply([{"id": ID, "name": name, "created": timestamp(time())} for name in names])
    with pytest.raises(OutcomeUnknown, match="the possible ones are in candidates") as caught:
        sdc.create_machine("web-{{shortId}}")
    assert [candidate["name"] for candidate in caught.value.candidates] == names[:1]


@pytest.mark.parametrize(
    ("awaited", "shown", "is_over"),
    [
        ({"role": "web"}, {"role": "web", "other": 1}, True),
        ({"role": "web"}, {"role": "Web"}, False),
        ({"role": "web"}, {}, False),
        ({"on": True}, {"on": "true"}, True),
        ({"role": None}, {}, True),
        ({"role": None}, {"role": ""}, False),
        # Not the absence of a tag, but its text.
        ({"role": None}, {"role": "None"}, False),
        ({"role": "None"}, {}, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["tags", "metadata"])
def test_awaited_entries(
    stub: StubServer, sdc: DataCenter, kind: str, awaited: Any, shown: dict[str, Any], is_over: bool
) -> None:
    stub.answer(Reply({"id": ID, "name": "web", "state": "running", kind: shown}))
    machine = Machine(sdc, ID, lazy=True)
    if is_over:
        machine.poll_applied(timeout=0, **{kind: awaited})
    else:
        with pytest.raises(WaitTimeout):
            machine.poll_applied(timeout=0, **{kind: awaited})
    assert len(stub.asked) == 1


@pytest.mark.parametrize(
    ("state", "published", "is_found"),
    [
        ("creating", False, True),
        ("active", True, True),
        ("unactivated", True, True),
        ("active", False, False),
        ("failed", False, False),
    ],
)
def test_a_new_image(stub: StubServer, sdc: DataCenter, state: str, published: bool, is_found: bool) -> None:
    image = {"id": ID, "name": "app", "version": "1", "state": state}
    image |= {"published_at": timestamp(time())} if published else {}
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply([image])
    if is_found:
        assert sdc.create_image_from_machine(NETWORK, "app", "1")["id"] == ID
    else:
        with pytest.raises(OutcomeUnknown, match="one is found that differs in state; it is in candidates"):
            sdc.create_image_from_machine(NETWORK, "app", "1")


@pytest.mark.parametrize(("state", "is_found"), [("active", True), ("unactivated", False)])
def test_an_imported_image(stub: StubServer, sdc: DataCenter, state: str, is_found: bool) -> None:
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply({"id": ID, "name": "app", "state": state})
    if is_found:
        assert sdc.import_image_from_datacenter("us-east-1", ID)["id"] == ID
    else:
        with pytest.raises(OutcomeUnknown, match="one is found that differs in state; it is in candidates"):
            sdc.import_image_from_datacenter("us-east-1", ID)
