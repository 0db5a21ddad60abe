"""How the emulator grows: what a request costs its server with many machines, and how much memory one takes.

Run it: ``.venv/bin/python tests/benchmarks/bench_emulator.py`` (``--help``). The emulator is in another
process, whose CPU and memory are what is measured. docs/performance.md has the numbers.
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
    """The emulator of another process, and a client of it."""

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
        """Have the server do something, and say what it has used."""
        print(command, file=self._commands, flush=True)
        used: dict[str, float] = json.loads(self._answers.readline())
        return used

    def cost(self, call: Callable[[], object], calls: int, rounds: int = 15) -> float:
        """Milliseconds of the server's CPU for one call: the least of some rounds; others use it too."""
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
    """GET, HEAD and lists, while there are ever more machines."""
    with server() as there:

        def page(**params: Any) -> Callable[[], object]:
            return lambda: there.sdc.request("GET", "/machines", params=params)

        def head() -> object:
            return there.sdc.request("HEAD", "/machines")

        there.ask("fill 1")
        path = f"/machines/{there.sdc.request('GET', '/machines')[0][0]['id']}"

        def one() -> object:
            return there.sdc.request("GET", path)

        alone = there.cost(one, 50)
        there.ask("fill 1000")
        with ExitStack() as stack:
            for _ in range(LISTENERS):
                stack.enter_context(there.sdc.changefeed())
            many = there.cost(one, 50)
        results["ms, GET of one of 1,000, ten listeners"] = many
        results["x, the same : GET of the only one"] = many / alone
        few = there.cost(page(), 5)
        results["ms, page of 1000 among 1,000"] = few
        there.ask("fill 100000")
        results["x, page of 1000 among 100,000 : among 1,000"] = there.cost(page(offset=50_000), 5) / few
        results["x, page of 1000 that no list had before"] = first_time(there) / few
        results["ms, HEAD among 100,000"] = there.cost(head, 20)
        results["ms, limit=1 among 100,000"] = there.cost(page(limit=1), 20)
        results["ms, by a name among 100,000"] = there.cost(page(name="nothing"), 3)


def first_time(there: Server) -> float:
    """Milliseconds for a page whose machines have not been written before."""
    before = there.ask()["cpu"]
    there.sdc.request("GET", "/machines", params={"offset": 80_000})
    return 1000 * (there.ask()["cpu"] - before)


def creating(results: dict[str, float], count: int) -> None:
    """Creates by the API, whose jobs are done, and lists of everything."""
    with server() as there:
        sdc = there.sdc
        image, package = sdc.images("base64")[0], sdc.packages()[0]

        def create(number: int) -> None:
            for each in range(number):
                sdc.request("POST", "/machines", data={"image": image["id"], "package": package["id"]})
                if each % 100 == 99:
                    there.ask("advance 60")

        create(1000)  # what grows only once has grown by then
        before = there.ask()
        create(1000)
        first = there.ask()["cpu"] - before["cpu"]
        create(count - 3000)
        near_end = there.ask()["cpu"]
        create(1000)
        last = there.ask("advance 60")["cpu"] - near_end
        assert len(sdc.machines()) == count
        grown = there.ask()["bytes"] - before["bytes"]
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
