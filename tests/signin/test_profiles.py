"""Which profile is used, where it is read, and how the environment changes it (docs/cloudapi/profiles.md)."""

from __future__ import annotations

import sys

import pytest

from smartdc import ConfigurationError, DataCenter
from smartdc.signin.profiles import Profile, load_profile, sign_in_arguments
from tests.helpers.triton_home import FINGERPRINT, TritonHome


def test_configuration_directory_is_dot_triton(triton: TritonHome) -> None:
    path = triton.profile("one")
    assert DataCenter.profiles()["one"].source == str(path) == f"{triton.path}/.triton/profiles.d/one.json"


def test_configuration_directory_xdg_wins_and_dot_triton_is_not_consulted(triton: TritonHome) -> None:
    triton.profile("old")
    triton.make_current("old")
    triton.profile("new", triton.path / "xdg" / "triton")
    triton.set(XDG_CONFIG_HOME=str(triton.path / "xdg"))
    assert list(DataCenter.profiles()) == ["new"]
    with pytest.raises(ConfigurationError, match="no profile is chosen"):
        load_profile()


def test_configuration_directory_xdg_is_used_even_if_it_does_not_exist(triton: TritonHome) -> None:
    triton.profile("old")
    triton.set(XDG_CONFIG_HOME=str(triton.path / "nowhere"))
    assert DataCenter.profiles() == {}


def test_configuration_directory_xdg_empty_is_not_set(triton: TritonHome) -> None:
    triton.profile("one")
    triton.set(XDG_CONFIG_HOME="")
    assert list(DataCenter.profiles()) == ["one"]


def test_configuration_directory_of_tritons_own_tests_comes_first(triton: TritonHome) -> None:
    triton.profile("tested", triton.path / "here")
    triton.profile("other", triton.path / "xdg" / "triton")
    triton.set(TRITONTEST_CLI_CONFIG_DIR="~/here", XDG_CONFIG_HOME=str(triton.path / "xdg"))
    assert list(DataCenter.profiles()) == ["tested"]


def test_configuration_directory_on_windows(triton: TritonHome, monkeypatch: pytest.MonkeyPatch) -> None:
    triton.profile("roaming", triton.path / "AppData" / "Joyent" / "Triton")
    triton.set(APPDATA=str(triton.path / "AppData"), XDG_CONFIG_HOME=str(triton.path))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "win32")
        assert list(DataCenter.profiles()) == ["roaming"]


def test_which_profile_the_argument_wins(triton: TritonHome) -> None:
    for name in ("argued", "exported", "configured"):
        triton.profile(name)
    triton.make_current("configured")
    triton.set(TRITON_PROFILE="exported")
    triton.variables()
    assert load_profile("argued").name == "argued"
    assert load_profile().name == "exported"


def test_which_profile_then_config_json(triton: TritonHome) -> None:
    triton.profile("configured")
    triton.make_current("configured")
    triton.variables()
    assert load_profile().name == "configured"


def test_which_profile_then_env(triton: TritonHome) -> None:
    triton.profile("one")
    triton.variables()
    assert load_profile().name == "env"


def test_which_profile_an_empty_triton_profile_falls_through(triton: TritonHome) -> None:
    triton.profile("configured")
    triton.make_current("configured")
    triton.set(TRITON_PROFILE="")
    assert load_profile().name == "configured"


def test_which_profile_an_empty_one_in_config_json_falls_through(triton: TritonHome) -> None:
    triton.variables()
    for text in ('{"profile": ""}', '{"profile": null}', '{"cacheDir": "elsewhere"}'):
        triton.configure(text)
        assert load_profile().name == "env"


def test_the_dash_of_the_command_line_is_no_profile(triton: TritonHome) -> None:
    triton.profile("older")
    triton.make_current("-")
    with pytest.raises(ConfigurationError, match="there is no profile '-'"):
        load_profile()


def test_config_json_is_not_read_when_the_profile_is_named(triton: TritonHome) -> None:
    triton.profile("one")
    triton.configure("{")
    assert load_profile("one").account == "bob"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is not JSON"),
        ("[]", "must hold a JSON object, not a list"),
        ("null", "must hold a JSON object, not null"),
    ],
)
def test_config_json_that_cannot_be_used(triton: TritonHome, text: str, problem: str) -> None:
    path = triton.configure(text)
    with pytest.raises(ConfigurationError) as caught:
        load_profile()
    assert str(caught.value).startswith(str(path))
    assert problem in str(caught.value)


def test_a_broken_config_json_only_hides_which_profile_is_current(
    triton: TritonHome, caplog: pytest.LogCaptureFixture
) -> None:
    triton.profile("one")
    path = triton.configure("{")
    assert [profile.current for profile in DataCenter.profiles().values()] == [False]
    (said,) = caplog.messages
    assert said.startswith(f"the current profile is unknown: {path} is not JSON")


