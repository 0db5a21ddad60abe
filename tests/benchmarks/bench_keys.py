"""How much CPU `DataCenter(...)` costs for each kind of key, compared with a load that validates the key.

Run it: ``.venv/bin/python tests/benchmarks/bench_keys.py``. docs/performance.md has the numbers.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import cryptography
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from smartdc import DataCenter

LIMIT = 5e-3
"""Seconds of CPU that the constructor may take with RSA 4096."""

KEYS: dict[str, Callable[[], ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey]] = {
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "ECDSA P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RSA 2048": lambda: rsa.generate_private_key(65537, 2048),
    "RSA 4096": lambda: rsa.generate_private_key(65537, 4096),
}


def least(call: Callable[[], object], times: int) -> float:
    """CPU seconds of one call: the least of some, because other processes disturb it."""
    costs = []
    for _ in range(times):
        started = time.process_time()
        call()
        costs.append(time.process_time() - started)
    return min(costs)


def main() -> int:
    print(f"Python {platform.python_version()}, cryptography {cryptography.__version__}")
    print(f"{'key':12} {'DataCenter(...)':>16} {'validating load':>16}")
    too_slow = False
    with TemporaryDirectory() as directory:
        for name, generate in KEYS.items():
            path = Path(directory, "id")
            encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH
            text = generate().private_bytes(encoding, form, serialization.NoEncryption())
            path.write_bytes(text)
            path.chmod(0o600)

            def ours(path: Path = path) -> None:
                DataCenter("https://cloud.example.com", "/me/keys/k", path).close()

            def bare(text: bytes = text) -> None:
                serialization.load_ssh_private_key(text, None)

            seconds = least(ours, 20)
            too_slow |= seconds > LIMIT
            print(f"{name:12} {1e3 * seconds:13.2f} ms {1e3 * least(bare, 5):13.2f} ms")
    print(f"limit {1e3 * LIMIT:.0f} ms: {'EXCEEDED' if too_slow else 'kept'}")
    return int(too_slow)


if __name__ == "__main__":
    sys.exit(main())
