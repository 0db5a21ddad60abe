"""Facts of docs/cloudapi/signing.md: keys, key ids and the form of the signature."""

from typing import Any

import pytest

from tests.emulator.facts import fact
from tests.helpers.raw_requests import (
    BAD_CREDENTIALS,
    MUST_AUTHENTICATE,
    SIGNATURE,
    UNKNOWN,
    WITHOUT_HEADERS,
    Key,
    Raw,
    signed_in,
)


@fact("signing.md#algorithms-that-are-accepted")
@pytest.mark.parametrize("headers", ["date", "(request-target) date", "(request-target) host date"])
@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("rsa", "rsa-sha256"),
        ("rsa", "rsa-sha512"),
        ("rsa", "rsa-sha1"),
        ("p256", "ecdsa-sha256"),
        ("p256", "ecdsa-sha512"),
        ("p521", "ecdsa-sha512"),
        ("ed25519", "ed25519-sha512"),
    ],
)
def test_algorithms_accepted(raw: Raw, keys: dict[str, Key], kind: str, algorithm: str, headers: str) -> None:
    key = keys[kind]
    signed_in(raw.get("/my", key=key, key_id=f"/test/keys/{kind}", algorithm=algorithm, signed=headers))


@fact("signing.md#sha384-is-refused")
@pytest.mark.parametrize(
    ("kind", "algorithm"), [("rsa", "rsa-sha384"), ("p384", "ecdsa-sha384"), ("p256", "ecdsa-sha384")]
)
def test_sha384_is_not_supported(raw: Raw, keys: dict[str, Key], kind: str, algorithm: str) -> None:
    answer = raw.get("/my", key=keys[kind], key_id=f"/test/keys/{kind}", algorithm=algorithm)
    message = f"Authorization header invalid: {algorithm} is not supported"
    answer.refused(400, "InvalidHeader", message, early=True)


@fact("signing.md#p-384-keys-sign-with-other-hashes")
@pytest.mark.parametrize("algorithm", ["ecdsa-sha512", "ecdsa-sha256"])
def test_p384_key_with_other_hashes(raw: Raw, keys: dict[str, Key], algorithm: str) -> None:
    signed_in(raw.get("/my", key=keys["p384"], key_id="/test/keys/p384", algorithm=algorithm))


@fact("signing.md#labels-that-are-refused")
@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("ed25519", "ed25519"), ("ed25519", "ed25519-sha256"), ("rsa", "hs2019"), ("rsa", "rsa-md5")],
)
def test_labels_refused(raw: Raw, keys: dict[str, Key], kind: str, algorithm: str) -> None:
    answer = raw.get("/my", key=keys[kind], key_id=f"/test/keys/{kind}", algorithm=algorithm)
    assert algorithm in answer.refused(400, "InvalidHeader", early=True)["message"]


@fact("signing.md#algorithm-is-required")
def test_algorithm_absent(raw: Raw) -> None:
    form = SIGNATURE.replace('algorithm="{algorithm}",', "")
    message = "Authorization header invalid: algorithm was not specified"  # http-signature parser.js
    raw.get("/my", authorization=form).refused(400, "InvalidHeader", message, early=True)


@fact("signing.md#algorithm-and-header-names-in-any-case")
@pytest.mark.parametrize("headers", ["(request-target) date", "(Request-Target) Date"])
@pytest.mark.parametrize("algorithm", ["RSA-SHA256", "Rsa-Sha256"])
def test_case_of_algorithm_and_headers(raw: Raw, keys: dict[str, Key], algorithm: str, headers: str) -> None:
    key = keys["rsa"]
    signed_in(raw.get("/my", key=key, key_id="/test/keys/rsa", algorithm=algorithm, signed=headers))


@fact("signing.md#key-ids-that-are-accepted")
@pytest.mark.parametrize("login", ["test", "the account's uuid"])
@pytest.mark.parametrize("by", ["fingerprint", "name"])
def test_key_ids_accepted(raw: Raw, keys: dict[str, Key], login: str, by: str) -> None:
    account = "test" if login == "test" else raw.get("/my").ok()["id"]
    key = keys["p256"]
    name = key.fingerprint if by == "fingerprint" else "p256"
    signed_in(raw.get("/my", key=key, key_id=f"/{account}/keys/{name}"))


@fact("signing.md#other-fingerprints-are-unknown")
@pytest.mark.parametrize("form", ["SHA256", "MD5 prefix", "upper case", "no colons"])
def test_fingerprints_of_other_forms(raw: Raw, keys: dict[str, Key], form: str) -> None:
    key = keys["no-slash"]
    name = {
        "SHA256": key.sha256,
        "MD5 prefix": f"MD5:{key.fingerprint}",
        "upper case": key.fingerprint.upper(),
        "no colons": key.md5,
    }[form]
    answer = raw.get("/my", key=key, key_id=f"/test/keys/{name}")
    answer.refused(401, "InvalidCredentials", BAD_CREDENTIALS)


