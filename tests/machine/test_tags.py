from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, NotFoundError, ValidationFailedError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent
from tests.helpers.servers import Reply, StubServer, datacenter_at


class Word(str, Enum):  # noqa: UP042 - of a StrEnum str() makes the value
    """Text with a name, as programs have it."""

    ROLE = "role"
    WEB = "web"
    SMALL = "g4-highcpu-1G"


class Number(Enum):
    """A number with a name."""

    ONE = 1


TAGS: dict[str, Any] = {"role": "web", "count": 42, "zero": 0, "ready": True, "off": False, "none": ""}


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine("web", tags=dict(TAGS)).uuid, lazy=True)


def test_get_tags_keeps_the_types_of_json(cloud: Emulator, machine: Machine) -> None:
    assert machine.get_tags() == TAGS
    assert [type(value) for value in machine.get_tags().values()] == [str, int, int, bool, bool, str]
    assert sent(cloud) == [call("GET", f"/my/{machine.path}/tags")] * 2


def test_add_tags(cloud: Emulator, machine: Machine) -> None:
    expected = {**TAGS, "role": "db", "new": 1.5, "triton.cns.services": "www"}
    assert machine.add_tags({"triton.cns.services": "www"}, role="db", new=1.5) == expected
    body = {"triton.cns.services": "www", "role": "db", "new": 1.5}
    assert sent(cloud) == [call("POST", f"/my/{machine.path}/tags", body=body)]
    cloud.clock.advance(2)
    assert machine.get_tags() == expected
    machine.refresh()
    assert machine.tags == expected


def test_add_tags_of_names_that_python_has_itself(cloud: Emulator, machine: Machine) -> None:
    assert machine.add_tags(tags="x", self="y")["tags"] == "x"
    assert sent(cloud)[0].body == {"tags": "x", "self": "y"}


def test_replace_tags(cloud: Emulator, machine: Machine) -> None:
    assert machine.replace_tags({"a.b": True}, role="db") == {"a.b": True, "role": "db"}
    assert sent(cloud) == [call("PUT", f"/my/{machine.path}/tags", body={"a.b": True, "role": "db"})]
    cloud.clock.advance(2)
    assert machine.get_tags() == {"a.b": True, "role": "db"}


def test_replace_tags_by_none_deletes_them(cloud: Emulator, machine: Machine) -> None:
    # docs/cloudapi/tags-and-metadata.md#empty-tags-are-refused: PUT of {} is refused, it does not clear.
    assert machine.replace_tags() == {}
    assert sent(cloud) == [call("DELETE", f"/my/{machine.path}/tags")]
    cloud.clock.advance(2)
    assert machine.get_tags() == {}


def test_get_tag(cloud: Emulator, machine: Machine) -> None:
    assert machine.get_tag("role") == "web"
    assert sent(cloud) == [call("GET", f"/my/{machine.path}/tags/role")]


@pytest.mark.parametrize("tag", ["count", "zero", "ready", "off", "none"])
def test_get_tag_of_a_number_or_boolean(cloud: Emulator, machine: Machine, tag: str) -> None:
    # docs/cloudapi/tags-and-metadata.md#tags-that-are-not-strings: the answer is "", and
    # only the list has the value.
    value = machine.get_tag(tag)
    assert value == TAGS[tag]
    assert type(value) is type(TAGS[tag])
    assert sent(cloud) == [
        call("GET", f"/my/{machine.path}/tags/{tag}"),
        call("GET", f"/my/{machine.path}/tags"),
    ]


@pytest.mark.parametrize("name", ["a b", "a/b", "100%", "%zz", ".", ".."])
def test_get_tag_whose_name_is_not_read_alone_is_read_from_the_list(
    cloud: Emulator, sdc: DataCenter, site: Site, name: str
) -> None:
    # docs/cloudapi/hazards.md#keys-with-a-space: the server fails or hangs. The fixture fails this test if
    # such a request is sent. docs/cloudapi/tags-and-metadata.md#keys-with-a-slash: 404
    machine = sdc.machine(site.add_machine(tags={name: "c"}).uuid, lazy=True)
    assert machine.get_tag(name) == "c"
    assert sent(cloud) == [call("GET", f"/my/{machine.path}/tags")]


@pytest.mark.parametrize("tag", ["nothing", "no thing", "a/b", "5%"])
def test_get_an_unknown_tag(machine: Machine, tag: str) -> None:
    with pytest.raises(NotFoundError, match=tag):
        machine.get_tag(tag)


