"""What the filters of machines and images send to the server, and their bounds."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest

from smartdc import ConfigurationError, DataCenter
from tests.helpers.servers import Reply, StubServer

ID = "00000000-0000-4000-8000-00000000000a"


@pytest.fixture
def sdc(stub: StubServer) -> DataCenter:
    stub.otherwise = Reply([])
    return DataCenter(stub.url, login="bob")


def query_of(stub: StubServer) -> dict[str, str]:
    """The query of the last request."""
    return dict(parse_qsl(stub.asked[-1].target.partition("?")[2], strict_parsing=True))


@pytest.mark.parametrize(
    ("state", "query"),
    [
        ("running", {"state": "running"}),
        ("stopped", {"state": "stopped"}),
        ("active", {"state": "active"}),
        ("destroyed", {"state": "destroyed"}),
        # The server has another word (docs/cloudapi/lists.md#other-states-are-refused).
        ("deleted", {"state": "destroyed"}),
        ("failed", {"tombstone": "5256000"}),
        *(
            (state, {"state": "active"})
            for state in ("provisioning", "ready", "stopping", "offline", "unknown")
        ),
        ("hibernated", {"state": "hibernated"}),
    ],
)
def test_each_state(stub: StubServer, sdc: DataCenter, state: str, query: dict[str, str]) -> None:
    assert sdc.machines(state=state) == []
    assert query_of(stub) == query


@pytest.mark.parametrize("state", ["provisioning", "ready", "stopping", "offline", "failed", "unknown"])
def test_the_client_selects_a_state_that_the_server_does_not(
    stub: StubServer, sdc: DataCenter, state: str
) -> None:
    stub.answer(Reply([{"id": ID, "state": state}, {"id": ID[::-1], "state": "running"}]))
    assert [machine.id for machine in sdc.machines(state=state)] == [ID]


@pytest.mark.parametrize("state", ["active", "destroyed", "deleted", "hibernated"])
def test_a_word_for_several_states_is_left_to_the_server(
    stub: StubServer, sdc: DataCenter, state: str
) -> None:
    stub.answer(Reply([{"id": ID, "state": "provisioning"}]))
    assert [machine.id for machine in sdc.machines(state=state)] == [ID]


@pytest.mark.parametrize(
    ("word", "sent"),
    [
        ("public", "true"),
        ("true", "true"),
        (True, "true"),
        ("private", "false"),
        ("false", "false"),
        (False, "false"),
    ],
)
def test_each_word_for_the_visibility_of_an_image(
    stub: StubServer, sdc: DataCenter, word: Any, sent: str
) -> None:
    assert sdc.images(public=word) == []
    assert query_of(stub) == {"public": sent}


@pytest.mark.parametrize("word", ["yes", "", ["public"], {}, 1], ids=str)
def test_another_word_for_the_visibility(sdc: DataCenter, word: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sdc.images(public=word)
    assert str(caught.value) == f"public must be True or False, not {word!r}: leave it out to set neither"


def test_the_longest_text(stub: StubServer, sdc: DataCenter) -> None:
    # As long as the name of an image may be.
    assert sdc.images(name="base.64 " * 128) == []
    assert len(stub.asked) == 1
    with pytest.raises(ConfigurationError, match=r"^name must be text of 1 to 1024 characters, not .*"):
        sdc.images(name="base.64 " * 128 + "x")
    assert len(stub.asked) == 1


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"name": ""}, "name must be text of 1 to 1024 characters, not '': leave it out to list all"),
        ({"name": 5}, "name must be text of 1 to 1024 characters, not 5: leave it out to list all"),
        (
            {"brand": "\ud800"},
            "brand must be text of 1 to 1024 characters, not '\\ud800': leave it out to list all",
        ),
        ({"memory": 0}, "memory must be a whole number from 1 on, not 0: leave it out to list all"),
        ({"memory": "1.5"}, "memory must be a whole number from 1 on, not '1.5': leave it out to list all"),
        (
            {"memory": 2**53 + 1},
            f"memory must be a whole number from 1 to 2**53, not {2**53 + 1}: leave it out to list all",
        ),
        ({"tombstone": -1}, "tombstone must be a whole number from 0 on, not -1: leave it out to list all"),
        (
            {"tombstone": True},
            "tombstone must be a whole number from 0 on, not True: leave it out to list all",
        ),
        ({"docker": "no"}, "docker must be True or False, not 'no': leave it out to set neither"),
        (
            {"machine_type": "web"},
            "machine_type is 'smartmachine' or 'virtualmachine', not 'web'; pass a name as name=",
        ),
        ({"state": "runing"}, "there is no state 'runing' of a machine: did you mean 'running'?"),
        ({"tags": "role"}, "tags must be a dict such as {'role': 'web'}, or '*', not 'role'"),
        ({"tags": {"": "web"}}, "a tag's name must be text that is not empty, not ''"),
        ({"tags": {None: "web"}}, "a tag's name must be text that is not empty, not None"),
        (
            {"tags": {"role": ["web"]}},
            "tag 'role' must be text, a number, a boolean or '*', not ['web']: leave it out to list all",
        ),
        (
            {"tags": {"size": 2**53 + 1}},
            "tag 'size' is a whole number beyond 2**53, which the server would alter: give it as text",
        ),
    ],
    ids=str,
)
def test_a_filter_that_is_refused(
    stub: StubServer, sdc: DataCenter, filters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sdc.machines(**filters)
    assert str(caught.value) == message
    assert stub.asked == []


@pytest.mark.parametrize(
    ("filters", "query"),
    [
        ({"memory": "1"}, {}),
        ({"memory": 2**53}, {}),
        ({"tombstone": 0}, {}),
        ({"tombstone": "20"}, {"tombstone": "20"}),
        ({"docker": False}, {"docker": "false"}),
        ({"machine_type": "virtualmachine"}, {"type": "virtualmachine"}),
        ({"machine_type": "smartmachine"}, {"type": "smartmachine"}),
        ({"name": "x" * 189}, {"name": "x" * 189}),
        ({"name": "x" * 190}, {}),
        ({"name": "-web"}, {}),
        ({"tags": "*"}, {}),
        ({"tags": {5: True, "n" * 64: "v" * 64}}, {"tag.5": "true", f"tag.{'n' * 64}": "v" * 64}),
        ({"tags": {"n" * 65: "v"}}, {}),
        (
            {"tags": {"role": "v" * 65, "a": "v w", "b": " v"}},
            {"tag.role": "*", "tag.a": "v w", "tag.b": "*"},
        ),
        ({"tags": {"a": "1e-5", "b": "a-5", "c": False}}, {"tag.a": "*", "tag.b": "a-5", "tag.c": "false"}),
        ({"tags": {f"t{n}": "v" for n in range(17)}}, {f"tag.t{n}": "v" for n in range(16)}),
    ],
    ids=str,
)
def test_a_filter_that_is_sent(
    stub: StubServer, sdc: DataCenter, filters: dict[str, Any], query: dict[str, str]
) -> None:
    assert sdc.machines(**filters) == []
    assert query_of(stub) == query if query else "?" not in stub.asked[-1].target
