from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from smartdc import (
    ConfigurationError,
    DataCenter,
    InvalidArgumentError,
    InvalidStateError,
    Machine,
    NotFoundError,
    ValidationFailedError,
)
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent
from tests.helpers.servers import Reply, StubServer

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"
PACKAGE = "g3-standard-0.25-smartos"


@pytest.fixture
def image(site: Site) -> str:
    return next(image.uuid for image in site.images.values() if image.name == "base64")


def body_of(cloud: Emulator) -> dict[str, Any]:
    """The body of the create that was sent; the server ignored no part of it."""
    (created,) = (got for got in cloud.calls if got.operation == "CreateMachine")
    assert created.ignored == ()
    assert isinstance(created.body, dict)
    return created.body


def test_create_posts_to_the_right_path(cloud: Emulator, sdc: DataCenter, image: str) -> None:
    # py-smartdc posted to /mymachines: it left out a slash.
    machine = sdc.create_machine("web", PACKAGE, image=image)
    assert isinstance(machine, Machine)
    assert (machine.name, machine.state, machine.image) == ("web", "provisioning", image)
    assert machine.datacenter is sdc
    body = {"name": "web", "package": PACKAGE, "image": image}
    assert sent(cloud) == [call("POST", "/my/machines", body=body)]


def test_create_with_everything(cloud: Emulator, sdc: DataCenter, site: Site, tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    script.write_text("#!/bin/sh\necho ö\n", encoding="utf-8")
    image, package, network = sdc.images(name="base64")[0], sdc.packages()[0], sdc.networks()[0]
    machine = sdc.create_machine(
        "web",
        package,
        None,
        {"user-data": "x", "size": 3},
        {"role": "web", "count": 0, "ready": False},
        str(script),
        True,
        image,
        [network],
    )
    assert body_of(cloud) == {
        "name": "web",
        "package": package["id"],
        "image": image["id"],
        "networks": [network["id"]],
        "credentials": True,
        "metadata.user-data": "x",
        "metadata.size": 3,
        "metadata.user-script": "#!/bin/sh\necho ö\n",
        "tag.role": "web",
        "tag.count": 0,
        "tag.ready": False,
    }
    assert machine.boot_script == "#!/bin/sh\necho ö\n"
    assert machine.metadata["user-data"] == "x"
    assert "user-script" not in machine.metadata
    assert machine.tags == site.machines[machine.id].tags == {"role": "web", "count": 0, "ready": False}


def test_create_in_datacenter_is_create_machine(cloud: Emulator, sdc: DataCenter, image: str) -> None:
    machine = Machine.create_in_datacenter(sdc, name="web", package=PACKAGE, image=image)
    assert machine.name == "web"
    assert body_of(cloud) == {"name": "web", "package": PACKAGE, "image": image}


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_machine_without_a_name_gets_a_random_one(
    cloud: Emulator, sdc: DataCenter, image: str, nothing: str | None
) -> None:
    machine = sdc.create_machine(nothing, package=PACKAGE, image=image)
    # As the server would choose: eight hexadecimal digits.
    assert re.fullmatch("[0-9a-f]{8}", machine.name)
    assert body_of(cloud) == {"name": machine.name, "package": PACKAGE, "image": image}


@pytest.mark.parametrize("name", ["a", "a..b", "A-1_2.3", "0", "x" * 189, "web-{{shortId}}", "{{shortId}}"])
def test_names_that_the_server_accepts(cloud: Emulator, sdc: DataCenter, image: str, name: str) -> None:
    # See docs/cloudapi/create.md#names-that-are-accepted.
    machine = sdc.create_machine(name, PACKAGE, image=image)
    assert body_of(cloud)["name"] == name
    assert machine.name == name.replace("{{shortId}}", machine.id[:8])


@pytest.mark.parametrize(
    "name", ["a/b", "a b", "_a", "-a", ".a", "ö", "x" * 190, "a\n", 5, ["a"], "a{{shortId}}/"], ids=repr
)
def test_names_that_the_server_refuses_are_not_sent(
    cloud: Emulator, sdc: DataCenter, image: str, name: Any
) -> None:
    # docs/cloudapi/create.md#names-that-are-refused, docs/cloudapi/create.md#name-of-another-type: 500.
    with pytest.raises(ConfigurationError, match="is not a machine name: use letters"):
        sdc.create_machine(name, PACKAGE, image=image)
    assert sent(cloud) == []


def test_dataset_by_id_dict_or_urn(cloud: Emulator, sdc: DataCenter) -> None:
    dataset = sdc.datasets("base64:")[0]
    machines = [
        sdc.create_machine(package=PACKAGE, dataset=dataset),
        sdc.create_machine(package=PACKAGE, dataset=dataset["id"]),
        sdc.create_machine(package=PACKAGE, dataset=dataset["urn"]),
        sdc.create_machine(package=PACKAGE, dataset={"urn": dataset["urn"]}),
        sdc.create_machine(package=PACKAGE, dataset="nonsense", image=dataset["id"]),
    ]
    assert {machine.image for machine in machines} == {dataset["id"]}
    creates = [got for got in sent(cloud) if got.method == "POST"]
    body = {"name": ANY, "package": PACKAGE, "image": dataset["id"]}
    assert creates == [call("POST", "/my/machines", body=body)] * 5


@pytest.mark.parametrize("part", ["base64", "base64:21.4.0", "sdc:sdc:base64"])
def test_dataset_by_any_part_of_a_urn(cloud: Emulator, sdc: DataCenter, image: str, part: str) -> None:
    # py-smartdc: "the server API appears to resolve incomplete or ambiguous dataset URNs with the highest
    # version number"; today's servers know UUIDs only.
    assert sdc.create_machine("web", package=PACKAGE, dataset=part).image == image
    assert body_of(cloud) == {"name": "web", "package": PACKAGE, "image": image}


def test_a_dataset_that_does_not_exist(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError, match="no image has the name or short id 'nothing'"):
        sdc.create_machine(package=PACKAGE, dataset="nothing")
    assert "CreateMachine" not in [got.operation for got in cloud.calls]


def test_networks_in_every_form(cloud: Emulator, sdc: DataCenter, image: str) -> None:
    other, fabric = (network for network in sdc.networks() if not network["public"])
    first, more = ({"ipv4_uuid": fabric["id"], "ipv4_ips": [f"192.168.128.{host}"]} for host in (77, 78))
    forms: list[tuple[Any, list[Any]]] = [
        # The server ignores a single string and uses the default networks
        # (docs/cloudapi/create.md#odd-networks): a list is sent.
        (fabric["id"], [fabric["id"]]),
        (fabric, [fabric["id"]]),
        ((fabric["id"].upper(), other), [fabric["id"], other["id"]]),
        (first, [first]),
        # The server refuses a mix of ids and objects (docs/cloudapi/create.md#mixed-networks-are-refused):
        # all become objects.
        ([more, other, other["id"]], [more, {"ipv4_uuid": other["id"]}, {"ipv4_uuid": other["id"]}]),
    ]
    for argument, expected in forms:
        start = len(cloud.calls)
        sdc.create_machine(package=PACKAGE, image=image, networks=argument)
        assert sent(cloud, start)[0].body["networks"] == expected


def test_networks_that_are_refused(cloud: Emulator, sdc: DataCenter, image: str) -> None:
    with pytest.raises(InvalidArgumentError, match="Invalid Networks"):
        sdc.create_machine(package=PACKAGE, image=image, networks=UNKNOWN)
    start = len(cloud.calls)
    nothings: list[Any] = [[""], [None], [{"name": "external"}], [5]]
    for nothing in nothings:
        # docs/cloudapi/create.md#odd-networks: "x" or null in the list is 500 without a code.
        with pytest.raises(ConfigurationError, match="names no network"):
            sdc.create_machine(package=PACKAGE, image=image, networks=nothing)
    assert sent(cloud, start) == []


def test_credentials_of_a_new_machine(sdc: DataCenter, image: str) -> None:
    machine = sdc.create_machine(package=PACKAGE, image=image)
    machine.poll_until("running")
    assert machine.credentials().keys() >= {"root", "admin"}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"package": "nothing"}, InvalidArgumentError, "nothing is not a valid package"),
        ({"package": UNKNOWN}, NotFoundError, "does not exist"),
        ({"image": UNKNOWN}, NotFoundError, "image not found"),
        ({"tags": {"triton.nothing": "x"}}, ValidationFailedError, "triton"),
        ({"name": "taken"}, ValidationFailedError, "alias Duplicate"),
    ],
    ids=str,
)
def test_creates_that_the_server_refuses(
    sdc: DataCenter, site: Site, image: str, arguments: Any, error: type[Exception], message: str
) -> None:
    site.add_machine("taken")
    with pytest.raises(error, match=message):
        sdc.create_machine(**({"package": PACKAGE, "image": image} | arguments))


