"""How the emulator scales: the CPU of a request with many machines, and the memory of each machine.

Run it: ``.venv/bin/python tests/benchmarks/bench_emulator.py`` (``--help``). The emulator is in another
process; its CPU and memory are measured. docs/performance.md has the numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from smartdc import DataCenter
from smartdc.emulator import Emulator

MEMORY = Path("/proc/self/statm")
LISTENERS = 10
LIMITS = {
    "ms, GET of one of 1,000, ten listeners": 1.5,
    "x, page of 1000 among 100,000 : among 1,000": 2.0,
    "ms, HEAD among 100,000": 5.0,
    "ms, limit=1 among 100,000": 5.0,
    "KiB a machine that was created by the API": 4.0,
}


def serve() -> None:
    """Emulate a cloud; each line of stdin is a command, and each command prints a line."""
    with Emulator(keep_calls=1000) as cloud:
        site = cloud.site()
        about = {"url": cloud.url(), "login": cloud.account.login, "ca": str(cloud.ca_file)}
        print(json.dumps({**about, "key_id": cloud.key_id, "key": str(cloud.key_file)}), flush=True)
        for line in sys.stdin:
            command, _, argument = line.strip().partition(" ")
            if command == "fill":
                while len(site.machines) < int(argument):
                    site.add_machine(networks=())
            elif command == "advance":
                cloud.clock.advance(float(argument))
            pages = int(MEMORY.read_text().split()[1])
            used = {"cpu": time.process_time(), "bytes": pages * os.sysconf("SC_PAGE_SIZE")}
            print(json.dumps(used), flush=True)


class Server:
    """The emulator in another process, and a client that uses it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._commands, self._answers = process.stdin, process.stdout
        about = json.loads(self._answers.readline())
        self.sdc = DataCenter(
            about["url"],
            about["key_id"],
            about["key"],
            login=about["login"],
            verify=about["ca"],
            rate=10_000.0,
        )

    def ask(self, command: str = "used") -> dict[str, float]:
        """Send the server a command; return what it has used so far."""
        print(command, file=self._commands, flush=True)
        used: dict[str, float] = json.loads(self._answers.readline())
        return used

    def cost(self, call: Callable[[], object], calls: int, rounds: int = 15) -> float:
        """Milliseconds of the server's CPU for one call: the least of some rounds, as it may be busy."""
        call()
        found = []
        for _ in range(rounds):
            before = self.ask()["cpu"]
            for _ in range(calls):
                call()
            found.append((self.ask()["cpu"] - before) / calls)
        return 1000 * min(found)


@contextmanager
def server() -> Iterator[Server]:
    command = [sys.executable, str(Path(__file__).resolve()), "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Server(process)
        # Leaving the block closes the pipes, which ends the process.


def growing(results: dict[str, float]) -> None:
    """GET, HEAD and lists, with more and more machines."""
    with server() as remote:

        def page(**params: Any) -> Callable[[], object]:
            return lambda: remote.sdc.request("GET", "/machines", params=params)

        def head() -> object:
            return remote.sdc.request("HEAD", "/machines")

        remote.ask("fill 1")
        path = f"/machines/{remote.sdc.request('GET', '/machines')[0][0]['id']}"

        def one() -> object:
            return remote.sdc.request("GET", path)

        alone = remote.cost(one, 50)
        remote.ask("fill 1000")
        with ExitStack() as stack:
            for _ in range(LISTENERS):
                stack.enter_context(remote.sdc.changefeed())
            many = remote.cost(one, 50)
        results["ms, GET of one of 1,000, ten listeners"] = many
        results["x, the same : GET of the only one"] = many / alone
        few = remote.cost(page(), 5)
        results["ms, page of 1000 among 1,000"] = few
        remote.ask("fill 100000")
        results["x, page of 1000 among 100,000 : among 1,000"] = remote.cost(page(offset=50_000), 5) / few
        results["x, page of 1000 that no list had before"] = first_time(remote) / few
        results["ms, HEAD among 100,000"] = remote.cost(head, 20)
        results["ms, limit=1 among 100,000"] = remote.cost(page(limit=1), 20)
        results["ms, by a name among 100,000"] = remote.cost(page(name="nothing"), 3)


def first_time(remote: Server) -> float:
    """Milliseconds for a page whose machines have not been written before."""
    before = remote.ask()["cpu"]
    remote.sdc.request("GET", "/machines", params={"offset": 80_000})
    return 1000 * (remote.ask()["cpu"] - before)


def creating(results: dict[str, float], count: int) -> None:
    """Creates through the API until their jobs are done, and a list of everything."""
    with server() as remote:
        sdc = remote.sdc
        image, package = sdc.images("base64")[0], sdc.packages()[0]

        def create(number: int) -> None:
            for each in range(number):
                sdc.request("POST", "/machines", data={"image": image["id"], "package": package["id"]})
                if each % 100 == 99:
                    remote.ask("advance 60")

        create(1000)  # warm up: some memory is allocated only once
        before = remote.ask()
        create(1000)
        first = remote.ask()["cpu"] - before["cpu"]
        create(count - 3000)
        near_end = remote.ask()["cpu"]
        create(1000)
        last = remote.ask("advance 60")["cpu"] - near_end
        assert len(sdc.machines()) == count
        grown = remote.ask()["bytes"] - before["bytes"]
        results["x, a create among the last : among the first 1000"] = last / first
        results["ms, a create among the last"] = last
        results["KiB a machine that was created by the API"] = grown / 1024 / (count - 1000)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--creates", type=int, default=20_000, help="machines created by the API")
    options = parser.parse_args()
    results: dict[str, float] = {}
    growing(results)
    creating(results, options.creates)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    for name, value in results.items():
        unit, _, what = name.partition(", ")
        limit = f"limit {LIMITS[name]}" if name in LIMITS else ""
        print(f"{what or name:58} {value:8.2f} {unit if what else '':4} {limit}")
    exceeded = [name for name, limit in LIMITS.items() if results[name] > limit]
    print(f"limits {'EXCEEDED: ' + '; '.join(exceeded) if exceeded else 'kept'}")
    return int(bool(exceeded))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve()
    else:
        sys.exit(main())
