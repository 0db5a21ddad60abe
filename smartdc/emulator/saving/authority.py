"""The certificate authority of a state directory, so that clients go on trusting it after a restart."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import trustme

from smartdc.emulator.saving.folder import STATE_FILE, StateRefused, write_whole

KEY_FILE = "ca-key.pem"
FILE = "ca.pem"


def check_files(directory: Path, key_file: Path) -> None:
    """Look at which files are there: all that belong to a state, or none of an earlier one.

    Raises:
        StateRefused: One is missing, or is there and should not be.
    """
    files = [key_file, directory / KEY_FILE, directory / FILE]
    if (directory / STATE_FILE).exists():
        for path in files:
            if not path.exists():
                raise StateRefused(f"{path} is missing: put it back, or begin with another directory")
    elif all(path.exists() for path in files):
        raise StateRefused(
            f"{directory / STATE_FILE} is missing, and key and certificate of a state are there: put it back,"
            " or remove the directory to begin anew"
        )
    elif (directory / FILE).exists() and not (directory / KEY_FILE).exists():
        raise StateRefused(f"{directory / FILE} is there already, of something else: name another directory")


def kept_authority(directory: Path, fresh: Callable[[], trustme.CA]) -> trustme.CA:
    """The one whose key and certificate are in this directory; a fresh one is put there if there is none.

    Raises:
        StateRefused: What is there is none.
        OSError: It cannot be written.
    """
    path, certificate = directory / KEY_FILE, directory / FILE
    if not path.exists():
        authority = fresh()
        write_whole(path, authority.private_key_pem.bytes() + authority.cert_pem.bytes())
        write_whole(certificate, authority.cert_pem.bytes(), 0o644)
        return authority
    data = path.read_bytes()
    try:
        authority = trustme.CA.from_pem(data, data)
    except ValueError:
        raise StateRefused(
            f"{path} is damaged (it has no certificate with its key): put a copy of it back, or begin with"
            " another directory"
        ) from None
    if not certificate.exists():
        write_whole(certificate, authority.cert_pem.bytes(), 0o644)
    elif certificate.read_bytes() != authority.cert_pem.bytes():
        raise StateRefused(
            f"{certificate} is not the certificate in {path.name}: put a copy of it back, or begin with"
            " another directory"
        )
    return authority


def remove_authority(directory: Path) -> None:
    """Remove what a start has written that failed before there was a state."""
    for name in (KEY_FILE, FILE):
        with suppress(OSError):
            (directory / name).unlink()