def test_a_tag_that_goes_between_two_requests_is_empty(stub: StubServer) -> None:
    stub.answer(Reply(""), Reply({"role": "web"}))
    with datacenter_at(stub.url) as sdc:
        assert sdc.machine("b6c9a5e0-8b2f-4c42-9d3f-0123456789ab", lazy=True).get_tag("count") == ""
    assert len(stub.asked) == 2


def test_delete_tag(cloud: Emulator, machine: Machine) -> None:
    machine.delete_tag("role")
    assert sent(cloud) == [call("DELETE", f"/my/{machine.path}/tags/role")]
    machine.delete_tag("role")  # the job is pending (docs/cloudapi/tags-and-metadata.md#delete-a-tag-twice)
    cloud.clock.advance(4)
    assert "role" not in machine.get_tags()
    with pytest.raises(NotFoundError, match='tag "role" not found'):
        machine.delete_tag("role")


def test_delete_tag_with_odd_characters_works(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine(tags={"a/b c?": "x"}).uuid, lazy=True)
    machine.delete_tag("a/b c?")
    assert sent(cloud) == [call("DELETE", f"/my/{machine.path}/tags/a%2Fb%20c%3F")]
    cloud.clock.advance(2)
    assert machine.get_tags() == {}


def test_delete_all_tags(cloud: Emulator, machine: Machine) -> None:
    machine.delete_all_tags()
    cloud.clock.advance(2)
    assert machine.get_tags() == {}
    assert sent(cloud)[0] == call("DELETE", f"/my/{machine.path}/tags")


@pytest.mark.parametrize(
    "name",
    # The server takes each of these for a part of the request
    # (docs/cloudapi/requests.md#parameters-are-one-bag).
    [
        "account",
        "machine",
        "uuid",
        "owner_uuid",
        "context",
        "image",
        "dataset",
        "package",
        "as-role",
        "origin",
    ],
)
def test_a_tag_that_the_server_takes_for_a_part_of_the_request_is_not_sent(
    cloud: Emulator, machine: Machine, name: str
) -> None:
    for change in (machine.add_tags, machine.replace_tags):
        with pytest.raises(ConfigurationError, match=f"tag '{name}' cannot be set"):
            change({name: "x", "role": "y"})
    assert sent(cloud) == []


@pytest.mark.parametrize("value", [None, {"a": "b"}, ["a"], b"x"], ids=repr)
def test_a_tag_of_a_value_that_the_server_does_not_store_is_not_sent(
    cloud: Emulator, machine: Machine, value: Any
) -> None:
    with pytest.raises(ConfigurationError, match="tag 'role' must be text, a number or a boolean"):
        machine.add_tags(role=value)
    assert sent(cloud) == []


BAD_NUMBERS = [2**53 + 1, -(2**53) - 1, 10**30, float("nan"), float("inf"), float("-inf")]


@pytest.mark.parametrize("value", BAD_NUMBERS, ids=repr)
def test_numbers_that_javascript_alters_are_not_sent(
    cloud: Emulator, sdc: DataCenter, machine: Machine, value: Any
) -> None:
    for act in (
        lambda: machine.add_tags(number=value),
        lambda: machine.replace_tags(number=value),
        lambda: machine.update_metadata(number=value),
        lambda: sdc.create_machine("x", tags={"number": value}),
        lambda: sdc.create_machine("x", metadata={"number": value}),
        lambda: sdc.create_image_from_machine(machine, "x", "1", tags={"number": value}),
        lambda: sdc.update_image({"id": machine.id}, tags={"number": value}),
        lambda: sdc.machines(tags={"number": value}),
    ):
        with pytest.raises(ConfigurationError, match=r"'number' .*give it as text"):
            act()
    assert sent(cloud) == []
    assert machine.add_tags(number=2**53, negative=-(2**53))["number"] == 2**53


@pytest.mark.parametrize(
    ("name", "value"),
    # docs/cloudapi/tags-and-metadata.md#tags-are-stored-as-text,
    # docs/cloudapi/tags-and-metadata.md#numbers-with-an-exponent,
    # docs/cloudapi/tags-and-metadata.md#tags-named-like-properties-of-objects
    [
        ("a", "%n{5}"),
        ("a", "%n{-1.5}"),
        ("a", "%b{true}"),
        ("a", "50%2D60"),
        ("a", "%3D"),
        ("a%2Db", "x"),
        ("a%3Db", "x"),
        ("a", 1e21),
        ("a", 1e-7),
        ("__proto__", "x"),
        ("constructor", "x"),
        ("toString", "x"),
    ],
)
def test_tags_that_the_server_reads_back_as_something_else_are_not_sent(
    cloud: Emulator, sdc: DataCenter, machine: Machine, name: str, value: Any
) -> None:
    for act in (
        lambda: machine.add_tags({name: value}),
        lambda: machine.replace_tags({name: value}),
        lambda: sdc.create_machine("x", tags={name: value}),
    ):
        with pytest.raises(ConfigurationError, match=f"tag '{name}' cannot be"):
            act()
    assert sent(cloud) == []


