"""How `create_machine` reads its arguments: what it refuses, and what it sends.

The tests run without an emulator; test_create_arguments has what the server does with the arguments.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, Machine
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer, datacenter_at

ID = "00000000-0000-4000-8000-00000000000a"
IMAGE, OTHER = "00000000-0000-4000-8000-00000000000b", "00000000-0000-4000-8000-00000000000c"
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
    ({"volumes": [{"name": "data"}]}, MOUNT.format("{'name': 'data'}")),
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
    return datacenter_at("http://127.0.0.1:1")


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
    stub.answer(Reply({"id": ID, "state": "provisioning"}, 201))
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
        {"mountpoint": "//"},
        {"mountpoint": 5},
        {"mode": "rx"},
        {"mode": None},
        {"type": "zfs"},
    ],
    ids=str,
)
def test_a_mount_that_is_refused(offline: DataCenter, wrong: dict[str, Any]) -> None:
    # docs/cloudapi/hazards.md#invalid-volumes-on-create: the server never answers.
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
