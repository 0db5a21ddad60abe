"""An ssh-agent that goes away, comes back, is locked or emptied while a DataCenter uses it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.errors import AuthenticationError, KeyLoadError
from tests.helpers.agents import RunningAgent, run_ssh_agent
from tests.helpers.keys import KeyRing

pytestmark = pytest.mark.off_the_record("the query only makes the requests differ")


@pytest.fixture
def sdc(cloud: Emulator, ssh_keys: KeyRing, ssh_agent: RunningAgent) -> Iterator[DataCenter]:
    """A data center that has signed with the agent's key."""
    ssh_agent.add(ssh_keys.path("ed25519"))
    public = ssh_keys.public("ed25519")
    cloud.account.add_key("agent's", public.openssh)
    with cloud.datacenter(key_id=f"/test/keys/{public.md5}", secret=None) as sdc:
        assert works(sdc)
        yield sdc


NUMBERS = itertools.count()


def ask(sdc: DataCenter) -> Any:
    """Make a unique request: an equal one in the same second would reuse the signature."""
    return sdc.request("GET", "/keys", params={"number": next(NUMBERS)})[0]


def problem(sdc: DataCenter) -> str:
    with pytest.raises(KeyLoadError) as caught:
        ask(sdc)
    return str(caught.value)


def works(sdc: DataCenter) -> bool:
    return len(ask(sdc)) == 2


def test_killed_and_restarted(sdc: DataCenter, ssh_agent: RunningAgent, ssh_keys: KeyRing) -> None:
    ssh_agent.stop()
    assert f"the ssh-agent at {ssh_agent.socket} (SSH_AUTH_SOCK) cannot be reached" in problem(sdc)
    with run_ssh_agent(ssh_agent.socket) as second:
        assert "its keys were removed (ssh-add FILE)" in problem(sdc)
        second.add(ssh_keys.path("ed25519"))
        assert works(sdc)


def test_restarted_between_two_requests(sdc: DataCenter, ssh_agent: RunningAgent, ssh_keys: KeyRing) -> None:
    ssh_agent.stop()
    with run_ssh_agent(ssh_agent.socket) as second:
        second.add(ssh_keys.path("ed25519"))
        assert works(sdc)


def test_restarted_elsewhere(
    sdc: DataCenter, ssh_agent: RunningAgent, ssh_keys: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh_agent.stop()
    with run_ssh_agent() as second:
        second.add(ssh_keys.path("ed25519"))
        monkeypatch.setenv("SSH_AUTH_SOCK", str(second.socket))
        assert works(sdc)


def test_locked(sdc: DataCenter, ssh_agent: RunningAgent, tmp_path: Path) -> None:
    ssh_agent.lock(tmp_path)
    assert "it is locked (ssh-add -X unlocks it)" in problem(sdc)
    ssh_agent.unlock(tmp_path)
    assert works(sdc)


def test_emptied(sdc: DataCenter, ssh_agent: RunningAgent, ssh_keys: KeyRing) -> None:
    ssh_agent.remove(ssh_keys.path("ed25519"))
    assert "its keys were removed (ssh-add FILE)" in problem(sdc)
    ssh_agent.add(ssh_keys.path("rsa2048"))
    assert "refuses to sign with ssh-ed25519" in problem(sdc)
    assert "it was removed, or its time ran out; ssh-add its file again" in problem(sdc)
    ssh_agent.add(ssh_keys.path("ed25519"))
    assert works(sdc)


def test_a_confirmation_that_cannot_be_asked_for(
    sdc: DataCenter, ssh_agent: RunningAgent, ssh_keys: KeyRing
) -> None:
    ssh_agent.remove(ssh_keys.path("ed25519"))
    ssh_agent.add(Path("-c"), ssh_keys.path("ed25519"))
    assert "it has the key, so a confirmation was denied or cannot be asked for" in problem(sdc)
    ssh_agent.remove(ssh_keys.path("ed25519"))
    ssh_agent.add(ssh_keys.path("ed25519"))
    assert works(sdc)


def test_a_locked_agent_when_starting(
    cloud: Emulator, sdc: DataCenter, ssh_agent: RunningAgent, ssh_keys: KeyRing, tmp_path: Path
) -> None:
    ssh_agent.lock(tmp_path)
    key_id = f"/test/keys/{ssh_keys.public('ed25519').sha256}"
    with pytest.raises(KeyLoadError, match="the ssh-agent holds no keys, or is locked"):
        cloud.datacenter(key_id=key_id, secret=None)
    # The key's file is used instead.
    with cloud.datacenter(key_id=key_id, secret=ssh_keys.path("ed25519"), allow_agent=True) as second:
        assert works(second)


def test_keys_are_tried_in_turn_only_when_none_is_named(
    cloud: Emulator, sdc: DataCenter, ssh_agent: RunningAgent, ssh_keys: KeyRing
) -> None:
    ssh_agent.remove(ssh_keys.path("ed25519"))
    ssh_agent.add(ssh_keys.path("rsa2048"), ssh_keys.path("p256"), ssh_keys.path("ed25519"))
    cloud.calls.clear()
    with cloud.datacenter(key_id="/test/keys/agent's", secret=None, allow_agent=True) as any_key:
        assert works(any_key)
        assert works(any_key)
    assert [call.status for call in cloud.calls] == [401, 401, 200, 200]
    cloud.calls.clear()
    named = f"/test/keys/{ssh_keys.public('rsa2048').md5}"
    with cloud.datacenter(key_id=named, secret=None) as one, pytest.raises(AuthenticationError):
        ask(one)
    assert [call.status for call in cloud.calls] == [401]