def test_create_for_an_account_that_has_no_key(stub: StubServer) -> None:
    # The emulator refuses every request without a key; a sub-user may get this answer.
    stub.answer(Reply({"code": "KeyRequired", "message": "At least one SSH key is required"}, 409))
    with DataCenter(stub.url, login="bob") as sdc, pytest.raises(InvalidStateError, match="KeyRequired"):
        sdc.create_machine(package=PACKAGE, image=UNKNOWN)
    (asked,) = stub.asked
    assert (asked.method, asked.target) == ("POST", "/bob/machines")
    assert asked.headers["content-type"] == "application/json"
    assert asked.body == {"name": ANY, "package": PACKAGE, "image": UNKNOWN}


def test_create_by_an_account_that_is_not_approved(cloud: Emulator, sdc: DataCenter, image: str) -> None:
    cloud.account.approved = False
    with pytest.raises(InvalidArgumentError, match="not currently approved for provisioning"):
        sdc.create_machine(package=PACKAGE, image=image)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tags": {"account": "x"}}, "tag 'account' cannot be set: the server takes it for a part"),
        ({"tags": {"a": {"b": "c"}}}, "tag 'a' must be text, a number or a boolean, not dict"),
        ({"tags": {"a": None}}, "tag 'a' must be text, a number or a boolean, not NoneType"),
        ({"tags": {"": "x"}}, "a tag name must be text, not ''"),
        ({"metadata": {"machine": "x"}}, "metadata 'machine' cannot be set"),
        ({"metadata": {"root_pw": "x"}}, "the server keeps metadata 'root_pw' for passwords"),
        ({"metadata": {"credentials": "x"}}, "the server keeps metadata 'credentials' for passwords"),
        ({"metadata": {"a": ["b"]}}, "metadata 'a' must be text, a number or a boolean, not list"),
        *(
            (
                {"metadata": {name: "b"}},
                f"a create drops metadata {re.escape(repr(name))}, because it does not begin with A-Z, a-z, "
                "0-9 or '_': set it with update_metadata$",
            )
            for name in ("-a", "äß", "+x", ".z", " ")
        ),
        ({"metadata": {"a": float("nan")}}, "metadata 'a' cannot be nan: JSON has no such number"),
        ({"package": ""}, "names no package"),
        ({"networks": []}, "leave it out"),
        ({"networks": ""}, "leave it out"),
        ({"networks": ()}, "leave it out"),
    ],
    ids=str,
)
def test_creates_that_are_refused_before_a_request(
    cloud: Emulator, sdc: DataCenter, image: str, arguments: Any, message: str
) -> None:
    everything = {"package": PACKAGE, "image": image} | arguments
    if "dataset" in arguments:
        del everything["image"]
    with pytest.raises(ConfigurationError, match=message):
        sdc.create_machine(**everything)
    assert sent(cloud) == []


def test_a_boot_script_that_does_not_exist(cloud: Emulator, sdc: DataCenter, image: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no-such-script.*No such file"):
        sdc.create_machine(package=PACKAGE, image=image, boot_script="no-such-script")
    assert sent(cloud) == []


def test_a_uuid_object_is_accepted_as_an_id(cloud: Emulator, sdc: DataCenter, image: str) -> None:
    sdc.create_machine(package=PACKAGE, image=uuid.UUID(image))  # type: ignore[arg-type]
    assert body_of(cloud)["image"] == image


def test_a_machine_that_is_not_provisioned_refuses_actions(sdc: DataCenter, image: str) -> None:
    machine = sdc.create_machine(package=PACKAGE, image=image)
    with pytest.raises(InvalidStateError, match="has not been provisioned yet") as caught:
        machine.stop()
    assert (caught.value.status, caught.value.code) == (409, "UnallocatedVM")