def test_tags_that_only_resemble_those_are_sent(machine: Machine) -> None:
    tags = {"a": "%n{x}", "b": "100%", "c": "%b{yes}", "d": "%2d", "e": 1e20, "f": "constructor"}
    assert machine.replace_tags(tags) == tags


def test_members_of_an_enum_are_sent_as_their_value(
    cloud: Emulator, sdc: DataCenter, machine: Machine
) -> None:
    sdc.create_machine("x", image=sdc.images()[0], package=Word.SMALL, tags={Word.ROLE: Word.WEB})
    assert sent(cloud)[-1].body["tag.role"] == "web"
    machine.add_tags({Word.ROLE: Word.WEB, Word.WEB: Number.ONE})
    assert sent(cloud)[-1].body == {"role": "web", "web": 1}
    machine.update_metadata({Word.ROLE: Word.WEB})
    assert sent(cloud)[-1].body == {"role": "web"}
    assert machine.get_tag(Word.ROLE) == "web"
    assert sdc.package(Word.SMALL)["name"] == "g4-highcpu-1G"
    assert sdc.exists("packages", Word.SMALL)
    assert machine.exists("tags", Word.ROLE)
    machine.delete_tag(Word.ROLE)
    sdc.request("GET", "/machines", params={"name": Word.WEB})
    assert sent(cloud)[-1].query == {"name": "web"}
    assert not any("Word" in got.target or "Number" in got.target for got in cloud.calls)


@pytest.mark.parametrize("tags", [["role"], "role=web", 5, {"role"}, b"x"], ids=repr)
def test_tags_that_are_not_a_dict(cloud: Emulator, machine: Machine, tags: Any) -> None:
    for act in (machine.add_tags, machine.replace_tags, machine.update_metadata):
        with pytest.raises(ConfigurationError, match=r"^(tags|metadata) must be a dict such as "):
            act(tags)
    assert sent(cloud) == []


@pytest.mark.parametrize("name", ["", None, b"x"], ids=repr)
def test_a_tag_without_a_name(cloud: Emulator, machine: Machine, name: Any) -> None:
    with pytest.raises(ConfigurationError, match="a tag name must be text"):
        machine.add_tags({name: "x"})
    for one in (machine.get_tag, machine.delete_tag):
        with pytest.raises(ConfigurationError, match=r"^a tag name must be text| in a URL$"):
            one(name)
    assert sent(cloud) == []


def test_add_tags_needs_one(cloud: Emulator, machine: Machine) -> None:
    with pytest.raises(ConfigurationError, match="add_tags needs a tag"):
        machine.add_tags()
    assert sent(cloud) == []


def test_tags_that_the_server_refuses(machine: Machine) -> None:
    with pytest.raises(ValidationFailedError, match="Unrecognized special triton tag"):
        machine.add_tags({"triton.nothing": "x"})


# docs/cloudapi/tags-and-metadata.md#tag-named-machine and the headings around it
READ_AS_PARAMETERS = (
    "account", "machine", "uuid", "owner_uuid", "context", "image", "dataset", "package", "as-role", "origin",
)  # fmt: skip
# docs/cloudapi/tags-and-metadata.md#tags-named-like-properties-of-objects
READ_AS_PROPERTIES = (
    "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__", "__proto__",
    "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString",
    "valueOf",
)  # fmt: skip


@pytest.mark.parametrize("name", READ_AS_PARAMETERS)
def test_names_that_the_server_reads_as_parameters(cloud: Emulator, machine: Machine, name: str) -> None:
    for act in (machine.add_tags, machine.replace_tags, machine.update_metadata):
        with pytest.raises(
            ConfigurationError, match=rf"^(tag|metadata) '{name}' cannot be set: .* rename it$"
        ):
            act({name: "x"})
    assert sent(cloud) == []


@pytest.mark.parametrize("name", READ_AS_PROPERTIES)
def test_tags_that_the_server_reads_as_properties_of_objects(
    cloud: Emulator, machine: Machine, name: str
) -> None:
    for act in (machine.add_tags, machine.replace_tags):
        with pytest.raises(ConfigurationError, match=rf"^tag '{name}' cannot be set: .* rename it$"):
            act({name: "x"})
    assert sent(cloud) == []
