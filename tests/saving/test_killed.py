"""After ``kill -9`` at any moment the state is intact, and at most 5 s old."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from smartdc import DataCenter, TransportError
from smartdc.emulator import Emulator
from tests.helpers.sizes import in_two_sizes

_COMMAND = [sys.executable, "-m", "smartdc.emulator", "--datacenter", "one", "--quiet", "--state-dir"]
_OLDEST = 5.0


class _Writer(threading.Thread):
    """Creates policies one after the other until the emulator is killed; records when each was answered."""

    def __init__(self, sdc: DataCenter, first: int) -> None:
        super().__init__(daemon=True)
        self._sdc = sdc
        self._first = first
        self.answered: dict[str, float] = {}

    def run(self) -> None:
        number = self._first
        try:
            while True:
                rules = [f"CAN getmachine {'x' * 500}"]
                self._sdc.request("POST", "/policies", data={"name": f"p{number}", "rules": rules})
                self.answered[f"p{number}"] = time.monotonic()
                number += 1
        except TransportError:
            pass


@pytest.mark.stress
@in_two_sizes(sample=3, whole=20)
def test_killed_while_writing(size: int, tmp_path: Path) -> None:
    chosen = random.Random(size)  # noqa: S311
    longest = 3 if size == 3 else 12
    saved: list[str] = []
    written = 0
    for turn in range(size):
        with subprocess.Popen([*_COMMAND, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                url = process.stdout.readline().split()[-1]
                while process.stdout.readline().strip() != "# Ctrl-C stops it":
                    pass
                # The key, the certificate and the port are the same as at the first start.
                sdc = DataCenter(
                    url,
                    key_id="/test/keys/test_key",
                    secret=str(tmp_path / "id_ed25519"),
                    verify=str(tmp_path / "ca.pem"),
                    retry="none",
                )
                assert [policy["name"] for policy in sdc.policies()] == saved
                writer = _Writer(sdc, len(saved))
                writer.start()
                time.sleep(chosen.uniform(0.1, longest))
            finally:
                process.kill()
                killed = time.monotonic()
        writer.join()
        sdc.close()
        cloud = Emulator(state_dir=tmp_path)
        found = [policy.name for policy in cloud.account.access.policies]
        cloud.stop()
        assert found == [f"p{number}" for number in range(len(found))], turn
        assert found[: len(saved)] == saved
        for name, when in writer.answered.items():
            assert name in found or killed - when < _OLDEST, (turn, name)
        saved = found
        written += len(writer.answered)
    assert written > (2000 if size == 20 else 20)  # a busy host writes few in this time
