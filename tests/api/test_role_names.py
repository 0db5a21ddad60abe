"""Roles as arguments: what is refused, with the whole message, and the paths and headers that are sent."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest

from smartdc import ConfigurationError, DataCenter, Machine
from tests.helpers.servers import Reply, StubServer

ID = "00000000-0000-4000-8000-00000000000a"
KIND = "{} does not say what kind of thing it is: give its path, 'images/ID', or ('images', image)"
TAG = "{} cannot be the name of a role in a role tag"


@pytest.fixture
def sdc(stub: StubServer) -> DataCenter:
    stub.otherwise = Reply({"name": "new", "role-tag": []})
    return DataCenter(stub.url, login="bob")


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        (None, "/bob"),
        ("", "/bob"),
        ("/", "/bob"),
        ("images", "/bob/images"),
        ("/images/", "/bob/images"),
        (f"images/{ID}", f"/bob/images/{ID}"),
        (("images", {"id": ID}), f"/bob/images/{ID}"),
        ("/keys/x~/", "/bob/keys/x~"),
        (["users", {"login": "ann"}, "keys"], "/bob/users/ann/keys"),
    ],
    ids=str,
)
def test_the_path_of_a_resource(stub: StubServer, sdc: DataCenter, resource: Any, path: str) -> None:
    sdc.set_role_tags(resource, ["ops"])
    assert [(asked.method, asked.target) for asked in stub.asked] == [("PUT", path)]


def test_the_path_of_a_machine(stub: StubServer, sdc: DataCenter) -> None:
    sdc.set_role_tags(Machine(sdc, ID, lazy=True), ["ops"])
    assert stub.asked[-1].target == f"/bob/machines/{ID}"


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ({"id": "x"}, KIND.format("{'id': 'x'}")),
        (5, KIND.format("5")),
        ({"images"}, KIND.format("{'images'}")),
        (("images", 5), "5 names no image: give its id, or a dict or object that has one"),
        ("images//x", "'' names no image: give its id, or a dict or object that has one"),
        ("image/x", "'image' is not a collection: did you mean 'images'?"),
    ],
    ids=str,
)
def test_what_is_no_resource(stub: StubServer, sdc: DataCenter, resource: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sdc.set_role_tags(resource, ["ops"])
    assert str(caught.value) == message
    assert stub.asked == []


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        (5, "roles must be a list such as ['ops'], not 5"),
        ([{"id": ID}], f"{{'id': '{ID}'}} names no role: give its name, or a dict or object that has one"),
        (["a,b"], TAG.format("'a,b'")),
        ([" ops"], TAG.format("' ops'")),
        (["ops "], TAG.format("'ops '")),
        (["o\tps"], TAG.format(r"'o\tps'")),
    ],
    ids=str,
)
def test_role_tags_that_are_refused(stub: StubServer, sdc: DataCenter, roles: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sdc.create_role("new", role_tags=roles)
    assert str(caught.value) == message
    assert stub.asked == []


@pytest.mark.parametrize(
    ("roles", "header"),
    [
        ("ops", ["Role-Tag: ops"]),
        ({"id": ID, "name": "ops"}, ["Role-Tag: ops"]),
        (["ops", {"name": "de vs"}], ["Role-Tag: ops,de vs"]),
        ([], []),
        (None, []),
    ],
    ids=str,
)
def test_role_tags_of_a_new_thing(stub: StubServer, sdc: DataCenter, roles: Any, header: list[str]) -> None:
    sdc.create_role("new", role_tags=roles)
    lines = stub.asked[-1].head.decode().split("\r\n")
    assert [line for line in lines if line.lower().startswith("role-tag")] == header


ALONE = "{} cannot be the name of a role: give each alone, as text"


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ("ops", "roles must be a list of names: roles=['ops']"),
        (5, "roles must be a list such as ['ops'], not 5"),
        ([5], ALONE.format("5")),
        ([None], ALONE.format("None")),
        ([b"ops"], ALONE.format("b'ops'")),
        ([""], ALONE.format("''")),
        ([" "], ALONE.format("' '")),
        (["a,b"], ALONE.format("'a,b'")),
        (["a\nb"], ALONE.format("'a\\nb'")),
        (["\x00"], ALONE.format("'\\x00'")),
    ],
    ids=ascii,
)
def test_active_roles_that_are_refused(roles: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DataCenter("http://127.0.0.1:1", login="bob", roles=roles)
    assert str(caught.value) == message


@pytest.mark.parametrize("kind", ["tags", "metadata"])
@pytest.mark.parametrize("method", ["POST", "PUT", "put"])
def test_entries_are_not_written_with_named_roles(
    stub: StubServer, sdc: DataCenter, kind: str, method: str
) -> None:
    # docs/cloudapi/tags-and-metadata.md#parameters-that-become-tags
    with pytest.raises(ConfigurationError) as caught:
        sdc.as_role("ops").request(method, f"/machines/{ID}/{kind}", data="{}")
    assert str(caught.value) == (
        f"{kind} cannot be written with named roles, because the server would store 'as-role' among "
        f"the {kind}: write with the default roles, sdc.as_role().machine(id, lazy=True)"
    )
    assert stub.asked == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/machines/{ID}/tags"),
        ("DELETE", f"/machines/{ID}/metadata"),
        ("POST", f"/machines/{ID}/tags/x"),
        ("POST", f"/machines/{ID}/snapshots"),
        ("POST", f"/machines/{ID}"),
        ("POST", "/machines"),
    ],
)
def test_other_requests_are_sent_with_named_roles(
    stub: StubServer, sdc: DataCenter, method: str, path: str
) -> None:
    sdc.as_role("ops", "audit").request(method, path, params={"a": "b"})
    target, _, query = stub.asked[-1].target.partition("?")
    assert (target, dict(parse_qsl(query))) == (f"/bob{path}", {"a": "b", "as-role": "ops,audit"})


def test_a_role_of_a_request_comes_before_the_active_ones(stub: StubServer, sdc: DataCenter) -> None:
    sdc.as_role("ops").request("GET", "/machines", params={"as-role": "audit"})
    sdc.as_role().request("GET", "/machines")
    assert [asked.target for asked in stub.asked] == ["/bob/machines?as-role=audit", "/bob/machines"]
    with pytest.raises(ConfigurationError, match=r"^tags cannot be written with named roles, "):
        sdc.request("POST", f"/machines/{ID}/tags", params={"as-role": "audit"})