def test_variables_of_triton_come_before_those_of_sdc(triton: TritonHome) -> None:
    triton.variables("SDC", URL="https://sdc.example", ACCOUNT="ann", USER="sub")
    assert load_profile("env") == Profile(
        "env", "the environment", "https://sdc.example", "ann", FINGERPRINT, user="sub", current=True
    )
    triton.variables("TRITON", USER="other")
    found = load_profile("env")
    assert (found.url, found.account, found.user) == ("https://env.example", "eve", "other")


def test_variables_that_are_empty_fall_through_to_sdc(triton: TritonHome) -> None:
    triton.variables("SDC", USER="sub")
    triton.set(TRITON_URL="", TRITON_ACCOUNT="", TRITON_KEY_ID="", TRITON_USER="")
    found = load_profile("env")
    assert (found.url, found.account, found.user) == ("https://env.example", "eve", "sub")


def test_variables_apply_only_to_the_profile_env(triton: TritonHome) -> None:
    triton.profile("one", keyId="aa")
    triton.variables(USER="sub", ACT_AS="other", TLS_INSECURE="1")
    found = load_profile("one")
    assert (found.url, found.account, found.key_id) == ("https://file.example", "bob", "aa")
    assert (found.user, found.act_as, found.insecure) == (None, None, False)


@pytest.mark.parametrize("missing", ["URL", "ACCOUNT", "KEY_ID"])
def test_missing_variables_make_no_profile(triton: TritonHome, missing: str) -> None:
    triton.variables(**{missing: ""})
    assert DataCenter.profiles() == {}
    with pytest.raises(ConfigurationError, match=f"there is no profile 'env': set TRITON_{missing} .or SDC_"):
        load_profile("env")
    with pytest.raises(
        ConfigurationError, match=f"no profile is chosen.*set TRITON_{missing} .*triton profile create"
    ):
        load_profile()


@pytest.mark.parametrize(
    ("variables", "insecure"),
    [
        ({}, False),
        ({"TRITON_TLS_INSECURE": "true"}, True),
        ({"TRITON_TLS_INSECURE": "1"}, True),
        ({"TRITON_TLS_INSECURE": "false", "SDC_TLS_INSECURE": "1", "SDC_TESTING": "1"}, False),
        ({"TRITON_TLS_INSECURE": "0", "SDC_TLS_INSECURE": "1", "SDC_TESTING": "1"}, False),
        ({"TRITON_TLS_INSECURE": "", "SDC_TLS_INSECURE": "1"}, True),
        ({"SDC_TLS_INSECURE": "0", "SDC_TESTING": "1"}, False),
        ({"SDC_TLS_INSECURE": "", "SDC_TESTING": "1"}, True),
        ({"TRITON_TLS_INSECURE": "false", "SDC_TLS_INSECURE": "1"}, False),
        ({"TRITON_TLS_INSECURE": "0", "SDC_TESTING": "1"}, False),
        ({"SDC_TESTING": "no"}, True),
        ({"SDC_TESTING": "0"}, True),
        ({"SDC_TESTING": "false"}, True),
        ({"SDC_TESTING": ""}, False),
    ],
)
def test_insecure_switches(triton: TritonHome, variables: dict[str, str], insecure: bool) -> None:
    triton.variables()
    triton.set(**variables)
    profile = load_profile("env")
    assert profile.insecure is insecure
    assert sign_in_arguments(profile, ())["verify"] is not insecure


@pytest.mark.parametrize("name", ["TRITON_TLS_INSECURE", "SDC_TLS_INSECURE"])
@pytest.mark.parametrize("value", ["yes", "maybe", "True", "2", " 1"])
def test_invalid_values_of_insecure_switches(triton: TritonHome, name: str, value: str) -> None:
    triton.variables()
    triton.set(**{name: value})
    with pytest.raises(ConfigurationError) as caught:
        load_profile("env")
    assert str(caught.value) == f"{name} is '{value}'; set it to true, 1, false or 0, or unset it"


def test_sdc_act_as_is_ignored(triton: TritonHome) -> None:
    triton.variables()
    triton.set(SDC_ACT_AS="nobody")
    assert load_profile("env").act_as is None
    triton.set(TRITON_ACT_AS="other")
    assert load_profile("env").act_as == "other"


def test_triton_role_applies_to_any_profile(triton: TritonHome) -> None:
    triton.profile("one", roles=["reader"])
    triton.variables()
    triton.set(TRITON_ROLE=" ops, ,audit ", SDC_ROLE="nothing")
    assert load_profile("one").roles == ("ops", "audit")
    assert load_profile("env").roles == ("ops", "audit")


def test_an_empty_triton_role_removes_the_roles(triton: TritonHome) -> None:
    triton.profile("one", roles=["reader"])
    assert load_profile("one").roles == ("reader",)
    triton.set(TRITON_ROLE="")
    assert load_profile("one").roles == ()


def test_a_data_center_without_arguments_reads_no_environment(triton: TritonHome) -> None:
    triton.profile("one")
    triton.make_current("one")
    triton.variables(ROLE="ops")
    with DataCenter() as sdc:
        assert (sdc.location, sdc.login, sdc.auth, sdc.active_roles) == ("us-west-1", "my", None, ())
