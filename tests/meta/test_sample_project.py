"""A sample project: its script makes a client, and its tests run the script against the emulator."""

from __future__ import annotations

import os
import re
import sys
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from tests.meta.environments import linked
from tests.meta.test_extras import run

#: It does not know the emulator: the account and the URL come from the current profile.
SCRIPT = '''
"""Put a web server there."""
import sys

import paramiko

from smartdc import DataCenter


def deploy(name, port=22):
    with DataCenter.from_profile() as sdc:
        (image,) = sdc.images(name="base-64")
        machine = sdc.create_machine(name, package="g4-highcpu-1G", image=image)
        machine.poll_until("running")
        machine.add_tags(role="web")
        with paramiko.SSHClient() as ssh:
            ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            ssh.connect(machine.public_ips[0], port=port, username="root")
            return ssh.exec_command("hostname")[1].read().decode().strip()


if __name__ == "__main__":
    print(deploy(sys.argv[1], int(sys.argv[2])))
'''

FIXTURES = """
import subprocess, sys

import pytest

from deploy import deploy

pytestmark = pytest.mark.smartdc(ssh_port=0)

def test_deploy(smartdc_environment):
    assert deploy("web0", smartdc_environment.ssh_port) == "web0"
    assert [vm.state for vm in smartdc_environment.site().machines.values()] == ["running"]

def test_deploy_in_a_subprocess(smartdc_environment):
    command = [sys.executable, "deploy.py", "web1", str(smartdc_environment.ssh_port)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "web1\\n"
    assert [vm.alias for vm in smartdc_environment.site().machines.values()] == ["web1"]
"""

CASES = """
import unittest

from smartdc.emulator import Emulator

from deploy import deploy

class DeployTest(unittest.TestCase):
    def setUp(self):
        self.cloud = self.enterContext(Emulator(ssh_port=0).activate())

    def test_deploy(self):
        self.assertEqual(deploy("web2", self.cloud.ssh_port), "web2")
        self.assertEqual(len(self.cloud.site().machines), 1)
"""

SECONDS = 2.0
"""The seconds that each of its tests may take; more on a busy machine."""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="other systems answer on 127.0.0.1 only, not on 127.x.y.z"
)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_sample_project(wheel: Path, tmp_path: Path, processes: int) -> None:
    (tmp_path / "deploy.py").write_text(SCRIPT)
    (tmp_path / "test_fixtures.py").write_text(FIXTURES)
    (tmp_path / "test_cases.py").write_text(CASES)
    try:
        python = linked(tmp_path / "venv", wheel, ("emulator",), ["pytest-xdist"] * (processes > 1))
    except PackageNotFoundError:
        pytest.skip("not tested: the fixtures with pytest-xdist, which is not installed")
    options = ["-n", str(processes)] if processes > 1 else []
    started, used = time.monotonic(), os.times()
    done = run(python, "-m", "pytest", "--durations=0", "-vv", *options, cwd=tmp_path)
    passed, now = time.monotonic() - started, os.times()
    assert "= 3 passed in " in done.stdout, done.stdout + done.stderr
    assert done.stderr == ""
    # Elapsed time divided by CPU time: on a busy machine every test takes longer by this factor.
    busy = passed / max(
        0.1, now.children_user + now.children_system - used.children_user - used.children_system
    )
    taken = re.findall(r"^([\d.]+)s call", done.stdout, re.MULTILINE)
    assert max(map(float, taken)) < SECONDS * max(1, busy)
