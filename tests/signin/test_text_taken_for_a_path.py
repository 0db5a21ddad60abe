"""Errors do not show text that may be a key, wherever it is taken for a path or a name."""

from __future__ import annotations

import base64
import io
import json
import random
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from smartdc import ConfigurationError, DataCenter, SmartDCError
from smartdc._secrets import may_be_secret, shown
from smartdc.emulator import Emulator
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature.keys import PrivateKey
from smartdc.http_signature.search import find_key
from tests.helpers.keys import KeyRing
from tests.helpers.triton_home import FINGERPRINT, TritonHome

KINDS = ("rsa2048", "p256", "ed25519")


def raw(path: Path) -> bytes:
    key = serialization.load_ssh_private_key(path.read_bytes(), None)
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


ENCODINGS: dict[str, tuple[Callable[[Path], str], str]] = {
    "base64 of the file": (lambda path: base64.b64encode(path.read_bytes()).decode(), "b64decode"),
    "base64 with line ends": (lambda path: base64.encodebytes(path.read_bytes()).decode(), "b64decode"),
    "url-safe base64": (lambda path: base64.urlsafe_b64encode(path.read_bytes()).decode(), "b64decode"),
    "base64 of DER": (lambda path: base64.b64encode(raw(path)).decode(), "without its first and last line"),
    "hex": (lambda path: path.read_bytes().hex(), "fromhex"),
    "hex of DER": (lambda path: raw(path).hex(), "fromhex"),
    "the body on one line": (
        lambda path: "".join(path.read_text().splitlines()[1:-1]),
        "without its first and last line",
    ),
    "without its first line": (
        lambda path: "\n".join(path.read_text().splitlines()[1:]),
        "the text as it is",
    ),
    "a part of the body": (lambda path: "".join(path.read_text().splitlines()[2:-1]), "is not a private key"),
    "base32": (lambda path: base64.b32encode(path.read_bytes()).decode(), "is not a private key"),
    "base85": (lambda path: base64.b85encode(path.read_bytes()).decode(), "is not a private key"),
    "base85 of DER": (lambda path: base64.b85encode(raw(path)).decode(), "is not a private key"),
    "ascii85": (lambda path: base64.a85encode(path.read_bytes()).decode(), "is not a private key"),
    "base32 of DER": (lambda path: base64.b32encode(raw(path)).decode(), "is not a private key"),
    "literal \\n": (lambda path: path.read_text().replace("\n", "\\n"), r"'\\n' in place of its line ends"),
    "blanks for line ends": (lambda path: path.read_text().replace("\n", " "), "without its line ends"),
}

ED25519_DER = bytes.fromhex("302e020100300506032b657004220420")
"""What an Ed25519 key in DER begins with (RFC 8410)."""


def traceback_of(error: BaseException) -> str:
    """What a traceback shows of an error: its text, and that of those before it."""
    return "".join(traceback.format_exception(error, chain=True))


encodings = pytest.mark.parametrize("encoding", ENCODINGS)
kinds = pytest.mark.parametrize("kind", KINDS)


def parts(text: str) -> set[str]:
    """All parts of 16 characters that could reveal the text."""
    words = re.findall(r"[!-~]{16,}", text)
    found = {word[start : start + 16] for word in words for start in range(len(word) - 15)}
    return {part for part in found if len(set(part)) > 4 and "PRIVATE" not in part and "-----" not in part}


@encodings
@kinds
@pytest.mark.parametrize("as_path", [False, True])
def test_a_key_as_a_secret_is_refused_with_advice(
    kind: str, encoding: str, ssh_keys: KeyRing, as_path: bool
) -> None:
    make, advice = ENCODINGS[encoding]
    text = make(ssh_keys.path(kind))
    with pytest.raises(SmartDCError) as caught:
        DataCenter("us-central-1", "/bob/keys/x", Path(text) if as_path else text)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300
    assert not [part for part in parts(text) if part in message]
    if not as_path:  # pathlib drops a part of the text
        assert re.search(advice, message)


