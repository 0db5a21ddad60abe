"""Arguments of another kind than an operation takes: the whole messages, and the bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, Machine
from tests.helpers.servers import Reply, StubServer

ID = "00000000-0000-4000-8000-00000000000a"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----"


@pytest.fixture
def machine(stub: StubServer) -> Machine:
    stub.otherwise = Reply({"id": ID, "name": "web", "state": "running"})
    return Machine(DataCenter(stub.url, login="bob"), ID, lazy=True, look_first=False)


Call = Callable[[Any, Any], object]  # the arguments are wrong, so they are not type-checked

REFUSED: list[tuple[str, Call, str]] = [
    ("text", lambda sdc, machine: machine.rename(5), "name must be text, not 5"),
    ("bytes", lambda sdc, machine: machine.rename(b"x"), "name must be text, not b'x'"),
    (
        "a key",
        lambda sdc, machine: machine.rename(KEY),
        "name is a private key, which was not sent: it belongs in secret=",
    ),
    (
        "required text",
        lambda sdc, machine: sdc.create_user("ann", None, "x"),
        "email must be text, not None",
    ),
    (
        "optional text",
        lambda sdc, machine: sdc.update_user("ann", phone=5),
        "phone must be text, not 5",
    ),
    (
        "a required flag",
        lambda sdc, machine: Machine(sdc, ID, lazy=True, look_first=None),  # type: ignore[arg-type]
        "look_first must be True or False, not None",
    ),
    (
        "a flag",
        lambda sdc, machine: machine.resize_disk(ID, 1, dangerous_allow_shrink=1),
        "dangerous_allow_shrink must be True or False, not 1: leave it out to set neither",
    ),
    (
        "a dict",
        lambda sdc, machine: sdc.create_volume("data", tags=[("a", "b")]),
        "tags must be a dict such as {'role': 'db'}, not [('a', 'b')]",
    ),
    *(
        (
            f"a list, not {value!r}",
            lambda sdc, machine, value=value: machine.migrate("begin", affinity=value),
            f"affinity must be a list such as ['role!=db'], not {value!r}",
        )
        for value in (b"x", bytearray(b"x"), 5, True)
    ),
    (
        "a list of text",
        lambda sdc, machine: sdc.create_policy("all", ["CAN getmachine", 5]),
        "rules must be a list such as ['CAN getmachine'], without 5",
    ),
    *(
        (
            f"a whole number, not {value!r}",
            lambda sdc, machine, value=value: machine.resize_disk(ID, value),
            f"size must be a whole number, not {value!r}",
        )
        for value in (True, False, 1.0, "5", [5])
    ),
    *(
        (
            f"a smaller number than {value}",
            lambda sdc, machine, value=value: machine.resize_disk(ID, value),
            f"size must be a whole number from -2**53 to 2**53, not {value}",
        )
        for value in (2**53 + 1, -(2**53) - 1)
    ),
]


@pytest.mark.parametrize(("wrong", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_an_argument_of_another_kind(stub: StubServer, machine: Machine, wrong: Call, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        wrong(machine.datacenter, machine)
    assert str(caught.value) == message
    assert stub.asked == []


@pytest.mark.parametrize("size", [0, 1, 2**53, -(2**53)])
def test_the_bounds_of_whole_numbers(stub: StubServer, machine: Machine, size: int) -> None:
    # JavaScript has every whole number up to 2**53.
    machine.resize_disk(ID, size)
    assert stub.asked[-1].body == {"size": size}


@pytest.mark.parametrize("value", [True, False])
def test_both_values_of_a_flag_are_sent(stub: StubServer, machine: Machine, value: bool) -> None:
    machine.resize_disk(ID, 1, dangerous_allow_shrink=value)
    assert stub.asked[-1].body == {"size": 1, "dangerous_allow_shrink": value}


@pytest.mark.parametrize("rules", ["role!=db", ["role!=db"], ("role!=db",), {"role!=db"}, iter(["role!=db"])])
def test_a_list_in_every_form(stub: StubServer, machine: Machine, rules: Any) -> None:
    machine.migrate("begin", affinity=rules)
    assert stub.asked[-1].body == {"action": "begin", "affinity": ["role!=db"]}
