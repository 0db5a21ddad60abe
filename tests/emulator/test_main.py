"""``python -m smartdc.emulator``: clients work with the settings that it prints, and it ends on a signal."""

from __future__ import annotations

import errno
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import paramiko
import pytest
import requests

from smartdc import APIError, DataCenter, Machine
from smartdc.emulator.__main__ import main

COMMAND = [sys.executable, "-W", "error", "-u", "-m", "smartdc.emulator"]
LAST_LINE = "# Ctrl-C stops it\n"


class Printed:
    """The output of the command when it is ready."""

    def __init__(self, lines: list[str]) -> None:
        assert lines[-1] == LAST_LINE, lines
        self.text = "".join(lines)
        self.sites = dict(re.findall(r"^# (\S+): (https://.+)$", self.text, re.MULTILINE))
        self.exports = dict(re.findall(r"^export (\w+)=(.*)$", self.text, re.MULTILINE))

    def pasted(self) -> dict[str, str]:
        """The environment of a shell into which the output was pasted."""
        done = subprocess.run(
            ["env", "-i", "sh", "-euc", f"{self.text}\nenv -0"], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        pairs = (entry.partition("=") for entry in done.stdout.split("\0") if entry)
        return {name: value for name, _, value in pairs}

    def client(self, **options: object) -> DataCenter:
        """A client that is configured by the printed variables alone."""
        variables = self.pasted()
        arguments = {
            "location": variables["TRITON_URL"],
            "key_id": f"/{variables['TRITON_ACCOUNT']}/keys/{variables['TRITON_KEY_ID']}",
            "secret": variables["TRITON_KEY_MATERIAL"],
            "verify": variables["NODE_EXTRA_CA_CERTS"],
        }
        return DataCenter(**(arguments | options))  # type: ignore[arg-type]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[Printed, subprocess.Popen[str]]]:
    """Run the command in a subprocess, which ends with the test."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *arguments], stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield Printed(_until_ready(process.stdout)), process
        finally:
            process.kill()


def _until_ready(stdout: object) -> list[str]:
    lines = []
    for line in stdout:  # type: ignore[attr-defined]
        lines.append(line)
        if line == LAST_LINE:
            break
    return lines


def in_this_process(use: Callable[[Printed], None], *arguments: str, end: int = signal.SIGTERM) -> int:
    """Call `main`; another thread calls `use` when it is ready, and then sends this process the signal."""
    reading, writing = os.pipe()
    failures: list[BaseException] = []

    def drive(lines: object) -> None:
        printed = _until_ready(lines)
        if LAST_LINE not in printed:
            return  # `main` has ended: the signal would end the tests
        try:
            use(Printed(printed))
        except BaseException as failure:
            failures.append(failure)
        finally:
            os.kill(os.getpid(), end)

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with open(reading) as lines:  # noqa: PTH123 - a pipe
        thread = threading.Thread(target=drive, args=(lines,))
        thread.start()
        with open(writing, "w") as out, redirect_stdout(out):  # noqa: PTH123 - a pipe
            status = main(list(arguments))
        thread.join()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    if failures:
        raise failures[0]
    return status


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_as_a_program(end: signal.Signals) -> None:
    with running() as (printed, process):
        assert list(printed.sites) == ["us-sw-1", "us-east-1", "eu-ams-1"]
        directory = Path(printed.pasted()["TRITON_KEY_MATERIAL"]).parent
        assert directory.is_dir()
        with printed.client() as sdc:
            assert sdc.account()["login"] == "test"
            assert sdc.datacenters() == printed.sites
        process.send_signal(end)
        out, errors = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    first, second, *rest = errors.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d us-sw-1: GET /my -> 200", first)
    assert second.endswith(" us-sw-1: GET /test/datacenters -> 200")
    assert rest == ["2 requests:", "  1 GetAccount", "  1 ListDatacenters"]
    assert not directory.exists()


def test_a_closed_terminal_saves_the_state(tmp_path: Path) -> None:
    with running("--quiet", "--state-dir", str(tmp_path)) as (printed, process):
        with printed.client() as sdc:
            sdc.request(
                "POST", "/users", data={"login": "bob", "email": "b@x.example", "password": "abc1234"}
            )
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert '"bob"' in (tmp_path / "state.json").read_text()


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
def test_closed_streams(tmp_path: Path) -> None:
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        directory = tmp_path / closed.replace("&", "")
        command = shlex.join([*COMMAND, "--state-dir", str(directory)])
        with subprocess.Popen(
            ["sh", "-c", f"exec {command} {closed}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                end = time.monotonic() + 20
                while not (directory / "state.json").exists():
                    assert process.poll() is None, process.communicate()
                    assert time.monotonic() < end
                    time.sleep(0.05)
                process.send_signal(signal.SIGTERM)
                _, errors = process.communicate(timeout=20)
            finally:
                process.kill()
        assert (process.returncode, errors) == (0, "")


def test_it_prints_violations_at_the_end() -> None:
    with running("--quiet") as (printed, process):
        with printed.client() as sdc:
            sdc.machines()
            with pytest.raises(APIError):
                sdc.request("POST", "/images", data={"action": "bogus"})
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    first, second, title, violation = errors.splitlines()
    assert first.startswith("us-sw-1: GET /my/machines")
    assert second == "us-sw-1: POST /my/images -> 409 InvalidArgument"
    assert title == "this would have harmed a real server:"
    assert "this action gets no answer" in violation


def test_the_printed_variables_and_calls_work() -> None:
    def use(printed: Printed) -> None:
        names = [f"{prefix}_{name}" for name in ("URL", "ACCOUNT", "KEY_ID") for prefix in ("TRITON", "SDC")]
        material = ["TRITON_KEY_MATERIAL", "SDC_KEY_MATERIAL"]
        ours = ["SMARTDC_CA_FILE", "SMARTDC_KNOWN_HOSTS", "TRITON_PROFILE"]
        # SSL_CERT_FILE and REQUESTS_CA_BUNDLE are not printed: they replace all authorities of the shell.
        assert sorted(printed.exports) == sorted([*names, *material, *ours, "NODE_EXTRA_CA_CERTS"])
        variables = printed.pasted()
        assert set(printed.exports) <= set(variables)
        authority = variables["NODE_EXTRA_CA_CERTS"]
        assert f"for clients that take one as an option: {authority}\n" in printed.text
        assert "# machines" not in printed.text
        assert f"ssh-add {variables['TRITON_KEY_MATERIAL']}\n" in printed.text
        # The line for Python is Python.
        call = re.search(r"^# in Python: .*, or (DataCenter\(.+\))$", printed.text, re.MULTILINE)
        assert call is not None
        with eval(call.group(1), {"DataCenter": DataCenter}) as sdc:  # noqa: S307 - printed by us
            assert sdc.base_url == variables["TRITON_URL"]
            assert sdc.account()["login"] == "test"

    assert in_this_process(use, end=signal.SIGINT) == 0


def test_options(free_port: int) -> None:
    def use(printed: Printed) -> None:
        assert printed.sites == {"far": f"https://127.0.0.1:{free_port}"}
        variables = printed.pasted()
        assert (variables["TRITON_ACCOUNT"], variables["SDC_ACCOUNT"]) == ("ops@acme", "ops@acme")
        with printed.client() as sdc:
            assert sdc.account()["login"] == "ops@acme"
            machine = make(sdc)
            machine.poll_until("running", interval=0.01, timeout=20)
            login = re.search(r"^# machines: ssh -p (\d+) -i (\S+) admin@", printed.text, re.MULTILINE)
            assert login is not None
            with paramiko.SSHClient() as client:
                client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
                client.connect(
                    machine.public_ips[0],
                    port=int(login.group(1)),
                    username="admin",
                    key_filename=login.group(2),
                    allow_agent=False,
                    look_for_keys=False,
                )
                assert client.exec_command("hostname")[1].read() == b"web0\n"

    options = ["--account", "ops@acme", "--datacenter", "far", "--port", str(free_port), "--ssh-port", "0"]
    assert in_this_process(use, *options, "--rate", "5000") == 0


def test_several_data_centers_and_a_clock_that_does_not_run() -> None:
    def use(printed: Printed) -> None:
        assert list(printed.sites) == ["one", "two", "three"]
        assert "\n# time stands still: a client that waits goes on when the control over HTTP" in printed.text
        with printed.client() as sdc:
            assert make(sdc).status() == "provisioning"

    names = ["--datacenter", "one", "two", "--datacenter", "three"]
    assert in_this_process(use, *names, "--rate", "0") == 0


def pings(printed: Printed, method: str, count: int = 1) -> list[requests.Response]:
    """Send requests that need no signature; not with a `DataCenter`, which would repeat them."""
    variables = printed.pasted()
    with requests.Session() as session:
        session.verify = variables["NODE_EXTRA_CA_CERTS"]
        return [session.request(method, f"{variables['TRITON_URL']}/--ping") for _ in range(count)]


@pytest.mark.parametrize(("rate", "words"), [([], "rate of 10 r/s"), (["2.5"], "rate of 2.5 r/s")])
def test_a_throttle(rate: list[str], words: str) -> None:
    def use(printed: Printed) -> None:
        *answers, last = pings(printed, "GET", 31)
        assert {answer.status_code for answer in answers} == {200}
        assert last.status_code == 429
        assert words in last.text

    assert in_this_process(use, "--rate", "0", "--throttle", *rate) == 0


def test_read_only() -> None:
    def use(printed: Printed) -> None:
        assert [answer.status_code for answer in pings(printed, "GET")] == [200]
        assert [answer.status_code for answer in pings(printed, "POST")] == [503]

    assert in_this_process(use, "--read-only") == 0


def make(sdc: DataCenter) -> Machine:
    return sdc.create_machine("web0", package="g3-highcpu-1-smartos", image=sdc.images(name="base64")[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rate", "-1"], "rate must be a number from 0 to 1000000: -1.0"),
        (["--throttle", "0"], "rate must be a number above 0: 0.0"),
        (["--port", "65534"], "ports[2] must be a port, from 0 to 65535, not 65536"),
        (["--ssh-port", "70000"], "ssh_port must be a port, from 0 to 65535, not 70000"),
        (["--host", ""], "host is the address to listen on, such as 127.0.0.1, not ''"),
        *(
            (
                [f"--account={login}"],
                f"account must be a login, not {login!r}; use 3 to 32 letters,"
                " digits, '_', '.' and '@', and begin with a letter",
            )
            for login in ("a/b", "my", "", "a b", "o'brien", "ümlaut", "a\nb", "local", "abc\x7f")
        ),
        (["--datacenter", "a", "a"], "datacenters must be different names, at least one: ['a', 'a']"),
    ],
)
def test_invalid_arguments(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    assert capsys.readouterr() == ("", f"python -m smartdc.emulator: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rate", "fast"], "argument --rate: invalid float value: 'fast'"),
        (["--port", "http"], "argument --port: invalid int value: 'http'"),
        (["--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_arguments_that_cannot_be_parsed(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.endswith(f"python -m smartdc.emulator: error: {message}\n")


@pytest.mark.parametrize("option", ["--port", "--ssh-port"])
def test_a_port_that_is_taken(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:  # noqa: S104 - takes the port at every address
        port = taken.getsockname()[1]
        assert main([option, str(port)]) == 1
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith(f"python -m smartdc.emulator: [Errno {errno.EADDRINUSE}] ")
    assert f":{port} (" in errors
    assert errors.count("\n") == 1
