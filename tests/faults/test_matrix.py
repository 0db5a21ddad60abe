"""Every fault x every kind of operation has the expected outcome."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smartdc import RetryPolicy, SmartDCError
from smartdc.emulator import Emulator
from tests.faults.matrix import KINDS, PAGE, READ_TIMEOUT, TROUBLES, Kind, Trouble, World, page

pytestmark = pytest.mark.stress

CELLS = [
    pytest.param(trouble, kind, times, id=f"{trouble.name}-{kind.name}-{'once' if times else 'always'}")
    for trouble in TROUBLES
    for kind in KINDS
    for times in (1, None)
]


def outcome(world: World, kind: Kind, start: int) -> str:
    """The outcome in the words of the table."""
    try:
        kind.call(world)
    except SmartDCError as error:
        return type(error).__name__
    calls = [call for call in world.cloud.calls[start:] if call.operation == kind.operation]
    if kind.name == "create" and calls[-1].fault is not None:
        return "found"
    return "done" if len(calls) == 1 else "again"


@pytest.mark.parametrize(("trouble", "kind", "times"), CELLS)
def test_a_cell(cloud: Emulator, trouble: Trouble, kind: Kind, times: int | None) -> None:
    policy = RetryPolicy() if times else RetryPolicy(attempts=3, throttled=3)
    with cloud.datacenter(retry=policy, timeout=READ_TIMEOUT) as sdc:
        world = World(cloud, sdc)
        trouble.start(world, kind.operation, times)
        seen = outcome(world, kind, len(cloud.calls))
    expected = (trouble.once if times else trouble.always).split()[KINDS.index(kind)]
    assert seen == expected
    if kind.effects is not None:
        carried_out = kind.effects(world)
        assert carried_out == 1 if seen in ("done", "again", "found") else carried_out <= 1


def test_the_page_of_the_matrix_is_up_to_date(note: Callable[[str], None]) -> None:
    assert PAGE.read_text() == page(), "write it again: python -m tests.faults.matrix"
    cells = f"{len(TROUBLES)} faults x {len(KINDS)} kinds of operations, once and always"
    note(f"fault matrix: {cells}: {len(CELLS)} cells")
