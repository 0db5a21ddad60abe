"""What a profile file may hold, what is refused, and how profiles are listed (docs/cloudapi/profiles.md)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter
from smartdc.signin.profiles import Profile, load_profile
from tests.helpers.odd_files import impatient, irregular
from tests.helpers.triton_home import FINGERPRINT, TritonHome

__all__ = ["impatient"]


def test_required_fields_are_enough(triton: TritonHome) -> None:
    path = triton.profile("one")
    assert load_profile("one") == Profile("one", str(path), "https://file.example", "bob", FINGERPRINT)


def test_optional_fields(triton: TritonHome) -> None:
    triton.profile("one", insecure=True, user="sub", roles=["ops", "audit"], actAsAccount="other")
    found = load_profile("one")
    assert (found.insecure, found.user, found.act_as) == (True, "sub", "other")
    assert found.roles == ("ops", "audit")


def test_optional_fields_that_are_null_or_empty_are_not_set(triton: TritonHome) -> None:
    plain = load_profile(triton.profile("one").stem)
    triton.profile("one", insecure=None, user=None, roles=None, actAsAccount=None)
    assert load_profile("one") == plain
    triton.profile("one", insecure=False, user="", roles=[], actAsAccount="", name="")
    assert load_profile("one") == plain


def refusal(triton: TritonHome, name: str = "one") -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_profile(name)
    return str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "{'url': 1}", b'{"url": "\xff"}', "[" * 100_000], ids=lambda text: str(text[:12])
)
def test_a_file_that_is_no_json(triton: TritonHome, text: str | bytes) -> None:
    path = triton.profile_text("one", text)
    assert refusal(triton).startswith(f"{path} is not JSON")


def test_a_file_that_cannot_be_read(triton: TritonHome) -> None:
    path = triton.profile("one")
    path.unlink()
    path.mkdir()
    assert refusal(triton) == f"{path} is a directory; replace it with a regular file"


@pytest.mark.skipif(os.getuid() == 0, reason="not tested: a file without permission (root reads all)")
def test_a_file_without_permission(triton: TritonHome) -> None:
    path = triton.profile("one")
    path.chmod(0)
    assert refusal(triton) == f"{path} cannot be read (Permission denied); check its owner and mode"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("../one", "'../one'"), ("a/b", "'a/b'"), ("a\\b", r"'a\\b'"), ("a\0b", "'a?b'")],
)
def test_a_name_that_no_file_can_have(triton: TritonHome, name: str, shown: str) -> None:
    profiles = triton.profile("one").parent
    assert (
        refusal(triton, name) == f"{shown} cannot be a profile: its file in {profiles} cannot have this name"
    )


def test_env_is_reserved(triton: TritonHome) -> None:
    triton.profile("env", account="file")
    assert "there is no profile 'env': set TRITON_URL" in refusal(triton, "env")
    triton.variables()
    assert load_profile("env").account == "eve"


def test_env_json_is_skipped_in_the_list(triton: TritonHome) -> None:
    for name in ("env", "ENV", "Env", "environment"):
        triton.profile(name)
    assert list(DataCenter.profiles()) == ["environment"]


def test_only_json_files_are_listed(triton: TritonHome) -> None:
    directory = triton.profile("one").parent
    for name in ("two.json~", "three.JSON", "four", ".json"):
        (directory / name).write_text("{}")
    assert list(DataCenter.profiles()) == ["one"]


def test_the_list_has_the_current_profile_marked(triton: TritonHome) -> None:
    for name in ("one", "two"):
        triton.profile(name)
    triton.variables()

    def current() -> list[str]:
        return [name for name, profile in DataCenter.profiles().items() if profile.current]

    assert (list(DataCenter.profiles()), current()) == (["env", "one", "two"], ["env"])
    triton.make_current("two")
    assert (current(), load_profile().current, load_profile("one").current) == (["two"], True, False)
    triton.set(TRITON_PROFILE="one")
    assert current() == ["one"]
    triton.set(TRITON_PROFILE="three")
    assert current() == []


def test_the_list_has_triton_role_in_the_current_profile_and_env(triton: TritonHome) -> None:
    for name in ("one", "two"):
        triton.profile(name, roles=["reader"])
    triton.variables()
    triton.make_current("one")
    triton.set(TRITON_ROLE="ops")
    roles = {name: profile.roles for name, profile in DataCenter.profiles().items()}
    assert roles == {"env": ("ops",), "one": ("ops",), "two": ("reader",)}


def test_a_broken_profile_does_not_hide_the_others(
    triton: TritonHome, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = triton.profile_text("broken", "{")
    triton.profile("fine")
    triton.make_current("broken")
    triton.variables(TLS_INSECURE="maybe")
    found = DataCenter.profiles()
    assert (list(found), found["fine"].error) == (["env", "broken", "fine"], None)
    assert (found["broken"].name, found["broken"].source) == ("broken", str(broken))
    assert "is not JSON" in str(found["broken"].error)
    assert "TRITON_TLS_INSECURE is 'maybe'" in str(found["env"].error)
    assert not any(profile.current for profile in found.values())
    assert "profile broken cannot be used" in caplog.text
    assert capfd.readouterr() == ("", "")


def test_no_value_of_a_broken_profile_is_shown(triton: TritonHome, caplog: pytest.LogCaptureFixture) -> None:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n"
    triton.profile("typed", keyId=[key])
    triton.profile_text("cut", json.dumps({"keyId": key})[:-2])
    triton.profile("pasted", keyId=key)
    shown = refusal(triton, "typed") + refusal(triton, "cut") + str(DataCenter.profiles()["cut"])
    with pytest.raises(ConfigurationError) as caught:
        DataCenter.from_profile("pasted")
    assert "c2VjcmV0" not in shown + str(caught.value) + caplog.text


@pytest.mark.usefixtures("impatient")
@irregular
def test_irregular_files(triton: TritonHome, make: Callable[[Path], Any], problem: str) -> None:
    profiles = triton.config / "profiles.d"
    profiles.mkdir(parents=True)
    make(profiles / "lab.json")
    with pytest.raises(ConfigurationError, match=f"{problem}|cannot be read"):
        DataCenter.from_profile("lab")
    triton.profile("other")
    assert list(DataCenter.profiles()) == ["lab", "other"]
    make(triton.config / "config.json")
    if problem != "does not exist":  # then there is no configuration
        with pytest.raises(ConfigurationError, match=rf"config\.json.*({problem}|cannot be read)"):
            DataCenter.from_profile()
