"""Where ids come from that nobody gives: random ones, or the same ones in each run."""

from __future__ import annotations

import random
import uuid
from functools import lru_cache
from typing import Any

from smartdc.emulator.state.directory import NAMESPACE


class Chance:
    """Draws ids and secrets.

    Args:
        seed: With the same seed the same are drawn, in the same order; None never repeats itself.
    """

    def __init__(self, seed: int | str | None = None) -> None:
        self._random = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311

    def saved(self) -> list[Any] | None:
        """Where it stands, as plain values; None where what it draws cannot be repeated."""
        if isinstance(self._random, random.SystemRandom):
            return None
        version, numbers, gauss = self._random.getstate()
        return [version, list(numbers), gauss]

    @classmethod
    def restored(cls, saved: list[Any] | None) -> Chance:
        """One that goes on from where another stood."""
        chance = cls(None if saved is None else 0)
        if saved is not None:
            version, numbers, gauss = saved
            chance._random.setstate((version, tuple(numbers), gauss))
        return chance

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