PLACES: dict[str, Callable[[str], Any]] = {
    "secret": lambda text: DataCenter("us-central-1", "/bob/keys/x", text),
    "secret of an agent": lambda text: DataCenter("us-central-1", "/bob/keys/x", text, allow_agent=True),
    "secret of a signature": lambda text: HTTPSignatureAuth("/bob/keys/x", text),
    "key id": lambda text: DataCenter("us-central-1", text, "/nonexistent"),
    "key id with a path": lambda text: DataCenter("us-central-1", f"/bob/keys//{text}", None),
    "key id without a path": lambda text: DataCenter("us-central-1", f"/bob/keys/{text}", None),
    "key id of a sub-user": lambda text: DataCenter("us-central-1", text, "/nonexistent", user="bob"),
    "sub-user": lambda text: DataCenter("us-central-1", "/bob/users/x/keys/x", "/nonexistent", user=text),
    "sub-user alone": lambda text: DataCenter("us-central-1", user=text),
    "location": lambda text: DataCenter(text),
    "login": lambda text: DataCenter("us-central-1", login=text),
    "authorities": lambda text: DataCenter("us-central-1", verify=text).account(),
    "boot script": lambda text: DataCenter("us-central-1").create_machine(boot_script=text),
    "public key": lambda text: DataCenter("us-central-1").add_key("kk", text),
    "key id with a path from home": lambda text: DataCenter("us-central-1", f"/bob/keys/~/{text}", None),
    "key file": lambda text: PrivateKey.load(text),
    "key that is searched for": lambda text: find_key(text),
    "path that is searched for": lambda text: find_key(f"~/{text}"),
    "file that is searched in": lambda text: find_key(FINGERPRINT, file=text),
    "profile": lambda text: DataCenter.from_profile(text),
}


@encodings
@pytest.mark.parametrize("place", PLACES)
def test_no_error_shows_it(place: str, encoding: str, ssh_keys: KeyRing, triton: TritonHome) -> None:
    text = ENCODINGS[encoding][0](ssh_keys.path("ed25519"))
    with pytest.raises(SmartDCError) as caught:
        PLACES[place](text)
    shows = traceback_of(caught.value)
    assert not [part for part in parts(text) if part in shows]


