"""The ``triton`` command, run with the key of an emulator."""

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
from tests.interop.npm import NodeModules, NodeProcess

_SECONDS = 60.0


class Triton:
    """Runs ``triton`` with the emulator's key and without a profile.

    Node takes longer to load the command than the command works, so each process of Node runs many.
    """

    def __init__(self, modules: NodeModules, cloud: Emulator, sdc: DataCenter, home: Path) -> None:
        self.cloud = cloud
        self.sdc = sdc
        self.home = home
        self._command = [modules.node, str(modules.path / "triton" / "bin" / "triton")]
        self._modules = modules
        self._idle: list[NodeProcess] = []
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(home), **cloud.environment()}

    def __call__(self, *arguments: str) -> str:
        """What it prints; the test fails when the command does."""
        done = self._run(*arguments)
        assert done.returncode == 0, f"triton {' '.join(arguments)}: {done.stderr or done.stdout}"
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """The error message of a command that must fail."""
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
        """Remove the block size of a machine's boot disk, so that a disk can be added."""
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
        """The command while it runs."""
        command = [*self._command, *arguments]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=self._environment, text=True
        ) as running:
            try:
                yield running
            finally:
                running.kill()

    def close(self) -> None:
        """End the processes."""
        for process in self._idle:
            process.close()

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        if arguments[0] == "ssh":  # it needs the input and output of the command's process
            return subprocess.run(
                [*self._command, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
                env=self._environment,
            )
        process = self._idle.pop() if self._idle else self._start()
        done = process.ask(arguments)
        self._idle.append(process)
        return subprocess.CompletedProcess(arguments, done["status"], done["stdout"], done["stderr"])

    def _start(self) -> NodeProcess:
        folder = str(self._modules.path)
        return NodeProcess(self._modules, "run_triton.js", folder, environment=self._environment)
