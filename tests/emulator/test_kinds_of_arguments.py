"""Arguments of another kind than a method of the emulator takes: messages name argument, value and remedy."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from smartdc.emulator import Account, Clock, Emulator, Site
from smartdc.emulator.faults import Delay, Drop, Faults, Status
from tests.helpers.keys import KeyRing

A_LIST = [1]

#: By method: valid arguments, and for each argument values of other kinds.
Row = tuple[dict[str, Any], dict[str, tuple[Any, ...]]]
TEXT: tuple[Any, ...] = (5, "", b"x", A_LIST, True)
OPTIONAL_TEXT: tuple[Any, ...] = (5, "", b"x", A_LIST)
COUNT: tuple[Any, ...] = ("1G", 1.5, None, True, 0, -1, A_LIST)
FLAG: tuple[Any, ...] = ("yes", 1, A_LIST)
NUMBER: tuple[Any, ...] = ("fast", A_LIST, True, -1, float("nan"))
LIST: tuple[Any, ...] = ("x", 5)
ACCOUNT: tuple[Any, ...] = (5, "nobody", A_LIST)
ADDITIONS: dict[str, Row] = {
    "add_image": (
        {"name": "app"},
        {
            "name": (*TEXT, None, "a:b", "x" * 1025),
            "version": (*TEXT, None),
            "uuid": (*TEXT, "nonsense"),
            "brand": (*TEXT, "docker", "BHYVE"),
            "os": OPTIONAL_TEXT,
            "type": OPTIONAL_TEXT,
            "account": ACCOUNT,
            "public": FLAG,
            "acl": (*LIST, None, A_LIST),
            "state": (*TEXT, "activ"),
            "tags": (*LIST, A_LIST),
            "image_size": ("x", 1.5),
        },
    ),
    "add_package": (
        {"name": "tiny"},
        {
            "name": (*TEXT, None),
            "memory": COUNT,
            "disk": COUNT,
            "version": (*TEXT, None),
            "uuid": (*TEXT, "nonsense"),
            "accounts": (*LIST, A_LIST),
            "vcpus": ("x", 1.5),
            "brand": ("docker",),
        },
    ),
    "add_network": (
        {"name": "lab"},
        {
            "name": (*TEXT, None),
            "subnet": (*TEXT, "10.0.0.0/99"),
            "kind": (*TEXT, None, "weird"),
            "account": ACCOUNT,
            "uuid": (*TEXT, "nonsense"),
            "vlan_id": ("x", 1.5, -1, 4095, 99999, True),
            "gateway": (5, "x", "10.255.0.1"),
            "resolvers": LIST,
        },
    ),
    "add_volume": (
        {"name": "data"},
        {
            "name": (5, b"x", A_LIST, "my data", "x"),
            "size": COUNT,
            "state": (*TEXT, None, "raedy"),
            "tags": (*LIST, A_LIST),
            "networks": (*LIST, A_LIST, ["nope"]),
            "account": ACCOUNT,
            "uuid": (*TEXT, "nonsense"),
        },
    ),
    "add_service": ({"name": "docker"}, {"name": (*TEXT, None), "url": OPTIONAL_TEXT}),
    "add_quota": (
        {"value": 3},
        {
            "value": ("x", 1.5, None, True, -2),
            "by": (*TEXT, None, "cpus"),
            "account": ACCOUNT,
            "brand": (*TEXT, "docker"),
            "image": OPTIONAL_TEXT,
            "os": OPTIONAL_TEXT,
        },
    ),
    "add_machine": (
        {"name": "web0"},
        {
            "name": (*TEXT, "w w", "x" * 190),
            "state": (*TEXT, None, "runing"),
            "brand": (*TEXT, "docker"),
            "image": (5, b"x", A_LIST, "nope"),
            "package": (5, b"x", A_LIST, "nope"),
            "tags": (*LIST, A_LIST, {"a": [1]}),
            "metadata": (*LIST, A_LIST, {"a": None}),
            "account": ACCOUNT,
            "networks": (*LIST, A_LIST, ["nope"]),
            "uuid": (*TEXT, "nonsense"),
            "server_uuid": (*TEXT, "nonsense"),
            "firewall_enabled": FLAG,
        },
    ),
}
LOGINS: tuple[Any, ...] = (*TEXT, None, "a b", "my", "x" * 33, "ümlaut", "a\nbc", "-ab")
EMULATOR: dict[str, Row] = {
    "activate": (
        {},
        {"datacenter": (5, "moon", A_LIST), "rate": NUMBER, "profiles": (*LIST, None, [5], ["a/b"])},
    ),
    "add_account": (
        {"login": "partner"},
        {"login": LOGINS, "keys": (*LIST, None, A_LIST), "email": (5, None), "approved": ("yes", None)},
    ),
    "add_contents": ({}, {"contents": (5, "", None, A_LIST)}),
    "add_user": (
        {"login": "bob"},
        {"login": LOGINS, "account": ACCOUNT, "keys": (*LIST, None, A_LIST), "allowed": ("yes", None)},
    ),
    "datacenter": ({}, {"name": (5, "moon", A_LIST)}),
    "environment": ({}, {"datacenter": (5, "moon", A_LIST)}),
    "load_faults": ({}, {"path": (5, "", None, A_LIST)}),
    "read_only": ({}, {"until": (*NUMBER, 0)}),
    "report": ({}, {"last": ("x", 1.5, None)}),
    "reset": ({}, {"contents": (5, "", A_LIST)}),
    "site": ({}, {"name": (5, "moon", A_LIST)}),
    "throttle": ({}, {"rate": (*NUMBER, 0), "burst": (*NUMBER, None, 0.5)}),
    "url": ({}, {"datacenter": (5, "moon", A_LIST)}),
}
ACCOUNTS: dict[str, Row] = {
    "add_user": ({"login": "bob"}, {"login": LOGINS, "allowed": ("yes", None)}),
    "change": ({}, {"email": TEXT, "approved": ("yes", None), "city": TEXT}),
}
CLOCK: dict[str, Row] = {
    "advance": ({}, {"seconds": (*NUMBER, None)}),
    "sleep": ({}, {"seconds": ("x", None, True)}),
}
FAULTS: dict[str, Row] = {
    "add": (
        {"operation": "GetMachine", "fault": Drop(after_commit=True)},
        {
            "operation": (5, None, A_LIST, "GetMachinee"),
            "fault": (None, Drop, "Drop", 5),
            "times": ("x", 0, 1.5, True, A_LIST),
            "probability": (*NUMBER, 0, 1.1),
            "datacenter": (5, A_LIST, "moon"),
        },
    ),
    "seed": ({}, {"seed": ("x", None, 1.5, A_LIST)}),
}
CONSTRUCTOR: Row = (
    {},
    {
        "account": (*LOGINS[:5], *LOGINS[6:]),
        "datacenters": (*LIST, A_LIST, [], ["a", "a"], ["a b"], [None]),
        "rate": (*NUMBER, None),
        "host": (5, "", None),
        "names": (*LIST, None, A_LIST, [""], ["a b"]),
        "ports": ("x", True, 1.5, 65536, -1, [1], ["x"] * 3, [None] * 3),
        "state_dir": (5, "", A_LIST),
        "ssh_port": ("22", -1, 65536, True, A_LIST),
        "key_kind": (5, "", "dsa", A_LIST),
        "contents": (5, "", A_LIST),
        "random_seed": (1.5, True, A_LIST),
        "keep_calls": ("x", -1, None, True),
    },
)

#: Methods whose arguments are functions, or are checked by what they pass them on to.
OTHERS = {"Clock": {"dated", "on_advance", "running"}, "Faults": {"choose"}}
#: What a message calls an argument, if not by its name.
NAMES = {
    "datacenter": "data center",
    "acl": "acl|account",
    "accounts": "accounts|account",
    "path": "path|is the path",
    "subnet": "subnet",
    "networks": "networks|network",
    "datacenters": "datacenters",
    "keys": "keys|key",
    "profiles": "profile",
    "uuid": "uuid",
}


def cases() -> Iterator[Any]:
    """A case for each method and argument."""
    tables: dict[Any, dict[str, Row]] = {
        Site: ADDITIONS,
        Emulator: EMULATOR,
        Account: ACCOUNTS,
        Clock: CLOCK,
        Faults: FAULTS,
    }
    for owner, rows in tables.items():
        for method, (valid, wrong) in rows.items():
            for argument, values in wrong.items():
                yield pytest.param(
                    owner, method, valid, argument, values, id=f"{owner.__name__}.{method}-{argument}"
                )


@pytest.fixture
def owners(cloud: Emulator) -> dict[Any, Any]:
    """The objects whose methods are called."""
    return {
        Site: cloud.site(),
        Emulator: cloud,
        Account: cloud.account,
        Clock: cloud.clock,
        Faults: cloud.faults,
    }


def message_of(call: Callable[[], object]) -> str:
    """The message with which a call is refused."""
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    return str(caught.value)


def refused(call: Callable[..., object], valid: dict[str, Any], argument: str, value: Any) -> None:
    """Check that an argument is refused with a message that names it, or the value that was not found."""
    message = message_of(lambda: call(**valid | {argument: value}))
    assert len(message) < 250, message
    assert "\n" not in message
    names = NAMES.get(argument, argument).split("|")
    assert any(name in message for name in names) or repr(value) in message, message
    for words in (
        "expected str",
        "unsupported operand",
        "not supported between",
        "object is not",
        "unhashable",
    ):
        assert words not in message, message


@pytest.mark.parametrize(("owner", "method", "valid", "argument", "values"), list(cases()))
def test_an_argument_of_another_kind_is_refused(
    owners: dict[Any, Any],
    owner: Any,
    method: str,
    valid: dict[str, Any],
    argument: str,
    values: tuple[Any, ...],
) -> None:
    for value in values:
        refused(getattr(owners[owner], method), valid, argument, value)


@pytest.mark.parametrize("argument", CONSTRUCTOR[1])
def test_an_argument_of_the_emulator_of_another_kind_is_refused(argument: str) -> None:
    for value in CONSTRUCTOR[1][argument]:
        refused(Emulator, {}, argument, value)


def test_every_method_with_arguments_is_tried() -> None:
    missing = []
    for owner, rows in ((Emulator, EMULATOR), (Clock, CLOCK), (Faults, FAULTS), (Site, ADDITIONS)):
        for name, method in inspect.getmembers(owner, inspect.isfunction):
            if name.startswith("_") or (owner is Site and not name.startswith("add_")) or name == "add_vm":
                continue
            arguments = set(inspect.signature(method).parameters) - {"self", "others", "fields", "kwargs"}
            missing += [
                f"{owner.__name__}.{name}: {argument}"
                for argument in arguments - rows.get(name, ({}, {}))[1].keys()
                if name not in OTHERS.get(owner.__name__, ())
            ]
    missing += set(inspect.signature(Emulator).parameters) - CONSTRUCTOR[1].keys() - {"schema_only"}
    assert missing == []


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (Status, {"status": "503"}, "status must be a number from 200 to 599, not '503'"),
        (Status, {"status": 42}, "status must be a number from 200 to 599, not 42"),
        (Status, {"status": 199}, "status must be a number from 200 to 599, not 199"),
        (Status, {"status": 503, "body": 5}, "body must be an object, text or bytes, not 5"),
        (Status, {"status": 503, "headers": "x"}, "headers must be a table, not 'x'"),
        (Delay, {"seconds": "x"}, "seconds must be a number from 0 to 3153600000: 'x'"),
    ],
)
def test_a_fault_with_an_invalid_field(kind: Any, arguments: dict[str, Any], message: str) -> None:
    assert message_of(lambda: kind(**arguments)) == message


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ([{"valu": 3}], "limits[0] has 'valu'; it can have value, by, check, brand, image, os, account"),
        ([5], "limits must be a list of dicts, such as [{'value': 10}]"),
        ("x", "limits must be a list of dicts, such as [{'value': 10}]"),
    ],
)
def test_limits_as_operators_write_them(cloud: Emulator, limits: Any, message: str) -> None:
    assert message_of(lambda: setattr(cloud.site(), "limits", limits)) == message


def test_a_limit_without_a_value_limits_nothing(cloud: Emulator) -> None:
    # https://github.com/TritonDataCenter/sdc-cloudapi/blob/master/plugins/provision_limits.js: atoiValues
    # leaves such an entry as it is, and no number is above undefined.
    cloud.site().limits = [{"by": "ram"}]
    with cloud.datacenter() as sdc:
        assert sdc.limits() == []
        assert sdc.create_machine("web", package="sample-512M", image="base64")


def test_a_message_names_value_and_remedy(cloud: Emulator) -> None:
    states = "provisioning, ready, running, stopping, stopped, offline, deleted, failed"
    for value, end in (("runing", "'runing'; did you mean running?"), (5, "5")):
        call = partial(cloud.site().add_machine, state=value)  # type: ignore[arg-type]
        assert message_of(call) == f"state must be one of {states}, not {end}"


def test_an_unknown_field_has_a_hint(cloud: Emulator) -> None:
    with pytest.raises(TypeError, match=r"^a package has no field 'vcpu'; did you mean vcpus\?$"):
        cloud.site().add_package("tiny", vcpu=2)
    with pytest.raises(TypeError, match=r"^an account has no field 'alowed'; it has email, approved, "):
        cloud.add_account("partner", alowed=True)


def test_a_key_is_not_shown(cloud: Emulator, ssh_keys: KeyRing) -> None:
    text = ssh_keys.path("ed25519").read_text()
    assert text.splitlines()[1] not in message_of(lambda: cloud.add_account(text))