@encodings
@pytest.mark.parametrize("variable", ["TRITON_KEY_ID", "TRITON_ACCOUNT", "TRITON_URL", "TRITON_PROFILE"])
def test_no_error_about_the_environment_shows_it(
    variable: str, encoding: str, ssh_keys: KeyRing, triton: TritonHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = ENCODINGS[encoding][0](ssh_keys.path("ed25519"))
    for name, value in {
        "TRITON_KEY_ID": FINGERPRINT,
        "TRITON_ACCOUNT": "bob",
        "TRITON_URL": "https://cloud.example",
        variable: text,
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SmartDCError) as caught:
        DataCenter.from_profile()
    shows = traceback_of(caught.value)
    assert not [part for part in parts(text) if part in shows]


@encodings
@pytest.mark.parametrize("field", ["url", "account", "keyId"])
def test_no_error_about_a_profile_shows_it(
    field: str, encoding: str, ssh_keys: KeyRing, triton: TritonHome
) -> None:
    text = ENCODINGS[encoding][0](ssh_keys.path("ed25519"))
    triton.profile("one", **{field: text})
    with pytest.raises(SmartDCError) as caught:
        DataCenter.from_profile("one")
    shows = traceback_of(caught.value)
    assert not [part for part in parts(text) if part in shows]
    path = triton.profile("two")
    path.write_text(json.dumps(json.loads(path.read_text()) | {text: 1}))
    shows = str(DataCenter.profiles()["two"].error)
    assert not [part for part in parts(text) if part in shows]


@encodings
def test_the_socket_of_an_agent(
    encoding: str, ssh_keys: KeyRing, monkeypatch: pytest.MonkeyPatch, no_ssh_agent: None
) -> None:
    text = ENCODINGS[encoding][0](ssh_keys.path("ed25519"))
    monkeypatch.setenv("SSH_AUTH_SOCK", text)
    with pytest.raises(SmartDCError) as caught:
        DataCenter("us-central-1", "/bob/keys/x", "/nonexistent", allow_agent=True)
    shows = traceback_of(caught.value)
    assert not [part for part in parts(text) if part in shows]


@encodings
def test_authorities(cloud: Emulator, encoding: str, ssh_keys: KeyRing) -> None:
    text = ENCODINGS[encoding][0](ssh_keys.path("ed25519"))
    with pytest.raises(SmartDCError) as caught, cloud.datacenter(verify=text, retry="none") as sdc:
        sdc.account()
    shows = traceback_of(caught.value)
    assert not [part for part in parts(text) if part in shows]


@pytest.mark.parametrize(
    "path",
    [
        "/home/bob/.ssh/id_ed25519",
        "~/.ssh/MyCompany-Production-Key-2024",
        "/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T/tmp4x_3kq9d/id",
        "/var/run/secrets/550e8400-e29b-41d4-a716-446655440000/id_rsa",
        "C:\\Users\\Bob\\.ssh\\id_rsa",
        "/tmp/pytest-of-bob/pytest-0/test_a_rather_long_name_of_a_test0/home/.ssh/id_ecdsa.pub",
    ],
)
def test_a_path_is_shown(path: str) -> None:
    assert shown(path) == path
    with pytest.raises(ConfigurationError, match=re.escape(path)):
        DataCenter("us-central-1", "/bob/keys/x", path)


def test_a_file_whose_name_looks_like_a_key_is_read(tmp_path: Path, ssh_keys: KeyRing) -> None:
    path = tmp_path / base64.b64encode(bytes(range(90))).decode().replace("/", "_")
    assert may_be_secret(str(path))
    path.write_bytes(ssh_keys.path("p256").read_bytes())
    assert HTTPSignatureAuth("/bob/keys/x", str(path)).signer.public_key == ssh_keys.public("p256")


def test_der_is_read(tmp_path: Path, ssh_keys: KeyRing) -> None:
    (tmp_path / "id.der").write_bytes(raw(ssh_keys.path("rsa2048")))
    for secret in (tmp_path / "id.der", raw(ssh_keys.path("rsa2048"))):
        auth = HTTPSignatureAuth("/bob/keys/x", secret)
        assert auth.signer.public_key == ssh_keys.public("rsa2048")


def test_control_characters_do_not_reach_a_terminal() -> None:
    with pytest.raises(ConfigurationError) as caught:
        DataCenter("us-central-1", "/bob/keys/x", "/no/such\x1b[31mfile")
    assert str(caught.value).isprintable()
    with pytest.raises(ConfigurationError) as caught:
        DataCenter("a\x1b[31m.example")
    assert str(caught.value).isprintable()


def test_the_verbose_line_has_no_secret(cloud: Emulator, ssh_keys: KeyRing) -> None:
    stream = io.StringIO()
    with cloud.datacenter(verbose=stream) as sdc:
        sdc.keys()
    assert "Signature" not in stream.getvalue()


def test_no_half_of_a_key_in_base85_is_shown_as_a_host() -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    keys = [base64.b85encode(ED25519_DER + chance.randbytes(32)).decode() for _ in range(200)]
    assert sum("@" in key[16:-16] for key in keys) > 20
    for key in keys:
        for location in (key, f"https://{key}", f"https://{key}/"):
            with pytest.raises(ConfigurationError) as caught:
                DataCenter(location)
            assert not [part for part in parts(key) if part in traceback_of(caught.value)]


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("me:word@cloud.example.com_", "'...@...' is not a location"),
        ("ftp://me:word@cloudapi.example.com", "'...@cloudapi.example.com' is not a CloudAPI URL"),
        ("https://us-nowhere-1/a b", "no blank, '\\' or '..': 'https://us-nowhere-1/a b'"),
        ("https://us-nowhere-1/a\\b", "no blank, '\\' or '..': 'https://us-nowhere-1/a\\\\b'"),
        ("https://us-nowhere-1/./b", "no blank, '\\' or '..': 'https://us-nowhere-1/./b'"),
        ("me:word@us-nowhere-1", "'...@us-nowhere-1' is not a location"),
        ("me:word@cloud_api@example.com/my", "'...@example.com/my' is not a location"),
        ("me:word@nor$mal", "'...@...' is not a location"),
        ("me:word@abcdefghijklmnop", "'...@...' is not a location"),
        ("me:word@abcdefghijklmno", "'...@abcdefghijklmno' is not a location"),
        ("ftp://me:word@example.com", "'...@example.com' is not a CloudAPI URL"),
    ],
)
def test_what_is_before_the_host_is_not_shown(location: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)) as caught:
        DataCenter(location)
    assert "word" not in str(caught.value)


def test_a_part_of_a_key_is_not_shown_as_the_path_behind_a_host() -> None:
    with pytest.raises(ConfigurationError, match="text of 44 characters, not shown") as caught:
        DataCenter("FfIZC05Amx11n{41R?|=s57&@a.b/f#f_o)!JwrDhf{E")
    assert "JwrDhf" not in str(caught.value)
