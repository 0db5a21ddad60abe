"""The ``triton`` command, run as somebody who has an emulator's key."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from smartdc import DataCenter
from smartdc.emulator import Emulator


class Triton:
    """Runs ``triton`` as somebody who has only the emulator's key, and no profile."""

    def __init__(self, command: list[str], cloud: Emulator, sdc: DataCenter, home: Path) -> None:
        self.cloud = cloud
        self.sdc = sdc
        self.home = home
        self._command = command
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(home), **cloud.environment()}

    def __call__(self, *arguments: str) -> str:
        """What it prints; the test fails when the command does."""
        done = self._run(*arguments)
        assert done.returncode == 0, f"triton {' '.join(arguments)}: {done.stderr or done.stdout}"
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """What it says when it fails."""
        done = self._run(*arguments)
        assert done.returncode != 0, f"triton {' '.join(arguments)} did not fail: {done.stdout}"
        return done.stderr

    def json(self, *arguments: str) -> Any:
        """The object that it prints."""
        return json.loads(self(*arguments))

    def lines(self, *arguments: str) -> list[Any]:
        """The objects that it prints, one in a line."""
        return [json.loads(line) for line in self(*arguments).splitlines()]

    def boot_disk_without_block_size(self, name: str) -> None:
        """Make a machine one that can be given a disk."""
        for vm in self.cloud.site().machines.values():
            if vm.alias == name:
                vm.disks[0].block_size = None

    def file(self, name: str, content: Any) -> str:
        """Path of a file for the command to read."""
        path = self.home / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """The command while it goes on."""
        command = [*self._command, *arguments]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=self._environment, text=True
        ) as running:
            try:
                yield running
            finally:
                running.kill()

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._command, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=self._environment,
        )
