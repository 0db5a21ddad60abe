"""The verifier that CloudAPI uses accepts our signatures, and our verifier agrees with it."""

from __future__ import annotations

import base64
import re
import time
from dataclasses import dataclass, replace

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from paramiko import Message

from smartdc.errors import KeyLoadError
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature.agent import shared_agent
from smartdc.http_signature.scheme import authorization_header, http_date, signing_string
from smartdc.http_signature.verify import InvalidSignatureHeader, load_public_key, parse, verify
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import ALL_KINDS, PASSPHRASE, KeyRing
from tests.interop.npm_verifier import NpmVerifier

URL = "https://cloud.example/bob/machines?name=a%20b&limit=10"
SIGNED = "(request-target) date x-check"


@dataclass(frozen=True)
class Sent:
    """A request as it arrives at a server."""

    url: str
    headers: dict[str, str]

    @classmethod
    def by(cls, auth: HTTPSignatureAuth) -> Sent:
        request = requests.Request("GET", URL, headers={"X-Check": "abc"}, auth=auth).prepare()
        return cls(request.path_url, {name.lower(): str(value) for name, value in request.headers.items()})

    def with_header(self, name: str, value: str) -> Sent:
        assert self.headers[name] != value
        return replace(self, headers=self.headers | {name: value})

    def with_bad_signature(self) -> Sent:
        before, _, rest = self.headers["authorization"].partition('signature="')
        signature = bytearray(base64.b64decode(rest.removesuffix('"')))
        signature[len(signature) // 2] ^= 1
        encoded = base64.b64encode(signature).decode()
        return self.with_header("authorization", f'{before}signature="{encoded}"')


def flipped(text: str) -> str:
    """The text with the lowest bit of its last character flipped."""
    return text[:-1] + chr(ord(text[-1]) ^ 1)


def judgements(npm: NpmVerifier, sent: Sent, public_key: str) -> tuple[bool, bool]:
    """Whether npm's verifier and ours accept this as a request of the key."""
    theirs, _ = npm.judge("GET", sent.url, sent.headers, public_key)
    try:
        parsed = parse("GET", sent.url, sent.headers, time.time())
        ours = verify(parsed, load_public_key(public_key))
    except InvalidSignatureHeader:
        ours = False
    return theirs, ours


def check(npm: NpmVerifier, auth: HTTPSignatureAuth, public_key: str) -> None:
    """Both verifiers accept the signature, and neither does after one bit was flipped."""
    sent = Sent.by(auth)
    assert judgements(npm, sent, public_key) == (True, True)
    day = sent.headers["date"].replace(":", ";", 1)
    seconds = flipped(sent.headers["date"].removesuffix(" GMT")) + " GMT"
    for tampered in (
        sent.with_header("x-check", flipped("abc")),
        replace(sent, url=flipped(sent.url)),
        sent.with_header("date", seconds),
        sent.with_header("date", day),
        sent.with_bad_signature(),
    ):
        assert judgements(npm, tampered, public_key) == (False, False)


@pytest.mark.parametrize("form", ["openssh", "PEM", "PKCS8"])
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE], ids=["file", "encrypted file"])
@pytest.mark.parametrize("kind", ALL_KINDS)
def test_key_files(
    kind: str, passphrase: str, form: str, npm_verifier: NpmVerifier, ssh_keys: KeyRing
) -> None:
    path = ssh_keys.path(kind, form, passphrase)
    auth = HTTPSignatureAuth("/bob/keys/k", path, passphrase=passphrase, signed_headers=SIGNED)
    check(npm_verifier, auth, ssh_keys.public(kind).openssh)


@pytest.mark.parametrize("kind", [kind for kind in ALL_KINDS if kind != "p384"])
def test_keys_in_ssh_agent(
    kind: str, npm_verifier: NpmVerifier, ssh_keys: KeyRing, ssh_agent: RunningAgent
) -> None:
    ssh_agent.add(ssh_keys.path(kind))
    public = ssh_keys.public(kind)
    auth = HTTPSignatureAuth(
        f"/bob/keys/{public.md5}", "/nonexistent", allow_agent=True, signed_headers=SIGNED
    )
    assert auth.signer.source.startswith("the ssh-agent's key")
    check(npm_verifier, auth, public.openssh)


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("signed_headers", ["date", "(request-target) date"])
def test_usual_signed_headers(
    signed_headers: str, kind: str, npm_verifier: NpmVerifier, ssh_keys: KeyRing
) -> None:
    auth = HTTPSignatureAuth("/bob/keys/k", ssh_keys.path(kind), signed_headers=signed_headers)
    assert judgements(npm_verifier, Sent.by(auth), ssh_keys.public(kind).openssh) == (True, True)


def test_another_key_is_refused(npm_verifier: NpmVerifier, ssh_keys: KeyRing) -> None:
    for kind in ALL_KINDS:
        sent = Sent.by(HTTPSignatureAuth("/bob/keys/k", ssh_keys.path(kind)))
        for other in ALL_KINDS:
            expected = (other == kind, other == kind)
            assert judgements(npm_verifier, sent, ssh_keys.public(other).openssh) == expected


