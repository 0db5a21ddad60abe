"""The source of generated ids: random ones, or the same ones in each run."""

from __future__ import annotations

import random
import uuid
from functools import lru_cache
from typing import Any

from smartdc.emulator.state.directory import NAMESPACE


class Chance:
    """Draws ids and secrets.

    Args:
        seed: The same seed draws the same values, in the same order. With None they are not repeatable.
    """

    def __init__(self, seed: int | str | None = None) -> None:
        self._random = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311

    def saved(self) -> list[Any] | None:
        """Return its state as plain values; None without a seed."""
        if isinstance(self._random, random.SystemRandom):
            return None
        version, numbers, gauss = self._random.getstate()
        return [version, list(numbers), gauss]

    @classmethod
    def restored(cls, saved: list[Any] | None) -> Chance:
        """Make one that continues from a saved state."""
        chance = cls(None if saved is None else 0)
        if saved is not None:
            version, numbers, gauss = saved
            chance._random.setstate((version, tuple(numbers), gauss))
        return chance

    def uuid(self) -> str:
        """Draw a uuid."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def bytes(self, count: int) -> bytes:
        """Draw `count` bytes."""
        return self._random.randbytes(count)


@lru_cache(maxsize=1024)  # all emulators of a process need the same ones
def stable_uuid(name: str) -> str:
    """Return the uuid of this name, which is the same in every run."""
    return str(uuid.uuid5(NAMESPACE, name))
