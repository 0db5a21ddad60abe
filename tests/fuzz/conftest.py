"""How the examples are made and counted, and the servers that they use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

from smartdc import DataCenter, RetryPolicy
from smartdc.emulator import Emulator
from tests.conftest import leave_environment
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer, datacenter_at

LOCATION = "us-sw-1"

_COUNTED = pytest.StashKey[Counter[str]]()

# The same examples in every run; failures that were found are kept as plain tests, not in a database.
settings.register_profile("stress", derandomize=True, database=None, deadline=None)
settings.load_profile("stress")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_COUNTED] = Counter()
    cache = getattr(config, "cache", None)  # absent with -p no:cacheprovider
    if cache is not None:
        # Hypothesis caches data about Unicode there, instead of in a directory of its own.
        set_hypothesis_home_dir(cache.mkdir("hypothesis"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counted = config.stash[_COUNTED]
    if counted:
        listed = ", ".join(f"{number} {what}" for what, number in sorted(counted.items()))
        terminalreporter.write_line(f"examples tried: {counted.total()} ({listed})")


@pytest.fixture(scope="session")
def examples(pytestconfig: pytest.Config) -> Counter[str]:
    """How many examples were tried, by their kind."""
    return pytestconfig.stash[_COUNTED]


@pytest.fixture(scope="module")
def _bare_module(empty_home: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        leave_environment(monkeypatch, empty_home)
        yield


@pytest.fixture(scope="module")
def stub(_bare_module: None) -> Iterator[StubServer]:
    """A server for the module; each example sets its answer."""
    with StubServer() as stub:
        yield stub


@pytest.fixture(scope="module")
def there(stub: StubServer) -> Iterator[DataCenter]:
    """A data center at `stub`, which signs."""
    with datacenter_at(
        LOCATION,
        known_locations={LOCATION: stub.url},
        key_id="/bob/keys/k",
        secret=Ed25519PrivateKey.generate(),
        timeout=5,
        # The second attempt gets an odd answer as well; its pause takes no time.
        retry=RetryPolicy(attempts=2, throttled=2),
        clock=Instant(),
    ) as sdc:
        yield sdc


@pytest.fixture(scope="module")
def cloud(_bare_module: None) -> Iterator[Emulator]:
    """An emulated cloud for the module, in which no violation may occur."""
    with Emulator() as cloud:
        yield cloud
    assert cloud.violations == []


@pytest.fixture(scope="module")
def sdc(cloud: Emulator) -> Iterator[DataCenter]:
    """A data center of `cloud`, connected."""
    with cloud.datacenter(LOCATION) as sdc:
        yield sdc


@pytest.fixture(scope="module")
def missing(_bare_module: None) -> Iterator[StubServer]:
    """A server that answers 404 to every request."""
    with StubServer() as stub:
        stub.otherwise = Reply({"code": "ResourceNotFound", "message": "no"}, 404)
        yield stub


@pytest.fixture
def at_missing(missing: StubServer, there: DataCenter) -> Iterator[DataCenter]:
    """A data center at `missing`, which signs as `there` does."""
    missing.asked.clear()
    with DataCenter(missing.url, login="bob", retry="none", clock=there.clock) as sdc:
        sdc.auth = there.auth
        yield sdc
