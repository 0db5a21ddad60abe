"""How much CPU a signed GET costs, compared with a bare `requests.Session` that gets the same URL.

Run it: ``.venv/bin/python tests/benchmarks/bench_signed_get.py`` (``--help``). Both clients are in
this process and take turns; the emulator is in another, so that its work is not counted. The bare session
sends a signature that was made before, and decodes the JSON as `request` does. docs/performance.md has the
numbers.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.http_signature import HTTPSignatureAuth

BARE, RSA = "bare requests.Session", "RSA 2048"
LIMIT = 0.70 if sys.version_info < (3, 12) else 0.85
"""The highest ratio allowed with Ed25519 or a cached signature; a bare session of 3.12 costs less."""

PATH = "/machines/{id}"
NUMBERS = itertools.count()
"""A new query for each call, so that no signature of a path can be used twice."""


def serve() -> None:
    """Emulate a cloud until stdin ends; print its details."""
    with Emulator() as cloud:
        for line in sys.argv[2:]:
            name, _, openssh = line.partition("=")
            cloud.account.add_key(name, openssh)
        machine = cloud.site().add_machine("bench")
        about = {
            "url": cloud.url(),
            "login": cloud.account.login,
            "ca": str(cloud.ca_file),
            "id": machine.uuid,
        }
        print(json.dumps(about), flush=True)
        sys.stdin.read()


@contextmanager
def emulator(keys: dict[str, Path]) -> Iterator[dict[str, str]]:
    """An emulator in another process, whose account has these keys."""
    arguments = [f"{name}={path.with_suffix('.pub').read_text().strip()}" for name, path in keys.items()]
    command = [sys.executable, str(Path(__file__).resolve()), "serve", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        # Leaving the block closes the pipes, which ends the process.


def write_key(directory: Path, name: str) -> Path:
    private = (
        ed25519.Ed25519PrivateKey.generate()
        if name == "ed25519"
        else rsa.generate_private_key(65537, int(name.removeprefix("rsa")))
    )
    path = directory / name
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH
    path.write_bytes(private.private_bytes(encoding, form, serialization.NoEncryption()))
    openssh = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    path.with_suffix(".pub").write_bytes(private.public_key().public_bytes(*openssh))
    return path


def bare_client(about: dict[str, str], key: Path) -> Callable[[], object]:
    """GET with a plain `requests` session; the signature is a fixed header."""
    url = about["url"] + f"/{about['login']}" + PATH.format(**about)
    auth = HTTPSignatureAuth(f"/{about['login']}/keys/{key.name}", key, signed_headers="date")
    signed = auth(requests.Request("GET", url).prepare()).headers
    session = requests.Session()
    session.verify = about["ca"]
    session.headers.update({"Accept": "application/json", "Accept-Version": "~9||~8", **signed})

    def get() -> object:
        response = session.get(f"{url}?number={next(NUMBERS)}")
        response.raise_for_status()
        return json.loads(response.content)

    return get


def our_client(about: dict[str, str], key: Path, signed_headers: str) -> Callable[[], object]:
    sdc = DataCenter(
        about["url"],
        f"/{about['login']}/keys/{key.name}",
        key,
        login=about["login"],
        verify=about["ca"],
        signed_headers=signed_headers,
    )
    path = PATH.format(**about)
    return lambda: sdc.request("GET", path, params={"number": next(NUMBERS)})[0]


def cost(call: Callable[[], object], calls: int) -> float:
    """CPU seconds of this process for one call."""
    started = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - started) / calls


def signature_cost(key: Path) -> float:
    signer = HTTPSignatureAuth("/a/keys/k", key).signer
    return cost(lambda: signer.sign(b"date: %d" % next(NUMBERS)), 100)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=5, help="calls of each client in a round")
    parser.add_argument("--rounds", type=int, default=150, help="rounds; the least of each client counts")
    options = parser.parse_args()
    for name in list(os.environ):  # a bare session would use them
        if name.lower().endswith(("_proxy", "_ca_bundle")):
            del os.environ[name]
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        keys = {name: write_key(directory, name) for name in ("ed25519", "rsa2048", "rsa4096")}
        about = stack.enter_context(emulator(keys))
        full, date = "(request-target) date", "date"
        clients = {
            BARE: bare_client(about, keys["ed25519"]),
            "Ed25519": our_client(about, keys["ed25519"], full),
            "Ed25519, signed_headers='date'": our_client(about, keys["ed25519"], date),
            "RSA 4096, signed_headers='date'": our_client(about, keys["rsa4096"], date),
            RSA: our_client(about, keys["rsa2048"], full),
        }
        results: dict[str, list[float]] = {name: [] for name in clients}
        answers = [client() for client in clients.values()]
        assert all(answer == answers[0] for answer in answers), "the clients got different answers"
        for number in range(options.rounds):
            # The order is reversed each time, so that no client is always the first.
            for name in list(clients)[:: 1 if number % 2 else -1]:
                results[name].append(cost(clients[name], options.calls))
        return report(results, {name: signature_cost(key) for name, key in keys.items()})


def report(results: dict[str, list[float]], signatures: dict[str, float]) -> int:
    """Print the table; the exit status says whether the limit was kept."""
    bare = results[BARE]
    print(f"Python {sys.version.split()[0]}, requests {requests.__version__}, {os.cpu_count()} cores")
    print(f"{'client':34} {'least us':>8} {'ratio':>6} {'median of ratios':>17}")
    too_slow = False
    for name, seconds in results.items():
        # The least counts, because nothing else ran then; the median of the rounds shows a busy machine.
        ratio = min(seconds) / min(bare)
        median = statistics.median(one / other for one, other in zip(seconds, bare, strict=True))
        too_slow |= name not in (BARE, RSA) and ratio > LIMIT
        print(f"{name:34} {1e6 * min(seconds):8.0f} {ratio:6.2f} {median:17.2f}")
    for name, second in signatures.items():
        print(f"{'one signature, ' + name:34} {1e6 * second:8.0f}")
    more = statistics.median(one - other for one, other in zip(results[RSA], results["Ed25519"], strict=True))
    print(
        f"RSA 2048 costs {1e6 * more:.0f} us more than Ed25519: {more / signatures['rsa2048']:.2f} signatures"
    )
    print(f"limit {LIMIT}: {'EXCEEDED' if too_slow else 'kept'}")
    return int(too_slow)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve()
    else:
        sys.exit(main())
