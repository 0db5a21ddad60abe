"""What makes two unpickled objects share a key: the same arguments, and files that have not changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smartdc.errors import KeyLoadError
from smartdc.http_signature.keys import PrivateKey, PublicKey
from smartdc.http_signature.shared_signers import share_signers
from smartdc.http_signature.signature_reuse import OnceSigner
from tests.helpers.keys import KeyRing
from tests.http_signature.test_signature_reuse import Counting


class Loads:
    """Loads a key, and counts how often.

    Attributes:
        count: How often it was asked to load.
    """

    def __init__(self, signer: Any) -> None:
        self._signer = signer
        self.count = 0
        self._held: list[object] = []

    def __call__(self) -> list[OnceSigner]:
        self.count += 1
        return [OnceSigner(self._signer)]

    def shared(self, **changed: Any) -> bool:
        """Ask for the key; return whether it is held for others."""
        arguments = {"key_id": "/b/keys/k", "path": None, "passphrase": None, "searched_for": None, **changed}
        (signer,), hold = share_signers(**arguments, load=self)
        assert signer.signer is self._signer
        self._held.append(hold)
        return hold is not None


@pytest.fixture
def loads(ssh_keys: KeyRing) -> Loads:
    return Loads(PrivateKey.load(ssh_keys.path("ed25519")))


@pytest.fixture
def file(home: Path) -> str:
    path = home / "key"
    path.touch()
    return str(path)


def test_a_file_is_read_once(loads: Loads, file: str) -> None:
    assert all(loads.shared(path=file) for _ in range(3))
    assert loads.count == 1
    Path(file).write_text("changed")
    assert all(loads.shared(path=file) for _ in range(2))
    assert loads.count == 2


@pytest.mark.parametrize("differs", [{"key_id": "/b/keys/l"}, {"passphrase": str}], ids=str)
def test_other_arguments_have_a_key_of_their_own(loads: Loads, file: str, differs: dict[str, Any]) -> None:
    assert loads.shared(path=file)
    assert loads.shared(path=file, **differs)
    assert loads.count == 2


def test_what_comes_from_no_file_is_not_shared(loads: Loads, file: str) -> None:
    for path in (None, f"{file}.gone"):
        assert not any(loads.shared(path=path) for _ in range(2))
    assert loads.count == 4


def test_keys_of_an_agent_are_not_shared(file: str) -> None:
    loads = Loads(Counting())
    assert not any(loads.shared(path=file) for _ in range(3))
    assert loads.count == 3


FINGERPRINT = PublicKey(b"a key").md5


@pytest.mark.parametrize(
    ("searched_for", "change"),
    [
        (FINGERPRINT, lambda home: (home / ".ssh" / "id_new").touch()),
        ("~/key", lambda home: (home / ".ssh" / "id_new").touch()),
        ("~/key", lambda home: (home / "key").write_text("changed")),
        ("~/key.pub", lambda home: (home / ".ssh" / "id_new").touch()),
        ("~/key.pub", lambda home: (home / "key.pub").write_text("changed")),
        ("~/key.pub", lambda home: (home / "key").write_text("changed")),
    ],
)
def test_a_search_is_made_again_when_a_file_changes(
    loads: Loads, home: Path, searched_for: str, change: Callable[[Path], object]
) -> None:
    (home / ".ssh").mkdir()
    for name in ("key", "key.pub"):
        (home / name).touch()
    # What is searched for decides, not the path.
    assert all(loads.shared(searched_for=searched_for, path=path) for path in (None, None))
    assert loads.count == 1
    change(home)
    assert loads.shared(searched_for=searched_for)
    assert loads.count == 2


def test_a_search_needs_one_of_its_files(loads: Loads, home: Path) -> None:
    assert not loads.shared(searched_for=FINGERPRINT)
    assert not loads.shared(searched_for="~/key.pub")
    (home / "key").touch()
    assert loads.shared(searched_for="~/key.pub")
    assert not loads.shared(searched_for=FINGERPRINT)


def test_a_failure_is_not_shared(loads: Loads, file: str) -> None:
    def fail() -> list[OnceSigner]:
        raise KeyLoadError("damaged")

    for _ in range(2):
        with pytest.raises(KeyLoadError, match="damaged"):
            share_signers("/b/keys/k", file, None, None, fail)
    assert loads.shared(path=file)
    assert loads.count == 1
