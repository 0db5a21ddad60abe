"""The CPU time of `import smartdc`, compared with importing requests and the cryptography that keys need.

Run it: ``.venv/bin/python tests/benchmarks/bench_import.py`` (``--help``). Each import is made in a new
process, in turns; the least of each counts, with compiled files. docs/performance.md has the
numbers.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

NEEDED = """
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
"""
OURS = "import smartdc"
LIMIT = 1.25
"""The ratio that must not be exceeded."""


def cost(statements: str) -> float:
    """CPU seconds of the statements in a new process."""
    program = f"import time; began = time.process_time()\n{statements}\nprint(time.process_time() - began)"
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ended = subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, env=env)
    return float(ended.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--processes", type=int, default=11, help="of each import; the least counts")
    options = parser.parse_args()
    for statements in (NEEDED, OURS):  # compile the files first
        cost(statements)
    pairs = [(cost(NEEDED), cost(OURS)) for _ in range(options.processes)]
    needed, ours = (min(costs) for costs in zip(*pairs, strict=True))
    print(f"Python {sys.version.split()[0]}, {options.processes} processes each")
    print(f"requests and cryptography {1e3 * needed:6.1f} ms")
    print(f"smartdc                   {1e3 * ours:6.1f} ms")
    print(f"ratio {ours / needed:.2f}, limit {LIMIT}: {'EXCEEDED' if ours > LIMIT * needed else 'kept'}")
    return int(ours > LIMIT * needed)


if __name__ == "__main__":
    sys.exit(main())
