"""Real sshd processes, at addresses of the loopback, as this user."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from smartdc.emulator.http import server
from tests.helpers.keys import run

__all__ = ["SSHD", "StartSSHD", "start_sshd"]

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
_PRIVILEGE_SEPARATION = Path("/run/sshd")


@dataclass(frozen=True)
class RunningSSHD:
    """One sshd.

    Attributes:
        port: Where it listens.
        host_key: The SHA256 fingerprint of its host key.
        user: Who can log in.
        directory: The directory of its files; the host key is ``host_key_KIND``.
    """

    port: int
    host_key: str
    user: str
    directory: Path


StartSSHD = Callable[..., RunningSSHD]


@pytest.fixture
def start_sshd(tmp_path: Path) -> Iterator[StartSSHD]:
    """Starts sshd; all of them end with the test."""
    if SSHD is None:
        pytest.skip("not tested: logins to OpenSSH's own server (sshd is not installed)")
    if os.getuid() == 0:
        _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)  # Debian's service makes it
    with ExitStack() as stack:

        def start(
            *public: str,
            address: str = "127.0.0.1",
            host_key: str = "ed25519",
            options: str = "",
            port: int = 0,
        ) -> RunningSSHD:
            directory = tmp_path / f"sshd{len(list(tmp_path.iterdir()))}"
            directory.mkdir()
            return stack.enter_context(_sshd(directory, public, address, host_key, options, port))

        yield start


@contextmanager
def _sshd(
    directory: Path, public: tuple[str, ...], address: str, host_key: str, options: str, port: int
) -> Iterator[RunningSSHD]:
    kinds = host_key.split()
    for kind in kinds:
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(directory / f"host_key_{kind}"))
    keys = directory / "authorized_keys"
    keys.write_text("\n".join(public) + "\n")
    port = port or server.free_port(address)
    config = directory / "config"
    lines = [
        f"AuthorizedKeysFile {keys}",
        f"ListenAddress {f'[{address}]' if ':' in address else address}:{port}",
        f"PidFile {directory / 'pid'}",
        "StrictModes no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "LogLevel VERBOSE",
        *(f"HostKey {directory / f'host_key_{kind}'}" for kind in kinds),
        options,
    ]
    config.write_text("\n".join(lines) + "\n")
    run(str(SSHD), "-t", "-f", str(config))
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(SSHD), "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stderr=log, stdout=log
        )
    try:
        _wait_for(address, port, process)
        listing = run("ssh-keygen", "-l", "-f", str(directory / f"host_key_{kinds[0]}.pub"))
        yield RunningSSHD(port, listing.split()[1], getpass.getuser(), directory)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(address: str, port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until it listens: it says so in its log only."""
    for _ in range(500):
        assert process.poll() is None, "sshd has ended"
        try:
            socket.create_connection((address, port), 1).close()
        except OSError:
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
        else:
            return
    raise AssertionError("sshd does not listen")
