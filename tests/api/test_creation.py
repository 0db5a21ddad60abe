"""How `create_machine` reads its arguments: what it refuses, and how it finds a machine after a lost answer.

The tests run without an emulator; test_create_arguments has what the server does with the arguments.
"""

from __future__ import annotations

import re
from email.utils import formatdate
from pathlib import Path
from time import time
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, LegacyDataCenter, Machine, OutcomeUnknown
from smartdc.emulator.state.clock import timestamp
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer

ID = "00000000-0000-4000-8000-00000000000a"
IMAGE, OTHER = "00000000-0000-4000-8000-00000000000b", "00000000-0000-4000-8000-00000000000c"
PACKAGE = "00000000-0000-4000-8000-00000000000d"
NETWORK = "00000000-0000-4000-8000-00000000000e"

NAME = (
    "{} is not a machine name: use letters, digits, '_', '-' and '.', at most 189, the first a letter or a "
    "digit"
)
MOUNT = (
    "{} cannot be mounted: give a volume's name, a mountpoint such as '/data', and the mode 'ro' or 'rw', "
    "or none"
)
EMPTY = (
    "networks={} is empty, but a machine without networks gets the default ones, which may be public: "
    "leave it out to use those"
)
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": 5}, NAME.format(5)),
    ({"name": 0}, NAME.format(0)),
    ({"name": "a b"}, NAME.format("'a b'")),
    ({"networks": []}, EMPTY.format("[]")),
    ({"networks": ""}, EMPTY.format("''")),
    ({"networks": 5}, "networks must be a list such as [network], not 5"),
    ({"networks": [5]}, "5 names no network: give its id, or a dict or object that has one"),
    (
        {"networks": [{"id": "public"}]},
        "networks: 'public' is not the id of a network: give its UUID or its name",
    ),
    ({"affinity": 5}, "affinity must be a list such as ['role!=db'], not 5"),
    ({"affinity": [5]}, "5 is not an affinity rule such as 'role!=db'"),
    ({"locality": 5}, "locality must be a dict such as {'near': [machine]}, not 5"),
    ({"locality": {"near": 5}}, "locality['near'] must be a list such as [machine], not 5"),
    ({"locality": {"far": 5}}, "locality['far'] must be a list such as [machine], not 5"),
    (
        {"locality": {"far": ["a b"]}},
        "'a b' is not the id or the name of a machine: it has a space or a control character",
    ),
    ({"metadata": 5}, "metadata must be a dict such as {'role': 'web'}, not 5"),
    ({"tags": 5}, "tags must be a dict such as {'role': 'web'}, not 5"),
    ({"volumes": 5}, "volumes must be a list such as [{'name': 'data', ...}], not 5"),
    ({"volumes": ["data"]}, MOUNT.format("'data'")),
    (
        {"volumes": [{"mountpoint": "/data", "name": "x"}]},
        MOUNT.format("{'mountpoint': '/data', 'name': 'x'}"),
    ),
    ({"disks": 5}, "disks must be a list such as [{'size': 10240}], not 5"),
    ({"disks": [5]}, "disks must be a list such as [{'size': 10240}], without 5"),
    ({"brand": 5}, "brand must be text, not 5"),
    ({"password": 5}, "password must be text, not 5"),
    ({"credentials": "no"}, "credentials must be True or False, not 'no': leave it out to set neither"),
    ({"image": 5}, "5 names no image: give its id, or a dict or object that has one"),
    ({"package": 5}, "5 names no package: give its id or name, or a dict or object that has one"),
    ({"dataset": 5}, "5 names no dataset: give its id or urn, or a dict or object that has one"),
]


@pytest.fixture
def offline() -> DataCenter:
    """A data center at an address where nothing listens."""
    return DataCenter("http://127.0.0.1:1", login="bob", retry="none")


