"""Names and values of tags and metadata that the server would not store: each is refused, with the reason."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from smartdc import DataCenter, Machine
from tests.helpers.refusals import refusal
from tests.helpers.servers import Reply, StubServer

ID = "00000000-0000-4000-8000-00000000000a"
RESERVED = (
    "account", "machine", "uuid", "owner_uuid", "context", "image", "dataset", "package", "as-role", "origin",
)  # fmt: skip
PROPERTIES = (
    "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__", "__proto__",
    "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString",
    "toString", "valueOf",
)  # fmt: skip


class Word(Enum):
    """Constants, as programs define them."""

    ROLE = "role"
    WEB = "web"


@pytest.fixture
def machine(stub: StubServer) -> Machine:
    stub.otherwise = Reply({})
    return Machine(DataCenter(stub.url, login="bob"), ID, lazy=True)


def refused(machine: Machine, kind: str, entries: Any) -> str:
    """The message, which is the same whether tags are added or replace the others."""
    if kind == "metadata":
        return refusal(lambda: machine.update_metadata(entries))
    message = refusal(lambda: machine.add_tags(entries))
    assert refusal(lambda: machine.replace_tags(entries)) == message
    return message


@pytest.mark.parametrize("name", RESERVED)
def test_names_that_the_server_takes_for_a_part_of_the_request(machine: Machine, name: str) -> None:
    # docs/cloudapi/tags-and-metadata.md#tag-named-machine
    for kind in ("tag", "metadata"):
        assert refused(machine, kind, {name: "x"}) == (
            f"{kind} {name!r} cannot be set: the server takes it for a part of the request; rename it"
        )


@pytest.mark.parametrize("name", PROPERTIES)
def test_tags_named_like_properties_of_objects(machine: Machine, name: str) -> None:
    # docs/cloudapi/tags-and-metadata.md#tags-named-like-properties-of-objects
    assert refused(machine, "tag", {name: "x"}) == (
        f"tag {name!r} cannot be set: objects in the server have this property; rename it"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("%2D", "x"),
        ("a%3Db", "x"),
        ("role", "%2D"),
        ("role", "a%3Db"),
        *(("role", f"%n{{{number}}}") for number in ("5", "-5", "+5", "1.5", ".5")),
        ("role", "%b{true}"),
        ("role", "%b{false}"),
    ],
)
def test_tags_that_the_server_reads_as_something_else(machine: Machine, name: str, value: str) -> None:
    # docs/cloudapi/tags-and-metadata.md#tags-are-stored-as-text
    assert refused(machine, "tag", {name: value}) == (
        f"tag {name!r} cannot be set: the server reads '%2D', '%3D', '%n{{5}}' and '%b{{true}}' as something "
        "else; write it in another way"
    )


@pytest.mark.parametrize("value", [1e21, -1e21, 9.999e-7, -9.999e-7])
def test_numbers_that_are_written_with_an_exponent(machine: Machine, value: float) -> None:
    # docs/cloudapi/tags-and-metadata.md#numbers-with-an-exponent
    assert refused(machine, "tag", {"size": value}) == (
        f"tag 'size' cannot be {value}: the server does not read back what JavaScript writes with an "
        "exponent; give it as text"
    )


@pytest.mark.parametrize("kind", ["tag", "metadata"])
@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("size", float("nan"), "{} 'size' cannot be nan: JSON has no such number; give it as text"),
        ("size", float("-inf"), "{} 'size' cannot be -inf: JSON has no such number; give it as text"),
        *(
            (
                "size",
                value,
                "{} 'size' is a whole number beyond 2**53, which the server would alter: give it as text",
            )
            for value in (2**53 + 1, -(2**53) - 1)
        ),
        ("role", None, "{} 'role' must be text, a number or a boolean, not NoneType"),
        ("role", ["web"], "{} 'role' must be text, a number or a boolean, not list"),
        (5, b"web", "{} '5' must be text, a number or a boolean, not bytes"),
    ],
    ids=str,
)
def test_values_that_cannot_be_stored(
    machine: Machine, kind: str, name: Any, value: Any, problem: str
) -> None:
    assert refused(machine, kind, {name: value}) == problem.format(kind)


@pytest.mark.parametrize("name", ["", None, True, b"role"])
def test_names_that_are_no_text(machine: Machine, name: Any) -> None:
    assert refused(machine, "tag", {name: "web"}) == f"a tag name must be text, not {name!r}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("credentials", "the server keeps metadata 'credentials' for passwords and drops it"),
        ("root_pw", "the server keeps metadata 'root_pw' for passwords and drops it"),
        ("_pw", "the server keeps metadata '_pw' for passwords and drops it"),
        ("__proto__", "the server drops metadata '__proto__': rename it"),
        ("", "a metadata name must be text, not ''"),
    ],
)
def test_names_of_metadata(machine: Machine, name: str, message: str) -> None:
    assert refused(machine, "metadata", {name: "x"}) == message


@pytest.mark.parametrize("wrong", [[("role", "web")], ["a"]], ids=str)
def test_entries_that_are_no_dict(stub: StubServer, machine: Machine, wrong: Any) -> None:
    assert refused(machine, "tag", wrong) == f"tags must be a dict such as {{'role': 'web'}}, not {wrong!r}"
    assert refused(machine, "metadata", wrong) == (
        f"metadata must be a dict such as {{'role': 'web'}}, not {wrong!r}"
    )
    assert stub.asked == []


ENTRIES = {
    "role": "web",
    "largest": 2**53,
    "smallest": -(2**53),
    "small": 1e-6,
    "large": 9.99e20,
    "nothing": 0.0,
    "zero": 0,
    "on": True,
    "off": False,
    "empty": "",
    "%2d": "%n{x}",
    "%4D": "%b{yes}",
    "root_pw_": "%n{5} ",
}


@pytest.mark.parametrize("kind", ["tag", "metadata"])
def test_entries_that_are_sent(stub: StubServer, machine: Machine, kind: str) -> None:
    entries = {name: value for name, value in ENTRIES.items() if kind == "tag" or name[0] != "%"}
    change: Any = machine.add_tags if kind == "tag" else machine.update_metadata
    change(entries | {5: 1, 1.5: 1, Word.ROLE: Word.WEB})
    assert stub.asked[0].body == entries | {"5": 1, "1.5": 1, "role": "web"}
    assert stub.asked[0].method == "POST"


def test_numbers_with_an_exponent_are_metadata(stub: StubServer, machine: Machine) -> None:
    machine.update_metadata({"large": 1e21, "small": 1e-7, "constructor": "x", "odd": "%2D"})
    assert stub.asked[0].body == {"large": 1e21, "small": 1e-7, "constructor": "x", "odd": "%2D"}


@pytest.mark.parametrize("name", [".", "..", "a b", "a\tb", "\x00", "\x1f", "\x7f", "a/b", "50%", "\u2003"])
def test_a_tag_that_cannot_be_read_by_its_name_is_read_from_the_list(
    stub: StubServer, machine: Machine, name: str
) -> None:
    # docs/cloudapi/hazards.md#keys-with-a-space
    stub.answer(Reply({name: "web"}))
    assert machine.get_tag(name) == "web"
    assert [asked.target for asked in stub.asked] == [f"/bob/machines/{ID}/tags"]


@pytest.mark.parametrize("name", ["role", "...", "a.b", "a:b", "ö", "\x80"])
def test_another_tag_is_read_by_its_name(stub: StubServer, machine: Machine, name: str) -> None:
    stub.answer(Reply(b"web", 200, "text/plain"))
    assert machine.get_tag(name) == "web"
    (asked,) = stub.asked
    assert asked.target.startswith(f"/bob/machines/{ID}/tags/")
