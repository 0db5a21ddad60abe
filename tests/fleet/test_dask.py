"""The example on Dask, while one of its processes is killed between a request and its answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.sizes import SAMPLE

PROGRAM = Path(__file__).with_name("killed_process.py")
EXAMPLES = Path(__file__).parents[2] / "examples"


# The requests that follow for the machine whose request was not answered: it is looked at first, and no
# action follows if it is deleted, or stopped and about to be deleted:
# docs/cloudapi/hazards.md#action-on-a-deleted-machine.
AGAIN = {
    "UpdateMachine": [["GetMachine", 200], ["DeleteMachine", 204]],
    "DeleteMachine": [["GetMachine", 410]],
}


SIZES = [
    pytest.param("DeleteMachine", 4, id=f"DeleteMachine-{SAMPLE}"),
    *(pytest.param(name, 60, id=f"{name}-whole", marks=pytest.mark.soak) for name in AGAIN),
]


@pytest.mark.stress
@pytest.mark.parametrize(("operation", "size"), SIZES)
def test_a_process_that_is_killed_leaves_no_machine(
    note: Callable[[str], None], operation: str, size: int
) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(size), operation],
        env={**os.environ, "PYTHONPATH": str(EXAMPLES)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    note(f"Dask: {4 * size} machines, one process killed before the answer to {operation}: {report}")
    assert report["failed"] == {}
    assert report["left"] == 0
    assert report["new processes"] == 1
    assert report["violations"] == []
    assert report["deleted"] >= 4 * size
    # While it waits, single looks may come between.
    asked = [call for place, call in enumerate(report["again"]) if call not in report["again"][:place]]
    assert asked == AGAIN[operation]
