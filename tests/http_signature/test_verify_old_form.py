"""The form of http-signature 0.9, which the server tries second.

See docs/cloudapi/signing.md#old-form-of-the-signature.
"""

from collections.abc import Mapping

import pytest

from smartdc.http_signature.keys import PrivateKey
from smartdc.http_signature.scheme import http_date
from smartdc.http_signature.verify import (
    load_public_key,
    verify,
)
from tests.http_signature.reading import DATE, NOW, TARGET, problem, read, sign


def old(names: str | None, signature: str, algorithm: str = "rsa-sha256") -> str:
    headers = "" if names is None else f',headers="{names}"'
    return f'Signature keyId="/bob/keys/k",algorithm="{algorithm}"{headers} {signature}'


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize(
    ("names", "text"),
    [
        (None, DATE),
        ("date", DATE),
        ("date host", f"{DATE}\nh"),
        ("Request-Line Date", f"GET {TARGET} HTTP/1.1\n{DATE}"),
    ],
)
def test_old_form_signs_bare_values(
    names: str | None, text: str, digest: str, private: Mapping[str, PrivateKey]
) -> None:
    signature = sign(private["rsa2048"], digest, text)
    parsed = read(old(names, signature, f"RSA-{digest}"), host="h")
    assert parsed.old_form
    assert parsed.signing_string == text
    assert verify(parsed, load_public_key(private["rsa2048"].public_key.openssh))


def test_old_form_with_names_in_the_signed_text(private: Mapping[str, PrivateKey]) -> None:
    parsed = read(old("date", sign(private["rsa2048"], "sha256", f"date: {DATE}")))
    assert not verify(parsed, load_public_key(private["rsa2048"].public_key.openssh))


def test_old_form_is_only_for_rsa(private: Mapping[str, PrivateKey]) -> None:
    signature = sign(private["p256"], "sha256", DATE)
    public = load_public_key(private["p256"].public_key.openssh)
    assert not verify(read(old("date", signature)), public)
    for algorithm in ("ecdsa-sha256", "ed25519-sha512", "rsa-sha384", "hmac-sha256"):
        # The message is always that of the modern parser, which stops at the space.
        assert problem(old("date", signature, algorithm)) == "bad param format"


@pytest.mark.parametrize("names", ["date", None])
def test_old_form_with_dsa_is_read(private: Mapping[str, PrivateKey], names: str | None) -> None:
    # It is in the list of the library, but fits no key that the server takes.
    parsed = read(old(names, "AAAA", "DSA-SHA1"))
    assert (parsed.old_form, parsed.algorithm, parsed.signature) == (True, "dsa-sha1", b"\0\0\0")
    assert not verify(parsed, load_public_key(private["rsa2048"].public_key.openssh))
    assert problem(old(names, "AAAA", "dsa-sha256")) == "bad param format"


@pytest.mark.parametrize(
    "authorization",
    [
        old("host", "AAAA"),
        old("date x-other", "AAAA"),
        old("date", ""),
        old("date", "AAAA").replace("keyId", "key"),
        old("date", "AAAA").replace("Signature", "signature"),
    ],
)
def test_old_form_that_is_refused(authorization: str) -> None:
    assert problem(authorization, host="h") == "bad param format"


def test_old_form_checks_the_clock() -> None:
    assert problem(old("date", "AAAA"), date=http_date(NOW - 301)) == "bad param format"


def test_old_form_is_lenient_about_separators() -> None:
    authorization = 'Signature keyId"/bob/keys/k"algorithm="rsa-sha256",,headers=="date" AA AA'
    parsed = read(authorization)
    assert (parsed.key_id, parsed.signature) == ("/bob/keys/k", b"\0\0\0")
