"""Places of a search for a key that are odd: names in ``.ssh``, no home directory, no agent."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from smartdc.errors import ConfigurationError, KeyLoadError
from smartdc.http_signature.keys import NeedsPassphrase, PublicKey
from smartdc.http_signature.search import find_key
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.http_signature.test_search import failure, public, put, ssh

__all__ = ["public", "ssh"]


def test_names_that_are_not_looked_at(ssh: Path, ssh_keys: KeyRing, public: PublicKey) -> None:
    (ssh / ".pub").write_text(public.openssh)
    put(ssh_keys, "ed25519", ssh / "known_hosts")
    assert failure(public.md5, allow_agent=False).endswith("Seen:")


def test_an_error_asks_for_a_passphrase_only_where_one_helps(
    ssh: Path, ssh_keys: KeyRing, public: PublicKey
) -> None:
    put(ssh_keys, "p256", ssh / "other", pub="p256", passphrase=PASSPHRASE)
    with pytest.raises(KeyLoadError) as refused:
        find_key(public.md5)
    assert type(refused.value) is KeyLoadError
    put(ssh_keys, "ed25519", ssh / "ours", pub="ed25519", passphrase=PASSPHRASE)
    with pytest.raises(NeedsPassphrase):
        find_key(public.md5)


def test_a_file_that_others_can_read_is_noted(
    ssh: Path, ssh_keys: KeyRing, public: PublicKey, caplog: pytest.LogCaptureFixture
) -> None:
    path = put(ssh_keys, "ed25519", ssh / "work", pub="ed25519")
    path.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        find_key(public.md5)
    assert caplog.messages == [
        f"others can read the private key {path}; make it yours alone: chmod 600 {path}"
    ]


def test_a_name_with_a_dot_is_that_of_the_private_key(
    ssh: Path, ssh_keys: KeyRing, public: PublicKey
) -> None:
    path = put(ssh_keys, "ed25519", ssh / "work.old")
    put(ssh_keys, "p256", ssh / "work")
    assert find_key(str(path)).source == f"the private key {path}"


@pytest.mark.parametrize("key_id", ["~no-such-user-here", "~no-such-user-here/k.pub"])
def test_a_home_directory_that_is_not_known(key_id: str) -> None:
    with pytest.raises(KeyLoadError) as refused:
        find_key(key_id)
    assert str(refused.value) == (
        f"{key_id} cannot be found: there is no home directory: set HOME, or give the whole path"
    )


@pytest.mark.parametrize(("wanted", "shown"), [("a\0b", r"'a\?b'"), ("\ud800", r"'\?'")])
def test_a_name_that_no_file_can_have(ssh: Path, wanted: str, shown: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{shown} is neither a fingerprint "):
        find_key(wanted)


def test_a_folder_that_cannot_be_listed(tmp_path: Path, public: PublicKey) -> None:
    os.mkfifo(tmp_path / ".ssh")
    assert failure(public.md5, home=tmp_path, allow_agent=False).endswith(
        f"Seen:\n  {tmp_path}/.ssh: Not a directory"
    )
