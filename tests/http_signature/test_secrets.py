"""What is given as a secret: a path, the text of a key or a key; and its passphrase."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from smartdc import KeyLoadError
from smartdc._secrets import Concealed
from smartdc.http_signature.key_text import Passphrase
from smartdc.http_signature.keys import PrivateKey
from smartdc.http_signature.secrets import KeySource
from tests.helpers.keys import PASSPHRASE, KeyRing

PATH = Path(__file__).parents[1] / "data" / "keys" / "TEST_ONLY_ed25519"
TEXT = PATH.read_text()
PUBLIC = PrivateKey.load(PATH).public_key
SHORT = "aB3dE5fG7hI9jK1lM2nO4pQ6rS8tU0vW"
RANDOM = "i0VpEBOWfbZAVaBSo63bbH6xnAbnBEoonCrbZINl91huSS6AZPsK20FKcpXzkIRPxBFWGyEbcR8KykF8"
"""Text that may be a key, as `SHORT` may."""


def source(secret: Any, passphrase: Passphrase = None) -> KeySource:
    return KeySource(Concealed(secret), Concealed(passphrase))


@pytest.mark.parametrize(
    ("secret", "path"),
    [
        (str(PATH), str(PATH)),
        (PATH, str(PATH)),
        (TEXT, None),
        (TEXT.encode(), None),
        (Path(TEXT), None),
        (load_ssh_private_key(TEXT.encode(), None), None),
    ],
    ids=["text", "path", "key", "bytes", "key as a path", "object"],
)
def test_each_form(secret: Any, path: str | None) -> None:
    given = source(secret)
    assert (given.path, given.is_given) == (path, True)
    assert given.load().public_key == given.public_half() == PUBLIC
    assert repr(given) == f"<KeySource {path or '<concealed>'}>"


def test_no_secret() -> None:
    none = source(None)
    assert (none.path, none.is_given, none.public_half()) == (None, False, None)
    with pytest.raises(KeyLoadError) as caught:
        none.load()
    assert str(caught.value) == "no secret was given: secret= takes the path of the private key"
    with pytest.raises(KeyLoadError) as caught:
        KeySource(Concealed(None), Concealed(None), was_pickled=True).load()
    assert str(caught.value) == (
        "no secret was given, or the key itself as text or as an object, which is never pickled: give its "
        "path, or make a new HTTPSignatureAuth in this process"
    )
    assert repr(object.__new__(KeySource)) == "<KeySource <concealed>>"


@pytest.mark.parametrize("is_path", [True, False])
def test_a_passphrase_belongs_to_it(ssh_keys: KeyRing, is_path: bool) -> None:
    path = ssh_keys.path("p256", "PEM", PASSPHRASE)
    for given in (path,) if is_path else (path.read_text(), path.read_bytes()):
        made = source(given, PASSPHRASE)
        assert made.passphrase.value == PASSPHRASE
        assert made.load().public_key == ssh_keys.public("p256")
        # Without a passphrase this form does not tell which key it is.
        assert made.public_half() is None


@pytest.mark.parametrize(
    "text",
    [
        RANDOM,
        f"~{RANDOM}",
        f"~no-such-user/{RANDOM}",
        f"a\0{RANDOM}",
        "x" * 5000,
        f"{RANDOM}\udcff",
        "-----BEGIN OPENSSH PRIVATE KEY-----\n\udcff",
        "-----BEGIN \ud800",
        SHORT,
        f"~/{SHORT}",
        f"~no-such-user/{SHORT}",
        f"{SHORT}\0",
        f"{SHORT}/{'x' * 300}",
    ],
    ids=[
        "random", "tilde", "user", "null", "long", "surrogate", "key", "begin",
        "short", "home", "short of a user", "short and null", "long name",
    ],
)  # fmt: skip
def test_what_may_be_a_key_is_no_path_where_no_file_has_the_name(home: Path, text: str) -> None:
    for given in (text, Path(text)):
        made = source(given)
        assert (made.path, made.is_given) == (None, True)
        with pytest.raises(KeyLoadError, match=r"^the private key given as text is not a private key ") as no:
            made.load()
        assert not [part for part in (text[-20:], SHORT, RANDOM) if part in str(no.value)]


def test_what_may_be_a_key_is_a_path_where_a_file_has_the_name(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (home, tmp_path):
        (folder / RANDOM).write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    for text in (RANDOM, f"~/{RANDOM}", str(tmp_path / RANDOM), str(home / RANDOM)):
        for given in (text, Path(text)):
            assert source(given).path == text
            assert source(given).load().public_key == PUBLIC
    # Lines are a key's text whatever the files are called.
    (tmp_path / "a\nb").touch()
    assert source("a\nb").path is None
    (home / RANDOM).unlink()
    assert source(f"~/{RANDOM}").path is None


@pytest.mark.parametrize(
    "text",
    [
        "id_ed25519",
        "~/keys/mine",
        "~no-such-user/key",
        "a\0b",
        "",
        "id_rsa",
        "~/.ssh/id_rsa",
        "/nonexistent/key",
    ],
)
def test_other_text_is_a_path(text: str) -> None:
    assert source(text).path == text


@pytest.mark.parametrize("text", ["id_rsa", "~/.ssh/id_rsa", "/nonexistent/key"])
def test_a_path_without_a_file(text: str) -> None:
    with pytest.raises(KeyLoadError, match=r"^the key file .* does not exist; "):
        source(text).load()
