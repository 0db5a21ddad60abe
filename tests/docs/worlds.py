"""What is prepared before the blocks of a page run: an emulated cloud, a home directory, and some names."""

from __future__ import annotations

import getpass
import runpy
import shlex
import shutil
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import pytest

from smartdc import KNOWN_LOCATIONS, DataCenter, Machine
from smartdc.emulator import Emulator
from tests.docs.blocks import ROOT, blocks

INDEX = "docs/howto/index.md"

MORE_GUIDES = {"docs/console.md", "docs/fleets.md", "docs/ssh.md", "docs/waiting.md"}
"""Guides outside of docs/howto."""

OTHER_GUIDES = {
    INDEX,
    "docs/howto/hardware-tokens.md",
    "docs/howto/private-cloud.md",
    "docs/howto/several-accounts.md",
}
"""Guides that name a key, a location or a cloud of the reader."""

ACCOUNTS = {"YOUR_ACCOUNT": "YOUR_KEY", "me": "laptop", "acme": "laptop", "partner": "laptop"}
"""Accounts that pages use besides `test`, and the name of the emulator's key in each."""


@dataclass
class World:
    """The environment in which the blocks of one page run, one after the other.

    Attributes:
        names: The names that the blocks know.
        stand_ins: The real values that replace the placeholders of blocks.
    """

    cloud: Emulator
    sdc: DataCenter
    home: Path
    patch: pytest.MonkeyPatch
    names: dict[str, Any] = field(default_factory=dict)
    stand_ins: dict[str, str] = field(default_factory=dict)

    def machine(self, name: str = "web0", **tags: str) -> Machine:
        """A running machine."""
        return self.sdc.machine(self.cloud.site().add_machine(name, tags=dict(tags)).uuid)


@contextmanager
def world(page: str, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[World]:
    """Prepare the environment of a page; its working directory is the reader's home directory."""
    home = folder / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / "examples").symlink_to(ROOT / "examples")
    patch.setenv("HOME", str(home))
    patch.chdir(home)
    patch.setattr(sys, "argv", ["script.py"])
    with (_begun_as_a_reader if begins_with_prelude(page) else _prepared)(page, home, patch) as here:
        yield here


def begins_with_prelude(page: str) -> bool:
    """Whether the blocks of this page run after the one that docs/howto/index.md begins with."""
    return page in MORE_GUIDES or (page.startswith("docs/howto/") and page not in OTHER_GUIDES)


@contextmanager
def _begun_as_a_reader(page: str, home: Path, patch: pytest.MonkeyPatch) -> Iterator[World]:
    """What docs/howto/index.md begins and ends with; nothing else exists that a reader does not have."""
    first, last = (block.text for block in blocks(INDEX) if block.language == "python")
    names: dict[str, Any] = {"__name__": "page"}
    if page in LOGGING_IN:  # as the text above the block says
        first = first.replace("random_seed=7", "random_seed=7, ssh_port=0")
    exec(first, names)  # noqa: S102 - our own page
    try:
        here = World(names["cloud"], names["sdc"], home, patch, names)
        PREPARED.get(page, _nothing)(here)
        yield here
    finally:
        exec(last, names)  # noqa: S102


@contextmanager
def _prepared(page: str, home: Path, patch: pytest.MonkeyPatch) -> Iterator[World]:
    patch.setattr(getpass, "getpass", lambda *_: "secret")
    logins = page in LOGGING_IN and sys.platform == "linux"
    with Emulator(random_seed=7, ssh_port=0 if logins else None) as cloud:
        _accounts(cloud, home, patch)
        with cloud.activate(rate=0, profiles=["lab"]), cloud.datacenter() as sdc:
            here = World(cloud, sdc, home, patch)
            exec("from smartdc import *", here.names)  # noqa: S102 - as in the console
            here.names |= {"__name__": "page", "cloud": cloud, "sdc": sdc, "getpass": getpass}
            PREPARED.get(page, _machine)(here)
            yield here


def _accounts(cloud: Emulator, home: Path, patch: pytest.MonkeyPatch) -> None:
    for name in (cloud.key_file.name, f"{cloud.key_file.name}.pub"):
        shutil.copy(cloud.key_file.parent / name, home / ".ssh" / name)
    shutil.copy(cloud.ca_file, home / "ca.pem")
    (home / "boot.sh").write_text("#!/bin/sh\ntouch /root/booted\n")
    for login, key in ACCOUNTS.items():
        account = cloud.add_account(f"of.{login}")  # "me" is too short for a login
        account.login = login
        account.add_key(key, cloud.key.openssh)
        cloud.site().shared.directory.restore(account)
    for name in ("us-central-1", "us-sw-1"):
        patch.setitem(KNOWN_LOCATIONS, name, cloud.url())
    patch.setitem(KNOWN_LOCATIONS, "us-east-1", cloud.url("us-east-1"))


