"""What all tests start from: an emulated cloud of their own, and no trace of who runs them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.exchanges import DESCRIPTION, Tally
from tests.stub_server import StubServer

SURROUNDINGS = dict(os.environ)
"""The environment of whoever runs the tests: for programs that have to reach the world outside."""

_OUTSIDE = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle")


_TALLY = pytest.StashKey[Tally]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "off_the_record(reason): exchanges that are wrong on purpose")
    config.stash[_TALLY] = Tally()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tally = config.stash[_TALLY]
    if tally.validated:
        terminalreporter.write_line(
            f"exchanges validated against the OpenAPI description: {tally.validated}"
            f" ({tally.refused} of them refusals, {tally.bad} of requests that are wrong on purpose)"
        )


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Tally:
    """The count of the exchanges that were validated."""
    return pytestconfig.stash[_TALLY]


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home directory that stays empty; who wants to put something there takes `home`."""
    return tmp_path_factory.mktemp("home")


def leave_environment(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Go where there is no proxy, authorities, agent or key of whoever runs the tests."""
    for name in _OUTSIDE:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, empty_home: Path) -> None:
    """No proxy, authorities, agent or key of whoever runs the tests."""
    leave_environment(monkeypatch, empty_home)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home directory of the test's own."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def cloud(smartdc_cloud: Emulator, request: pytest.FixtureRequest, tally: Tally) -> Iterator[Emulator]:
    """An emulated cloud; what would have harmed a real one fails the test.

    So does an exchange with it that the OpenAPI description does not allow, unless the test is marked
    ``off_the_record``, with the reason.
    """
    yield smartdc_cloud
    if request.node.get_closest_marker("off_the_record") is None:
        wrong = tally.check(DESCRIPTION, smartdc_cloud.calls)
        if wrong:
            listed = "\n".join(f"  {line}" for line in dict.fromkeys(wrong))
            pytest.fail(f"not what cloudapi-openapi.json says:\n{listed}", pytrace=False)


@pytest.fixture
def site(cloud: Emulator) -> Site:
    """The state behind `sdc`."""
    return cloud.site("us-sw-1")


@pytest.fixture
def sdc(cloud: Emulator) -> Iterator[DataCenter]:
    """A data center of `cloud`, connected."""
    with cloud.datacenter("us-sw-1") as sdc:
        yield sdc


@pytest.fixture
def stub() -> Iterator[StubServer]:
    """A server that answers what the test tells it to."""
    with StubServer() as stub:
        yield stub
