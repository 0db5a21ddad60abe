from collections.abc import Mapping

import pytest

from smartdc.http_signature.keys import PrivateKey
from tests.helpers.keys import ALL_KINDS, KeyRing
from tests.http_signature.checks import NOW


@pytest.fixture(autouse=True)
def _hide_my_agent(no_ssh_agent: None) -> None:
    """Hide the developer's ssh-agent from all tests."""


@pytest.fixture
def fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock at `NOW`."""
    monkeypatch.setattr("time.time", lambda: NOW)


@pytest.fixture(scope="session")
def private(ssh_keys: KeyRing) -> Mapping[str, PrivateKey]:
    """Every kind of key, loaded."""
    return {kind: PrivateKey.load(ssh_keys.path(kind)) for kind in ALL_KINDS}
