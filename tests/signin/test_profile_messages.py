"""The whole messages about profiles and variables: what is wrong, where, and the remedy."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter
from smartdc.signin.profiles import load_profile, sign_in_arguments
from tests.helpers.triton_home import TritonHome

MEANING = {
    "url": "the URL of the data center",
    "account": "the login of the account",
    "keyId": "the fingerprint of your key (ssh-keygen -l -f FILE prints it)",
}
ADDRESS = "give it as https://host[:port][/path]"
NO_NAME = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
MAKE_ONE = "make one with: triton profile create"


def refusal(name: Any = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        sign_in_arguments(load_profile(name), ())
    return str(caught.value)


@pytest.mark.parametrize("field", MEANING)
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (..., "is missing; add"),
        (None, "is missing; add"),
        ("", "is missing; add"),
        (5, "must be text, not a number; give"),
        (["bob"], "must be text, not a list; give"),
        ({"md5": "aa"}, "must be text, not an object; give"),
    ],
)
def test_a_required_field(triton: TritonHome, field: str, value: Any, problem: str) -> None:
    path = triton.profile("one", **{field: value})
    assert refusal("one") == f"profile 'one' ({path}): \"{field}\" {problem} {MEANING[field]}"


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("insecure", "true", "must be true or false, not text; correct or delete it"),
        ("insecure", 1, "must be true or false, not a number; correct or delete it"),
        ("insecure", 1.5, "must be true or false, not a number; correct or delete it"),
        ("user", ["a"], "must be text, not a list; correct or delete it"),
        ("user", True, "must be text, not a boolean; correct or delete it"),
        ("roles", "ops,audit", "must be a list of texts, not text; correct or delete it"),
        ("roles", {"a": 1}, "must be a list of texts, not an object; correct or delete it"),
        ("roles", ["ops", 1], "must be a list of texts, without a number; correct or delete it"),
        ("roles", [["a"]], "must be a list of texts, without a list; correct or delete it"),
        ("roles", ["ops", None], "must be a list of texts, without null; correct or delete it"),
        ("actAsAccount", 0, "must be text, not a number; correct or delete it"),
        ("actAsAccount", True, "must be text, not a boolean; correct or delete it"),
        ("name", "one", "must not be in the file, whose name is the profile's; delete it"),
        *(
            (field, "x", "is not a field of profiles; delete it, or correct its spelling")
            for field in ("keyid", "privKey", "acceptVersion", "curr")
        ),
        ("url", "cloud.example", f"cannot be used: 'cloud.example' is not a CloudAPI URL; {ADDRESS}"),
        ("account", "my", f"is 'my'; give {MEANING['account']}"),
        ("account", "a/b", f"is 'a/b'; give {MEANING['account']}"),
        ("account", "a\nb", f"is 'a?b'; give {MEANING['account']}"),
        ("actAsAccount", "../x", "is '../x'; give the login of an account"),
        ("actAsAccount", "..", "is '..'; give the login of an account"),
        ("actAsAccount", "a\nb", "is 'a?b'; give the login of an account"),
        (
            "keyId",
            "laptop",
            f"is 'laptop', which is not a fingerprint; give {MEANING['keyId']}, or the file of the key as "
            "secret=",
        ),
        ("roles", ["a,b"], "cannot be used: 'a,b' cannot be the name of a role: give each alone, as text"),
        ("roles", ["a\n"], "cannot be used: 'a\\n' cannot be the name of a role: give each alone, as text"),
    ],
)
def test_a_field(triton: TritonHome, field: str, value: Any, problem: str) -> None:
    path = triton.profile("one", **{field: value})
    assert refusal("one") == f"profile 'one' ({path}): \"{field}\" {problem}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("null", "must hold a JSON object, not null; rewrite it"),
        ("5", "must hold a JSON object, not a number; rewrite it"),
        ("1.5", "must hold a JSON object, not a number; rewrite it"),
        ("true", "must hold a JSON object, not a boolean; rewrite it"),
        ('"text"', "must hold a JSON object, not text; rewrite it"),
        ("[]", "must hold a JSON object, not a list; rewrite it"),
        ("{", f"is not JSON ({NO_NAME}); correct it, or rewrite it"),
        (" " * (1024 * 1024 + 1), "has more than 1048576 bytes; rewrite it"),
    ],
    ids=["null", "int", "float", "true", "text", "list", "brace", "large"],
)
def test_a_file(triton: TritonHome, text: str, problem: str) -> None:
    path = triton.profile_text("one", text)
    assert refusal("one") == f"{path} {problem}"


def test_a_file_of_the_greatest_size(triton: TritonHome) -> None:
    path = triton.profile("one")
    text = path.read_text()
    path.write_text(text + " " * (1024 * 1024 - len(text)))
    assert load_profile("one").account == "bob"


def test_config_json(triton: TritonHome) -> None:
    for value, kind in (("5", "a number"), ("false", "a boolean"), ("[]", "a list"), ("{}", "an object")):
        path = triton.configure(f'{{"profile": {value}}}')
        assert refusal() == (
            f'{path}: "profile" must be the name of a profile, not {kind}; '
            "set it with: triton profile set-current NAME"
        )


def test_profiles_that_are_not_there(triton: TritonHome) -> None:
    profiles = triton.config / "profiles.d"
    missing = f"there is no profile 'one': {profiles}/one.json does not exist; there are:"
    assert refusal("one") == f"{missing} none; {MAKE_ONE}"
    triton.profile("two")
    triton.profile("three")
    triton.variables()
    assert refusal("one") == f"{missing} env, three, two; {MAKE_ONE}"
    assert refusal(5) == "the name of a profile is text, not int"


def test_the_environment_lacks_variables(triton: TritonHome) -> None:
    account, key = "TRITON_ACCOUNT (or SDC_ACCOUNT)", "TRITON_KEY_ID (or SDC_KEY_ID)"
    rest = f"or name another profile, or {MAKE_ONE}"
    every = f"TRITON_URL (or SDC_URL), {account}, {key}"
    assert refusal() == f"no profile is chosen, and the environment defines none: set {every}, {rest}"
    assert refusal("env") == f"there is no profile 'env': set {every}, {rest}"
    triton.set(TRITON_URL="https://a.example")
    assert refusal("env") == f"there is no profile 'env': set {account}, {key}, {rest}"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"TRITON_URL": "a.example"},
            "TRITON_URL (or SDC_URL) cannot be used: 'a.example' is not a CloudAPI URL; " + ADDRESS,
        ),
        ({"TRITON_ACCOUNT": "my"}, f"TRITON_ACCOUNT (or SDC_ACCOUNT) is 'my'; give {MEANING['account']}"),
        (
            {"TRITON_KEY_ID": "laptop"},
            "TRITON_KEY_ID (or SDC_KEY_ID) is 'laptop', which is not a fingerprint; give "
            f"{MEANING['keyId']}, or the file of the key as secret=",
        ),
        (
            {"SMARTDC_CA_FILE": "/no/such.pem"},
            "SMARTDC_CA_FILE is '/no/such.pem', which does not exist; give the path of a file of "
            "certificates, or unset it",
        ),
        (
            {"TRITON_KEY_MATERIAL": "/no/such"},
            "TRITON_KEY_MATERIAL is '/no/such', which is neither a file nor the text of a private key; "
            "give one of them, or unset it",
        ),
        (
            {"SDC_KEY_MATERIAL": "/no/such"},
            "SDC_KEY_MATERIAL is '/no/such', which is neither a file nor the text of a private key; "
            "give one of them, or unset it",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_variable(triton: TritonHome, variables: dict[str, str], message: str) -> None:
    triton.variables()
    triton.set(**variables)
    assert refusal("env") == message


def test_without_a_home_directory(homeless: None) -> None:
    assert DataCenter.profiles() == {}
    assert refusal().startswith("no profile is chosen, and the environment defines none: set TRITON_URL ")
    assert refusal("one") == (
        "the profile 'one' cannot be found: there is no home directory: set HOME, or give the whole path"
    )


def test_a_directory_of_profiles_that_cannot_be_read(triton: TritonHome) -> None:
    triton.config.mkdir()
    profiles = triton.config / "profiles.d"
    profiles.write_text("a file")
    assert DataCenter.profiles() == {}
    profiles.unlink()
    profiles.symlink_to(profiles)
    with pytest.raises(ConfigurationError) as caught:
        DataCenter.profiles()
    problem = "Too many levels of symbolic links"
    assert str(caught.value) == f"{profiles} cannot be read ({problem}); check its owner and mode, and HOME"
    assert refusal("one") == f"{profiles}/one.json cannot be read ({problem}); check its owner and mode"


def test_the_variables_of_an_account_to_act_as_and_of_roles(triton: TritonHome) -> None:
    triton.variables(ACT_AS="../x")
    assert refusal("env") == "TRITON_ACT_AS is '../x'; give the login of an account"
    assert "login" not in sign_in_arguments(load_profile("env"), {"login"})
    triton.set(TRITON_ACT_AS="", TRITON_ROLE="a\nb")
    assert refusal("env") == (
        "TRITON_ROLE cannot be used: 'a\\nb' cannot be the name of a role: give each alone, as text"
    )


def test_optional_variables_that_are_empty(triton: TritonHome) -> None:
    triton.variables()
    plain = load_profile("env")
    triton.set(TRITON_USER="", TRITON_ACT_AS="", SMARTDC_CA_FILE="", TRITON_TLS_INSECURE="")
    assert load_profile("env") == plain
    assert (plain.user, plain.act_as, plain.ca_file, plain.roles) == (None, None, None, ())


def test_the_arguments_of_a_profile(triton: TritonHome) -> None:
    triton.profile("one", url="https://a.example/", user="sub", roles=["ops"], actAsAccount="other")
    profile = load_profile("one")
    key_id = f"/bob/keys/{profile.key_id}"
    everything = {
        "login": "other",
        "verify": True,
        "location": "https://a.example",
        "roles": ("ops",),
        "key_id": key_id,
        "user": "sub",
        "secret": None,
        "allow_agent": True,
    }
    assert sign_in_arguments(profile, ()) == everything
    for name in ("login", "verify", "location", "roles", "user", "allow_agent"):
        assert sign_in_arguments(profile, {name}) == {
            other: value for other, value in everything.items() if other != name
        }
    without_key = {"login": "other", "verify": True, "location": "https://a.example", "roles": ("ops",)}
    assert sign_in_arguments(profile, {"key_id", "secret"}) == without_key
    assert sign_in_arguments(profile, {"key_id"}) == without_key | {"secret": None, "allow_agent": True}
    assert sign_in_arguments(profile, {"secret"}) == without_key | {"key_id": key_id, "user": "sub"}
    triton.profile("two", insecure=None)
    assert sign_in_arguments(load_profile("two"), ())["login"] == "bob"
