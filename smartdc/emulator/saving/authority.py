"""The certificate authority of a state directory, so that clients go on trusting it after a restart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import trustme

from smartdc.emulator.saving.folder import StateRefused, write_whole

FILE = "ca-key.pem"


def kept_authority(directory: Path, fresh: Callable[[], trustme.CA]) -> trustme.CA:
    """The one whose key and certificate are in this directory; a fresh one is put there if there is none.

    Raises:
        StateRefused: What is there is none.
        OSError: It cannot be written.
    """
    path = directory / FILE
    if not path.exists():
        authority = fresh()
        write_whole(path, authority.private_key_pem.bytes() + authority.cert_pem.bytes())
        return authority
    data = path.read_bytes()
    try:
        return trustme.CA.from_pem(data, data)
    except ValueError:
        raise StateRefused(
            f"{path} is damaged (it has no certificate with its key): put a copy of it back, or move it away"
            " to begin with a new certificate"
        ) from None
