"""A forked child that ends does not close what its parent has open."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
import gc, os, sys, warnings
from smartdc.emulator import Emulator

warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks while threads run
with Emulator() as cloud, cloud.datacenter() as sdc:
    machine = sdc.machine(cloud.site().add_machine("web").uuid)
    with sdc.changefeed() as feed:
        child = os.fork()
        if child == 0:
            {end}
        assert os.waitpid(child, 0)[1] == 0
        assert cloud.key_file.exists()
        machine.stop()
        cloud.clock.advance(5)
        print(feed.receive(10)["resourceState"], len(sdc.keys()))
"""

ENDS = {
    "sys.exit": "sys.exit(0)",
    "closing": "feed.close(); cloud.stop(); os._exit(0)",
    "garbage": "del feed, sdc, cloud; gc.collect(); os._exit(0)",
    "reading": "assert list(feed) == []; sys.exit(0)",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_child_that_ends_closes_nothing_of_its_parent(end: str) -> None:
    # sys.exit closed the parent's change feed, and removed the files of its running Emulator.
    script = textwrap.dedent(SCRIPT).format(end=end)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("stopping 1\n", "")
