"""How long it takes to send machines to a pool of processes one by one, compared with threads.

Run it: ``.venv/bin/python tests/benchmarks/bench_processes.py`` (``--help``). Each of 200 machines is pickled
separately, and asked for its `status`. The emulator is in another process, behind a relay that counts the
connections. docs/performance.md has the numbers.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.pool import ThreadPool
from operator import methodcaller
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from smartdc import DataCenter, Machine
from smartdc.emulator import Emulator
from tests.helpers.relays import Relay

WORKERS = 2
LIMIT = 2.0
"""The most time that processes may take, as a multiple of that of threads."""

STATUS = methodcaller("status")


def serve() -> None:
    """Emulate a cloud; for each line on stdin, print how many connections were opened."""
    openssh = sys.argv[2]
    with Emulator() as cloud, Relay(cloud.url()) as relay:
        cloud.account.add_key("bench", openssh)
        ids = [cloud.site().add_machine(f"web{number}").uuid for number in range(int(sys.argv[3]))]
        about = {"url": relay.url, "login": cloud.account.login, "ca": str(cloud.ca_file), "ids": ids}
        print(json.dumps(about), flush=True)
        for _ in sys.stdin:
            print(relay.opened, flush=True)


@contextmanager
def emulator(openssh: str, machines: int) -> Iterator[tuple[dict[str, str], Callable[[], int]]]:
    """An emulator in another process: its details, and a function that counts its connections."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_processes", "serve", openssh, str(machines)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        requests: IO[str] = process.stdin
        answers: IO[str] = process.stdout

        def opened() -> int:
            print(file=requests, flush=True)
            return int(answers.readline())

        yield json.loads(answers.readline()), opened


def by_threads(machines: Sequence[Machine]) -> list[str]:
    with ThreadPool(WORKERS) as pool:
        return pool.map(STATUS, machines, chunksize=1)


def by_pool(machines: Sequence[Machine]) -> list[str]:
    with multiprocessing.Pool(WORKERS) as pool:
        return pool.map(STATUS, machines, chunksize=1)


def by_executor(machines: Sequence[Machine]) -> list[str]:
    with ProcessPoolExecutor(WORKERS) as pool:
        return list(pool.map(STATUS, machines, chunksize=1))


WAYS = {"threads": by_threads, "multiprocessing.Pool": by_pool, "ProcessPoolExecutor": by_executor}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--machines", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5, help="the median counts")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, {multiprocessing.cpu_count()} cores, {WORKERS} workers")
    print(f"{'key':10} {'way':22} {'seconds':>8} {'ratio':>6} {'connections':>12}")
    is_wrong = False
    for name, key in (("Ed25519", ed25519.Ed25519PrivateKey.generate()), ("RSA 4096", _rsa())):
        is_wrong |= measure(name, key, options.machines, options.rounds)
    print(f"limit {LIMIT}, and one connection a process: {'EXCEEDED' if is_wrong else 'kept'}")
    return int(is_wrong)


def measure(name: str, key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey, count: int, rounds: int) -> bool:
    """Measure each way with this key; return whether a limit was exceeded."""
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    with TemporaryDirectory() as directory, emulator(public.decode(), count) as (about, opened):
        path = Path(directory, "id")
        form = serialization.PrivateFormat.OpenSSH
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        path.chmod(0o600)
        # Each `status` is a request, in threads as well: by default they would share lists.
        sdc = DataCenter(
            about["url"], f"/{about['login']}/keys/bench", path, verify=about["ca"], share_polls=False
        )
        machines = [sdc.machine(ident, lazy=True) for ident in about["ids"]]
        seconds: dict[str, list[float]] = {way: [] for way in WAYS}
        connections: dict[str, int] = {}
        for _ in range(rounds):
            for way, run in WAYS.items():
                before, started = opened(), time.perf_counter()
                assert set(run(machines)) == {"running"}
                seconds[way].append(time.perf_counter() - started)
                connections[way] = max(connections.get(way, 0), opened() - before)
        sdc.close()
    is_wrong = False
    for way, taken in seconds.items():
        ratio = statistics.median(one / other for one, other in zip(taken, seconds["threads"], strict=True))
        is_wrong |= ratio > LIMIT or connections[way] > WORKERS
        print(f"{name:10} {way:22} {statistics.median(taken):8.2f} {ratio:6.2f} {connections[way]:12}")
    return is_wrong


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 4096)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve()
    else:
        sys.exit(main())
