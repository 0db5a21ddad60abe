"""The host keys of machines: pinned at the first login, by the machine's uuid.

They are in a file that OpenSSH reads as well (``ssh -o HostKeyAlias=UUID -o UserKnownHostsFile=FILE``). The
file has no addresses, because another machine may get an address later. Patterns and markers in a file from
elsewhere are honoured (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT", https://man.openbsd.org/sshd.8).
"""

from __future__ import annotations

import base64
import fcntl
import hmac
import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from smartdc._files import NotRegularError, TooLargeError, expanded, home_directory, read_small_file
from smartdc._secrets import shown
from smartdc.errors import LoginFailed
from smartdc.http_signature.keys import PublicKey

__all__ = ["HostKeys"]

_MOST = 64 * 1024 * 1024  # enough for half a million machines
_REVOKED, _AUTHORITY = "@revoked", "@cert-authority"
_REMEDY = "give known_hosts=FILE for another file, or known_hosts=False to check no host key"


class HostKeys:
    """A file of host keys. Threads and processes may use it at the same time.

    Args:
        path: The file; None takes ``$SMARTDC_KNOWN_HOSTS``, else ``smartdc/known_hosts`` in
            ``$XDG_STATE_HOME`` or ``~/.local/state``.

    Attributes:
        path: The file.

    Raises:
        LoginFailed: There is no home directory for the file.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        try:
            # If the path is a symbolic link, its target is replaced, not the link.
            self.path: Path = Path(os.path.realpath(_default_path() if path is None else expanded(path)))
        except OSError as error:
            raise LoginFailed(f"no file for the host keys: {error.strerror}; {_REMEDY}") from error

    def keys_of(self, uuid: str) -> list[PublicKey]:
        """Return the keys of a machine; none before its first login.

        Raises:
            LoginFailed: The file cannot be read, its line for this machine is damaged, or all keys are
                revoked.
        """
        return self._valid(self._read(), uuid)

    def refuse_revoked(self, uuid: str, key: PublicKey) -> None:
        """Refuse a key that a machine shows, if it is revoked.

        Raises:
            LoginFailed: The key is revoked, or the file cannot be read.
        """
        self._refuse_revoked(self._read(), uuid, key)

    def pin(self, uuid: str, key: PublicKey) -> list[PublicKey]:
        """Save the key of a machine, unless another login has saved one meanwhile.

        Returns:
            The keys of the machine from now on.

        Raises:
            LoginFailed: The file cannot be read or written, or the key is revoked.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked():
                data = self._read()
                if known := self._valid(data, uuid):
                    return known
                self._refuse_revoked(data, uuid, key)
                separator = b"" if not data or data.endswith(b"\n") else b"\n"
                self._replace(data + separator + f"{uuid} {key.openssh}\n".encode())
        except OSError as error:
            raise self._refused(f"cannot be written ({error.strerror})") from error
        return [key]

    def removal_command(self, uuid: str) -> str:
        """Return the command that removes the keys of a machine."""
        return f"ssh-keygen -R {uuid} -f {shlex.quote(str(self))}"

    def __str__(self) -> str:
        return shown(str(vars(self).get("path", "known_hosts")))

    def _valid(self, data: bytes, uuid: str) -> list[PublicKey]:
        """Return the keys of a machine that are not revoked."""
        found = list(self._keys_in(data, uuid))
        known = [key for _, revoked, key in found if not revoked]
        lines = {key: number for number, revoked, key in found if revoked}
        valid = [key for key in known if key not in lines]
        if known and not valid:
            remedy = f"if the machine has a new key, remove the old one: {self.removal_command(uuid)}"
            raise self._revoked(uuid, known[0], lines[known[0]], remedy)
        return valid

    def _refuse_revoked(self, data: bytes, uuid: str, key: PublicKey) -> None:
        for number, revoked, each in self._keys_in(data, uuid):
            if revoked and each == key:
                raise self._revoked(uuid, key, number, "log in when the machine has a new host key")

    def _revoked(self, uuid: str, key: PublicKey, number: int, remedy: str) -> LoginFailed:
        return LoginFailed(
            f"the host key of machine {uuid}, {key.sha256}, is revoked in {self}, line {number}: "
            f"something else may answer in its place\n{remedy}"
        )

    def _keys_in(self, data: bytes, uuid: str) -> Iterator[tuple[int, bool, PublicKey]]:
        """Iterate over the keys of a machine: number of the line, whether it is revoked, key."""
        for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
            marker, names, key = _parts(line)
            if marker == _AUTHORITY or not _matches_names(names, uuid):  # machines show no certificates
                continue
            if marker not in ("", _REVOKED):
                raise LoginFailed(
                    f"{self}, line {number}, has the marker {shown(marker[:40])!r}, which is not known: "
                    f"OpenSSH knows {_REVOKED} and {_AUTHORITY}"
                )
            try:
                found = PublicKey.from_text(key)
            except ValueError as error:
                remedy = "remove the line if you trust the machine's key of today"
                raise LoginFailed(
                    f"{self}, line {number}, is not a host key of machine {uuid}: {remedy}"
                ) from error
            yield number, marker == _REVOKED, found

    def _read(self) -> bytes:
        try:
            return read_small_file(self.path, _MOST)
        except FileNotFoundError:
            return b""
        except NotRegularError as error:
            raise self._refused(str(error)) from error
        except TooLargeError as error:
            raise self._refused(f"is larger than {_MOST >> 20} MiB") from error
        except OSError as error:
            raise self._refused(f"cannot be read ({error.strerror})") from error

    def _replace(self, data: bytes) -> None:
        """Replace the file in one step: others read the old one until then."""
        descriptor, name = tempfile.mkstemp(prefix=f".{self.path.name}-", dir=self.path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock, which is a separate file, because this one is replaced."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self.path.with_name(f"{self.path.name}.lock"), flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _refused(self, problem: str) -> LoginFailed:
        return LoginFailed(f"the file of host keys {self} {problem}: {_REMEDY}")


def _default_path() -> Path:
    if named := os.environ.get("SMARTDC_KNOWN_HOSTS"):
        return expanded(named)
    state = os.environ.get("XDG_STATE_HOME", "")  # XDG ignores a relative path
    parent = Path(state) if Path(state).is_absolute() else home_directory() / ".local" / "state"
    return parent / "smartdc" / "known_hosts"


def _parts(line: str) -> tuple[str, str, str]:
    """Return the marker, the names and the key of a line; empty text for a missing one."""
    first, *rest = line.split(None, 1) or [""]
    if first.startswith("#"):
        return "", "", ""
    marker = first if first.startswith("@") else ""
    if marker:
        first, *rest = "".join(rest).split(None, 1) or [""]
    return marker, first, "".join(rest)


def _matches_names(names: str, uuid: str) -> bool:
    """Whether the names of a line, which may be patterns, match a machine."""
    if names.startswith("|"):
        return _is_hash_of(names, uuid)
    patterns = names.lower().split(",")
    if any(_matches_pattern(pattern[1:], uuid) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(_matches_pattern(pattern, uuid) for pattern in patterns)


def _matches_pattern(pattern: str, uuid: str) -> bool:
    if "*" in pattern or "?" in pattern:
        return fnmatchcase(uuid, pattern.replace("[", "[[]"))  # OpenSSH has no [...] in patterns
    return pattern == uuid


def _is_hash_of(names: str, uuid: str) -> bool:
    """Whether the names are the hash of this uuid, as written by ``ssh-keygen -H``."""
    match names.split("|"):
        case ["", "1", salt, digest]:
            try:
                computed = hmac.digest(base64.b64decode(salt), uuid.encode(), "sha1")
            except ValueError:
                return False
            return base64.b64encode(computed).decode() == digest
    return False
