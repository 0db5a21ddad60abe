"""Systems without a home directory, unix sockets or IPython."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smartdc import ConfigurationError, DataCenter, KeyLoadError
from smartdc.emulator import Emulator
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature.search import find_key
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import KeyRing
from tests.helpers.triton_home import FINGERPRINT

VARIABLES = {"TRITON_URL": "https://cloud.example", "TRITON_ACCOUNT": "bob", "TRITON_KEY_ID": FINGERPRINT}


def set_all(monkeypatch: pytest.MonkeyPatch, fingerprint: str) -> None:
    for name, value in (VARIABLES | {"TRITON_KEY_ID": fingerprint}).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("homeless")
def test_without_a_home_directory_explicit_settings_work(
    cloud: Emulator, ssh_keys: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert DataCenter.profiles() == {}
    set_all(monkeypatch, ssh_keys.public("p256").md5)
    text = ssh_keys.path("p256").read_text()
    makers: list[Callable[[], DataCenter]] = [
        lambda: DataCenter.from_env(secret=text),
        lambda: DataCenter.from_profile(secret=text),
        lambda: DataCenter.from_profile("env", secret=ssh_keys.path("p256")),
    ]
    for make in makers:
        with make() as sdc:
            assert sdc.auth is not None
            assert sdc.auth.signer.public_key == ssh_keys.public("p256")
    assert list(DataCenter.profiles()) == ["env"]
    with cloud.datacenter(verify=cloud.ca_file) as sdc:
        assert sdc.account()["login"] == "test"


@pytest.mark.usefixtures("homeless")
def test_without_a_home_directory_the_agent_works(
    ssh_keys: KeyRing, ssh_agent: RunningAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh_agent.add(ssh_keys.path("p256"))
    set_all(monkeypatch, ssh_keys.public("p256").md5)
    with DataCenter.from_env() as sdc:
        assert sdc.auth is not None
        assert sdc.auth.signer.public_key == ssh_keys.public("p256")
    assert HTTPSignatureAuth("/b/keys/k", allow_agent=True).signer.public_key == ssh_keys.public("p256")


@pytest.mark.usefixtures("homeless")
def test_without_a_home_directory_paths_in_it_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for make in (
        lambda: DataCenter("us-central-1", "/bob/keys/x"),
        lambda: DataCenter("us-central-1", "/bob/keys/x", "~/id"),
        lambda: DataCenter("us-central-1", "/bob/keys/~/id.pub", None),
        lambda: DataCenter("us-central-1", verify="~/ca.pem"),
        lambda: DataCenter.from_profile("one"),
        lambda: find_key("~/.ssh/id.pub"),
        lambda: find_key(FINGERPRINT, file="~/.ssh/id"),
        lambda: find_key(FINGERPRINT, allow_agent=False),
    ):
        with pytest.raises(ConfigurationError, match="there is no home directory"):
            make()
    with pytest.raises(ConfigurationError, match="no profile is chosen"):
        DataCenter.from_profile()
    monkeypatch.setenv("TRITONTEST_CLI_CONFIG_DIR", "~/x")
    with pytest.raises(ConfigurationError, match="there is no home directory"):
        DataCenter.from_profile("one")
    assert DataCenter.profiles() == {}


@pytest.mark.parametrize("known", [True, False])
def test_the_home_of_another_user(ssh_keys: KeyRing, tmp_path: Path, known: bool) -> None:
    """In a child process, because its user must not be root."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".triton" / "profiles.d").mkdir(parents=True)
    home.chmod(0o700)
    text = ssh_keys.path("p256").read_text()
    program = f"""
import os, smartdc
from smartdc import DataCenter
DataCenter.from_env(secret={text!r}).close()
DataCenter('us-central-1', '/bob/keys/x', {text!r}).close()
def refused(make, *words):
    try:
        make()
    except smartdc.ConfigurationError as error:
        assert any(word in str(error) for word in words), error
    else:
        raise AssertionError('it works')
away = ('Permission denied', 'not readable by you', 'does not exist', 'no home directory')
refused(lambda: DataCenter('us-central-1', '/bob/keys/x'), *away)
refused(lambda: DataCenter('us-central-1', '/bob/keys/~/.ssh/id.pub', None), *away)
refused(lambda: DataCenter.from_env(), *away)
refused(lambda: DataCenter.from_profile('one'), *away)
try:
    DataCenter.profiles()
except smartdc.ConfigurationError as error:
    assert 'Permission denied' in str(error)
"""
    environment = VARIABLES | {"TRITON_KEY_ID": ssh_keys.public("p256").md5, "PATH": os.environ["PATH"]}
    if known:
        environment["HOME"] = str(home)
    root = os.geteuid() == 0
    if not root:
        home.chmod(0)
    # Import before changing the user, who may not be able to read the library.
    prelude = """
import encodings.idna, importlib, os, pkgutil
import paramiko, smartdc.http_signature, smartdc.signin
for package in (smartdc.http_signature, smartdc.signin):
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
"""
    become = "os.setgroups([]); os.setgid(54321); os.setuid(54321)\n" if root else ""
    done = subprocess.run(
        [sys.executable, "-c", prelude + become + program],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    home.chmod(0o700)
    assert done.returncode == 0, done.stderr


def test_without_unix_sockets_there_is_no_agent(
    ssh_keys: KeyRing, monkeypatch: pytest.MonkeyPatch, no_ssh_agent: None
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/tmp/agent")
    monkeypatch.delattr(socket, "AF_UNIX")
    auth = HTTPSignatureAuth("/bob/keys/x", ssh_keys.path("p256"), allow_agent=True)
    assert auth.signer.public_key == ssh_keys.public("p256")
    with pytest.raises(KeyLoadError, match=r"there is no ssh-agent: .* no unix sockets on this system; give"):
        HTTPSignatureAuth("/bob/keys/x", "/nonexistent", allow_agent=True)
    with pytest.raises(KeyLoadError, match="has no unix sockets"):
        find_key(FINGERPRINT)


def test_the_console_without_ipython_shows_only_the_error(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['IPython'] = None\n")
    (tmp_path / "home").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "smartdc", "--emulated"],
        input="1 / 0\nsdc.machine('x y')\n",
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert "IPython" not in done.stderr
    assert "During handling" not in done.stderr
