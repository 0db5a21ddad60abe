"""The text of the scheme: the whole messages about headers and key ids that cannot work, and the bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smartdc import ConfigurationError, KeyLoadError
from smartdc.http_signature.scheme import (
    KeyId,
    old_authorization_header,
    parse_fingerprint,
    parse_key_id,
    parse_signed_headers,
    signing_string,
    written_key_id,
)

MD5 = "0a:1b:2c:3d:4e:5f:60:71:82:93:a4:b5:c6:d7:e8:f9"
SHA256 = "SHA256:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO+/"
FORMS = "/LOGIN/keys/NAME_OR_FINGERPRINT, or /LOGIN/users/SUBUSER/keys/NAME_OR_FINGERPRINT"
NO_FINGERPRINT = "is neither an MD5 nor a SHA256 fingerprint; ssh-keygen -l -E md5 -f FILE prints the former"


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(ConfigurationError) as caught:
        call()
    return str(caught.value)


def test_headers_of_a_request_that_cannot_be_signed() -> None:
    assert refusal(lambda: signing_string(("date", "x-trace"), "GET", "/", {"date": "D"})) == (
        "signed_headers names 'x-trace', but the request has no such header: send it, or sign only "
        "(request-target) and date"
    )
    assert refusal(lambda: signing_string(("date", "host"), "GET", "/", {"date": "D", "host": "ö"})) == (
        "only ASCII can be signed, but date, host of this request hold more: percent-encode the path, or "
        "leave the header out of signed_headers"
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (5, "signed_headers are names of headers, such as '(request-target)' and 'date'"),
        (["date", 5], "signed_headers are names of headers, such as '(request-target)' and 'date'"),
        *(
            (
                f"date {name}",
                f"signed_headers: '{name.lower()}' cannot be signed; use '(request-target)', 'date' and "
                "names of headers that are sent",
            )
            for name in ("X-Date", "authorization", "request-line", "(created)", 'a"b', "a:b")
        ),
        (
            "(request-target) Host",
            "signed_headers must include 'date' (the server needs it), not only '(request-target) host'",
        ),
        ("date Date", "signed_headers names a header twice: 'date date'"),
    ],
)
def test_names_of_headers_that_cannot_be_signed(names: Any, message: str) -> None:
    assert refusal(lambda: parse_signed_headers(names)) == message


@pytest.mark.parametrize("char", "09az!#$%&'*+.^_`|~-")
def test_characters_of_the_name_of_a_header(char: str) -> None:
    assert parse_signed_headers(["date", f"x{char}"]) == ("date", f"x{char}")


@pytest.mark.parametrize(
    ("key_id", "message"),
    [
        (5, f"key_id must be text such as {FORMS}; the key belongs in secret"),
        ("-----BEGIN X", f"key_id must be text such as {FORMS}; the key belongs in secret"),
        *(
            (
                f"/bob/keys/a{char}",
                f"key_id '/bob/keys/a{shown}' has a quote, a control character or non-ASCII text in it, "
                "which a header cannot carry: use the key's MD5 fingerprint (ssh-keygen -l -E md5 -f FILE)",
            )
            for char, shown in (('"', '"'), ("\t", "?"), ("\x7f", "?"), ("ö", "ö"))
        ),
        (
            "/ümlaut/keys/00:11",
            "key_id '/ümlaut/keys/00:11' has a quote, a control character or non-ASCII text in it, "
            "which a header cannot carry: check the login",
        ),
        *(
            (key_id, f"key_id '{key_id}' is not of the form {FORMS}")
            for key_id in (
                "",
                "bob",
                "/bob/keys/",
                "/bob/keys/a/b",
                "/bob/users/sue",
                "//keys/a",
                "x/bob/keys/a",
            )
        ),
        ("/my/keys/a", "key_id '/my/keys/a': the server does not know 'my' here; use the account's login"),
        *(
            (f"/bob/keys/{key}", f"key_id '/bob/keys/{key}': '{key}' {NO_FINGERPRINT}")
            for key in ("SHA256:short", "MD5:0a", f"MD5:{MD5}:0a", "sha512:x", "SHA1:ab")
        ),
    ],
)
def test_a_key_id_that_cannot_work(key_id: Any, message: str) -> None:
    assert refusal(lambda: parse_key_id(key_id)) == message


def test_the_form_of_a_key_id() -> None:
    plain = parse_key_id("/bob/keys/a ~!")
    assert plain == KeyId("bob", None, "a ~!")
    assert (str(plain), plain.has_fingerprint) == ("/bob/keys/a ~!", False)
    assert parse_key_id("/bob/users/sue/keys/a") == KeyId("bob", "sue", "a")
    assert parse_key_id(f"/bob/keys/{SHA256}==") == KeyId("bob", None, f"{SHA256}==", None, SHA256)
    assert parse_key_id(f"/bob/keys/md5:{MD5.upper()}").md5 == MD5


def test_the_fingerprint_of_another_key() -> None:
    for stated in (MD5, SHA256):
        with pytest.raises(KeyLoadError) as caught:
            parse_key_id(f"/bob/keys/{stated}").for_key("aa:bb", "SHA256:x", "the file")
        assert str(caught.value) == (
            f"key_id names the key {stated}, but the file is aa:bb (SHA256:x): give the secret of the "
            "former, or key_id '/bob/keys/aa:bb'"
        )


def test_the_key_id_that_is_sent() -> None:
    for given in (MD5, SHA256, MD5.replace(":", ""), MD5.replace(":", "").upper()):
        assert written_key_id(parse_key_id(f"/bob/keys/{given}"), MD5, SHA256, "it") == f"/bob/keys/{MD5}"
    assert written_key_id(parse_key_id("/bob/keys/laptop"), MD5, SHA256, "it") == "/bob/keys/laptop"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (MD5, (MD5, None)),
        (MD5.upper(), (MD5, None)),
        (MD5.replace(":", ""), (MD5, None)),
        (f"MD5:{MD5}", (MD5, None)),
        (SHA256, (None, SHA256)),
        (f"sha256:{SHA256[7:]}=", (None, SHA256)),
        (MD5[:-1], None),
        (f"{MD5}0", None),
        ("laptop", None),
        ("SHA256:short", None),
        (f"{SHA256}~", None),
        ("", None),
    ],
)
def test_a_fingerprint(text: str, found: Any) -> None:
    assert parse_fingerprint(text) == found


def test_the_header_of_the_old_form() -> None:
    assert old_authorization_header("/bob/keys/a", "rsa-sha256", b"\0\xff") == (
        'Signature keyId="/bob/keys/a",algorithm="rsa-sha256" AP8='
    )
