"""What the methods of all areas do with an answer: absent bodies, ids of others, entries without a HEAD."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc import APIError, BadRequestError, DataCenter, InvalidResponse, Machine, OutcomeUnknown
from tests.helpers.servers import Reply, StubServer
from tests.http.odd_answers.conftest import ID, OTHER

NO_HEAD = Reply({"code": "MethodNotAllowed", "message": "HEAD is not allowed"}, 405)
ABSENT = Reply({"code": "ResourceNotFound", "message": "no"}, 404)


def asked(stub: StubServer) -> list[str]:
    return [f"{asked.method} {asked.target.removeprefix('/bob/machines/' + ID)}" for asked in stub.asked]


@pytest.mark.parametrize("kind", ["tags", "metadata"])
def test_an_entry_that_has_no_head_is_looked_up_in_the_list(
    stub: StubServer, machine: Machine, kind: str
) -> None:
    # docs/cloudapi/tags-and-metadata.md#head-of-one-metadata-key
    stub.answer(NO_HEAD, Reply({"a": 1}), NO_HEAD, Reply({"b": 1}), NO_HEAD, ABSENT)
    assert machine.exists(kind, "a") is True
    assert machine.exists(kind, "a") is False
    assert machine.exists(kind, "a") is False
    assert asked(stub) == [f"HEAD /{kind}/a", f"GET /{kind}"] * 3


@pytest.mark.parametrize("name", ["a b", "a/b", "100%"])
def test_an_entry_that_the_server_cannot_read_by_its_name_is_looked_up_in_the_list_at_once(
    stub: StubServer, machine: Machine, name: str
) -> None:
    stub.answer(Reply({name: 1}), Reply({"a": 1}))
    assert machine.exists("tags", name) is True
    assert machine.exists("tags", name) is False
    assert asked(stub) == ["GET /tags"] * 2


@pytest.mark.parametrize("status", [400, 406, 415])
def test_another_refusal_of_an_entry_s_head_is_raised(
    stub: StubServer, machine: Machine, status: int
) -> None:
    stub.answer(Reply({"code": "Scripted", "message": "no"}, status))
    with pytest.raises(BadRequestError) as caught:
        machine.exists("tags", "a")
    assert (caught.value.status, asked(stub)) == (status, ["HEAD /tags/a"])


@pytest.mark.parametrize("path", [("tags",), ("metadata",), ("nics", "a"), ("snapshots", "tags")])
def test_a_head_that_is_missing_for_something_else_is_raised(
    stub: StubServer, machine: Machine, path: tuple[str, ...]
) -> None:
    stub.answer(NO_HEAD)
    with pytest.raises(APIError) as caught:
        machine.exists(*path)
    assert (caught.value.status, len(stub.asked)) == (405, 1)


def test_a_copy_has_another_id_than_the_original_in_the_path(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply({"id": OTHER}), Reply({"id": OTHER}), Reply({"id": ID}))
    assert sdc.clone_image(ID)["id"] == OTHER
    with pytest.raises(InvalidResponse) as caught:
        sdc.update_image(ID, name="web")
    assert str(caught.value) == (
        f"POST /bob/images/{ID}?action=update: 200 with an object whose id is '{OTHER}'"
    )
    assert sdc.update_image(ID, name="web")["id"] == ID


@pytest.mark.parametrize("ident", [5, None])
def test_an_id_that_is_not_text_is_passed_on(stub: StubServer, sdc: DataCenter, ident: object) -> None:
    stub.answer(Reply({"id": ident}))
    assert sdc.network(ID)["id"] == ident


@pytest.mark.parametrize("status", [200, 201, 203])
def test_an_answer_to_an_action_whose_status_promises_a_body_has_one(
    stub: StubServer, machine: Machine, status: int
) -> None:
    stub.answer(Reply(None, status, None))
    with pytest.raises(OutcomeUnknown, match=f": {status} with no body where an object was expected"):
        machine.create_disk(1024)


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("body", [{"id": OTHER, "size": 1024}, {"size": 1024}])
def test_the_body_of_an_answer_to_an_action_is_returned_whatever_its_status(
    stub: StubServer, machine: Machine, status: int, body: Any
) -> None:
    stub.answer(Reply(body, status))
    assert machine.create_disk(1024) == body
