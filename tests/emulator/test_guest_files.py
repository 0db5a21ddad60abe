"""Copying files into and out of an emulated machine: standard input, SFTP, and OpenSSH's scp."""

from __future__ import annotations

import gc
import inspect
import logging
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import paramiko
import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.guest.sftp import Files

from .test_ssh import login, run, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8")

BINARY = bytes(range(256)) * 300 + b"\xc3"  # not UTF-8, more than a packet, and ends within a character


@pytest.fixture(scope="module")
def cloud() -> Iterator[Emulator]:
    with Emulator(ssh_port=0) as cloud:
        yield cloud


@pytest.fixture
def address(cloud: Emulator) -> Iterator[str]:
    cloud.unsupported.clear()
    yield cloud.site().add_machine(name="vm").nics[0].ip
    cloud.unsupported.clear()


@pytest.fixture
def client(cloud: Emulator, address: str) -> Iterator[paramiko.SSHClient]:
    with login(cloud, address) as client:
        yield client


def test_standard_input_becomes_a_file(cloud: Emulator, client: paramiko.SSHClient) -> None:
    stdin, stdout, _ = client.exec_command("cat > f; wc -c f; cat f", timeout=10)
    stdin.write(BINARY)
    stdin.channel.shutdown_write()
    assert stdout.read() == f"{len(BINARY)} f\n".encode() + BINARY
    assert stdout.channel.recv_exit_status() == 0
    assert cloud.unsupported == []


def test_a_command_that_reads_nothing_does_not_wait_for_input(client: paramiko.SSHClient) -> None:
    _, stdout, _ = client.exec_command("hostname; false || echo on; exit 3", timeout=10)
    assert stdout.readlines()[1:] == ["on\n"]
    assert stdout.channel.recv_exit_status() == 3


def test_output_comes_before_the_command_waits_for_input(client: paramiko.SSHClient) -> None:
    stdin, stdout, _ = client.exec_command("echo ready; cat", timeout=10)
    assert stdout.readline() == "ready\n"
    stdin.write("late")
    stdin.channel.shutdown_write()
    assert stdout.read() == b"late"


def test_many_commands_wait_for_input_at_once(
    client: paramiko.SSHClient, cloud: Emulator, address: str
) -> None:
    waiting = [client.exec_command("cat", timeout=10) for _ in range(9)]
    with login(cloud, address) as other:
        assert run(other, "echo on") == ("on\n", "", 0)
    for stdin, stdout, _ in waiting:
        stdin.channel.shutdown_write()
        assert stdout.read() == b""


