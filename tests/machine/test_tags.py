from __future__ import annotations

from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, Machine, NotFoundError, ValidationFailedError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent

TAGS: dict[str, Any] = {"role": "web", "count": 42, "zero": 0, "ready": True, "off": False, "none": ""}


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine("web", tags=dict(TAGS)).uuid, lazy=True)


def test_get_tags_keeps_the_types_of_json(cloud: Emulator, machine: Machine) -> None:
    assert machine.get_tags() == TAGS
    assert [type(value) for value in machine.get_tags().values()] == [str, int, int, bool, bool, str]
    assert sent(cloud) == [call("GET", f"/my{machine.path}/tags")] * 2


def test_add_tags(cloud: Emulator, machine: Machine) -> None:
    expected = {**TAGS, "role": "db", "new": 1.5, "triton.cns.services": "www"}
    assert machine.add_tags({"triton.cns.services": "www"}, role="db", new=1.5) == expected
    body = {"triton.cns.services": "www", "role": "db", "new": 1.5}
    assert sent(cloud) == [call("POST", f"/my{machine.path}/tags", body=body)]
    cloud.clock.advance(2)
    assert machine.get_tags() == expected
    machine.refresh()
    assert machine.tags == expected


def test_add_tags_of_names_that_python_has_itself(cloud: Emulator, machine: Machine) -> None:
    assert machine.add_tags(tags="x", self="y")["tags"] == "x"
    assert sent(cloud)[0].body == {"tags": "x", "self": "y"}


def test_replace_tags(cloud: Emulator, machine: Machine) -> None:
    assert machine.replace_tags({"a.b": True}, role="db") == {"a.b": True, "role": "db"}
    assert sent(cloud) == [call("PUT", f"/my{machine.path}/tags", body={"a.b": True, "role": "db"})]
    cloud.clock.advance(2)
    assert machine.get_tags() == {"a.b": True, "role": "db"}


def test_replace_tags_by_none_deletes_them(cloud: Emulator, machine: Machine) -> None:
    # docs/cloudapi/tags-and-metadata.md#empty-tags-are-refused: PUT of {} is refused, it does not clear.
    assert machine.replace_tags() == {}
    assert sent(cloud) == [call("DELETE", f"/my{machine.path}/tags")]
    cloud.clock.advance(2)
    assert machine.get_tags() == {}


def test_get_tag(cloud: Emulator, machine: Machine) -> None:
    assert machine.get_tag("role") == "web"
    assert sent(cloud) == [call("GET", f"/my{machine.path}/tags/role")]


@pytest.mark.parametrize("tag", ["count", "zero", "ready", "off", "none"])
def test_get_tag_of_a_number_or_boolean(cloud: Emulator, machine: Machine, tag: str) -> None:
    # docs/cloudapi/tags-and-metadata.md#tags-that-are-no-strings: it is answered with "": the value is in the
    # list.
    value = machine.get_tag(tag)
    assert value == TAGS[tag]
    assert type(value) is type(TAGS[tag])
    assert sent(cloud) == [
        call("GET", f"/my{machine.path}/tags/{tag}"),
        call("GET", f"/my{machine.path}/tags"),
    ]


def test_get_tag_whose_name_has_a_space_is_read_from_the_list(
    cloud: Emulator, sdc: DataCenter, site: Site
) -> None:
    # docs/cloudapi/hazards.md#keys-with-a-space: the server fails or hangs. The fixture fails this test if it
    # is asked so.
    machine = sdc.machine(site.add_machine(tags={"a b": "c"}).uuid, lazy=True)
    assert machine.get_tag("a b") == "c"
    assert sent(cloud) == [call("GET", f"/my{machine.path}/tags")]


@pytest.mark.parametrize("tag", ["nothing", "no thing", "a/b"])
def test_get_tag_that_is_not_there(machine: Machine, tag: str) -> None:
    with pytest.raises(NotFoundError if " " not in tag else ConfigurationError, match=tag):
        machine.get_tag(tag)


def test_delete_tag(cloud: Emulator, machine: Machine) -> None:
    machine.delete_tag("role")
    assert sent(cloud) == [call("DELETE", f"/my{machine.path}/tags/role")]
    machine.delete_tag("role")  # the job is pending (docs/cloudapi/tags-and-metadata.md#delete-a-tag-twice)
    cloud.clock.advance(4)
    assert "role" not in machine.get_tags()
    with pytest.raises(NotFoundError, match='tag "role" not found'):
        machine.delete_tag("role")


def test_delete_tag_with_odd_characters_works(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine(tags={"a/b c?": "x"}).uuid, lazy=True)
    machine.delete_tag("a/b c?")
    assert sent(cloud) == [call("DELETE", f"/my{machine.path}/tags/a%2Fb%20c%3F")]
    cloud.clock.advance(2)
    assert machine.get_tags() == {}


def test_delete_all_tags(cloud: Emulator, machine: Machine) -> None:
    machine.delete_all_tags()
    cloud.clock.advance(2)
    assert machine.get_tags() == {}
    assert sent(cloud)[0] == call("DELETE", f"/my{machine.path}/tags")


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


@pytest.mark.parametrize("name", ["", None, 5], ids=repr)
def test_a_tag_without_a_name(cloud: Emulator, machine: Machine, name: Any) -> None:
    with pytest.raises(ConfigurationError, match="a tag name must be text"):
        machine.add_tags({name: "x"})
    for one in (machine.get_tag, machine.delete_tag):
        with pytest.raises(ConfigurationError):
            one(name)
    assert sent(cloud) == []


def test_add_tags_needs_one(cloud: Emulator, machine: Machine) -> None:
    with pytest.raises(ConfigurationError, match="add_tags needs a tag"):
        machine.add_tags()
    assert sent(cloud) == []


def test_tags_that_the_server_refuses(machine: Machine) -> None:
    with pytest.raises(ValidationFailedError, match="Unrecognized special triton tag"):
        machine.add_tags({"triton.nothing": "x"})
