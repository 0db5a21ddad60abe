import time
from datetime import datetime

import pytest

from smartdc.errors import ConfigurationError, KeyLoadError
from smartdc.http_signature.scheme import (
    authorization_header,
    http_date,
    parse_key_id,
    parse_signed_headers,
    signing_string,
)

MD5 = "0a:1b:2c:3d:4e:5f:60:71:82:93:a4:b5:c6:d7:e8:f9"
SHA256 = "SHA256:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
SLASHED = "SHA256:ab/defghijklmnop+rstuvwxyzABCDEFGHIJKLMN/PQ"


def test_signing_string_joins_lines_without_a_final_newline() -> None:
    text = signing_string(
        ("(request-target)", "date", "host"), "GET", "/my/machines?x=1", {"Date": "D", "HOST": " h "}
    )
    assert text == b"(request-target): get /my/machines?x=1\ndate: D\nhost: h"


def test_signing_string_of_date_alone() -> None:
    assert signing_string(("date",), "POST", "/x", {"date": "D"}) == b"date: D"


def test_signing_string_needs_the_header() -> None:
    with pytest.raises(ConfigurationError, match=r"'x-trace'.*no such header"):
        signing_string(("date", "x-trace"), "GET", "/", {"date": "D"})


def test_signing_string_refuses_values_that_are_not_ascii() -> None:
    with pytest.raises(ConfigurationError, match=r"only ASCII can be signed.*x-name"):
        signing_string(("date", "x-name"), "GET", "/", {"date": "D", "x-name": "Zoë"})


def test_authorization_header_has_no_space_after_commas() -> None:
    header = authorization_header("/a/keys/b", "rsa-sha256", ("(request-target)", "date"), b"\0\xff")
    assert header == (
        'Signature keyId="/a/keys/b",algorithm="rsa-sha256",headers="(request-target) date",signature="AP8="'
    )


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1795428000.9, "Mon, 23 Nov 2026 10:00:00 GMT"),
        (1772323199, "Sat, 28 Feb 2026 23:59:59 GMT"),
    ],
)
def test_http_date(timestamp: float, text: str) -> None:
    assert http_date(timestamp) == text


def test_http_date_ignores_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    # Few machines have another locale. Everything that depends on the locale calls this function.
    monkeypatch.setattr(time, "strftime", lambda *_: "Do, 01 Mai 1986 00:00:00 GMT")
    assert datetime(1986, 5, 1).strftime("%a, %d %b %Y %H:%M:%S GMT").startswith("Do")
    assert http_date(515289600) == "Thu, 01 May 1986 00:00:00 GMT"


