"""The example on Dask, while one of its processes is killed between a request and its answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.sizes import in_two_sizes

PROGRAM = Path(__file__).with_name("killed_process.py")
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.stress
@in_two_sizes(sample=6, whole=60)
def test_a_process_that_is_killed_leaves_no_machine(note: Callable[[str], None], size: int) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(size)],
        env={**os.environ, "PYTHONPATH": str(EXAMPLES)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    note(f"Dask: {4 * size} machines, one process killed: {report}")
    assert report["failed"] == {}
    assert report["left"] == 0
    assert report["new processes"] == 1
    # What the process that died had asked for, answered or not, its task asks for once more.
    assert report["stopped twice"] + report["again"] >= 1
    # No action on a machine that is deleted: docs/cloudapi/hazards.md#action-on-a-deleted-machine.
    assert report["violations"] == []
    assert report["deleted"] >= 4 * size
