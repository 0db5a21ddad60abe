"""The argument `secret`: its passphrase, and text that may be a key or a path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smartdc._secrets import Concealed
from smartdc.errors import KeyLoadError
from smartdc.http_signature.key_text import Passphrase
from smartdc.http_signature.secrets import KeySource
from tests.helpers.keys import PASSPHRASE, KeyRing

RANDOM = "i0VpEBOWfbZAVaBSo63bbH6xnAbnBEoonCrbZINl91huSS6AZPsK20FKcpXzkIRPxBFWGyEbcR8KykF8"
"""Text that may be a key."""


def source(secret: Any, passphrase: Passphrase = None) -> KeySource:
    return KeySource(Concealed(secret), Concealed(passphrase))


def test_a_key_s_text_that_was_made_a_path_is_still_a_key(ssh_keys: KeyRing) -> None:
    made = source(Path(ssh_keys.path("p256").read_text()))
    assert (made.path, made.is_given) == (None, True)
    assert made.load().public_key == made.public_half() == ssh_keys.public("p256")


@pytest.mark.parametrize("is_path", [True, False])
def test_a_passphrase_belongs_to_it(ssh_keys: KeyRing, is_path: bool) -> None:
    path = ssh_keys.path("p256", "PEM", PASSPHRASE)
    for given in (path,) if is_path else (path.read_text(), path.read_bytes()):
        made = source(given, PASSPHRASE)
        assert made.passphrase.value == PASSPHRASE
        assert made.load().public_key == ssh_keys.public("p256")
        # Without a passphrase this form does not tell which key it is.
        assert made.public_half() is None


@pytest.mark.parametrize("path", ["id_ed25519", "~/keys/mine", "~no-such-user/key", "a\0b", ""])
def test_what_is_no_key_is_a_path(path: str) -> None:
    assert source(path).path == path


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
    ],
    ids=["random", "tilde", "user", "null", "long", "surrogate", "key"],
)
def test_what_may_be_a_key_is_none_where_no_file_has_the_name(text: str) -> None:
    for given in (text, Path(text)):
        made = source(given)
        assert (made.path, made.is_given) == (None, True)
        with pytest.raises(KeyLoadError) as refused:
            made.load()
        assert text[-20:] not in str(refused.value)


def test_what_may_be_a_key_is_a_path_where_a_file_has_the_name(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (home, tmp_path):
        (folder / RANDOM).touch()
    monkeypatch.chdir(tmp_path)
    for text in (RANDOM, f"~/{RANDOM}", str(tmp_path / RANDOM)):
        assert source(text).path == source(Path(text)).path == text
    # Lines are a key's text whatever the files are called.
    (tmp_path / "a\nb").touch()
    assert source("a\nb").path is None
    (home / RANDOM).unlink()
    assert source(f"~/{RANDOM}").path is None