@pytest.fixture
def stubbed(stub: StubServer) -> DataCenter:
    return DataCenter(stub.url, login="bob", clock=Instant())


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=str)
def test_an_argument_that_is_refused(offline: DataCenter, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        offline.create_machine(**arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (5, "name must be text, not 5"),
        ("", NAME.format("''")),
        ("a b", NAME.format("'a b'")),
        # The server replaces it only when it creates a machine.
        ("{{shortId}}", NAME.format("'{{shortId}}'")),
        ("x" * 39 + "." * 151, NAME.format(f"{'x' * 39 + '.' * 151!r:.80}...")),
    ],
    ids=str,
)
def test_a_new_name_that_is_refused(offline: DataCenter, name: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Machine(offline, ID, lazy=True).rename(name)
    assert str(caught.value) == message


def created(stub: StubServer, sdc: DataCenter, **arguments: Any) -> dict[str, Any]:
    """The body of a create."""
    stub.answer(Reply({"id": ID, "name": "web", "state": "provisioning"}, 201))
    sdc.create_machine(**arguments)
    body: dict[str, Any] = stub.asked[-1].body
    return body


@pytest.mark.parametrize("name", ["a", "0", "A-1_2.3", "x" * 189, "x" * 181 + "{{shortId}}"])
def test_a_name_is_sent(stub: StubServer, stubbed: DataCenter, name: str) -> None:
    assert created(stub, stubbed, name=name) == {"name": name}


@pytest.mark.parametrize(
    "mount",
    [
        {"name": "data", "mountpoint": "/data"},
        {"name": "d1", "mountpoint": "/a/b c", "mode": "ro"},
        {"name": "data_a.b-c", "mountpoint": "/d", "mode": "rw", "type": "tritonnfs"},
    ],
    ids=str,
)
def test_a_mount_is_sent(stub: StubServer, stubbed: DataCenter, mount: dict[str, Any]) -> None:
    assert created(stub, stubbed, name="web", volumes=iter([mount]))["volumes"] == [mount]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "x"},
        {"name": 55},
        {"name": "-data"},
        {"mountpoint": "data"},
        {"mountpoint": "/"},
        {"mountpoint": 5},
        {"mode": "rx"},
        {"mode": None},
        {"type": "zfs"},
    ],
    ids=str,
)
def test_a_mount_that_is_refused(offline: DataCenter, wrong: dict[str, Any]) -> None:
    # docs/cloudapi/hazards.md#invalid-volumes-on-create
    mount: Any = {"name": "data", "mountpoint": "/data", "mode": "ro", "type": "tritonnfs"} | wrong
    with pytest.raises(ConfigurationError) as caught:
        offline.create_machine("web", volumes=[mount])
    assert str(caught.value) == MOUNT.format(dict(sorted(mount.items())))


def test_entries_rules_and_hints_are_sent(stub: StubServer, stubbed: DataCenter, tmp_path: Path) -> None:
    script = tmp_path / "boot"
    script.write_text("true")
    near = Machine(stubbed, ID, lazy=True)
    body = created(
        stub,
        stubbed,
        name="",
        metadata={"note": 1},
        tags={"role": "web"},
        boot_script=script,
        affinity=("role!=db" for _ in range(1)),
        locality={"strict": False, "near": near, "far": [OTHER, {"id": IMAGE}]},
    )
    assert re.fullmatch("[0-9a-f]{8}", body.pop("name"))
    assert body == {
        "metadata.note": 1,
        "metadata.user-script": "true",
        "tag.role": "web",
        "affinity": ["role!=db"],
        "locality": {"strict": False, "near": [ID], "far": [OTHER, IMAGE]},
    }


def test_networks_are_sent_as_objects_if_one_is_an_object(stub: StubServer, stubbed: DataCenter) -> None:
    # docs/cloudapi/create.md#mixed-networks-are-refused
    thing = {"ipv4_uuid": NETWORK, "ipv4_ips": ["10.0.0.5"]}
    cases: list[tuple[Any, list[Any]]] = [
        (NETWORK, [NETWORK]),
        ([NETWORK, {"id": OTHER, "name": "x"}], [NETWORK, OTHER]),
        (thing, [thing]),
        ([OTHER, thing], [{"ipv4_uuid": OTHER}, thing]),
    ]
    for given, expected in cases:
        assert created(stub, stubbed, name="web", networks=given)["networks"] == expected


