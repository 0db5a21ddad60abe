"""What is given as a secret: a path, the text of a key, or a key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from smartdc import KeyLoadError
from smartdc._secrets import Concealed
from smartdc.http_signature.keys import PrivateKey
from smartdc.http_signature.secrets import KeySource

KEYS = Path(__file__).parents[1] / "data" / "keys"
PATH = KEYS / "TEST_ONLY_ed25519"
TEXT = PATH.read_text()
PUBLIC = PrivateKey.load(PATH).public_key
RANDOM = "aB3dE5fG7hI9jK1lM2nO4pQ6rS8tU0vW"


def source(secret: Any) -> KeySource:
    return KeySource(Concealed(secret), Concealed(None))


@pytest.mark.parametrize(
    ("secret", "path"),
    [
        (str(PATH), str(PATH)),
        (PATH, str(PATH)),
        (TEXT, None),
        (TEXT.encode(), None),
        (load_ssh_private_key(TEXT.encode(), None), None),
    ],
    ids=["text", "path", "key", "bytes", "object"],
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
    assert str(caught.value) == (
        "no secret was given, or the key itself as text or as an object, which is never pickled: give its "
        "path, or make a new HTTPSignatureAuth in this process"
    )
    assert repr(object.__new__(KeySource)) == "<KeySource <concealed>>"


@pytest.mark.parametrize(
    "text", [RANDOM, f"~/{RANDOM}", "~nobody-of-that-name/" + RANDOM, f"{RANDOM}\0", f"{RANDOM}/{'x' * 300}"]
)
def test_text_that_may_be_a_key_is_no_path_without_such_a_file(home: Path, text: str) -> None:
    assert source(text).path is None
    with pytest.raises(KeyLoadError, match=r"^the private key given as text is not a private key ") as caught:
        source(text).load()
    assert RANDOM not in str(caught.value)


def test_a_file_that_is_named_like_a_key_is_a_path(home: Path) -> None:
    (home / RANDOM).write_text(TEXT)
    for path in (f"~/{RANDOM}", home / RANDOM):
        assert source(path).path == str(path)
        assert source(path).load().public_key == PUBLIC


@pytest.mark.parametrize("text", ["id_rsa", "~/.ssh/id_rsa", "/nonexistent/key"])
def test_other_text_is_a_path_without_a_file(text: str) -> None:
    assert source(text).path == text
    with pytest.raises(KeyLoadError, match=r"^the key file .* does not exist; "):
        source(text).load()


def test_text_with_a_lone_surrogate() -> None:
    with pytest.raises(KeyLoadError, match=r"^the private key given as text is not a private key "):
        source("-----BEGIN \ud800").load()
