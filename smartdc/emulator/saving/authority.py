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
    """Check that the directory has all files of a state, or none.

    Raises:
        StateRefused: A file is missing, or belongs to something else.
    """
    files = [key_file, directory / KEY_FILE, directory / FILE]
    if (directory / STATE_FILE).exists():
        for path in files:
            if not path.exists():
                raise StateRefused(f"{path} is missing: put it back, or use another directory")
    elif all(path.exists() for path in files):
        raise StateRefused(
            f"{directory / STATE_FILE} is missing, and key and certificate of a state are there: put it back,"
            " or remove the directory to start afresh"
        )
    elif (directory / FILE).exists() and not (directory / KEY_FILE).exists():
        raise StateRefused(f"{directory / FILE} exists and belongs to something else: name another directory")


def load_authority(directory: Path, fresh: Callable[[], trustme.CA]) -> trustme.CA:
    """Load the certificate authority of this directory; if there is none, make one and write it there.

    Raises:
        StateRefused: Its files do not hold a certificate authority.
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
            f"{path} is damaged (it has no certificate with its key): restore it from a copy, or use"
            " another directory"
        ) from None
    if not certificate.exists():
        write_whole(certificate, authority.cert_pem.bytes(), 0o644)
    elif certificate.read_bytes() != authority.cert_pem.bytes():
        raise StateRefused(
            f"{certificate} is not the certificate in {path.name}: restore it from a copy, or use"
            " another directory"
        )
    return authority


def remove_authority(directory: Path) -> None:
    """Remove the authority that a start wrote before it failed without saving a state."""
    for name in (KEY_FILE, FILE):
        with suppress(OSError):
            (directory / name).unlink()