def after_a_lost_answer(stub: StubServer, sdc: DataCenter, shown: dict[str, Any], **requested: Any) -> str:
    """Create a machine whose answer is lost, beside a machine that the server shows.

    Returns:
        The fields in which the two differ; empty if that machine is taken for the requested one.
    """
    now = time()
    machine = {"id": ID, "name": "web", "state": "running", "created": timestamp(now)} | shown
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply([machine], dates=(formatdate(now, usegmt=True),))
    try:
        found = sdc.create_machine("web", **requested)
    except OutcomeUnknown as error:
        (candidate,) = error.candidates
        return str(error).partition("differs in ")[2].partition(";")[0] if candidate["id"] == ID else "?"
    return "" if found.id == ID else "?"


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
    stub: StubServer, stubbed: DataCenter, field: str, value: Any, other: Any
) -> None:
    assert after_a_lost_answer(stub, stubbed, {field: value}, **{field: value}) == ""
    assert after_a_lost_answer(stub, stubbed, {field: other}, **{field: value}) == field


def test_fields_that_are_not_shown_yet_are_not_compared(stub: StubServer, stubbed: DataCenter) -> None:
    # docs/cloudapi/machines.md#values-a-client-may-not-expect
    shown = {"package": "", "image": "", "networks": [], "disks": []}
    requested = {"package": "small", "image": IMAGE, "networks": NETWORK, "disks": [{"size": 1024}]}
    assert after_a_lost_answer(stub, stubbed, shown, **requested, brand="kvm", metadata={"note": "a"}) == ""


def test_disks_and_metadata_that_were_not_requested_are_not_compared(
    stub: StubServer, stubbed: DataCenter
) -> None:
    shown = {"disks": [{"size": 1024}], "metadata": {"root_authorized_keys": "x", "note": "ours"}}
    assert after_a_lost_answer(stub, stubbed, shown, metadata={"note": "ours"}) == ""
    assert after_a_lost_answer(stub, stubbed, {"tags": {"role": "db"}}) == "tags"


def test_a_disk_that_requests_the_rest_may_have_any_size(stub: StubServer, stubbed: DataCenter) -> None:
    disks = [{"size": 1024}, {"size": "remaining"}]
    shown = {"disks": [{"size": 1024}, {"size": 777}]}
    assert after_a_lost_answer(stub, stubbed, shown, disks=disks) == ""


def test_a_network_object_is_compared_by_its_id(stub: StubServer, stubbed: DataCenter) -> None:
    wanted = {"ipv4_uuid": NETWORK, "ipv4_ips": ["10.0.0.5"]}
    assert after_a_lost_answer(stub, stubbed, {"networks": [NETWORK]}, networks=wanted) == ""
    assert after_a_lost_answer(stub, stubbed, {"networks": [OTHER]}, networks=wanted) == "networks"


@pytest.mark.parametrize(("name", "differing"), [("small", ""), ("large", "package")])
def test_a_package_is_compared_by_its_name(
    stub: StubServer, stubbed: DataCenter, name: str, differing: str
) -> None:
    # Machines show the name of their package, whatever the create had.
    package = {"id": PACKAGE, "name": "small"}
    assert after_a_lost_answer(stub, stubbed, {"package": name}, package=package) == differing


@pytest.mark.parametrize(("image", "differing"), [(IMAGE, ""), (OTHER, "image")])
def test_a_dataset_of_an_old_server_is_compared_with_the_image(
    stub: StubServer, image: str, differing: str
) -> None:
    with LegacyDataCenter(stub.url, login="bob", clock=Instant()) as old:
        assert after_a_lost_answer(stub, old, {"image": image}, dataset=IMAGE) == differing
        assert after_a_lost_answer(stub, old, {"dataset": image}, dataset=IMAGE) == differing


def test_a_short_id_in_a_name_is_the_first_part_of_the_uuid(stub: StubServer, stubbed: DataCenter) -> None:
    now = time()
    names = [f"web-{ID[:8]}", f"web-{ID}", "web-", "web-{{shortId}}"]
    shown = [{"id": ID, "name": name, "created": timestamp(now)} for name in names]
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply(shown, dates=(formatdate(now, usegmt=True),))
    with pytest.raises(OutcomeUnknown, match="the possible ones are in candidates") as caught:
        stubbed.create_machine("web-{{shortId}}")
    assert [candidate["name"] for candidate in caught.value.candidates] == names[:1]
