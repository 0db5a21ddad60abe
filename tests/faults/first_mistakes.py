"""Forty mistakes of beginners, and what the error says about each.

``python -m tests.faults.first_mistakes`` writes docs/first-mistakes.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from smartdc import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    DataCenter,
    InvalidResponse,
    KeyLoadError,
    NotFoundError,
    SmartDCError,
)
from smartdc.emulator import Emulator
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.helpers.servers import Reply, StubServer

PAGE = Path(__file__).parents[2] / "docs" / "first-mistakes.md"
FAR = "https://cloudapi.example.com"


@dataclass(frozen=True)
class Place:
    """What a beginner has: a cloud, keys, a directory, an environment, and a server without CloudAPI."""

    cloud: Emulator
    sdc: DataCenter
    keys: KeyRing
    folder: Path
    environment: pytest.MonkeyPatch
    server: StubServer

    def file(self, name: str, content: str | bytes) -> str:
        """The path of a new file."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def ask(self, **arguments: Any) -> None:
        """Sign in with these arguments instead of the right ones, and make a request."""
        with self.cloud.datacenter(**arguments) as sdc:
            sdc.account()

    def proxy(self, answer: bytes) -> None:
        """Make a request through a proxy that gives this answer."""
        self.server.otherwise = [answer + b"\r\nContent-Length: 0\r\n\r\n", b""]
        self.environment.setenv("https_proxy", self.server.url.replace("//", "//bob:PASSWORT@"))
        DataCenter(FAR).account()


@dataclass(frozen=True)
class Mistake:
    """One row: the mistake, the class of the error, and words of its text."""

    what: str
    error: type[SmartDCError]
    says: str
    make: Callable[[Place], Any]


