"""Wrong arguments are refused by name, without a request, instead of a bare exception or the server's 500."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter
from smartdc.emulator import Emulator
from tests.api.refusals import REFUSALS, refusals
from tests.helpers.recorded import sent

HUGE = [{"name": "x" * 1000}] * 1000


@pytest.mark.parametrize("timeout", ["30", 0, -1, math.inf, math.nan, True, (), (1,), (1, 2, 3), (1, None)])
def test_invalid_timeouts(cloud: Emulator, sdc: DataCenter, timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^timeout must be a number of seconds above 0"):
        cloud.datacenter(timeout=timeout)
    with pytest.raises(ConfigurationError, match=r"^timeout must be"):
        sdc.request("GET", "/keys", timeout=timeout)
    assert sent(cloud) == []


@pytest.mark.parametrize("size", ["8", 0, -1, 1.5, True, None, math.inf])
def test_invalid_pool_sizes(cloud: Emulator, size: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^pool_size must be a whole number from 1 to 10000"):
        cloud.datacenter(pool_size=size)


@pytest.mark.parametrize("headers", [[("X-Mine", "1")], "X-Mine: 1", {5: "x"}, {None: "x"}, 5])
def test_headers_that_are_no_dict_of_text(cloud: Emulator, sdc: DataCenter, headers: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^headers must"):
        cloud.datacenter(headers=headers)
    with pytest.raises(ConfigurationError, match=r"^headers must"):
        sdc.request("GET", "/keys", headers)
    assert sent(cloud) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tags": ["a"]}, "tags must be a dict"),
        ({"metadata": "a=b"}, "metadata must be a dict"),
        ({"image": HUGE}, "names no image"),
        ({"package": HUGE}, "names no package"),
        ({"networks": [{"ipv4_uuid": 5}]}, "names no network"),
        ({"networks": [b"x"]}, "names no network"),
        ({"locality": ["x"]}, "locality must be a dict"),
        ({"role_tags": 5}, "roles must be a list"),
    ],
)
def test_arguments_of_a_new_machine(cloud: Emulator, sdc: DataCenter, arguments: Any, message: str) -> None:
    image = "b6c9a5e0-8b2f-4c42-9d3f-0123456789ab"
    with pytest.raises(ConfigurationError) as caught:
        sdc.create_machine("web", **{"image": image, "package": "g4-highcpu-1G", **arguments})
    assert message in str(caught.value)
    assert len(str(caught.value)) < 200
    assert sent(cloud) == []


def test_a_boot_script_that_cannot_be_read(cloud: Emulator, sdc: DataCenter, tmp_path: Path) -> None:
    binary, fifo = tmp_path / "binary", tmp_path / "fifo"
    binary.write_bytes(b"\xff\xfe")
    os.mkfifo(fifo)
    for path in (binary, fifo, tmp_path, b"script", 5, "a\0b", "\ud800"):
        with pytest.raises(ConfigurationError, match=r"^(the|a) boot script "):
            sdc.create_machine("web", boot_script=path)  # type: ignore[arg-type]
    assert sent(cloud) == []


@pytest.mark.parametrize("key", [b"ssh-ed25519 AAAA", None, 5, ["ssh-ed25519 AAAA"]])
def test_a_public_key_that_is_no_text(cloud: Emulator, sdc: DataCenter, key: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^key must be text"):
        sdc.add_key("laptop", key)
    assert sent(cloud) == []


NO_LOGIN = "[5] names no user: give its login, or a dict or object that has one"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"members": 5}, "members must be a list such as [user], not 5"),
        ({"members": [[5]]}, NO_LOGIN),
        ({"default_members": 5}, "default_members must be a list such as [user], not 5"),
        ({"default_members": [[5]]}, NO_LOGIN),
        ({"policies": 5}, "policies must be a list such as [policy], not 5"),
        ({"policies": [[5]]}, "[5] names no policy: give its name, or a dict or object that has one"),
        (
            {"members": {"type": "account", "login": "other"}},
            "{'login': 'other', 'type': 'account'} cannot be a member before API 9, only sub-users can",
        ),
    ],
)
def test_members_and_policies_of_a_role_before_9(
    cloud: Emulator, wrong: dict[str, Any], message: str
) -> None:
    with cloud.datacenter(api_version="~8") as old:
        for act in (old.create_role, old.update_role):
            with pytest.raises(ConfigurationError) as caught:
                act("devs", **wrong)
            assert str(caught.value) == message
    assert sent(cloud) == []


def test_a_role_or_policy_to_be_changed(cloud: Emulator, sdc: DataCenter) -> None:
    nothing: Any = [5]
    with pytest.raises(ConfigurationError) as caught:
        sdc.update_role(nothing, name="devs")
    assert str(caught.value) == "[5] names no role: give its id or name, or a dict or object that has one"
    with pytest.raises(ConfigurationError) as caught:
        sdc.update_policy(nothing, name="reading")
    assert str(caught.value) == "[5] names no policy: give its id, or a dict or object that has one"
    assert sent(cloud) == []


def _nested(depth: int) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for _ in range(depth):
        nested = {"and": [nested]}
    return nested


@pytest.mark.parametrize(
    ("predicate", "message"),
    [
        ("", "predicate must be a dict with a condition, or its JSON, not ''"),
        ({"eq": ["size", {5}]}, "predicate: .* cannot be written as JSON: .* not JSON serializable"),
        ({"eq": ["size", math.nan]}, "predicate: .* cannot be written as JSON: Out of range float values .*"),
        (_nested(5000), "predicate: .* cannot be written as JSON: .*recursion.*"),
    ],
    ids=["empty", "set", "nan", "deep"],
)
def test_a_predicate_for_volumes(cloud: Emulator, sdc: DataCenter, predicate: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sdc.volumes(predicate=predicate)
    assert re.fullmatch(message, str(caught.value))
    assert sent(cloud) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_each_argument_says_of_a_value_of_a_wrong_kind() -> None:
    assert refusals() == REFUSALS.read_text(), "read what changed, and write it: python -m tests.api.refusals"
