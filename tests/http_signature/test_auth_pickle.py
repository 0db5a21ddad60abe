"""Pickles, reprs and logs of HTTPSignatureAuth: none holds a secret."""

import logging
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from smartdc.errors import KeyLoadError
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature.keys import PrivateKey
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.http_signature.checks import accepted, prepared

pytestmark = pytest.mark.usefixtures("fixed_clock")


def passphrase_by_name() -> str:
    return PASSPHRASE


def test_pickle_loads_the_key_again(ssh_keys: KeyRing) -> None:
    auth = HTTPSignatureAuth(
        f"/b/keys/{ssh_keys.public('p256').sha256}", ssh_keys.path("p256"), signed_headers="date"
    )
    auth.clock_offset = 7.0
    again = pickle.loads(pickle.dumps(auth))  # noqa: S301 - our own
    assert "not loaded yet" in repr(again)
    assert accepted(again)
    assert again.key_id == auth.key_id
    assert (again.signed_headers, again.clock_offset) == (("date",), 7.0)
    assert repr(again) == repr(auth)


def test_pickle_with_a_passphrase_function(ssh_keys: KeyRing) -> None:
    path = ssh_keys.path("p256", passphrase=PASSPHRASE)
    auth = HTTPSignatureAuth("/b/keys/k", path, passphrase=passphrase_by_name)
    assert accepted(pickle.loads(pickle.dumps(auth)))  # noqa: S301


class HoldsPassphrase:
    """A callable that stores the passphrase."""

    def __init__(self) -> None:
        self.passphrase = PASSPHRASE

    def __call__(self) -> str:
        return self.passphrase


@pytest.mark.parametrize(
    "passphrase",
    [PASSPHRASE, PASSPHRASE.encode(), lambda: PASSPHRASE, HoldsPassphrase(), HoldsPassphrase().__call__],
)
def test_pickle_never_has_a_passphrase(passphrase: Any, ssh_keys: KeyRing) -> None:
    path = ssh_keys.path("p256", passphrase=PASSPHRASE)
    data = pickle.dumps(HTTPSignatureAuth("/b/keys/k", path, passphrase=passphrase))
    assert PASSPHRASE.encode() not in data
    again = pickle.loads(data)  # noqa: S301
    with pytest.raises(KeyLoadError, match="there is no passphrase"):
        prepared(again)


def test_pickle_never_has_a_key(ssh_keys: KeyRing) -> None:
    text = ssh_keys.path("p256").read_text()
    for secret in (text, text.encode(), serialization.load_ssh_private_key(text.encode(), None)):
        data = pickle.dumps(HTTPSignatureAuth("/b/keys/k", secret))
        assert text.splitlines()[3].encode() not in data
        again = pickle.loads(data)  # noqa: S301
        assert again.key_id == "/b/keys/k"
        for use in (prepared, lambda auth: auth.try_next_key()):
            with pytest.raises(KeyLoadError, match="which is never pickled: give its path"):
                use(again)


def test_pickle_whose_file_is_gone(ssh_keys: KeyRing, tmp_path: Path) -> None:
    path = ssh_keys.alone("p256", tmp_path)
    data = pickle.dumps(HTTPSignatureAuth("/b/keys/k", path))
    path.unlink()
    again = pickle.loads(data)  # noqa: S301
    with pytest.raises(KeyLoadError, match="does not exist"):
        prepared(again)


def test_pickle_finds_the_agent_again(ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("ed25519"))
    auth = HTTPSignatureAuth("/b/keys/k", "/nonexistent", allow_agent=True)
    again = pickle.loads(pickle.dumps(auth))  # noqa: S301
    assert accepted(again)
    assert again.signer.public_key == ssh_keys.public("ed25519")


def test_threads_load_an_unpickled_key_once(ssh_keys: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    auth = HTTPSignatureAuth("/b/keys/k", ssh_keys.path("ed25519"))
    again = pickle.loads(pickle.dumps(auth))  # noqa: S301
    loads: list[object] = []
    load = PrivateKey.load

    def counted(*args: Any) -> PrivateKey:
        loads.append(args)
        return load(*args)

    monkeypatch.setattr(PrivateKey, "load", counted)
    together = threading.Barrier(16)

    def work(_: int) -> bool:
        together.wait()
        return accepted(again)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(16)))
    assert len(loads) == 1


def test_nothing_secret_is_shown_or_logged(
    ssh_keys: KeyRing, ssh_agent: RunningAgent, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ssh_agent.add(ssh_keys.path("ed25519"))
    path = ssh_keys.path("p256", passphrase=PASSPHRASE)
    for auth in (
        HTTPSignatureAuth("/b/keys/k", path, passphrase=PASSPHRASE),
        HTTPSignatureAuth("/b/keys/k", "/nonexistent", allow_agent=True),
    ):
        prepared(auth)
        shown = repr(auth)
        assert auth.signer.public_key.md5 in shown
        assert PASSPHRASE not in shown
    assert caplog.text == ""