@pytest.mark.parametrize("label", ["ecdsa-sha1", "ecdsa-sha256", "ecdsa-sha384", "ecdsa-sha512"])
def test_p384_in_ssh_agent_cannot_be_accepted(
    label: str, npm_verifier: NpmVerifier, ssh_keys: KeyRing, ssh_agent: RunningAgent
) -> None:
    """Why such a key is refused: the agent uses SHA-384, and the verifier takes no label for that."""
    ssh_agent.add(ssh_keys.path("p384"))
    public = ssh_keys.public("p384")
    headers = {"date": http_date(time.time())}
    name, raw = shared_agent().sign(public, signing_string(["date"], "GET", "/", headers))
    assert name == "ecdsa-sha2-nistp384"
    numbers = Message(raw)
    der = encode_dss_signature(numbers.get_mpint(), numbers.get_mpint())
    headers["authorization"] = authorization_header("/bob/keys/k", label, ["date"], der)
    assert judgements(npm_verifier, Sent("/", headers), public.openssh) == (False, False)
    with pytest.raises(KeyLoadError, match="signs P-384 only with SHA-384"):
        HTTPSignatureAuth(f"/bob/keys/{public.md5}", "/nonexistent", allow_agent=True)


_ALGORITHMS = ("rsa-sha384", "ed25519", "hs2019", "rsa-md5", "x-sha256", "RSA-SHA256", "rsa-sha256-x")
_NAMES = ("", "host", "x-none", "date  host", "date (opaque)", "(created)", "Date Host", "request-line")

HEADERS = [
    'Signature keyId="k",algorithm="rsa-sha256",headers="date",signature="AAAA"',
    'signature keyId="k",algorithm="rsa-sha256",signature="AAAA"',
    'Signature  keyId="k",algorithm="rsa-sha256",signature="AAAA"',
    'Signature KeyId="k",algorithm="rsa-sha256",signature="AAAA"',
    'Signature keyId="k", algorithm="rsa-sha256",signature="AAAA"',
    'Signature keyId="k",algorithm="rsa-sha256",signature="AAAA"x',
    'Signature keyId="k",algorithm="rsa-sha256",signature="AAAA',
    'Signature keyId="k",algorithm="rsa-sha256",signature="AAAA",',
    'Signature keyId="k",algorithm="rsa-sha256",signature="AAAA",a',
    'Signature keyId="k",algorithm="rsa-sha256",signature="AAAA",a=',
    'Signature keyId="k",algorithm="rsa-sha256",signature="AAAA",a=1',
    'Signature keyId="k",algorithm="rsa-sha256",signature="AAAA",=',
    'Signature keyId="k",algorithm="rsa-sha256",signature="AAAA",a=x',
    'Signature keyId="k",algorithm="rsa-sha256",signature="AAAA",a1="x"',
    'Signature created=1,keyId="k",algorithm="rsa-sha256",signature="AAAA"',
    'Signature created=99999999999,keyId="k",algorithm="rsa-sha256",signature="AAAA"',
    'Signature expires="0",keyId="k",algorithm="rsa-sha256",signature="AAAA"',
    'Signature expires=0,keyId="k",algorithm="rsa-sha256",signature="AAAA"',
    'Signature headers=5,keyId="k",algorithm="rsa-sha256",signature="AAAA"',
    'Signature keyId="",algorithm="rsa-sha256",signature="AAAA"',
    'Signature keyId=0,algorithm="rsa-sha256",signature="AAAA"',
    'Signature keyId="k",signature="AAAA"',
    'Signature keyId="k",algorithm="rsa-sha256"',
    *(
        f'Signature keyId="k",algorithm="{algorithm}",signature="AAAA"'
        for algorithm in (
            "rsa-sha384",
            "ed25519",
            "hs2019",
            "rsa-md5",
            "x-sha256",
            "RSA-SHA256",
            "rsa-sha256-x",
        )
    ),
    *(
        f'Signature keyId="k",algorithm="rsa-sha256",headers="{names}",signature="AAAA"'
        for names in (
            "",
            "host",
            "x-none",
            "date  host",
            "date (opaque)",
            "(created)",
            "Date Host",
            "request-line",
        )
    ),
    "Signature",
    "Basic eDp5",
    "",
]


@pytest.mark.parametrize("authorization", HEADERS)
def test_both_report_the_same_error_for_a_header(
    authorization: str, npm_verifier: NpmVerifier, ssh_keys: KeyRing
) -> None:
    headers = {"date": http_date(time.time()), "host": "h", "authorization": authorization}
    ok, theirs = npm_verifier.judge("GET", "/", headers, ssh_keys.public("rsa2048").openssh)
    assert not ok
    try:
        parse("GET", "/", headers, time.time())
        ours = None
    except InvalidSignatureHeader as error:
        ours = str(error)
    assert _without_numbers(ours) == _without_numbers(theirs)


def _without_numbers(message: str | None) -> str | None:
    """Seconds of skew differ when the clock ticks between the two."""
    return re.sub(r"skew \d+s", "skew", message) if message else message
