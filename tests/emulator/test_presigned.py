"""Pre-signed URLs: the emulator checks them in the order and with the messages of auth.js (preSignedUrl)."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import pytest

from tests.helpers.raw_requests import BAD_CREDENTIALS, Answer, Raw


def signed(
    raw: Raw, verb: str = "GET", path: str = "/my/keys", host: str | None = None, **changes: Any
) -> str:
    """A signed target; `changes` replace parameters before signing, those with ``sent_`` after signing."""
    query: dict[str, str] = {
        "algorithm": "ed25519-sha512",
        "expires": str(int(time.time()) + 300),
        "keyId": raw.key_id,
    }
    query |= {name: str(value) for name, value in changes.items() if not name.startswith("sent_")}
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(query.items()))
    verbs = ",".join(sorted(query.get("method", verb).split(",")))
    signature = raw.key.sign(f"{verbs}\n{host or raw.host}\n{path}\n{text}", "ed25519-sha512")
    query["signature"] = signature
    for name, value in changes.items():
        if name.startswith("sent_"):
            query[name.removeprefix("sent_")] = value
    return f"{path}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items() if value)


def get(raw: Raw, target: str, method: str = "GET", **how: Any) -> Answer:
    return raw.ask(method, target, authorization=None, **how)


def crash(answer: Answer) -> str:
    """The text of a 500 without a code."""
    assert answer.status == 500
    assert list(answer.json) == ["message"]
    return str(answer.json["message"])


def test_accepted(raw: Raw) -> None:
    get(raw, signed(raw)).ok()
    get(raw, signed(raw, algorithm="ED25519-SHA512")).ok()
    get(raw, signed(raw, path="/test/keys", limit=3)).ok()
    get(raw, signed(raw, "GET"), headers={"Date": None}).ok()
    assert get(raw, signed(raw, method="HEAD,GET"), "HEAD").status == 200


def test_the_signature_in_the_query_takes_precedence_over_the_header(raw: Raw) -> None:
    raw.ask("GET", signed(raw), key_id="/nobody/keys/none").ok()
    answer = raw.ask("GET", signed(raw, keyId="/test/keys/none"))
    answer.refused(401, "InvalidCredentials", BAD_CREDENTIALS)


@pytest.mark.parametrize(
    "expires", ["-1", "+1795428000", "1e12", "0x7fffffff", "soon", "9" * 17, "99999999999.0"]
)
def test_expires_must_be_a_positive_integer(expires: str, raw: Raw) -> None:
    assert crash(get(raw, signed(raw, expires=expires))) == "expires is invalid"


def test_expired(raw: Raw) -> None:
    assert crash(get(raw, signed(raw, expires=int(time.time()) - 1))) == "request expired"
    get(raw, signed(raw, expires=int(time.time()) + 2)).ok()


@pytest.mark.parametrize("algorithm", ["hs2019", "ed25519", "ecdsa-sha1", "rsa-md5"])
def test_unknown_algorithms(algorithm: str, raw: Raw) -> None:
    message = f"{algorithm.upper()} is not a supported signing algorithm"
    assert crash(get(raw, signed(raw, algorithm=algorithm))) == message


@pytest.mark.parametrize("algorithm", ["rsa-sha384", "ecdsa-sha384", "rsa-sha256", "dsa-sha1"])
def test_algorithms_of_another_type_of_key(algorithm: str, raw: Raw) -> None:
    get(raw, signed(raw, algorithm=algorithm)).refused(401, "InvalidCredentials", BAD_CREDENTIALS)


def test_methods(raw: Raw) -> None:
    several = signed(raw, method="POST,HEAD")
    assert crash(get(raw, several)) == "GET was not a signed method"
    # This check comes first, even for a query without a signature.
    assert crash(raw.get("/my/keys?method=POST")) == "GET was not a signed method"
    raw.get("/my/keys?method=POST%20,%20GET").ok()


@pytest.mark.parametrize("name", ["algorithm", "expires", "keyId", "signature"])
def test_a_missing_parameter(name: str, raw: Raw) -> None:
    assert crash(get(raw, signed(raw, **{f"sent_{name}": ""}))) == f'parameters "{name}" are required'


def test_all_parts_of_the_request_are_signed(raw: Raw) -> None:
    other = {"sent_expires": str(int(time.time()) + 301)}
    for target in (
        signed(raw, host="other.example"),
        signed(raw, "HEAD"),
        signed(raw, **other),
        signed(raw, sent_limit="1"),
        signed(raw, sent_signature="AAAA"),
        signed(raw, sent_signature="=nonsense"),
        signed(raw, keyId="/test/keys/none"),
    ):
        get(raw, target).refused(401, "InvalidCredentials", BAD_CREDENTIALS)
    short = get(raw, signed(raw, keyId="keys"))
    short.refused(401, "InvalidCredentials", "Invalid KeyId keys in authorization header")
