"""A restart changes no answer, and running jobs end as they would have without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartdc.emulator import Emulator
from tests.helpers.busy_cloud import answers, work
from tests.helpers.sizes import in_two_sizes

_STEPS = (4, 60)


@pytest.mark.stress
@in_two_sizes(sample=1, whole=150)
def test_a_restart_changes_nothing(size: int, tmp_path: Path) -> None:
    for seed in range(size):
        directory = tmp_path / str(seed)
        with _made(seed, directory) as cloud:
            work(cloud, seed, 60)
            before = answers(cloud)
            pending = len(cloud.site().timeline.pending())
        with _made(seed, directory) as cloud:
            assert cloud.resumed
            assert answers(cloud) == before, seed
            assert len(cloud.site().timeline.pending()) == pending, seed
            later = _later(cloud, seed)
        with _made(seed) as cloud:
            work(cloud, seed, 60)
            assert _later(cloud, seed) == later, seed


def _made(seed: int, directory: Path | None = None) -> Emulator:
    return Emulator(state_dir=directory, random_seed=seed, datacenters=["one", "two"])


def _later(cloud: Emulator, seed: int) -> list[object]:
    """The answers while jobs end, and after more work that uses the emulator's random numbers."""
    seen: list[object] = []
    for step in _STEPS:
        cloud.clock.advance(step)
        seen.append(answers(cloud))
    work(cloud, seed + 1000, 20)
    return [*seen, answers(cloud)]
