"""Helpers of the tests of signing: a fixed time, requests to sign, and checks of the result."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from smartdc.errors import KeyLoadError
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature.keys import Signer
from smartdc.http_signature.verify import ParsedSignature, load_public_key, parse, verify
from tests.helpers.keys import KeyRing

NOW = 1795428000.25
"""Mon, 23 Nov 2026 10:00:00 GMT plus 0.25 s: the time in every test with `fixed_clock`."""


def prepared(
    auth: HTTPSignatureAuth | None, url: str = "https://h/my/machines?x=1", **headers: str
) -> requests.PreparedRequest:
    return requests.Request("GET", url, headers=headers, auth=auth).prepare()


def accepted(auth: HTTPSignatureAuth, request: requests.PreparedRequest | None = None) -> bool:
    """Whether the server would accept this request as one of the key in use."""
    request = prepared(auth) if request is None else request
    headers = {name.lower(): str(value) for name, value in request.headers.items()}
    parsed = parse(str(request.method), request.path_url, headers, NOW)
    assert parsed.key_id == auth.key_id
    assert parsed.signed_headers == auth.signed_headers
    return verify(parsed, load_public_key(auth.signer.public_key.openssh))


def load_error(*args: Any, **options: Any) -> str:
    with pytest.raises(KeyLoadError) as caught:
        HTTPSignatureAuth(*args, **options)
    return str(caught.value)


def signs(signer: Signer) -> str:
    """The algorithm of a signature that verifies with the signer's public key."""
    algorithm, signature = signer.sign(b"data")
    parsed = ParsedSignature("/a/keys/b", algorithm, ("date",), "data", signature)
    assert verify(parsed, load_public_key(signer.public_key.openssh))
    return algorithm


def certify(ssh_keys: KeyRing, kind: str, directory: Path) -> Path:
    """A copy of a key in `directory`, with a certificate beside it; returns the latter."""
    shutil.copy(ssh_keys.path(kind), directory / "id")
    shutil.copy(ssh_keys.public_path(kind), directory / "id.pub")
    authority = str(ssh_keys.path("p256"))
    command = ["ssh-keygen", "-q", "-s", authority, "-I", "test", "-n", "bob", str(directory / "id.pub")]
    subprocess.run(command, check=True)
    return directory / "id-cert.pub"