@fact("signing.md#key-ids-of-a-wrong-shape", "signing.md#shape-of-a-key-id")
@pytest.mark.parametrize("form", ["SHA256", "bare", "no leading slash", "5 parts"])
def test_key_ids_of_a_wrong_shape(raw: Raw, keys: dict[str, Key], form: str) -> None:
    key = keys["slash"]
    key_id = {
        "SHA256": f"/test/keys/{key.sha256}",
        "bare": key.fingerprint,
        "no leading slash": f"test/keys/{key.fingerprint}",
        "5 parts": f"/test/keys/{key.fingerprint}/more",
    }[form]
    message = f"Invalid KeyId {key_id} in authorization header"
    raw.get("/my", key=key, key_id=key_id).refused(401, "InvalidCredentials", message)


@fact("signing.md#key-id-must-not-say-my")
def test_key_id_of_my(raw: Raw) -> None:
    answer = raw.get("/my", key_id=f"/my/keys/{raw.key.fingerprint}")
    answer.refused(401, "InvalidCredentials", BAD_CREDENTIALS)
    signed_in(raw.get("/my", key_id=f"/test/keys/{raw.key.fingerprint}"))


@fact("signing.md#bad-signatures-are-all-alike", "signing.md#request-target-is-the-raw-path")
@pytest.mark.parametrize(
    "case",
    ["not a signature", "other text", "other key", "unknown key", "unknown account", "query", "path"],
)
def test_unverifiable(raw: Raw, keys: dict[str, Key], case: str) -> None:
    cases: dict[str, dict[str, Any]] = {
        "not a signature": {"authorization": SIGNATURE.replace("{signature}", "bm90IG9uZQ==")},
        "other text": {"signing_string": "date: never"},
        "other key": {"key": keys["rsa"]},
        "unknown key": {"key_id": "/test/keys/nosuchkey"},
        "unknown account": {"key_id": "/nobody/keys/" + raw.key.fingerprint},
        "query": {"signed_target": "/my/machines"},
        "path": {"signed_target": "/my/keys?limit=1"},
    }
    answer = raw.get("/my/machines?limit=1", **cases[case])
    answer.refused(401, "InvalidCredentials", BAD_CREDENTIALS)


@fact("signing.md#unknown-account-in-the-path")
@pytest.mark.parametrize("account", ["nobody", "TEST"])
def test_unknown_account_in_the_path(raw: Raw, account: str) -> None:
    answer = raw.get(f"/{account}/machines")
    answer.refused(404, "ResourceNotFound", f"{account} does not exist")


@fact("signing.md#path-of-another-account")
def test_path_of_another_account(fresh: Raw) -> None:
    fresh.cloud.add_account("other")
    denied = "You do not have permission to access"
    fresh.get("/other/keys").refused(403, "NotAuthorized", f"{denied} /other/keys (listkeys)")
    theirs = fresh.site.add_machine(name="theirs", account="other").uuid
    path = f"/other/machines/{theirs}"
    fresh.get(path).refused(403, "NotAuthorized", f"{denied} {path} (getmachine)")


@fact("signing.md#path-of-another-account")
def test_an_unknown_machine_is_404_before_the_403(fresh: Raw) -> None:
    fresh.cloud.add_account("other")
    mine = fresh.site.add_machine(name="mine").uuid
    for machine in (UNKNOWN, mine):
        fresh.get(f"/other/machines/{machine}").refused(404, "ResourceNotFound", "VM not found")


@fact("signing.md#other-schemes")
@pytest.mark.parametrize("authorization", [None, "Basic dGVzdDpzZWNyZXQ=", "Bearer dGVzdA"])
def test_other_schemes(raw: Raw, authorization: str | None) -> None:
    answer = raw.get("/my", authorization=authorization)
    answer.refused(401, "InvalidCredentials", MUST_AUTHENTICATE)


@fact("signing.md#other-schemes")
@pytest.mark.parametrize("word", ["Signature", "Basic", "nonsense"])
def test_scheme_alone(raw: Raw, word: str) -> None:
    answer = raw.get("/my", authorization=word)
    answer.refused(400, "InvalidHeader", "BasicAuth content is invalid.", early=True)


@fact("signing.md#spelling-of-the-header")
@pytest.mark.parametrize(
    ("form", "reason"),
    [
        # The reasons are from http-signature's parser.js, and "bad param format" from docs/cloudapi.
        (SIGNATURE.replace("Signature", "signature", 1), 'scheme was not "Signature"'),
        (SIGNATURE.replace("Signature", "SIGNATURE", 1), 'scheme was not "Signature"'),
        (SIGNATURE.replace(" ", "  ", 1), "bad param format"),
        (SIGNATURE.replace("keyId", "KeyId"), "keyId was not specified"),
        (SIGNATURE.replace(",", ", "), "bad param format"),
    ],
    ids=["signature", "SIGNATURE", "two spaces", "KeyId", "space after comma"],
)
def test_spelling_of_the_header(raw: Raw, form: str, reason: str) -> None:
    message = f"Authorization header invalid: {reason}"
    raw.get("/my", authorization=form).refused(400, "InvalidHeader", message, early=True)


@fact("signing.md#parameters-that-are-tolerated")
@pytest.mark.parametrize(
    "form",
    [
        SIGNATURE + ',flavour="strong"',
        SIGNATURE + ",created=1",
        'Signature signature="{signature}",headers="{headers}",algorithm="{algorithm}",keyId="{key_id}"',
        WITHOUT_HEADERS,
    ],
    ids=["unknown", "created", "any order", "no headers"],
)
def test_parameters_accepted(raw: Raw, form: str) -> None:
    signed_in(raw.get("/my", authorization=form, signed="date"))
