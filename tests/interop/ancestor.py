"""py-smartdc 0.2.0 on Python 2.7, and emulated clouds in which it and this package make the same calls."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.state.directory import Key
from tests.helpers.keys import KeyRing

__all__ = ["DATA", "OURS", "Stage", "ancestor_python", "played"]

PLAYER = Path(__file__).with_name("ancestor_player.py")
DATA = Path(__file__).parents[1] / "data" / "ancestor"

LONG = 300
"""Values of more characters are recorded as their digest."""

_VENV = Path(__file__).parents[2] / ".venv"
_REQUIRES = ("requests==2.27.1", "http_signature==0.1.4", "pycrypto==2.6.1", "ipaddress==1.0.23")
_NOT_COMPARED = "not compared: this package with py-smartdc 0.2.0 itself"
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?")


def ancestor_python(elsewhere: pytest.TempPathFactory, outside: dict[str, str]) -> list[str]:
    """The command that runs Python 2.7 with py-smartdc 0.2.0; skips the test if that is not available.

    Args:
        elsewhere: Makes the directory that is used when there is no .venv.
        outside: The environment to install with.
    """
    python = _python27(outside)
    if python is None:
        pytest.skip(f"{_NOT_COMPARED} (no python2.7 here)")
    site = (_VENV if _VENV.is_dir() else elsewhere.mktemp("ancestor")) / "ancestor"
    if not (site / "done").is_file():
        shutil.rmtree(site, ignore_errors=True)
        _install(python, site, _REQUIRES, outside)
        _install(python, site, ("--no-deps", "--no-binary", ":all:", "smartdc==0.2.0"), outside)
        (site / "done").touch()
    return ["/usr/bin/env", f"PYTHONPATH={site}", python, "-W", "ignore", "-B", str(PLAYER)]


def _python27(outside: dict[str, str]) -> str | None:
    home = Path(outside.get("HOME", "/"))
    pyenv = sorted(home.glob(".pyenv/versions/2.7*/bin/python2.7"))
    for candidate in (shutil.which("python2.7", path=outside.get("PATH")), *map(str, pyenv)):
        if candidate is None:
            continue
        done = subprocess.run([candidate, "-c", "import ssl"], env=outside, capture_output=True, check=False)
        if done.returncode == 0:
            return candidate
    return None


def _install(python: str, site: Path, what: tuple[str, ...], outside: dict[str, str]) -> None:
    command = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--target",
        str(site),
    ]
    try:
        done = subprocess.run(
            [*command, *what], env=outside, capture_output=True, text=True, timeout=180, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{_NOT_COMPARED} (pip install took over three minutes)")
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        pytest.skip(f"{_NOT_COMPARED} (pip install failed: {reason[-1]})")


class Stage:
    """An emulated cloud for one player; it is replaced after each call that changes something.

    Args:
        player: The process.
        keys: Where its RSA key comes from.
        directory: Where it may keep files.
    """

    def __init__(self, player: subprocess.Popen[bytes], keys: KeyRing, directory: Path) -> None:
        self._player = player
        self._secret = keys.path("rsa2048", "PEM")
        self._public = keys.public("rsa2048").openssh
        self._another = keys.public("rsa3072").openssh
        self._script = directory / "script.sh"
        self._script.write_text("#!/bin/sh\ntouch /tmp/done\n")
        self._cloud: Emulator | None = None

    def close(self) -> None:
        """Stop the cloud."""
        if self._cloud is not None:
            self._cloud.stop()
            self._cloud = None

    def play(self, call: str) -> dict[str, Any]:
        """Make one call; return its requests, its value or error, and its output."""
        cloud = self._cloud or self._new_cloud()
        self._cloud = cloud
        keys = list(cloud.account.keys)
        order = {"call": call, "setting": self._setting(cloud, "m" in _words(call))}
        self._write(json.dumps(order).encode() + b"\n")
        start, slept = 0, 0.0
        while "done" not in (line := self._read()):
            if "mark" in line:
                start = len(cloud.calls)
            else:
                slept += line["sleep"]
                cloud.clock.sleep(line["sleep"])
            self._write(b"\n")
        requests = [
            {"request": f"{made.method} {made.target}", "body": made.body, "version": _version(made.headers)}
            for made in cloud.calls[start:]
        ]
        outcome = {name: value for name, value in line["done"].items() if name != "says"}
        outcome |= {"slept": slept} if slept else {}
        played = {"requests": requests, **outcome}
        named: dict[str, Any] = json.loads(self._with_names(json.dumps(played), cloud, keys))
        if slept or any(not made["request"].startswith(("GET", "HEAD")) for made in requests):
            self.close()
        if len(text := json.dumps(named.get("value"), sort_keys=True)) > LONG:
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            named["value"] = f"{len(text)} characters, SHA-256 {digest}"
        return named

    def _new_cloud(self) -> Emulator:
        cloud = Emulator(datacenters=("us-sw-1", "us-east-1")).start()
        cloud.account.add_key("rsa", self._public)
        site = cloud.site()
        # Their order in lists is always the same.
        site.add_machine("web", uuid=_uuid(1), tags={"role": "www"}, metadata={"purpose": "demo"})
        cloud.clock.advance(1)
        site.add_machine(
            "db", uuid=_uuid(2), state="stopped", package="g3-standard-1-smartos", tags={"role": "db", "n": 1}
        )
        cloud.clock.advance(1)
        site.add_machine("web2", uuid=_uuid(3), image="base-64-lts")
        return cloud

    def _setting(self, cloud: Emulator, with_machine: bool) -> dict[str, Any]:
        site = cloud.site()
        web = next(iter(site.machines.values()))
        networks = {network.name: network.uuid for network in site.networks.values()}
        return {
            "KEY_ID": "/test/keys/rsa",
            "SECRET": str(self._secret),
            "ANOTHER_KEY": self._another,
            "URLS": {name: cloud.url(name) for name in ("us-sw-1", "us-east-1")},
            "CA": str(cloud.ca_file),
            "SCRIPT": str(self._script),
            "ID": web.uuid,
            "IMAGE": web.image_uuid,
            "PACKAGE": next(package.uuid for package in site.packages.values()),
            "EXTERNAL": networks["external"],
            "PRIVATE": networks["private"],
            "MACHINE": web.uuid if with_machine else None,
        }

    def _with_names(self, text: str, cloud: Emulator, keys: list[Key]) -> str:
        """Replace what differs from run to run: addresses, times, ids."""
        for name in ("us-sw-1", "us-east-1"):
            text = text.replace(cloud.url(name), f"https://{name}")
            text = text.replace(cloud.url(name).removeprefix("https://"), name)
        for number, uuid in enumerate(cloud.site().machines, 1):
            text = text.replace(uuid, f"<machine {number}>")
            text = text.replace(uuid.partition("-")[0], f"<short {number}>")
        for path, name in ((self._secret, "key"), (self._script, "script"), (cloud.ca_file, "authority")):
            text = text.replace(str(path), f"<{name}>")
        for number, key in enumerate([*keys, *(key for key in cloud.account.keys if key not in keys)], 1):
            text = text.replace(key.openssh, f"<key {number}>").replace(key.fingerprint, f"<print {number}>")
        text = text.replace(self._another, "<another key>")
        return re.sub(r"0x[0-9a-f]{6,}", "<address>", _TIME.sub("<time>", text))

    def _write(self, line: bytes) -> None:
        assert self._player.stdin is not None
        self._player.stdin.write(line)
        self._player.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._player.stdout is not None
        line = self._player.stdout.readline()
        assert line, "the player has ended"
        read: dict[str, Any] = json.loads(line)
        return read


def _uuid(number: int) -> str:
    return f"0000000{number}-0000-4000-8000-000000000000"


def _words(call: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]+", call))


def _version(headers: Any) -> str:
    return str(headers.get("accept-version") or headers.get("x-api-version"))


@contextmanager
def played(command: list[str], keys: KeyRing, directory: Path) -> Iterator[Stage]:
    """A stage with its player."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory)}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    stage = Stage(process, keys, directory)
    with process:
        try:
            yield stage
        finally:
            stage.close()


OURS = [sys.executable, "-W", "ignore", str(PLAYER)]
