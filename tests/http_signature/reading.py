"""Helpers of the tests of the verifier: a valid header, and functions that parse it."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from smartdc.http_signature.keys import PrivateKey
from smartdc.http_signature.scheme import http_date
from smartdc.http_signature.verify import (
    InvalidSignatureHeader,
    ParsedSignature,
    parse,
)

NOW = 1795428000.0  # Mon, 23 Nov 2026 10:00:00 GMT
DATE = http_date(NOW)
TARGET = "/bob/machines?limit=1"
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - the server accepts it
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
GOOD = 'Signature keyId="/bob/keys/k",algorithm="rsa-sha256",headers="date",signature="AAAA"'


def sign(key: PrivateKey, digest: str, text: str) -> str:
    """The signature of this key with this hash, which `PrivateKey.sign` might not choose."""
    data, algorithm, private = text.encode(), HASHES[digest], key._key
    if isinstance(private, rsa.RSAPrivateKey):
        signature = private.sign(data, padding.PKCS1v15(), algorithm)
    elif isinstance(private, ec.EllipticCurvePrivateKey):
        signature = private.sign(data, ec.ECDSA(algorithm))
    else:
        signature = private.sign(data)
    return base64.b64encode(signature).decode()


def read(authorization: str | None = GOOD, **headers: str) -> ParsedSignature:
    """Parse a GET of `TARGET` with these headers; add a Date if there is none."""
    sent = {"date": DATE} | {name.replace("_", "-"): value for name, value in headers.items()}
    if authorization is not None:
        sent["authorization"] = authorization
    return parse("GET", TARGET, sent, NOW)


def problem(authorization: str | None = GOOD, **headers: str) -> str:
    with pytest.raises(InvalidSignatureHeader) as caught:
        read(authorization, **headers)
    return str(caught.value)


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)
