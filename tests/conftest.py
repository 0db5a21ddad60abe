"""Fixtures and hooks of all tests: an emulated cloud, and an environment without the developer's settings."""

from __future__ import annotations

import gc
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.emulator.http import server
from smartdc.emulator.state.site import Site
from tests.contract.exchanges import DESCRIPTION, Tally
from tests.helpers.agents import no_ssh_agent, own_agent, ssh_agent
from tests.helpers.keys import ssh_keys
from tests.helpers.relays import relay
from tests.helpers.servers import StubServer
from tests.helpers.sizes import SAMPLE
from tests.helpers.triton_home import triton

__all__ = ["no_ssh_agent", "own_agent", "relay", "ssh_agent", "ssh_keys", "triton"]

START_ENVIRONMENT = dict(os.environ)
"""The environment that pytest was started with, for programs that need the network."""

_NETWORK_VARIABLES = (
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "requests_ca_bundle",
    "curl_ca_bundle",
)


_TALLY = pytest.StashKey[Tally]()
_SAMPLES = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cases",
        choices=["first", "others"],
        help="run only the first case of each parametrized test, or only the others",
    )


@pytest.hookimpl(trylast=True)  # after -k and -m have selected
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    choice = config.getoption("cases")
    if choice is not None:
        parts: dict[str, list[pytest.Item]] = {"first": [], "others": []}
        seen: set[str] = set()
        for item in items:
            test = item.nodeid.partition("[")[0]
            parts["others" if test in seen else "first"].append(item)
            seen.add(test)
        items[:] = parts.pop(choice)
        config.hook.pytest_deselected(items=[item for rest in parts.values() for item in rest])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "off_the_record(reason): do not check the exchanges against the OpenAPI description"
    )
    config.stash[_TALLY] = Tally()
    # By default a collection begins at each 700 new objects, which takes a sixth of the time of all tests.
    gc.set_threshold(20_000, 20, 50)
    # A background job, or one under nohup, starts with these signals ignored, and so would the programs that
    # the tests send them to.
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_collection_finish(session: pytest.Session) -> None:
    for item in session.items:  # such an id differs in each run
        if re.search(r" at 0x[0-9a-f]{8,}", item.nodeid):
            raise pytest.UsageError(f"name this case by ids=: {item.nodeid} holds an address")
    # Imported modules and collected tests live until the end: exempt them from garbage collection.
    gc.collect()
    gc.freeze()
    session.config.stash[_SAMPLES] = sum(item.nodeid.endswith(f"{SAMPLE}]") for item in session.items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    samples = config.stash.get(_SAMPLES, 0)
    if samples:
        terminalreporter.write_line(
            f"long tests that ran a sample of their cases: {samples}; make soak runs all"
        )
    tally = config.stash[_TALLY]
    if tally.validated:
        terminalreporter.write_line(
            f"exchanges validated against the OpenAPI description: {tally.validated}"
            f" ({tally.refused} of them refused, {tally.bad} with requests that are wrong on purpose)"
        )


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Tally:
    """The count of the exchanges that were validated."""
    return pytestconfig.stash[_TALLY]


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty home directory; tests that write files there use `home` instead."""
    return tmp_path_factory.mktemp("home")


def leave_environment(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Unset proxies, certificate authorities and the agent, and set HOME to `home`."""
    for name in _NETWORK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, empty_home: Path) -> None:
    """Run each test without the developer's proxies, certificate authorities, agent and keys."""
    leave_environment(monkeypatch, empty_home)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A new home directory for the test."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def cloud(smartdc_cloud: Emulator, request: pytest.FixtureRequest, tally: Tally) -> Iterator[Emulator]:
    """An emulated cloud; a request that would harm a real one fails the test.

    An exchange that the OpenAPI description does not allow fails it as well, unless the test is marked
    ``off_the_record`` with the reason.
    """
    yield smartdc_cloud
    if request.node.get_closest_marker("off_the_record") is None:
        wrong = tally.check(DESCRIPTION, smartdc_cloud.calls)
        if wrong:
            listed = "\n".join(f"  {line}" for line in dict.fromkeys(wrong))
            pytest.fail(f"exchanges that cloudapi-openapi.json does not allow:\n{listed}", pytrace=False)


@pytest.fixture
def schema_only(cloud: Emulator) -> None:
    """Let `cloud` serve the operations that only the OpenAPI description has."""
    cloud.site().shared.schema_only = True


@pytest.fixture
def site(cloud: Emulator) -> Site:
    """The emulated data center that `sdc` is connected to."""
    return cloud.site("us-sw-1")


@pytest.fixture
def sdc(cloud: Emulator) -> Iterator[DataCenter]:
    """A data center of `cloud`, connected."""
    with cloud.datacenter("us-sw-1") as sdc:
        yield sdc


@pytest.fixture
def stub() -> Iterator[StubServer]:
    """A server whose answers the test sets."""
    with StubServer() as stub:
        yield stub


@pytest.fixture
def free_port() -> int:
    """A port on which nothing listens."""
    return server.free_port("127.0.0.1")
