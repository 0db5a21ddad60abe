"""The whole messages about locations, key ids and authorities: what is wrong, and the remedy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter
from smartdc.signin.authorities import authorities_path
from smartdc.signin.key_arguments import KeyArguments, sub_user_key_id
from smartdc.signin.locations import base_url_of, checked_url

ADDRESS = "give it as https://host[:port][/path]"


@pytest.mark.parametrize(
    ("key_id", "user", "message"),
    [
        ("/bob/keys/k", 5, "user is the login of a sub-user, not int"),
        ("", "ann", "user='ann' needs key_id, of the form /ACCOUNT/keys/NAME_OR_FINGERPRINT"),
        (None, "ann", "user='ann' needs key_id, of the form /ACCOUNT/keys/NAME_OR_FINGERPRINT"),
        ("/bob/keys/k", "", "'' cannot be a sub-user: give the login, without the account"),
        ("/bob/keys/k", "bob/ann", "'bob/ann' cannot be a sub-user: give the login, without the account"),
        (
            "/bob/users/eve/keys/k",
            "ann",
            "user='ann', but key_id '/bob/users/eve/keys/k' belongs to 'eve': give one of them",
        ),
    ],
)
def test_a_sub_user_that_is_refused(key_id: str | None, user: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sub_user_key_id(key_id, user)
    assert str(caught.value) == message


def test_key_ids_of_a_sub_user() -> None:
    for good in ("/bob/keys/k/l", "/bob/users/ann/keys/k/l"):
        assert sub_user_key_id(good, "ann") == "/bob/users/ann/keys/k/l"
    for other in ("bob/keys/k", "/bob/users/ann/sub/keys/k", "/bob/keys/"):
        assert sub_user_key_id(other, "ann") == other  # the signer refuses it


USELESS = "is of no use without key_id; give it as /LOGIN/keys/NAME_OR_FINGERPRINT"


@pytest.mark.parametrize(
    ("secret", "passphrase"), [("~/.ssh/id_rsa", "open"), ("~/.ssh/other", None), (None, "open")]
)
def test_a_key_without_a_key_id(secret: str | None, passphrase: str | None) -> None:
    arguments = KeyArguments(secret, passphrase)
    assert (arguments.is_set, arguments.is_not_default) == (True, True)
    with pytest.raises(ConfigurationError) as caught:
        DataCenter("us-central-1", secret=secret, passphrase=passphrase)
    assert str(caught.value) == f"a secret or passphrase {USELESS}"
    with DataCenter("us-central-1") as sdc, pytest.raises(ConfigurationError) as caught:
        sdc.authenticate(secret=secret, passphrase=passphrase)
    assert str(caught.value) == f"a key {USELESS}"


def test_the_default_key_without_a_key_id() -> None:
    for secret, is_set in ((None, False), ("~/.ssh/id_rsa", True)):
        arguments = KeyArguments(secret, None)
        assert (arguments.is_set, arguments.is_not_default) == (is_set, False)
        with DataCenter("us-central-1", secret=secret, passphrase=None) as sdc:
            assert sdc.auth is None
    with DataCenter("us-central-1") as sdc, pytest.raises(ConfigurationError) as caught:
        sdc.authenticate(secret="~/.ssh/id_rsa")
    assert str(caught.value) == f"a key {USELESS}"


@pytest.mark.parametrize(
    ("location", "message"),
    [
        (5, "a location is text, not int"),
        ("lab1", "'lab1' is not a location (did you mean lab-1?): give a URL, a host name with a dot, or one "
         "of lab-1, lab-2"),
        ("zzz", "'zzz' is not a location: give a URL, a host name with a dot, or one of lab-1, lab-2"),
        ("-a.example", "'-a.example' is not a location: give a URL, a host name with a dot, or one of lab-1, "
         "lab-2"),
        ("bob:pw@a.example", "'...@a.example' is not a location: give a URL, a host name with a dot, or one "
         "of lab-1, lab-2"),
        ("ftp://a.example", f"'ftp://a.example' is not a CloudAPI URL; {ADDRESS}"),
        ("https://", f"'https://' is not a CloudAPI URL; {ADDRESS}"),
        ("https://bob:pw@a.example", f"a CloudAPI URL has no user, query or fragment; {ADDRESS}"),
        ("https://a.example?x", f"a CloudAPI URL has no user, query or fragment; {ADDRESS}"),
        ("https://a.example#x", f"a CloudAPI URL has no user, query or fragment; {ADDRESS}"),
        ("https://a.example:x", "'https://a.example:x' is not a CloudAPI URL (Port could not be cast to "
         f"integer value as 'x'); {ADDRESS}"),
        ("https://a.example/a b", "a CloudAPI URL has no blank, '\\' or '..': 'https://a.example/a b'; "
         + ADDRESS),
        ("https://a.example/a\\b", "a CloudAPI URL has no blank, '\\' or '..': 'https://a.example/a\\\\b'; "
         + ADDRESS),
        ("https://a.example/..", "a CloudAPI URL has no blank, '\\' or '..': 'https://a.example/..'; "
         + ADDRESS),
        ("https://a.example/%2e/b", "a CloudAPI URL has no blank, '\\' or '..': 'https://a.example/%2e/b'; "
         + ADDRESS),
    ],
)  # fmt: skip
def test_a_location(location: Any, message: str) -> None:
    known = {"lab-2": "https://b.example", "lab-1": "https://a.example"}
    with pytest.raises(ConfigurationError) as caught:
        base_url_of(location, known)
    assert str(caught.value) == message


@pytest.mark.parametrize("location", ["https:/x", "a..b:x", ".x"])
def test_a_location_where_none_is_known(location: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DataCenter(location)
    assert str(caught.value) == f"{location!r} is not a location: give a URL, or a host name with a dot"


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("pw@cloud", "...@cloud"),
        ("p@w@cloud:4433", "...@cloud:4433"),
        ("pw@" + "a" * 15, "...@" + "a" * 15),
        ("pw@" + "a" * 16, "...@..."),  # which may be a part of the password
        ("pw@" + "a" * 14 + ".b", "...@" + "a" * 14 + ".b"),
        ("pw@cloud/" + "a" * 6, "...@cloud/" + "a" * 6),
        ("pw@cloud:123456", "...@..."),
        ("pw@-", "...@..."),
        ("pw@a b", "...@..."),
        ("@cloud", "@cloud"),
    ],
)
def test_what_is_shown_of_a_location_with_a_password(location: str, shown: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        base_url_of(location, {})
    assert str(caught.value) == f"{shown!r} is not a location: give a URL, or a host name with a dot"


@pytest.mark.parametrize(
    ("known", "shown"), [({"a": 5}, "'a': 5"), ({1: "https://a.example"}, "1: "), ({"a": None}, "'a': None")]
)
def test_known_locations_that_are_no_text(known: Any, shown: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DataCenter("https://a.example", known_locations=known)
    message = str(caught.value)
    assert message.startswith(f"known_locations is a dict of names and URLs, without {shown}")


def test_a_known_location_that_is_no_url() -> None:
    with (
        DataCenter("https://a.example", known_locations={"a": "b"}) as sdc,
        pytest.raises(ConfigurationError, match=rf"^'b' is not a CloudAPI URL; {re.escape(ADDRESS)}$"),
    ):
        sdc.datacenter("a")


def test_a_url_that_is_no_text() -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_url(5)  # type: ignore[arg-type]
    assert str(caught.value) == f"a CloudAPI URL is text, not int; {ADDRESS}"


@pytest.mark.parametrize(
    ("location", "message"),
    [
        (None, "us-west-1, the default location, was one of Joyent's data centers"),
        ("us-sw-1", "us-sw-1 was one of Joyent's data centers"),
    ],
)
def test_a_closed_data_center(location: str | None, message: str) -> None:
    with DataCenter(location) as sdc, pytest.raises(ConfigurationError) as caught:
        sdc.keys()
    assert str(caught.value) == (
        f"{message}, which closed in 2019: give the location, such as us-central-1 or a URL"
    )


CERTIFICATES = "give the path of a file of certificates"


@pytest.mark.parametrize(
    ("verify", "message"),
    [
        (5, "verify is True, False or the path of a file of certificates, not int"),
        ("", f"verify='' is not the path of a file; {CERTIFICATES}"),
        ("~a\0b", f"verify='~a?b' is not the path of a file; {CERTIFICATES}"),
        (
            "-----BEGIN CERTIFICATE-----\nabc",
            "verify='(text of 31 characters, not shown, because it may be a key)' is not the path of a file; "
            + CERTIFICATES,
        ),
        (
            "~/ca.pem",
            "verify='~/ca.pem' cannot be found: there is no home directory: set HOME, or give the whole "
            f"path; {CERTIFICATES}",
        ),
    ],
    ids=["number", "empty", "nul", "text", "no home"],
)
def test_a_path_of_authorities(homeless: None, verify: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        authorities_path(verify)
    assert str(caught.value) == message


def test_paths_of_authorities_are_expanded(home: Path) -> None:
    named_like_a_key = home / ("x" * 50)
    named_like_a_key.write_text("")
    for verify in ("~/ca.pem", Path("~/ca.pem"), str(home / "ca.pem")):
        assert authorities_path(verify) == str(home / "ca.pem")
    assert authorities_path(str(named_like_a_key)) == str(named_like_a_key)
    with pytest.raises(ConfigurationError, match="is not the path of a file; give the path"):
        authorities_path(f"{named_like_a_key}y")
