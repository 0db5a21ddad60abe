"""Finding a private key by its fingerprint: in a given file, in ``~/.ssh``, and in the ssh-agent.

This module has the search and its error message. The order is that of smartdc-auth (npm), which Triton
users know: an unencrypted key in a file, then the agent's, then a key in an encrypted file. A file or an
agent that is broken does not end the search: it becomes a line of the error message.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from smartdc._files import NoHomeError, expanded, home_directory
from smartdc._secrets import Concealed, may_be_secret, shown
from smartdc.errors import ConfigurationError, KeyLoadError
from smartdc.http_signature.agent import find_signers, shared_agent
from smartdc.http_signature.key_text import NeedsPassphrase, Passphrase
from smartdc.http_signature.keys import (
    PrivateKey,
    PublicKey,
    Signer,
    hint_at_mode,
    public_half,
    read_key_file,
    stated_public_key,
)
from smartdc.http_signature.scheme import parse_fingerprint

__all__ = ["find_key", "named_public_key"]

# smartdc-auth's limits: the size of `.pub` files, and the names of private files without one that are read.
_MAX_PUBLIC = 64 * 1024
_LONE_NAME = r"(^|[^a-zA-Z])id_"


def find_key(
    key_id: str,
    *,
    file: str | os.PathLike[str] | None = None,
    passphrase: Passphrase = None,
    home: Path | None = None,
    allow_agent: bool = True,
) -> Signer:
    """Find the private key that `key_id` names.

    Args:
        key_id: An MD5 or SHA256 fingerprint, with or without label, or the path of a public key or of its
            private key.
        file: A private key to look at first.
        passphrase: For an encrypted file; a function is called only if the key is nowhere else.
        home: The directory that contains ``.ssh``; by default the user's home.
        allow_agent: Whether to ask the ssh-agent.

    Raises:
        ConfigurationError: `key_id` is neither a fingerprint nor a path.
        KeyLoadError: There is no such key, or none that can sign. The message lists what was searched, what
            was found, and why it cannot be used.
    """
    concealed = Concealed(passphrase)
    del passphrase
    search = _Search(_wanted(key_id))
    files = [_File(_expanded(file))] if file is not None else []
    if search.wanted.beside is not None:
        files.append(_File(search.wanted.beside))
    search.places = [shown(str(one.private or one.public)) for one in files]
    ready = search.in_files(files) or search.in_directory(_ssh_directory(home))
    if ready is None and allow_agent:
        ready = search.in_agent()
    ready = ready or search.in_encrypted_files(concealed)
    if ready is None:
        raise search.failure()
    return ready


def named_public_key(path: str | os.PathLike[str]) -> PublicKey:
    """Return the public key in a ``.pub`` file, or the public half of a private key file.

    Raises:
        KeyLoadError: The file has no public key.
    """
    try:
        return PublicKey.from_text(read_key_file(path).decode("utf-8", "replace"))
    except KeyLoadError:
        raise
    except ValueError:
        public = public_half(path)
    if public is None:
        name = shown(os.fspath(path))
        raise KeyLoadError(f"{name} is not a public key in ssh-keygen's form; give the path of one")
    return public


class _Wanted(NamedTuple):
    """The key that is looked for.

    Attributes:
        label: For messages.
        beside: The private key file beside the public key file that was named.
    """

    label: str
    md5: str | None
    sha256: str | None
    beside: Path | None = None

    def is_(self, key: PublicKey) -> bool:
        return key.md5 == self.md5 or key.sha256 == self.sha256


class _File(NamedTuple):
    """A private key file, the ``.pub`` beside it, or both; at least one of them.

    If there is no `public`, or the file was named, the private file itself is read for its public key.
    """

    private: Path | None
    public: Path | None = None

    def read_public(self) -> PublicKey:
        """Return the public key; the private file is read only if there is no ``.pub``."""
        if self.public is not None:
            return PublicKey.from_text(read_key_file(self.public, _MAX_PUBLIC).decode("utf-8", "replace"))
        assert self.private is not None  # noqa: S101 - one of the two is not None
        try:
            return PrivateKey.load(self.private).public_key
        except NeedsPassphrase:
            public = stated_public_key(read_key_file(self.private)) or public_half(self.private)
            if public is None:
                raise KeyLoadError("is encrypted, and no .pub beside it tells which key it is") from None
            return public

    def load(self, public: PublicKey, passphrase: Concealed[Passphrase]) -> PrivateKey:
        """Return the private key, which must be that of the public half."""
        if self.private is None:
            raise KeyLoadError("only the public half is here")
        key = PrivateKey.load(self.private, passphrase.value)
        if key.public_key != public:
            raise KeyLoadError(
                f"the private key beside it is another one, {key.public_key}; "
                f"write the right .pub with ssh-keygen -y -f {shown(str(self.private))}"
            )
        hint_at_mode(self.private)
        return key


class _Search:
    """One search: the places searched, the keys seen, and the encrypted files to try last."""

    def __init__(self, wanted: _Wanted) -> None:
        self.wanted = wanted
        self.places: list[str] = []
        self._seen: list[str] = []
        self._locked: list[tuple[_File, PublicKey]] = []
        self._needs_passphrase = False

    def in_directory(self, directory: Path | None) -> Signer | None:
        if directory is None:
            self._seen.append("there is no home directory (HOME is not set)")
            return None
        self.places.append(shown(str(directory)))
        try:
            names = sorted(os.listdir(directory))  # noqa: PTH208 - only the names are used
        except OSError as error:
            self._seen.append(f"{shown(str(directory))}: {error.strerror or error}")
            return None
        return self.in_files(_files_of(directory, names))

    def in_files(self, files: Iterator[_File] | list[_File]) -> Signer | None:
        """Return the key from an unencrypted file; encrypted ones are kept for later."""
        for file in files:
            public = None
            try:
                public = file.read_public()
                if self.wanted.is_(public) and public.supported:
                    return file.load(public, Concealed(None))
                self._see(file, public, "" if public.supported else "CloudAPI does not take this kind")
            except NeedsPassphrase:
                assert public is not None  # noqa: S101 - only `load` raises it
                self._locked.append((file, public))
            except ValueError as error:  # KeyLoadError is one
                self._see(file, public, str(error))
        return None

    def in_agent(self) -> Signer | None:
        self.places.append("the ssh-agent")
        try:
            return find_signers(shared_agent(), f"the key {self.wanted.label}", self.wanted.is_)[0]
        except KeyLoadError as error:
            # The agent was searched by default, so leaving out allow_agent is no remedy.
            self._seen.append(str(error).replace(" without allow_agent", ""))
            return None

    def in_encrypted_files(self, passphrase: Concealed[Passphrase]) -> Signer | None:
        for file, public in self._locked:
            try:
                return file.load(public, passphrase)
            except NeedsPassphrase:
                self._needs_passphrase = True
                remedy = "encrypted and there is no passphrase: give passphrase=, or ssh-add it"
                self._see(file, public, remedy)
            except KeyLoadError as error:
                self._see(file, public, str(error))
        return None

    def failure(self) -> KeyLoadError:
        seen = "".join(f"\n  {line}" for line in self._seen)
        message = (
            f"the private key {self.wanted.label} could not be found; "
            f"searched {', '.join(self.places)}; give the path of its file as secret, or, to the profile "
            f"env, as TRITON_KEY_MATERIAL. Seen:{seen}"
        )
        return NeedsPassphrase(message) if self._needs_passphrase else KeyLoadError(message)

    def _see(self, file: _File, public: PublicKey | None, problem: str) -> None:
        path = shown(str(file.public if file.private is None else file.private))
        self._seen.append(": ".join(filter(None, (path, str(public or ""), problem))))


def _wanted(key_id: str) -> _Wanted:
    if not isinstance(key_id, str):
        raise ConfigurationError(
            f"a fingerprint or the path of a public key is text, not {type(key_id).__name__}"
        )
    fingerprint = parse_fingerprint(key_id)
    if fingerprint is not None:
        md5, sha256 = fingerprint
        return _Wanted(md5 or sha256 or "", md5, sha256)
    if may_be_secret(key_id) or not ("/" in key_id or key_id.startswith("~") or _is_file(Path(key_id))):
        raise ConfigurationError(
            f"{shown(key_id)!r} is neither a fingerprint (ssh-keygen -l -f FILE prints it) nor the path of "
            "a public key"
        )
    path = _expanded(key_id)
    public = named_public_key(path)
    beside = path.with_suffix("") if path.suffix == ".pub" else path
    return _Wanted(str(public), public.md5, public.sha256, beside if _is_file(beside) else None)


def _expanded(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise ConfigurationError(f"the path of a key is text, not {type(path).__name__}")
    try:
        return expanded(os.fsdecode(path))
    except NoHomeError as error:
        problem = error.strerror
    raise KeyLoadError(f"{shown(os.fspath(path))} cannot be found: {problem}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # another user's directory
        return False


def _ssh_directory(home: Path | None) -> Path | None:
    try:
        return (home_directory() if home is None else home) / ".ssh"
    except NoHomeError:
        return None


def _files_of(directory: Path, names: list[str]) -> Iterator[_File]:
    """Yield files by smartdc-auth's rule: pairs, single ``.pub`` files, single private files by name."""
    present = set(names)
    for name in names:
        private = name.removesuffix(".pub")
        if private and private != name:
            yield _File(directory / private if private in present else None, directory / name)
        elif re.search(_LONE_NAME, name) and f"{name}.pub" not in present:
            yield _File(directory / name)