def test_a_client_that_leaves_while_its_command_waits(
    cloud: Emulator, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    with login(cloud, address) as client:
        client.exec_command("cat > f; echo end", timeout=10)
        client.invoke_shell().sendall(b"hostname\n" * 50)
    with login(cloud, address) as client:
        assert run(client, "hostname") == ("vm\n", "", 0)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_sftp(cloud: Emulator, client: paramiko.SSHClient, tmp_path: Path) -> None:
    (tmp_path / "local").write_bytes(BINARY)
    with client.open_sftp() as sftp:
        assert sftp.normalize(".") == "/home/admin"
        attributes = sftp.put(str(tmp_path / "local"), "f")
        assert attributes.st_size == len(BINARY)
        sftp.get("f", str(tmp_path / "back"))
        sftp.mkdir("d")
        sftp.rename("f", "d/g")
        assert sftp.listdir("d") == ["g"]
        assert [stat.S_ISDIR(entry.st_mode or 0) for entry in sftp.listdir_attr()] == [True]
        with sftp.open("d/g", "r+") as file:
            file.seek(1)
            file.write(b"xy")
            file.truncate(4)
        with sftp.open("d/g", "a") as file:
            file.write(b"end")
        with sftp.open("d/g") as file:
            assert file.read() == b"\0xy\x03end"
        with sftp.open("hole", "w") as file:
            file.seek(3)
            file.write(b"x")
        assert run(client, "cat hole")[0] == "\0\0\0x"
        sftp.truncate("hole", 1)
        assert sftp.stat("hole").st_size == 1
        sftp.remove("hole")
        sftp.posix_rename("d", "e")
        sftp.remove("e/g")
        sftp.rmdir("e")
        assert sftp.listdir() == []
    assert (tmp_path / "back").read_bytes() == BINARY
    assert cloud.unsupported == []


def test_sftp_errors_are_those_of_a_real_system(client: paramiko.SSHClient) -> None:
    run(client, "mkdir d; touch f d/f")
    with client.open_sftp() as sftp:
        for method in ("stat", "lstat", "open", "remove", "rmdir", "listdir"):
            with pytest.raises(FileNotFoundError):
                getattr(sftp, method)("gone")
        with pytest.raises(FileNotFoundError):
            sftp.open("gone/f", "w")
        for method, names in (("rmdir", ["d"]), ("mkdir", ["d"]), ("rename", ["f", "d/f"])):
            with pytest.raises(OSError, match=r"exist|empty"):
                getattr(sftp, method)(*names)
        with pytest.raises(OSError, match="Is a directory"):
            sftp.open("d", "w")
        with pytest.raises(OSError, match="File exists"):
            sftp.open("f", "wx")


def test_sftp_of_system_files_is_refused(cloud: Emulator, client: paramiko.SSHClient) -> None:
    run(client, "touch f")
    with client.open_sftp() as sftp:
        with pytest.raises(OSError, match="/etc/passwd: the system's own files: not supported"):
            sftp.open("/etc/passwd")
        with pytest.raises(OSError, match="not supported"):
            sftp.symlink("a", "b")
        for refused in (
            lambda: sftp.open("/etc/motd", "w"),
            lambda: sftp.open("/etc/motd", "a"),
            lambda: sftp.listdir("/etc"),
            lambda: sftp.mkdir("/usr/x"),
            lambda: sftp.rmdir("/etc"),
            lambda: sftp.rename("f", "/etc/motd"),
            lambda: sftp.posix_rename("f", "/etc/motd"),
            lambda: sftp.posix_rename("/etc", "x"),
            lambda: sftp.remove("/etc/motd"),
            lambda: sftp.open("/dev/stdout", "w"),
        ):
            with pytest.raises(OSError, match="not supported on an emulated machine"):
                refused()
    assert run(client, "ls") == ("f\n", "", 0)
    assert [entry.partition(": ")[2] for entry in cloud.unsupported] == [
        "/etc/passwd: the system's own files",
        "SFTP symlink",
        *["/etc/motd: the system's own files"] * 2,
        "/etc: the system's own files",
        "/usr/x: the system's own files",
        "/etc: the system's own files",
        *["/etc/motd: the system's own files"] * 2,
        "/etc: the system's own files",
        "/etc/motd: the system's own files",
        "/dev/stdout: devices other than /dev/null",
    ]


def test_no_method_of_the_sftp_server_reaches_the_real_files() -> None:
    harmless = {"channel", "connection", "convert_attrs", "env", "format_group", "format_longname"}
    harmless |= {"format_user", "logger", "reverse_map_path"}
    offered = {name for name, _ in inspect.getmembers(asyncssh.SFTPServer) if not name.startswith("_")}
    assert offered - harmless <= set(vars(Files))


@pytest.mark.skipif(shutil.which("scp") is None, reason="not tested: scp is not installed")
@pytest.mark.parametrize("flags", [[], ["-O"]], ids=["by SFTP", "by its old protocol"])
def test_scp(cloud: Emulator, address: str, tmp_path: Path, flags: list[str]) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").write_bytes(BINARY)
    options = ["-r", "-q", "-P", str(cloud.ssh_port), "-i", str(cloud.key_file), "-F", "none"]
    options += [
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "LogLevel=ERROR",
    ]
    for source, target in (
        (str(tmp_path / "d"), f"admin@{address}:up"),
        (f"admin@{address}:up", str(tmp_path / "back")),
    ):
        subprocess.run(["scp", *flags, *options, source, target], check=True, timeout=30, capture_output=True)
    assert (tmp_path / "back" / "f").read_bytes() == BINARY
    with login(cloud, address) as client:
        assert run(client, "ls up; wc -c up/f") == (f"f\n{len(BINARY)} up/f\n", "", 0)
    assert cloud.unsupported == []


def test_a_cloud_that_stops_while_a_command_waits_leaves_no_thread(recwarn: pytest.WarningsRecorder) -> None:
    threads = set(threading.enumerate())
    with Emulator(ssh_port=0) as cloud:
        address = cloud.site().add_machine().nics[0].ip
        with login(cloud, address) as client:
            for _ in range(3):
                _, stdout, _ = client.exec_command("echo on; cat > f; echo never > g", timeout=10)
                assert stdout.readline() == "on\n"
            cloud.stop()
    wait_for(lambda: set(threading.enumerate()) <= threads)
    gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


def test_a_login_ends_with_exit_and_its_status(client: paramiko.SSHClient) -> None:
    with client.invoke_shell() as channel:
        channel.sendall(b"cd /tmp; X=1\necho caf\xc3\xa9 > \xff\ncat gone 2> /dev/null\nexit 4\n")
        assert channel.recv_exit_status() == 4
    _, stdout, _ = client.exec_command("ls /tmp; echo caf\u00e9", timeout=10)
    assert stdout.read() == b"\xff\ncaf\xc3\xa9\n"
