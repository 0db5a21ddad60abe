"""The code and the commands of the README work."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from smartdc.emulator import Emulator

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text(encoding="utf-8") if README.exists() else ""
BLOCKS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_there_is_something_to_run() -> None:
    assert BLOCKS
    assert ">>> sdc = DataCenter(" in TEXT


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_runs_as_a_script(block: str, tmp_path: Path) -> None:
    if sys.platform != "linux" and "ssh_port" in block:
        pytest.skip("not verified: logins to emulated machines, which need Linux")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block],
        env={**os.environ, "HOME": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == [], "emulated machines left their host keys"
    assert ("print(" in block) == bool(done.stdout)


def test_the_quickstart_runs_against_the_emulator(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = [line.strip() for line in TEXT.splitlines()]
    typed = "".join(line + "\n" for line in lines if line.startswith((">>> ", "... ")))
    names: dict[str, object] = {}
    # Only Linux answers on all of 127.0.0.0/8, which logins to machines need.
    with Emulator(ssh_port=0 if sys.platform == "linux" else None) as cloud, cloud.datacenter() as sdc:
        for example in doctest.DocTestParser().get_examples(typed):
            if example.source.startswith("sdc = DataCenter("):
                # The only line that names a real data center.
                names["sdc"] = sdc
            elif cloud.ssh_port is not None or "connect_ssh" not in example.source:
                exec(compile(example.source, "README.md", "single"), names)  # noqa: S102 - our own README
        operations = [got.operation for got in cloud.calls]
        assert {"CreateMachine", "GetMachine", "DeleteMachine"} <= set(operations)
        assert {got.status for got in cloud.calls} <= {200, 201, 204}
    assert capsys.readouterr().err == ""
