"""Legacy signatures, verified by http-signature of their time from npm: 0.9, and 0.10 after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache, partial
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization

from smartdc import DataCenter, KeyLoadError, LegacyDataCenter
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature.verify import load_public_key
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.interop.npm import NodeProcess, install
from tests.interop.npm_verifier import NpmVerifier

OF_2013 = ("0.9.6", "0.9.9", "0.9.11")
VERSIONS = (*OF_2013, "0.10.0")

# With it, a LegacyDataCenter signs in the form that 0.10 brought.
NEWER: dict[str, Any] = {"signed_headers": "date"}

Judge = Callable[[HTTPSignatureAuth], tuple[bool, str | None]]
Legacy = Callable[..., HTTPSignatureAuth]


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def verifiers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], NodeProcess]]:
    """A function that starts the verifier of a version, once."""
    with ExitStack() as stack:

        @cache
        def verifier(version: str) -> NodeProcess:
            why = (
                f"not verified: that http-signature {version} from npm accepts signatures of LegacyDataCenter"
            )
            modules = install("http-signature", version, why, tmp_path_factory, apart=True)
            return stack.enter_context(closing(NodeProcess(modules, "verify_old_signature.js")))

        yield verifier


@pytest.fixture
def judge(version: str, verifiers: Callable[[str], NodeProcess], ssh_keys: KeyRing) -> Judge:
    """A function that verifies a request signed with the RSA key, by that version."""
    process = verifiers(version)
    public = load_public_key(ssh_keys.public("rsa2048").openssh)
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    pem = public.public_bytes(*form).decode()

    def judged(auth: HTTPSignatureAuth) -> tuple[bool, str | None]:
        answer = process.ask({"headers": signed(auth), "publicKey": pem})
        return answer["ok"], answer["error"]

    return judged


def signed(auth: HTTPSignatureAuth) -> dict[str, str]:
    request = requests.Request("GET", "https://cloud.example/my", auth=auth).prepare()
    return {name.lower(): str(value) for name, value in request.headers.items()}


def auth_of(sdc: DataCenter) -> HTTPSignatureAuth:
    assert sdc.auth is not None
    return sdc.auth


@pytest.fixture
def legacy(version: str) -> Legacy:
    """Signs as a LegacyDataCenter does for a server with that version."""
    return partial(by_legacy, **({} if version in OF_2013 else NEWER))


def by_legacy(**key: Any) -> HTTPSignatureAuth:
    return auth_of(LegacyDataCenter("https://cloud.example", "/bob/keys/k", **key))


@pytest.mark.parametrize("form", ["openssh", "PEM", "PKCS8"])
def test_a_key_file(judge: Judge, legacy: Legacy, form: str, ssh_keys: KeyRing) -> None:
    assert judge(legacy(secret=ssh_keys.path("rsa2048", form))) == (True, None)


def test_an_encrypted_file(judge: Judge, legacy: Legacy, ssh_keys: KeyRing) -> None:
    secret = ssh_keys.path("rsa2048", "PEM", PASSPHRASE)
    assert judge(legacy(secret=secret, passphrase=PASSPHRASE)) == (True, None)


def test_a_key_of_the_agent(judge: Judge, legacy: Legacy, ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("rsa2048"))
    auth = legacy(secret="/nonexistent", allow_agent=True)
    assert auth.signer.source.startswith("the ssh-agent's key")
    assert judge(auth) == (True, None)


def test_another_key_is_refused(judge: Judge, legacy: Legacy, ssh_keys: KeyRing) -> None:
    assert judge(legacy(secret=ssh_keys.path("rsa3072"))) == (False, None)


@pytest.mark.parametrize("version", OF_2013)
@pytest.mark.parametrize("names", ["date", "(request-target) date"])
def test_servers_of_2013_refuse_the_form_of_today(judge: Judge, names: str, ssh_keys: KeyRing) -> None:
    auth = HTTPSignatureAuth("/bob/keys/k", ssh_keys.path("rsa2048"), signed_headers=names)
    assert judge(auth) == (False, "signature was empty")


@pytest.mark.parametrize("version", ["0.10.0"])
def test_later_versions_refuse_the_old_form(judge: Judge, ssh_keys: KeyRing) -> None:
    assert judge(by_legacy(secret=ssh_keys.path("rsa2048"))) == (False, "bad param format")


def test_today_s_verifier_takes_the_default_of_a_data_center(
    npm_verifier: NpmVerifier, ssh_keys: KeyRing
) -> None:
    auth = auth_of(DataCenter("https://cloud.example", "/bob/keys/k", ssh_keys.path("rsa2048")))
    public = ssh_keys.public("rsa2048").openssh
    assert npm_verifier.judge("GET", "/my", signed(auth), public) == (True, None)


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_only_rsa_keys_have_the_old_form(kind: str, ssh_keys: KeyRing) -> None:
    with pytest.raises(KeyLoadError, match="take RSA keys only"):
        signed(by_legacy(secret=ssh_keys.path(kind)))