def command(line: str, here: World, out: TextIO) -> None:
    """Run a command that a page shows: an example in this process, any other command in a shell."""
    if not line.startswith("python examples/"):
        done = subprocess.run(
            ["sh", "-c", line],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        print(done.stdout + done.stderr, end="" if done.stdout.endswith("\n") else "\n", file=out)
        return
    _, path, *arguments = shlex.split(line)
    with here.patch.context() as within, redirect_stdout(out):
        within.setattr(sys, "argv", [path, *arguments])
        within.syspath_prepend(str(ROOT / "examples"))
        try:
            runpy.run_path(str(ROOT / path), run_name="__main__")
        except SystemExit as ended:
            if ended.code:
                print(ended.code)


def _nothing(here: World) -> None:
    pass


def _machine(here: World) -> None:
    here.names["machine"] = here.machine(role="web")
    here.names["image"] = here.sdc.image("base-64-lts")


def _access_keys(here: World) -> None:
    here.cloud.site().shared.schema_only = True  # no server up to 9.20 updates access keys


def _keys(here: World) -> None:
    shutil.copy(ROOT / "tests/data/keys/TEST_ONLY_ed25519.pub", here.home / ".ssh" / "id_ed25519.pub")
    here.cloud.add_user("bob")


def _users(here: World) -> None:
    here.names["PUBLIC_KEY"] = (ROOT / "tests/data/keys/TEST_ONLY_ed25519.pub").read_text()


def _rbac(here: World) -> None:
    here.cloud.add_user("bob")
    here.machine(role="web")


def _authentication(here: World) -> None:
    here.sdc.create_role("ops")
    here.stand_ins["SHA256:..."] = here.cloud.key.fingerprint


def _control(here: World) -> None:
    here.names["token"] = here.cloud.token
    here.patch.setenv("TOKEN", here.cloud.token)
    here.stand_ins["https://127.0.0.1:8443"] = here.cloud.url()


def _emulator(here: World) -> None:
    deploy = types.SimpleNamespace(main=lambda: _create(DataCenter.from_profile()))
    here.names |= {"deploy": deploy, "my_script": types.SimpleNamespace(run=_create)}
    machine = here.machine()
    options = "-q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    here.stand_ins |= {
        "KEY_FILE": f"{here.cloud.key_file} {options}",
        "2222": str(here.cloud.ssh_port),
        "127.64.0.4": str(machine.primary_ip),
    }
    (here.home / "site.conf").write_text("port 80\n")


def _create(sdc: DataCenter) -> None:
    sdc.create_machine("web", package="g4-highcpu-1G", image="base-64-lts").poll_until("running")


def _fleets(here: World) -> None:
    for number in range(3):
        here.machine(f"test{number}", type="test")


def _private_cloud(here: World) -> None:
    here.stand_ins["https://cloudapi.example.com"] = here.cloud.url()
    here.patch.delenv("REQUESTS_CA_BUNDLE")  # the page shows the error without it


def _names(here: World) -> None:
    for number in (1, 2):
        here.cloud.site().add_network("twin", uuid=f"7e57ab1e-0000-4000-8000-{number:012}")


def _uuid(here: World) -> None:
    _machine(here)
    here.stand_ins["UUID"] = here.names["machine"].id


def _tutorial(here: World) -> None:
    shutil.copy(here.cloud.key_file, here.home / ".ssh" / "id_rsa")


LOGGING_IN = {
    "docs/emulator.md",
    "docs/howto/ci-machine.md",
    "docs/howto/fabric.md",
    "docs/ssh.md",
    "docs/tutorial.md",
}
"""Pages that log in to machines, which needs Linux."""

PREPARED: dict[str, Callable[[World], None]] = {
    "docs/api/accesskeys.md": _access_keys,
    "docs/api/keys.md": _keys,
    "docs/api/rbac.md": _rbac,
    "docs/api/users.md": _users,
    "docs/authentication.md": _authentication,
    "docs/emulator-control.md": _control,
    "docs/emulator.md": _emulator,
    "docs/fleets.md": _fleets,
    "docs/howto/private-cloud.md": _private_cloud,
    "docs/names.md": _names,
    "docs/retries.md": _uuid,
    "docs/tutorial.md": _tutorial,
}
"""What prepares a page; by default a running machine, `machine`, and an image, `image`."""
