"""Private keys that the unpickled objects of a process share, so that each is read and decrypted once."""

from __future__ import annotations

from collections.abc import Callable

from smartdc._files import identity_of
from smartdc._forks import RenewedLock
from smartdc._kept import Hold, Kept
from smartdc.http_signature.key_text import Passphrase
from smartdc.http_signature.keys import PrivateKey
from smartdc.http_signature.scheme import parse_fingerprint
from smartdc.http_signature.signature_reuse import OnceSigner

__all__ = ["Signers", "share_signers"]


class Signers:
    """The keys to try, once they are loaded."""

    def __init__(self) -> None:
        self._lock = RenewedLock()
        self._loaded: list[OnceSigner] = []

    def loaded(self, load: Callable[[], list[OnceSigner]]) -> list[OnceSigner]:
        """Return the keys; threads that ask at the same time wait for one load."""
        with self._lock.current:
            if not self._loaded:
                self._loaded = load()
            return self._loaded


_KNOWN = Kept[Signers]()


def share_signers(
    key_id: str,
    path: str | None,
    passphrase: Passphrase,
    searched_for: str | None,
    load: Callable[[], list[OnceSigner]],
) -> tuple[list[OnceSigner], Hold[Signers] | None]:
    """Load keys, or reuse those already loaded from the same files, and hold them.

    Keys of an agent are not shared: the agent is asked each time, since its keys may change.

    Args:
        key_id: The key id that requests will send.
        path: The file of the key.
        passphrase: A function; it is called once for all objects that share the keys.
        searched_for: What to search for in place of `path`.
        load: Loads the keys.

    Raises:
        KeyLoadError: The keys cannot be loaded. The next call tries again.
    """
    files = _files(path, searched_for)
    seen = [*map(identity_of, files)]
    if not any(seen):
        return load(), None
    hold = _KNOWN.hold((key_id, path, passphrase, searched_for, *seen), Signers)
    signers = hold.thing.loaded(load)
    if not all(isinstance(one.signer, PrivateKey) for one in signers):
        hold.release()
        return signers, None
    return signers, hold


def _files(path: str | None, searched_for: str | None) -> list[str]:
    """Return the files that keys are loaded from; a directory means the names in it."""
    if searched_for is None:
        return [] if path is None else [path]
    if parse_fingerprint(searched_for) is not None:
        return ["~/.ssh"]
    return ["~/.ssh", searched_for, searched_for.removesuffix(".pub")]
