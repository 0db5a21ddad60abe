"""allow_agent with a key's name: the keys of a real ssh-agent and of the file are tried, each once.

py-smartdc's documentation promises "each of its keys in turn"; the account's key may be in either place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smartdc import AuthenticationError, DataCenter, KeyLoadError
from smartdc.emulator import Emulator
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import PASSPHRASE, KeyRing

RIGHT, WRONG, OTHER = "rsa3072", "rsa2048", "ed25519"


@pytest.fixture
def registered(cloud: Emulator, ssh_keys: KeyRing, home: Path) -> Emulator:
    """A cloud that knows the right key as ``mine``, and an empty ~/.ssh."""
    cloud.account.add_key("mine", ssh_keys.public(RIGHT).openssh)
    (home / ".ssh").mkdir()
    return cloud


def put(kind: str, ssh_keys: KeyRing, home: Path, passphrase: str = "", *, public: bool = True) -> None:
    """Write the key to ~/.ssh/id_rsa."""
    file = home / ".ssh" / "id_rsa"
    file.write_bytes(ssh_keys.path(kind, "PEM" if passphrase else "openssh", passphrase).read_bytes())
    file.chmod(0o600)
    if public:
        file.with_suffix(".pub").write_text(ssh_keys.public_path(kind).read_text())


def sign_in(cloud: Emulator, **key: object) -> DataCenter:
    usual: dict[str, Any] = {"key_id": "/test/keys/mine", "secret": "~/.ssh/id_rsa", "allow_agent": True}
    return cloud.datacenter(**(usual | key))


def statuses(cloud: Emulator) -> list[int]:
    return [call.status for call in cloud.calls]


def test_the_agent_has_only_the_right_key(
    registered: Emulator, ssh_keys: KeyRing, ssh_agent: RunningAgent
) -> None:
    ssh_agent.add(ssh_keys.path(RIGHT))
    with sign_in(registered) as sdc:
        sdc.keys()
    assert statuses(registered) == [200]


def test_the_agent_has_a_wrong_key_and_the_right_one(
    registered: Emulator, ssh_keys: KeyRing, ssh_agent: RunningAgent
) -> None:
    ssh_agent.add(ssh_keys.path(WRONG), ssh_keys.path(RIGHT))
    with sign_in(registered) as sdc:
        sdc.keys()
        sdc.keys()
    assert statuses(registered) == [401, 200, 200]  # the accepted key is remembered


def test_the_agent_is_empty(
    registered: Emulator, ssh_keys: KeyRing, ssh_agent: RunningAgent, home: Path
) -> None:
    put(RIGHT, ssh_keys, home)
    with sign_in(registered) as sdc:
        sdc.keys()
    assert statuses(registered) == [200]


@pytest.mark.parametrize("public", [True, False])
def test_the_right_key_is_in_the_agent_and_a_wrong_one_in_the_file(
    registered: Emulator, ssh_keys: KeyRing, ssh_agent: RunningAgent, home: Path, public: bool
) -> None:
    put(WRONG, ssh_keys, home, public=public)
    ssh_agent.add(ssh_keys.path(RIGHT))
    with sign_in(registered) as sdc:
        sdc.keys()
        sdc.keys()
    assert statuses(registered) == [401, 200, 200]


def test_the_agent_has_the_wrong_key_of_the_file_and_the_right_one(
    registered: Emulator, ssh_keys: KeyRing, ssh_agent: RunningAgent, home: Path
) -> None:
    put(WRONG, ssh_keys, home)
    ssh_agent.add(ssh_keys.path(WRONG), ssh_keys.path(OTHER), ssh_keys.path(RIGHT))
    with sign_in(registered) as sdc:
        sdc.keys()
    assert statuses(registered) == [401, 401, 200]


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_a_wrong_key_is_in_the_agent_and_the_right_one_in_the_file(
    registered: Emulator, ssh_keys: KeyRing, ssh_agent: RunningAgent, home: Path, passphrase: str
) -> None:
    put(RIGHT, ssh_keys, home, passphrase, public=False)
    ssh_agent.add(ssh_keys.path(WRONG))
    with sign_in(registered, passphrase=passphrase or None) as sdc:
        sdc.keys()
    assert statuses(registered)[-1] == 200


def test_no_passphrase_is_asked_for_while_the_agent_has_the_key(
    registered: Emulator, ssh_keys: KeyRing, ssh_agent: RunningAgent, home: Path
) -> None:
    put(RIGHT, ssh_keys, home, PASSPHRASE)
    ssh_agent.add(ssh_keys.path(WRONG), ssh_keys.path(RIGHT))

    def ask() -> str:
        raise AssertionError("asked for a passphrase")

    with sign_in(registered, passphrase=ask) as sdc:
        sdc.keys()
    assert statuses(registered) == [200]


def test_each_wrong_key_is_tried_once(
    registered: Emulator, ssh_keys: KeyRing, ssh_agent: RunningAgent, home: Path
) -> None:
    put(WRONG, ssh_keys, home)
    ssh_agent.add(ssh_keys.path(WRONG), ssh_keys.path(OTHER))
    with sign_in(registered) as sdc, pytest.raises(AuthenticationError):
        sdc.keys()
    assert statuses(registered) == [401, 401]


def test_a_fingerprint_selects_the_key(
    registered: Emulator, ssh_keys: KeyRing, ssh_agent: RunningAgent, home: Path
) -> None:
    put(WRONG, ssh_keys, home)
    ssh_agent.add(ssh_keys.path(OTHER), ssh_keys.path(RIGHT))
    with sign_in(registered, key_id=f"/test/keys/{ssh_keys.public(RIGHT).md5}") as sdc:
        sdc.keys()
    assert statuses(registered) == [200]


def test_no_key_anywhere(registered: Emulator, ssh_agent: RunningAgent) -> None:
    with pytest.raises(KeyLoadError, match=r"holds no keys.* And .*id_rsa"):
        sign_in(registered)
