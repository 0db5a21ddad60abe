"""What `import smartdc` loads: what a first request needs, and nothing else.

tests/benchmarks/bench_import.py measures what that costs, tests/faults/test_imports_at_forks.py looks for
imports in requests.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import smartdc

PROGRAM = """
import sys
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
known = set(sys.modules)
import smartdc
print(*sorted(set(sys.modules) - known))
"""

# International names of hosts need this codec.
FOREIGN = {"encodings.punycode"}

LATER = {
    "smartdc._http.shared_tls",
    "smartdc._http.websocket",
    "smartdc.change_feeds",
    "smartdc.console",
    "smartdc.emulator",
    "smartdc.fleet",
    "smartdc.http_signature.agent",
    "smartdc.http_signature.presigned",
    "smartdc.http_signature.refused",
    "smartdc.http_signature.search",
    "smartdc.http_signature.verify",
    "smartdc.legacy",
    "smartdc.machine.host_keys",
    "smartdc.machine.ssh_client",
    "smartdc.machine.ssh_options",
    "smartdc.signin.profile_files",
    "smartdc.signin.profiles",
    "smartdc.streams",
    "smartdc.tables",
    "smartdc.types",
}
"""Modules that are loaded on first use, with everything in them."""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """What `import smartdc` loads besides requests and the cryptography that keys need."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    return set(ended.stdout.split())


def test_no_other_foreign_modules_are_loaded(loaded: set[str]) -> None:
    """Not platform, pickle, uuid, difflib, importlib.metadata, or what only type checkers read."""
    foreign = {name for name in loaded if name.partition(".")[0] != "smartdc"}
    assert foreign <= FOREIGN


def test_modules_that_a_first_request_does_not_need_are_loaded_later(loaded: set[str]) -> None:
    assert not [name for name in loaded if any(f"{name}.".startswith(f"{later}.") for later in LATER)]
    folder = Path(smartdc.__file__).parent.parent
    for name in LATER:
        path = folder / name.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), name


def test_the_rest_is_loaded_so_that_no_request_imports_it(loaded: set[str]) -> None:
    folder = Path(smartdc.__file__).parent
    modules = {
        ".".join(("smartdc", *path.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__")
        for path in folder.rglob("*.py")
    }
    later = {name for name in modules if any(f"{name}.".startswith(f"{each}.") for each in LATER)}
    assert modules - later - loaded == {"smartdc.__main__"}


def test_fleet_is_imported_on_first_use() -> None:
    program = "import smartdc; print(smartdc.fleet.run.__name__)"
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ended.stdout == "run\n"
    with pytest.raises(AttributeError, match="has no attribute 'fleets'"):
        _ = smartdc.fleets  # type: ignore[attr-defined]
