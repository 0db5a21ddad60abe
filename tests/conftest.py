"""What all tests start from: an emulated cloud of their own, and no trace of who runs them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.emulator.site import Site
from tests.stub_server import StubServer

SURROUNDINGS = dict(os.environ)
"""The environment of whoever runs the tests: for programs that have to reach the world outside."""

_OUTSIDE = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle")


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home directory that stays empty; who wants to put something there takes `home`."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, empty_home: Path) -> None:
    """No proxy, authorities, agent or key of whoever runs the tests."""
    for name in _OUTSIDE:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("HOME", str(empty_home))


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home directory of the test's own."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def cloud(smartdc_cloud: Emulator) -> Emulator:
    """An emulated cloud; what would have harmed a real one fails the test."""
    return smartdc_cloud


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
