"""The console, in this process and in a real terminal."""

from __future__ import annotations

import builtins
import getpass
import os
import re
import runpy
import shutil
import subprocess
import sys
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import smartdc
from smartdc.console import main
from smartdc.emulator import Emulator
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.helpers.triton_home import TritonHome


class Typist:
    """Types lines at the plain prompt, then Ctrl-D."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def types(self, *lines: str) -> None:
        typed = iter(lines)

        def read(prompt: str = "") -> str:
            for line in typed:
                return line
            raise EOFError

        self._monkeypatch.setattr(builtins, "input", read)


@pytest.fixture
def typist(monkeypatch: pytest.MonkeyPatch) -> Typist:
    monkeypatch.setitem(sys.modules, "IPython", None)  # as if it were not installed
    monkeypatch.setattr(builtins, "_", None, raising=False)
    return Typist(monkeypatch)


CREATE = "m = sdc.create_machine('web', package='g4-highcpu-1G', image=sdc.images(name='base64')[0])"


def test_emulated(typist: Typist, triton: TritonHome, capsys: pytest.CaptureFixture[str]) -> None:
    typist.types(
        CREATE,
        "sdc.machines()",
        "_[0].name",
        "None",
        "cloud",
        "sdc.packages('-1G$')",
        "_[0]",
        "[1, 2]",
        "Table",
    )
    assert main(["--emulated"]) == 0
    out, err = capsys.readouterr()
    first, second, *_ = err.splitlines()
    assert first.startswith("smartdc 1.")
    assert "sdc is test in an emulated cloud at https://127.0.0.1:" in first
    assert second.startswith("cloud is the emulator; try sdc.machines(), Tab completes")
    assert re.match(
        r"SHORTID +NAME +IMG +STATE +FLAGS +AGE\n[0-9a-f]{8} +web +[0-9a-f]{8} +provisioning ", out
    )
    assert "\n'web'\n<Emulator test: us-sw-1," in out
    assert re.search(r"\nSHORTID +NAME +MEMORY +SWAP +DISK +VCPUS\n[0-9a-f]{8} +g4-highcpu-1G +1G ", out)
    assert re.search(r"\n 'name': 'g4-highcpu-1G',\n 'swap': 2048,\n", out)
    assert "\n[1, 2]\n<class 'smartdc.tables.table.Table'>\n" in out
    assert "Traceback" not in err


def test_profile(
    typist: Typist, triton: TritonHome, cloud: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    triton.profile("lab", **triton.use_key_of(cloud), user=None, roles=["ops"])
    for arguments in (["--profile", "lab"], []):
        typist.types("sdc.machines()", "raise SystemExit")
        assert main(arguments) == 0
        out, err = capsys.readouterr()
        assert out == "[]\n"
        assert f"sdc is test at {cloud.url()} (profile lab)\ntry sdc.machines()" in err
        triton.make_current("lab")
    assert "as-role=ops" in cloud.calls[-1].target


def test_banner_names_user_and_account(
    typist: Typist, triton: TritonHome, cloud: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    triton.profile("lab", **triton.use_key_of(cloud), user="sub", actAsAccount="other")
    typist.types()
    assert main(["--profile", "lab"]) == 0
    assert f"sdc is test/sub on other's account at {cloud.url()} (profile lab)" in capsys.readouterr().err


def test_errors_at_the_prompt_leave_the_console_open(
    typist: Typist, triton: TritonHome, capsys: pytest.CaptureFixture[str]
) -> None:
    typist.types("sdc.package('none')", "print('still here')")
    assert main(["--emulated"]) == 0
    out, err = capsys.readouterr()
    assert out == "still here\n"
    assert "404 ResourceNotFound" in err


def test_displayhook_is_put_back(typist: Typist, triton: TritonHome) -> None:
    earlier = sys.displayhook
    typist.types()
    main(["--emulated"])
    assert sys.displayhook is earlier


@pytest.fixture
def locked(triton: TritonHome, cloud: Emulator, ssh_keys: KeyRing) -> None:
    """A profile whose key is in an encrypted file."""
    cloud.account.add_key("locked", ssh_keys.public("p256").openssh)
    fields = triton.use_key_of(cloud)
    shutil.copy(ssh_keys.path("p256", passphrase=PASSPHRASE), triton.path / ".ssh" / "id_ecdsa")
    triton.profile("locked", **{**fields, "keyId": ssh_keys.public("p256").md5})


def test_passphrase_is_asked_for_when_the_key_needs_one(
    typist: Typist,
    locked: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prompts: list[str] = []

    def answer(prompt: str) -> str:
        prompts.append(prompt)
        return PASSPHRASE

    monkeypatch.setattr(getpass, "getpass", answer)
    typist.types("sdc.machines()")
    assert main(["--profile", "locked"]) == 0
    assert (prompts, capsys.readouterr().out) == (["Passphrase of the SSH key: "], "[]\n")


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, EOFError])
def test_cancelled_passphrase_prompt(
    typist: Typist,
    locked: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    interruption: type[BaseException],
) -> None:
    def refuse(prompt: str) -> str:
        raise interruption

    monkeypatch.setattr(getpass, "getpass", refuse)
    assert main(["--profile", "locked"]) == 2
    assert capsys.readouterr() == ("", "smartdc: cancelled: the key needs a passphrase\n")


def test_wrong_passphrase(
    typist: Typist, locked: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "not it, at all")
    assert main(["--profile", "locked"]) == 2
    out, err = capsys.readouterr()
    assert (out, "Traceback" in err, "not it, at all" in err) == ("", False, False)
    assert err.startswith("smartdc: the private key ")


@pytest.mark.parametrize("arguments", [[], ["--profile", "none"]])
def test_a_missing_profile_is_one_line(
    triton: TritonHome, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(("smartdc: no profile is chosen", "smartdc: there is no profile 'none'"))


@pytest.mark.parametrize(
    ("missing", "arguments", "prefix"),
    [
        ("starlette", ["-m", "smartdc", "--emulated"], "smartdc: the emulator"),
        ("starlette", ["-m", "smartdc.emulator"], "python -m smartdc.emulator: the emulator"),
        ("trustme", ["-c", "import smartdc.emulator"], "ModuleNotFoundError: the emulator"),
        ("uvicorn", ["-c", "from smartdc.emulator.faults import Drop"], "ModuleNotFoundError: the emulator"),
    ],
)
def test_missing_emulator_dependency(tmp_path: Path, missing: str, arguments: list[str], prefix: str) -> None:
    (tmp_path / f"{missing}.py").write_text(f"raise ModuleNotFoundError(name={missing!r})")
    path = os.pathsep.join([str(tmp_path), str(Path(smartdc.__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert (done.stdout, done.returncode) == ("", 1)
    *before, last = done.stderr.splitlines()
    assert last == f"{prefix} needs its extra ({missing} is missing): pip install 'smartdc[emulator]'"
    assert before == [] or arguments[0] == "-c"


def test_no_standard_input() -> None:
    """``python -m smartdc <&-``, or a supervisor that closes standard input."""
    command = ["sh", "-c", '"$0" -m smartdc --emulated <&-', sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr == "smartdc: there is no standard input to read lines from\n"


def test_python_m_smartdc(triton: TritonHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["smartdc", "--profile", "none"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(Path(smartdc.__file__).with_name("__main__.py")), run_name="__main__")
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rate", "5"], "--rate needs --emulated"),
        (["--profile", "lab", "--rate", "0"], "--rate needs --emulated"),
        (["--emulated", "--rate", "-1"], "--rate must be 0 or more"),
        (["--emulated", "--rate", "nan"], "--rate must be 0 or more"),
        (["--emulated", "--rate", "inf"], "--rate must be 0 or more"),
        (["--emulated", "--rate", "fast"], "invalid float value: 'fast'"),
    ],
)
def test_invalid_rates(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "rate"), [([], 10.0), (["--rate", "2.5"], 2.5), (["--rate", "0"], 0.0), (["--rate=1"], 1.0)]
)
def test_rate_of_the_emulated_cloud(
    typist: Typist,
    triton: TritonHome,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    rate: float,
) -> None:
    typist.types("cloud.clock.rate")
    assert main(["--emulated", *arguments]) == 0
    assert capsys.readouterr().out == f"{rate}\n"


def test_profile_and_emulated_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--profile", "lab", "--emulated"])
    assert caught.value.code == 2


def test_without_readline(
    typist: Typist, triton: TritonHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "readline", None)
    typist.types("1 + 1")
    assert main(["--emulated"]) == 0
    assert capsys.readouterr().out == "2\n"


def test_ipython_is_used_if_it_is_installed(monkeypatch: pytest.MonkeyPatch, triton: TritonHome) -> None:
    started: dict[str, Any] = {}
    ipython, traitlets = types.ModuleType("IPython"), types.ModuleType("traitlets.config")
    monkeypatch.setattr(
        ipython, "start_ipython", lambda **arguments: started.update(arguments), raising=False
    )
    application = types.SimpleNamespace
    names = ("TerminalInteractiveShell", "TerminalIPythonApp", "InteractiveShellApp", "IPCompleter")
    config = application(**{name: application() for name in names})
    monkeypatch.setattr(traitlets, "Config", lambda: config, raising=False)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "traitlets.config", traitlets)
    assert main(["--emulated"]) == 0
    assert started["argv"] == []
    assert sorted(started["user_ns"]) == sorted([*smartdc.__all__, "cloud", "sdc", "traceback"])
    assert started["config"] is config
    assert "sdc is test in an emulated cloud" in config.TerminalInteractiveShell.banner1


class Terminal:
    """A real terminal, run by tmux."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._tmux = ["tmux", "-S", str(directory / "tmux"), "-f", "/dev/null"]
        self._environment = environment

    def run(self, *command: str) -> None:
        done = self._call("new-session", "-d", "-x", "120", "-y", "50", *command)
        if done.returncode:
            pytest.skip(f"not tested: the console in a terminal (tmux: {done.stderr.strip()})")

    def type(self, *keys: str) -> None:
        assert self._call("send-keys", *keys).returncode == 0

    def wait_for(self, *patterns: str) -> None:
        """Wait until the screen matches all patterns."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            screen = self._call("capture-pane", "-p", "-J").stdout
            if all(re.search(pattern, screen) for pattern in patterns):
                return
            time.sleep(0.05)
        raise AssertionError(f"not all of {patterns!r} are on the screen:\n{screen}")

    def close(self) -> None:
        self._call("kill-server")

    def _call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._tmux, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )


@pytest.fixture
def terminal(triton: TritonHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    if shutil.which("tmux") is None:
        pytest.skip("not tested: the console in a real terminal (tmux is not installed)")
    without_ipython = triton.path / "without_ipython"
    without_ipython.mkdir()
    (without_ipython / "IPython.py").write_text("raise ImportError")
    environment = {
        **os.environ,
        "PYTHONPATH": str(without_ipython),
        "PYTHON_BASIC_REPL": "1",
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
    }
    terminal = Terminal(tmp_path_factory.mktemp("t"), environment)
    yield terminal
    terminal.close()


def test_in_a_terminal(terminal: Terminal, triton: TritonHome) -> None:
    terminal.run("sh", "-c", f"'{sys.executable}' -m smartdc --emulated; echo left with $?; exec sleep 60")
    terminal.wait_for("sdc is test in an emulated cloud at https://127.0.0.1:", "Tab completes", ">>>")

    # The first Tab completes the common prefix, the third lists the candidates.
    terminal.type("sdc.mach", "Tab", "Tab", "Tab")
    terminal.wait_for(r"\bsdc\.machine\(", r"\bsdc\.machines\((?!\))")
    terminal.type("C-u")

    terminal.type(CREATE, "Enter", "sdc.machi", "Tab", "s()", "Enter")
    terminal.wait_for(
        r"SHORTID +NAME +IMG +STATE +FLAGS +AGE", r"[0-9a-f]{8} +web +[0-9a-f]{8} +\w+ +- +\d+s"
    )

    terminal.type("m.", "Tab", "Tab")
    terminal.wait_for(r"\bm\.delete\(", r"\bm\.poll_until\(", r"\bm\.tags\b")
    terminal.type("C-u")

    # Within quotes, Tab completes names that were displayed.
    terminal.type("sdc.packages()", "Enter")
    terminal.wait_for("g4-highcpu-1G")
    terminal.type("sdc.package('g4-hi", "Tab", "')['na", "me']", "Enter")
    terminal.wait_for(r"\n'g4-highcpu-1G'\n")
    terminal.type("C-d")
    terminal.wait_for("left with 0")
    assert history(triton).read_text().splitlines()[-2:] == [
        "sdc.packages()",
        "sdc.package('g4-highcpu-1G')['name']",
    ]
    assert history(triton).stat().st_mode & 0o077 == 0
    assert history(triton).parent.stat().st_mode & 0o077 == 0


def test_history_of_earlier_sessions_in_a_terminal(terminal: Terminal, triton: TritonHome) -> None:
    history(triton).parent.mkdir(parents=True)
    history(triton).write_text("6 * 7\n")
    terminal.run(sys.executable, "-m", "smartdc", "--emulated")
    terminal.wait_for(">>>")
    terminal.type("Up", "Enter")
    terminal.wait_for(r">>> 6 \* 7\n42\n")


def history(triton: TritonHome) -> Path:
    return triton.path / ".local" / "state" / "smartdc" / "console_history"
