"""A cache of signatures for each key in use: equal requests within one second need only one signature.

The text that is signed contains the Date, to the second. Equal texts are therefore of the same second, and a
cached signature is as good as a new one.
"""

from __future__ import annotations

import copy
import threading
from typing import NoReturn

from smartdc._forks import renew_in_children
from smartdc.http_signature.keys import PublicKey, Signer

__all__ = ["OnceSigner"]

_KEPT = 64  # texts; only those of the current second can repeat


class OnceSigner:
    """A `Signer` that calls another one only for texts that it has not signed just now.

    Threads that sign the same text at the same time wait for one signature. A failure is raised in all
    waiting threads and is not cached: one refused confirmation is not followed by thirty more prompts.

    Args:
        signer: The key.
    """

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self.renew()
        renew_in_children(self)

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self.signer.public_key

    @property
    def source(self) -> str:
        """Where the key is, for messages."""
        return self.signer.source

    def sign(self, data: bytes) -> tuple[str, bytes]:
        """The algorithm and the signature of `data`, made now or a moment ago."""
        while True:
            with self._lock:
                signing = self._signings.get(data)
                if signing is None:
                    mine = self._signings[data] = _Signing()
                    if len(self._signings) > _KEPT:
                        del self._signings[next(iter(self._signings))]
                    break
            if signing.result is None:
                with signing.finished:
                    pass
            if signing.result is not None:
                return signing.result
            if signing.error is not None:
                raise copy.copy(signing.error)  # one traceback each
            # The thread that was signing was interrupted: this one signs.
        try:
            mine.result = self.signer.sign(data)
        except BaseException as error:
            if isinstance(error, Exception):
                mine.error = error
            with self._lock:
                if self._signings.get(data) is mine:
                    del self._signings[data]
            raise
        finally:
            mine.finished.release()
        return mine.result

    def sign_ssh(self, data: bytes, algorithm: str) -> tuple[str, bytes]:
        """Sign for a login; no two logins sign the same text."""
        return self.signer.sign_ssh(data, algorithm)

    def renew(self) -> None:
        """Empty the cache; called in a forked child, where the thread that was signing does not exist."""
        self._lock = threading.Lock()
        self._signings: dict[bytes, _Signing] = {}

    def __repr__(self) -> str:
        return f"<OnceSigner {vars(self).get('signer', '')}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("signatures are not pickled, nor what makes them")


class _Signing:
    """A signature that is being made or is finished."""

    __slots__ = ("error", "finished", "result")

    def __init__(self) -> None:
        self.result: tuple[str, bytes] | None = None
        self.error: Exception | None = None
        # Held until there is a result; a Lock, because an Event costs ten times as much.
        self.finished = threading.Lock()
        self.finished.acquire()
