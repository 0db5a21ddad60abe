"""The output of the command: how to reach the cloud, a line for each request, and a summary at the end."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from smartdc.emulator.control.activation import OTHER_VARIABLES
from smartdc.emulator.control.clients import Clients
from smartdc.emulator.http.calls import Call, line
from smartdc.emulator.state.directory import Key

#: Variables of `Emulator.environment` that are not printed: in a shell they would break HTTPS to other hosts.
_REPLACES_AUTHORITIES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_MATERIAL = ("TRITON_KEY_MATERIAL", "SDC_KEY_MATERIAL")


def guide(cloud: Clients, ssh_port: int | None, keys: Sequence[Key], files: Sequence[str]) -> Iterator[str]:
    """Yield lines for a shell that set the variables; comments in between say how else to reach the cloud.

    Args:
        cloud: The emulator.
        ssh_port: The port of its machines' SSH servers, or None.
        keys: The user's own keys. If there are any, no private key is printed.
        files: The files of their public keys.
    """
    for name, url in cloud.urls.items():
        yield f"# {name}: {url}"
    variables = cloud.environment()
    for name in _REPLACES_AUTHORITIES:
        del variables[name]
    if keys:
        for name in _MATERIAL:
            del variables[name]
        variables["TRITON_KEY_ID"] = variables["SDC_KEY_ID"] = keys[0].fingerprint
    misleading = [
        name for name in (*OTHER_VARIABLES, *_MATERIAL) if name in os.environ and name not in variables
    ]
    if misleading:
        yield f"unset {' '.join(misleading)}"
    for name, value in variables.items():
        yield f"export {name}={shlex.quote(value)}"
    authorities = shlex.quote(str(cloud.ca_file))
    yield f"# certificate authority, for clients that take one as an option: {cloud.ca_file}"
    yield f"# curl: curl --cacert {authorities}; programs in Go or Ruby: SSL_CERT_FILE={authorities} PROGRAM"
    if keys:
        key_id, secret, login = f"/{cloud.account.login}/keys/{keys[0].fingerprint}", None, _private(files[0])
        yield (
            "# clients look for your key in ~/.ssh and in the ssh-agent; if it is elsewhere, also: "
            f"export TRITON_KEY_MATERIAL={shlex.quote(login or 'FILE')}"
        )
    else:
        key_id, secret, login = cloud.key_id, str(cloud.key_file), str(cloud.key_file)
        yield f"# triton, which looks for keys in ssh-agent and ~/.ssh: ssh-add {shlex.quote(secret)}"
    yield (
        f"# in Python: DataCenter.from_env(), or DataCenter({cloud.url()!r}, key_id={key_id!r}, "
        f"secret={secret!r}, verify={str(cloud.ca_file)!r})"
    )
    if cloud.clock.stands_still:
        yield "# time stands still: a client that waits goes on when the control over HTTP advances the clock"
    if ssh_port is not None:
        identity = f" -i {shlex.quote(login)}" if login else ""
        yield f"# machines: ssh -p {ssh_port}{identity} admin@ADDRESS"
    yield f"# status page: {cloud.page_url}"
    yield "# control over HTTP takes the same token: Authorization: Bearer TOKEN"
    yield "# Ctrl-C stops it"


def _private(public: str) -> str:
    """Return the path of the private key beside a public one; empty if there is none."""
    path = Path(public).expanduser()
    return str(path.with_suffix("")) if path.suffix == ".pub" and path.with_suffix("").exists() else ""


class Log:
    """Writes a line for each call, and a summary; goes on silently when the stream cannot be written.

    Args:
        cloud: The emulator.
        stream: Where to write; None if stderr is closed.
        quiet: Write nothing but violations.
        kept: How many calls the emulator keeps: a command may run for days.
    """

    def __init__(self, cloud: Clients, stream: TextIO | None, *, quiet: bool, kept: int = 1000) -> None:
        self._cloud = cloud
        self._stream = stream
        self._quiet = quiet
        self._saved_state = kept
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()

    def call(self, call: Call) -> None:
        """Write a line about a request, and drop the oldest calls of the emulator."""
        name = call.operation or "(no operation)"
        self._counts[name] += 1
        self._refused[name] += not 0 < call.status < 400
        del self._cloud.calls[: -self._saved_state]
        if not self._quiet:
            self._write(f"{datetime.now(UTC):%H:%M:%S} {line(call)}")

    def end(self) -> None:
        """Write how often each operation was called, and what would have harmed a real server."""
        if self._counts and not self._quiet:
            self._write(f"{self._counts.total()} requests:")
            for name, count in self._counts.most_common():
                refused = f", {self._refused[name]} of them failed" if self._refused[name] else ""
                self._write(f"  {count} {name}{refused}")
        if self._cloud.violations:
            self._write(self._cloud.report())

    def _write(self, text: str) -> None:
        if self._stream is None:
            return  # print(file=None) would write to stdout
        with suppress(OSError, ValueError):
            print(text, file=self._stream, flush=True)
