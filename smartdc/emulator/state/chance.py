"""Where ids come from that nobody gives: random ones, or the same ones in each run."""

from __future__ import annotations

import random
import uuid
from functools import lru_cache

from smartdc.emulator.state.directory import NAMESPACE


class Chance:
    """Draws ids and secrets.

    Args:
        seed: With the same seed the same are drawn, in the same order; None never repeats itself.
    """

    def __init__(self, seed: int | str | None = None) -> None:
        self._random = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311

    def uuid(self) -> str:
        """A uuid."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def bytes(self, count: int) -> bytes:
        """So many bytes."""
        return self._random.randbytes(count)


@lru_cache(maxsize=1024)  # each emulator of a process asks for the same ones
def stable_uuid(name: str) -> str:
    """The same uuid for the same thing, in every run."""
    return str(uuid.uuid5(NAMESPACE, name))