@pytest.mark.parametrize(
    ("argument", "names"),
    [
        ("date", ("date",)),
        ("(request-target) date", ("(request-target)", "date")),
        ("(Request-Target)  Date host", ("(request-target)", "date", "host")),
        (["Date"], ("date",)),
    ],
)
def test_signed_headers(argument: str | list[str], names: tuple[str, ...]) -> None:
    assert parse_signed_headers(argument) == names


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("(request-target)", "must include 'date'"),
        ("", "must include 'date'"),
        ("date x-date", "'x-date' cannot be signed"),
        ("date authorization", "'authorization' cannot be signed"),
        ("date request-line", "'request-line' cannot be signed"),
        ("date (created)", "cannot be signed"),
        (["date", 'a"b'], "cannot be signed"),
        (["date", "a\nb"], "cannot be signed"),
        ("date date", "twice"),
    ],
)
def test_signed_headers_that_cannot_work(argument: str | list[str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        parse_signed_headers(argument)


@pytest.mark.parametrize(
    ("text", "login", "subuser", "key", "sent"),
    [
        ("/bob/keys/my key", "bob", None, "my key", "/bob/keys/my key"),
        (f"/bob/keys/{MD5}", "bob", None, MD5, f"/bob/keys/{MD5}"),
        (f"/bob/keys/{MD5.upper()}", "bob", None, MD5.upper(), f"/bob/keys/{MD5}"),
        (f"/bob/keys/MD5:{MD5}", "bob", None, f"MD5:{MD5}", f"/bob/keys/{MD5}"),
        (f"/bob/keys/md5:{MD5.replace(':', '')}", "bob", None, None, f"/bob/keys/{MD5}"),
        ("/bob/users/sue/keys/k", "bob", "sue", "k", "/bob/users/sue/keys/k"),
        (f"/bob/users/sue/keys/{MD5.upper()}", "bob", "sue", None, f"/bob/users/sue/keys/{MD5}"),
        ("/bob/keys/a:b", "bob", None, "a:b", "/bob/keys/a:b"),
        ("/bob/keys/users", "bob", None, "users", "/bob/keys/users"),
        ("/bob/keys/SHA256", "bob", None, "SHA256", "/bob/keys/SHA256"),
        ("/bob/keys/sha512", "bob", None, "sha512", "/bob/keys/sha512"),
        ("/bob/keys/MD5", "bob", None, "MD5", "/bob/keys/MD5"),
    ],
)
def test_key_ids(text: str, login: str, subuser: str | None, key: str | None, sent: str) -> None:
    parsed = parse_key_id(text)
    assert (parsed.login, parsed.subuser) == (login, subuser)
    assert key is None or parsed.key == key
    assert str(parsed) == sent


@pytest.mark.parametrize("fingerprint", [SHA256, SLASHED, SHA256 + "=", SHA256.replace("SHA", "sha")])
@pytest.mark.parametrize("owner", ["/bob", "/bob/users/sue"])
def test_sha256_fingerprint_becomes_md5_once_the_key_is_known(owner: str, fingerprint: str) -> None:
    parsed = parse_key_id(f"{owner}/keys/{fingerprint}")
    assert parsed.has_fingerprint
    known = SLASHED if "/" in fingerprint else SHA256
    assert str(parsed.for_key(MD5, known, "k")) == f"{owner}/keys/{MD5}"


@pytest.mark.parametrize("text", [f"/bob/keys/{SHA256}", f"/bob/keys/{'00:' * 15}00"])
def test_fingerprint_of_another_key_is_refused_with_both(text: str) -> None:
    with pytest.raises(KeyLoadError, match=rf"but the file is {MD5}.*key_id '/bob/keys/{MD5}'"):
        parse_key_id(text).for_key(MD5, SLASHED, "the file")


def test_bare_digits_are_a_fingerprint_only_of_a_key_that_has_it() -> None:
    bare = MD5.replace(":", "")
    assert str(parse_key_id(f"/bob/keys/{bare}").for_key(MD5, SHA256, "k")) == f"/bob/keys/{MD5}"
    assert str(parse_key_id(f"/bob/keys/{'0' * 32}").for_key(MD5, SHA256, "k")).endswith("0" * 32)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bob",
        MD5,
        "bob/keys/k",
        "/bob/keys",
        "/bob/keys/",
        "//keys/k",
        "/bob//keys/k",
        "/bob/k",
        "/bob/key/k",
        "/bob/keys/a/b",
        "/bob/users/sue",
        "/bob/users//keys/k",
        "/bob/users/sue/keys/",
        "/bob/sub/sue/keys/k",
    ],
)
def test_key_ids_of_the_wrong_form(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not of the form /LOGIN/keys/") as caught:
        parse_key_id(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ['/bob/keys/a"b', "/bob/keys/a\nb", "/bob/keys/a\0b", "/bob/keys/ä"])
def test_key_ids_that_a_header_cannot_carry(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"a header cannot carry.*MD5 fingerprint"):
        parse_key_id(text)


def test_login_my_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"does not know 'my' here; use the account's login"):
        parse_key_id("/my/keys/k")


@pytest.mark.parametrize("key", ["SHA256:short", "MD5:xyz", "MD5:", "SHA512:abc", "SHA256:" + "a" * 44])
def test_malformed_fingerprints(key: str) -> None:
    with pytest.raises(ConfigurationError, match=r"neither an MD5 nor a SHA256 fingerprint"):
        parse_key_id(f"/bob/keys/{key}")


def test_a_private_key_given_as_key_id_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match=r"the key belongs in secret") as caught:
        parse_key_id("-----BEGIN RSA PRIVATE KEY-----\nMIIEow")
    assert "MIIEow" not in str(caught.value)


def test_key_id_must_be_text() -> None:
    with pytest.raises(ConfigurationError, match=r"must be text"):
        parse_key_id(None)  # type: ignore[arg-type]
