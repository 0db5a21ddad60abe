"""Scripts on standard input: of a login without a terminal, of a login with one, and of `sh -s`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paramiko
import pytest

from smartdc.emulator import Emulator

from .test_ssh import login

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8")

# The rules are in https://pubs.opengroup.org/onlinepubs/9699919799/utilities/sh.html, "STDIN". Real machines
# have bash, which follows them.
BASH = shutil.which("bash")
PROMPT = b"[admin@vm]$ "


@pytest.fixture(scope="module")
def cloud() -> Iterator[Emulator]:
    with Emulator(ssh_port=0) as cloud:
        yield cloud


@pytest.fixture
def client(cloud: Emulator) -> Iterator[paramiko.SSHClient]:
    cloud.unsupported.clear()
    with login(cloud, cloud.site().add_machine(name="vm").nics[0].ip) as client:
        yield client
    cloud.unsupported.clear()


def feed(client: paramiko.SSHClient, script: str, command: str | None = None) -> tuple[str, str, int]:
    """Send a script to the standard input of a command or a login; return its output, errors and status."""
    transport = client.get_transport()
    assert transport is not None
    with transport.open_session(timeout=10) as channel:
        channel.settimeout(10)
        if command is None:
            channel.invoke_shell()
        else:
            channel.exec_command(command)
        with suppress(OSError):  # a command that reads nothing may have ended already
            channel.sendall(script.encode(errors="surrogateescape"))
            channel.shutdown_write()
        out, errors = channel.makefile("rb").read(), channel.makefile_stderr("rb").read()
        return out.decode(), errors.decode(), channel.recv_exit_status()


SCRIPTS = [
    "false &&\ntouch bad\nls\n",
    "echo 'one\ntwo'; echo \"a\n$HOME\n\" | wc -l\n",
    "echo one \\\n  two |\n\n# comment\nwc -w\n",
    "echo a; exit 3\necho never\n",
    "false\n",
    "echo no newline at the end",
    "\n\n# nothing\n",
    "set -e\necho on\nfalse\necho never\n",
    # A command reads the lines that the shell has not read yet.
    "echo on\nwc -l\necho one line\n\n",
    "head -n 1 | cat\nfirst\necho never\n",
    "cat\necho 'not\nclosed\n",
    "true; cat; echo end\nx\ny",
]


@pytest.mark.skipif(BASH is None, reason="not tested: there is no bash to compare with")
@pytest.mark.parametrize("command", [None, "sh", "sh -s", "bash -s", "/bin/sh", "env | grep X; bash"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_on_standard_input_does_the_same_as_in_bash(
    cloud: Emulator, client: paramiko.SSHClient, tmp_path: Path, script: str, command: str | None
) -> None:
    done = subprocess.run(
        [str(BASH)],
        input=script.encode(),
        env={"HOME": "/home/admin"},
        cwd=tmp_path,
        capture_output=True,
        timeout=30,
    )
    assert feed(client, script, command) == (done.stdout.decode(), "", done.returncode)
    assert cloud.unsupported == []


@pytest.mark.parametrize("command", [None, "sh -s"])
def test_refused_syntax_and_bad_syntax_end_the_script(
    cloud: Emulator, client: paramiko.SSHClient, command: str | None
) -> None:
    refused = "if: compound commands"
    for script, status, message in (
        ("if false; then\ntouch bad\nfi\nls\n", 127, f"{refused}: not supported on an emulated machine"),
        ("echo 'open\ntouch bad\n", 2, "syntax error: unterminated quoted string"),
        ("true | | true\ntouch bad\n", 2, 'syntax error: "|" unexpected'),
        ("touch bad &&\n", 2, "syntax error: end of file unexpected"),
        (
            "ls gone && echo $(\ntouch bad\n)\n",
            127,
            "$(: command substitution: not supported on an emulated machine",
        ),
    ):
        assert feed(client, script, command) == ("", f"-bash: {message}\n", status)
    assert feed(client, "ls\n") == ("", "", 0)
    assert cloud.unsupported == [f"machine vm: {refused}", "machine vm: $(: command substitution"]


def test_errors_of_a_login_without_a_terminal_are_on_standard_error(client: paramiko.SSHClient) -> None:
    out, errors, status = feed(client, "cat gone\nnonsense\necho caf\u00e9\nlogout\necho never\n")
    assert (out, status) == ("caf\u00e9\n", 0)
    assert errors == "cat: gone: No such file or directory\n-bash: nonsense: command not found\n"


def test_each_command_runs_as_soon_as_its_line_arrives(client: paramiko.SSHClient) -> None:
    transport = client.get_transport()
    assert transport is not None
    with transport.open_session(timeout=10) as channel:
        channel.settimeout(10)
        channel.invoke_shell()
        for number in range(3):
            channel.sendall(f"echo {number}\n".encode())
            assert channel.recv(100) == f"{number}\n".encode()


@pytest.mark.parametrize(
    ("command", "out", "status"),
    [
        ("sh -c 'echo $HOME; exit 4'; echo $?", "/home/admin\n4\n", 0),
        ("X=1; sh -c 'echo .$X'; X=2 sh -c 'echo .$X'; export X; bash -c 'echo .$X'", ".\n.2\n.1\n", 0),
        ("sh -c 'cd /tmp; X=1'; pwd; echo .$X", "/home/admin\n.\n", 0),
        ("set -e; sh -c 'false; echo on'; sh -ec 'false; echo never'; echo never", "on\n", 1),
        ("echo 'echo on; cat' > f; printf 'a\\nb' | sh f", "on\na\nb", 0),
        ("printf 'echo %s\\n' 1 2 | sh | wc -l; echo 'exit 3' | /usr/bin/sh", "2\n", 3),
        ("sh -c 'sh -c \"exit 5\"'", "", 5),
        ("sh < /dev/null", "", 0),
    ],
)
def test_a_shell_as_a_command(
    cloud: Emulator, client: paramiko.SSHClient, command: str, out: str, status: int
) -> None:
    assert feed(client, "", command) == (out, "", status)
    assert cloud.unsupported == []


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("sh -x", "sh -x: these arguments"),
        ("sh -c", "sh -c: these arguments"),
        ("sh -c 'touch bad' name", "sh -c touch bad name: these arguments"),
        ("sh -s one", "sh -s one: these arguments"),
        ("bash -l", "bash -l: these arguments"),
        ("bash --posix", "bash --posix: these arguments"),
        ("sh f -e", "sh f -e: these arguments"),
        ("sh -", "sh -: these arguments"),
        ("sh gone", "sh of a file that cannot be read"),
        ("sh /tmp", "sh of a file that cannot be read"),
        ("echo ls > f; sh < f >> f", "sh of the file that it writes to"),
        ("ksh -c true", "ksh: command not found"),
    ],
)
def test_unsupported_arguments_of_a_shell(
    cloud: Emulator, client: paramiko.SSHClient, command: str, message: str
) -> None:
    assert feed(client, "touch bad\n", command)[2] == 127
    assert cloud.unsupported == [f"machine vm: {message}"]
    assert "bad" not in feed(client, "ls\n")[0]


@contextmanager
def terminal(
    client: paramiko.SSHClient,
) -> Iterator[tuple[paramiko.Channel, Callable[..., bytes]]]:
    """A login with a terminal, and a function that types keys and returns the output up to a prompt."""
    with client.invoke_shell() as channel:
        channel.settimeout(10)

        def typed(keys: bytes, prompt: bytes = PROMPT) -> bytes:
            channel.sendall(keys)
            seen = b""
            while not seen.endswith(prompt):
                piece = channel.recv(1024)
                assert piece, seen
                seen += piece
            return seen

        typed(b"")
        yield channel, typed


def test_a_terminal_prompts_for_the_rest_of_a_command(cloud: Emulator, client: paramiko.SSHClient) -> None:
    with terminal(client) as (channel, typed):
        for first, rest, shown in (
            (b"false &&\n", b"echo bad\n", b""),
            (b"echo 'one\n", b"two'\n", b"one\r\ntwo\r\n"),
            (b"echo a \\\n", b"b\n", b"a b\r\n"),
            (b"ec\\\n", b"ho c\n", b"c\r\n"),
            (b"echo d |\n", b"wc -l\n", b"1\r\n"),
        ):
            typed(first, b"\r\n> ")
            assert typed(rest) == rest.replace(b"\n", b"\r\n") + shown + PROMPT
        assert typed(b"\n") == b"\r\n" + PROMPT
        assert typed(b"# nothing\n") == b"# nothing\r\n" + PROMPT
        typed(b"echo 'begun\n", b"> ")
        assert b"begun" not in typed(b"\x03")  # Ctrl-C
        typed(b"echo 'begun\n", b"> ")
        assert b"syntax error: unterminated quoted string" in typed(b"\x04")  # Ctrl-D
        assert b"syntax error" in typed(b"true | | true\n")
        typed(b"cat > f\n", b"\r\n")
        typed(b"logout\n", b"\r\n")
        typed(b"\x04")
        assert b"logout\r\n" in typed(b"cat f\n")
        typed(b"cat\n", b"\r\n")
        typed(b"\x03")
        assert typed(b"echo $?\n").startswith(b"echo $?\r\n130\r\n")
        channel.sendall(b"false\n\x04")
        assert channel.recv_exit_status() == 1
    assert cloud.unsupported == []


def test_a_terminal_goes_on_after_a_refusal_unless_it_may_span_more_lines(
    cloud: Emulator, client: paramiko.SSHClient
) -> None:
    with terminal(client) as (channel, typed):
        assert b"not supported" in typed(b"echo ${X:-x}\n")
        assert b"not supported" in typed(b"touch a; rm *\n")
        channel.sendall(b"for x in a; do\ntouch bad\ndone\n")
        assert channel.recv_exit_status() == 127
    assert feed(client, "ls\n") == ("a\n", "", 0)
    assert [entry.partition(": ")[2] for entry in cloud.unsupported] == [
        "${...} with more than a name",
        "* in a word: a pattern of file names",
        "for: compound commands",
    ]