MISTAKES = [
    Mistake("a key file that does not exist", KeyLoadError, "does not exist; give the path",
            lambda p: p.ask(secret=p.folder / "id_none")),
    Mistake("the public key as `secret`", KeyLoadError, "public",
            lambda p: p.ask(secret=p.file("id.pub", p.keys.public("ed25519").openssh))),
    Mistake("a directory as key file", KeyLoadError, "is a directory", lambda p: p.ask(secret=p.folder)),
    Mistake("an empty key file", KeyLoadError, "is not a private key",
            lambda p: p.ask(secret=p.file("id", ""))),
    Mistake("a file that is not a key", KeyLoadError, "is not a private key",
            lambda p: p.ask(secret=p.file("id", "hello"))),
    Mistake("an encrypted key without a passphrase", KeyLoadError, "there is no passphrase; give passphrase=",
            lambda p: p.ask(secret=p.keys.path("ed25519", "openssh", PASSPHRASE))),
    Mistake("a wrong passphrase", KeyLoadError, "the passphrase is wrong",
            lambda p: p.ask(secret=p.keys.path("ed25519", "openssh", PASSPHRASE), passphrase="x")),
    Mistake("a passphrase that is a number", KeyLoadError, "passphrase",
            lambda p: p.ask(secret=p.keys.path("ed25519", "openssh", PASSPHRASE), passphrase=123456)),
    Mistake("a key of another account", AuthenticationError, "check",
            lambda p: p.ask(secret=p.keys.path("p256"))),
    Mistake("a key name that the account does not have", AuthenticationError, "check",
            lambda p: p.ask(key_id="/test/keys/laptop", secret=p.keys.path("ed25519"))),
    Mistake("an account that does not exist", AuthenticationError, "check",
            lambda p: p.ask(key_id="/tset/keys/id", secret=p.keys.path("ed25519"))),
    Mistake("a key id without the account", ConfigurationError, "/LOGIN/keys/NAME",
            lambda p: p.ask(key_id="laptop")),
    Mistake("a key id without slash", ConfigurationError, "/LOGIN/keys/NAME",
            lambda p: p.ask(key_id="test/keys/laptop")),
    Mistake("a key without a key id", ConfigurationError, "key_id",
            lambda p: DataCenter(FAR, secret=p.keys.path("ed25519"))),
    Mistake("no key at all", AuthenticationError, "key_id", lambda p: p.ask(key_id=None, login="test")),
    Mistake("a sub-user without the account", ConfigurationError, "needs key_id",
            lambda p: DataCenter(FAR, user="bob")),
    Mistake("a profile that does not exist", ConfigurationError, "there is no profile",
            lambda p: DataCenter.from_profile("prod")),
    Mistake("an environment without the variables", ConfigurationError, "TRITON_URL",
            lambda p: DataCenter.from_env()),
    Mistake("a misspelt location", ConfigurationError, "did you mean us-central-1?",
            lambda p: DataCenter("us-centrl-1", login="x").account()),
    Mistake("no location", ConfigurationError, "give the location",
            lambda p: DataCenter(login="x").account()),
    Mistake("a host that does not exist", ConnectionFailed, "there is no such host; check the location",
            lambda p: DataCenter("https://cloudapi.invalid", login="x").account()),
    Mistake("a URL with the account in it", ConfigurationError, "URL",
            lambda p: DataCenter("https://bob@cloudapi.example.com")),
    Mistake("the URL of a web page", InvalidResponse, "the URL of a CloudAPI?", lambda p: _page(p)),
    Mistake("http:// for a TLS port", ConnectionFailed, "write https://",
            lambda p: _says(p, b"\x15\x03\x03\x00\x02\x02\x0a")),
    Mistake("an SSH port", ConnectionFailed, "it speaks SSH",
            lambda p: _says(p, b"SSH-2.0-OpenSSH_9.2\r\n")),
    Mistake("a private cloud without `verify`", ConnectionFailed, "verify='/path/to/ca.pem'",
            lambda p: p.ask(verify=True)),
    Mistake("`verify` with a file that does not exist", ConfigurationError, "cannot be read (No such file",
            lambda p: p.ask(verify=str(p.folder / "ca.pem"))),
    Mistake("`verify` with a file without certificate", ConfigurationError, "no certificate that can be read",
            lambda p: p.ask(verify=p.file("ca.pem", "hello"))),
    Mistake("`REQUESTS_CA_BUNDLE` with an empty file", ConfigurationError, "REQUESTS_CA_BUNDLE=",
            lambda p: _bundle(p)),
    Mistake("a wrong password for the proxy", ConnectionFailed, "check the user and password in HTTPS_PROXY",
            lambda p: p.proxy(b"HTTP/1.1 407 Proxy Authentication Required")),
    Mistake("a proxy that forbids the host", ConnectionFailed, "name the host in NO_PROXY",
            lambda p: p.proxy(b"HTTP/1.1 403 Forbidden")),
    Mistake("a proxy with an unknown scheme", ConfigurationError, "use one of http, https",
            lambda p: _proxy(p, "ftp://proxy:21")),
    Mistake("a proxy without a host", ConfigurationError, "http://host:port", lambda p: _proxy(p, "http://")),
    Mistake("a timeout as text", ConfigurationError, "timeout must be a number of seconds",
            lambda p: p.ask(timeout="30")),
    Mistake("a pool size as text", ConfigurationError, "pool_size must be", lambda p: p.ask(pool_size="8")),
    Mistake("headers as a list", ConfigurationError, "headers must be a dict",
            lambda p: p.ask(headers=[("X-Mine", "1")])),
    Mistake("tags as a list", ConfigurationError, "tags must be a dict",
            lambda p: _create(p, tags=["a"])),
    Mistake("a list as image", ConfigurationError, "names no image",
            lambda p: _create(p, image=p.sdc.images())),
    Mistake("a typo in the name of a network", NotFoundError, "candidates: 'external' (",
            lambda p: _create(p, networks=["extrenal"])),
    Mistake("a typo in the name of an image", NotFoundError, "'base-64-lts@20.4.0' (",
            lambda p: _create(p, image="base-64-tls")),
    Mistake("a machine name that does not exist", NotFoundError, "no machine has the name or short id 'web'",
            lambda p: p.sdc.machine("web")),
    Mistake("a name as the first argument of `machines`", ConfigurationError,
            "'smartmachine' or 'virtualmachine'", lambda p: p.sdc.machines("web")),
    Mistake("a state in capitals", ConfigurationError, "did you mean 'running'?",
            lambda p: p.sdc.machines(state="Running")),
    Mistake("a flag as text", ConfigurationError, "paged must be True or False",
            lambda p: p.sdc.machines(paged="false")),  # type: ignore[arg-type]
    Mistake("a singular word for `exists`", ConfigurationError, "did you mean 'packages'?",
            lambda p: p.sdc.exists("package", "g4-highcpu-1G")),
    Mistake("a server that hangs up", ConnectionFailed, "broke (Remote end closed",
            lambda p: _hangs_up(p)),
    Mistake("a boot script that does not exist", ConfigurationError, "give the path of the script",
            lambda p: p.sdc.create_machine("web", boot_script="setup.sh")),
    Mistake("a boot script that is not UTF-8", ConfigurationError, "is not UTF-8",
            lambda p: p.sdc.create_machine("web", boot_script=p.file("setup.sh", b"\xff\xfe"))),
    Mistake("a private key for `add_key`", ConfigurationError, "this is a private key",
            lambda p: p.sdc.add_key("id", p.keys.path("ed25519").read_text())),
    Mistake("a machine name with a space", ConfigurationError, "is not a machine name",
            lambda p: p.sdc.create_machine("my machine")),
    Mistake("a machine that does not exist", NotFoundError, "404 ResourceNotFound",
            lambda p: p.sdc.machine("b6c9a5e0-8b2f-4c42-9d3f-0123456789ab")),
]  # fmt: skip


def _create(place: Place, **arguments: Any) -> None:
    place.sdc.create_machine("web", **arguments)


def _page(place: Place) -> None:
    place.server.answer(Reply(b"<html>", content_type="text/html"))
    DataCenter(place.server.url, login="x").account()


def _says(place: Place, answer: bytes) -> None:
    place.server.answer([answer, b""])
    DataCenter(place.server.url, login="x").account()


def _hangs_up(place: Place) -> None:
    place.server.otherwise = [b""]
    DataCenter(place.server.url, login="x", retry="none").account()


def _bundle(place: Place) -> None:
    place.environment.setenv("REQUESTS_CA_BUNDLE", place.file("ca.pem", ""))
    place.ask(verify=True)


def _proxy(place: Place, address: str) -> None:
    place.environment.setenv("https_proxy", address)
    DataCenter(FAR)


_HEAD = """\
# First mistakes

Mistakes of beginners, and what the error says. Each error comes within a second, after at most one attempt,
unless the network itself is slow; none shows a password or a key.

| mistake | error | says |
| --- | --- | --- |
"""


def page() -> str:
    """The text of the page."""
    rows = (f"| {row.what} | `{row.error.__name__}` | ... {row.says} ... |\n" for row in MISTAKES)
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page())
