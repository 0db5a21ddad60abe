"""Our search for a key compared with that of smartdc-auth from npm, in one prepared ~/.ssh."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa
from paramiko import Message

from smartdc.errors import KeyLoadError
from smartdc.http_signature.keys import PublicKey, Signer
from smartdc.http_signature.search import find_key
from smartdc.http_signature.verify import ParsedSignature, load_public_key, verify
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.http_signature.checks import certify
from tests.interop.npm import NodeModules, install

PACKAGE, VERSION = "smartdc-auth", "2.6.0"
NOT_COMPARED = f"not compared: which keys {PACKAGE} {VERSION} from npm finds, and which we find"
SCRIPT = Path(__file__).with_name("find_keys.js")
DATA = "date: Mon, 23 Nov 2026 10:00:00 GMT"


@dataclass(frozen=True)
class SmartdcAuth:
    """Runs smartdc-auth in a home directory."""

    modules: NodeModules

    def ask(self, home: Path, keys: list[PublicKey], plugins: tuple[str, ...] = ("homedir",)) -> Any:
        """What it lists, and what it finds for each key."""
        question = {
            "fingerprints": [key.md5 for key in keys],
            "passphrase": PASSPHRASE,
            "plugins": plugins,
            "data": DATA,
        }
        done = subprocess.run(
            [self.modules.node, str(SCRIPT)],
            input=json.dumps(question),
            env={**os.environ, "HOME": str(home), "NODE_PATH": str(self.modules.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def smartdc_auth(tmp_path_factory: pytest.TempPathFactory) -> SmartdcAuth:
    return SmartdcAuth(install(PACKAGE, VERSION, NOT_COMPARED, tmp_path_factory))


@dataclass(frozen=True)
class Home:
    """A home directory whose ~/.ssh holds 12 files, and every key that is in it or seems to be."""

    path: Path
    keys: dict[str, PublicKey]

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in (self.path / ".ssh").iterdir())


@pytest.fixture
def home(ssh_keys: KeyRing, tmp_path: Path) -> Home:
    ssh = tmp_path / ".ssh"
    ssh.mkdir()

    def copy(kind: str, name: str, *, pub: str = "", passphrase: str = "", form: str = "openssh") -> None:
        shutil.copy(ssh_keys.path(kind, form, passphrase), ssh / name)
        if pub:
            shutil.copy(ssh_keys.public_path(pub), ssh / f"{name}.pub")

    copy("ed25519", "id_ed25519", pub="ed25519")
    copy("rsa2048", "id_rsa", pub="rsa2048", passphrase=PASSPHRASE)  # encrypted
    copy("p256", "work_id_ecdsa", form="PEM")  # alone, and looked into because of its name
    copy("rsa3072", "too_open", pub="rsa3072")
    (ssh / "too_open").chmod(0o644)
    copy("p521", "swapped", pub="p384")  # not the public half of this key
    certificate = certify(ssh_keys, "rsa4096", tmp_path)
    shutil.copy(certificate, ssh / "lone-cert.pub")
    (ssh / "id_garbage").write_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n")
    old = dsa.generate_private_key(1024)  # noqa: S505 - as ssh-keygen made them
    (ssh / "id_dsa").write_bytes(
        old.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    keys = {kind: ssh_keys.public(kind) for kind in ("ed25519", "rsa2048", "p256", "rsa3072", "p384", "p521")}
    keys["certified"] = ssh_keys.public("rsa4096")
    keys["certificate"] = PublicKey.from_text(certificate.read_text())
    numbers = old.public_key().public_numbers()
    domain = numbers.parameter_numbers
    blob = Message()
    blob.add_string("ssh-dss")
    for number in (domain.p, domain.q, domain.g, numbers.y):
        blob.add_mpint(number)
    keys["dsa"] = PublicKey(blob.asbytes())
    return Home(tmp_path, keys)


def is_valid(key: PublicKey, algorithm: str, signature: bytes) -> bool:
    """Whether a signature of `DATA` is this key's."""
    parsed = ParsedSignature("/a/keys/k", algorithm, ("date",), DATA, signature)
    return verify(parsed, load_public_key(key.openssh))


def ours(home: Path, key: PublicKey, **options: Any) -> Signer | None:
    try:
        return find_key(key.md5, home=home, passphrase=PASSPHRASE, **options)
    except KeyLoadError:
        return None


def test_both_find_the_same_keys(home: Home, smartdc_auth: SmartdcAuth) -> None:
    assert len(home.files) == 12
    answer = smartdc_auth.ask(home.path, list(home.keys.values()))
    theirs = {}
    for name, key in home.keys.items():
        found = answer["found"][key.md5]
        # smartdc-auth finds the DSA key as well; only keys that CloudAPI accepts are compared.
        if "error" not in found and key.supported:
            theirs[name] = is_valid(key, found["algorithm"], base64.b64decode(found["signature"]))
    # smartdc-auth trusts a .pub and signs with the key beside it, a different one: no server accepts that.
    assert theirs.pop("p384") is False
    assert theirs == dict.fromkeys(("ed25519", "rsa2048", "p256", "rsa3072"), True)
    mine = {name: ours(home.path, key, allow_agent=False) for name, key in home.keys.items()}
    for name, signer in mine.items():
        if signer is not None:
            assert signer.public_key == home.keys[name]
            assert is_valid(home.keys[name], *signer.sign(DATA.encode()))
    assert {name for name, signer in mine.items() if signer} == theirs.keys()


def test_our_error_names_every_key_that_smartdc_auth_lists(home: Home, smartdc_auth: SmartdcAuth) -> None:
    listed = smartdc_auth.ask(home.path, [])["list"]
    with pytest.raises(KeyLoadError) as caught:
        find_key("00:" * 15 + "00", home=home.path, allow_agent=False)
    lines = str(caught.value).splitlines()
    assert len(listed) == 6
    for entry in listed:
        assert any(
            entry["source"] in line and (entry["fingerprint"] in line or "DSA" in line) for line in lines
        ), entry


def test_both_prefer_the_same_place(
    home: Home, smartdc_auth: SmartdcAuth, ssh_keys: KeyRing, ssh_agent: RunningAgent
) -> None:
    # A file that is not encrypted, then the agent, then an encrypted file.
    ssh_agent.add(*(ssh_keys.path(kind) for kind in ("ed25519", "rsa2048", "p521")))
    places = {"ed25519": "homedir", "rsa2048": "agent", "p521": "agent", "p256": "homedir"}
    keys = [home.keys[kind] for kind in places]
    found = smartdc_auth.ask(home.path, keys, ("homedir", "agent"))["found"]
    # One bad file breaks its search for a key that only the agent has; ours finds it.
    assert "id_garbage" in found[home.keys["p521"].md5]["error"]
    for kind, place in places.items():
        assert kind == "p521" or found[home.keys[kind].md5]["plugin"] == place
        signer = ours(home.path, home.keys[kind])
        assert signer is not None
        assert signer.source.startswith("the ssh-agent's key" if place == "agent" else "the private key /")
