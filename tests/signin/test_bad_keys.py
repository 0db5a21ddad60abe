"""Keys and key ids that cannot work raise a clear error, and nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smartdc import AuthenticationError, ConfigurationError, DataCenter, KeyLoadError
from smartdc.emulator import Emulator
from tests.helpers.agents import RunningAgent, run_ssh_agent
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.helpers.recorded import sent


@pytest.fixture(autouse=True)
def _nothing_sent(cloud: Emulator, request: pytest.FixtureRequest) -> Any:
    yield
    if "reaches_the_server" not in request.fixturenames:
        assert sent(cloud) == []


@pytest.fixture
def reaches_the_server() -> None:
    """For tests that send requests on purpose."""


def test_a_key_file_that_does_not_exist(cloud: Emulator, tmp_path: Path) -> None:
    missing = tmp_path / "id_none"
    with pytest.raises(KeyLoadError, match=f"key file {missing} does not exist; give the path") as caught:
        cloud.datacenter(secret=missing)
    assert isinstance(caught.value, ConfigurationError)
    with pytest.raises(KeyLoadError, match=r"~/\.ssh/id_rsa does not exist"):
        DataCenter("us-sw-1", "/test/keys/x")


def test_a_directory_as_key_file(cloud: Emulator, tmp_path: Path) -> None:
    with pytest.raises(KeyLoadError, match="is a directory"):
        cloud.datacenter(secret=tmp_path)


@pytest.mark.parametrize("form", ["openssh", "PEM"])
def test_a_passphrase_that_is_wrong_or_missing(cloud: Emulator, ssh_keys: KeyRing, form: str) -> None:
    path = ssh_keys.path("rsa2048", form, PASSPHRASE)
    for wrong in ("wrong", b"wrong", lambda: "wrong"):
        with pytest.raises(KeyLoadError, match="the passphrase is wrong") as caught:
            cloud.datacenter(secret=path, passphrase=wrong)
        assert PASSPHRASE not in str(caught.value)
    for missing in (None, "", lambda: None):
        with pytest.raises(KeyLoadError, match="is encrypted and there is no passphrase; give passphrase="):
            cloud.datacenter(secret=path, passphrase=missing)


@pytest.mark.usefixtures("reaches_the_server")
def test_a_passphrase_that_is_right(cloud: Emulator, sdc: DataCenter, ssh_keys: KeyRing) -> None:
    path = ssh_keys.path("p256", "openssh", PASSPHRASE)
    sdc.add_key("other", ssh_keys.public("p256").openssh)
    for right in (PASSPHRASE, PASSPHRASE.encode(), lambda: PASSPHRASE):
        with cloud.datacenter(key_id="/test/keys/other", secret=path, passphrase=right) as other:
            assert other.account()["login"] == "test"


def test_a_public_key_given_as_private(cloud: Emulator, ssh_keys: KeyRing) -> None:
    with pytest.raises(KeyLoadError, match=r"is a public key; give the private key, the file without \.pub"):
        cloud.datacenter(secret=ssh_keys.public_path("ed25519"))


def test_a_dsa_key(cloud: Emulator, tmp_path: Path) -> None:
    # Written by hand: today's ssh-keygen cannot make one.
    path = tmp_path / "id_dsa"
    path.write_text("-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----\n")
    with pytest.raises(KeyLoadError, match=r"is a DSA key; CloudAPI takes RSA, ECDSA .* and Ed25519 keys"):
        cloud.datacenter(secret=path)


@pytest.mark.parametrize("content", ["", "garbage", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_key(cloud: Emulator, tmp_path: Path, content: str) -> None:
    path = tmp_path / "id"
    path.write_text(content)
    with pytest.raises(KeyLoadError, match="is not a private key"):
        cloud.datacenter(secret=path)


@pytest.mark.parametrize(
    ("key_id", "message"),
    [
        ("/test/keys", "is not of the form /LOGIN/keys/NAME"),
        ("test/keys/x", "is not of the form"),
        ("/test/x", "is not of the form"),
        ("x", "is not of the form"),
        ("/test/keys/a/b", "is not of the form"),
        ("/test/users/sub/x", "is not of the form"),
        ("/my/keys/x", "the server does not know 'my' here; use the account's login"),
        ('/test/keys/"', "has a quote"),
        ("/test/keys/ö", "non-ASCII"),
        ("/test/keys/a\r\nX-Evil: 1", "control character"),
    ],
)
def test_a_key_id_that_cannot_work(cloud: Emulator, key_id: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        cloud.datacenter(key_id=key_id)


def test_key_id_and_secret_swapped(cloud: Emulator) -> None:
    text = Path(cloud.key_file).read_text()
    with pytest.raises(ConfigurationError, match="the key belongs in secret") as caught:
        cloud.datacenter(key_id=text, secret=cloud.key_id)
    assert text.splitlines()[1] not in str(caught.value)


def test_a_fingerprint_of_another_key(cloud: Emulator, ssh_keys: KeyRing) -> None:
    other = ssh_keys.public("ed25519").md5
    with pytest.raises(KeyLoadError, match=f"key_id names the key {other}, but the private key"):
        cloud.datacenter(key_id=f"/test/keys/{other}")


def test_headers_that_cannot_be_signed(cloud: Emulator) -> None:
    with pytest.raises(ConfigurationError, match="must include 'date'"):
        cloud.datacenter(signed_headers="(request-target)")
    with (
        cloud.datacenter(signed_headers="date x-mine") as sdc,
        pytest.raises(ConfigurationError, match="'x-mine', but the request has no such header"),
    ):
        sdc.account()


def test_no_agent(cloud: Emulator, no_ssh_agent: None, tmp_path: Path) -> None:
    with pytest.raises(KeyLoadError, match=r"there is no ssh-agent .*And the key file .* does not exist"):
        cloud.datacenter(allow_agent=True, secret=tmp_path / "none")


def test_an_agent_that_does_not_answer(
    cloud: Emulator, no_ssh_agent: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    with pytest.raises(KeyLoadError, match="cannot be reached"):
        cloud.datacenter(allow_agent=True, secret=tmp_path / "none")


def test_an_empty_agent(cloud: Emulator, ssh_agent: RunningAgent, tmp_path: Path) -> None:
    with pytest.raises(KeyLoadError, match="the ssh-agent holds no keys"):
        cloud.datacenter(allow_agent=True, secret=tmp_path / "none")


def test_an_agent_without_that_key(
    cloud: Emulator, ssh_agent: RunningAgent, ssh_keys: KeyRing, tmp_path: Path
) -> None:
    ssh_agent.add(ssh_keys.path("ed25519"))
    fingerprint = ssh_keys.public("p256").md5
    with pytest.raises(
        KeyLoadError, match=f"does not have the key {fingerprint}.* The agent holds: ssh-ed25519"
    ):
        cloud.datacenter(key_id=f"/test/keys/{fingerprint}", allow_agent=True, secret=tmp_path / "none")


@pytest.mark.usefixtures("reaches_the_server")
def test_the_file_serves_if_the_agent_lacks_the_key(cloud: Emulator, ssh_agent: RunningAgent) -> None:
    with cloud.datacenter(allow_agent=True) as sdc:
        assert sdc.account()["login"] == "test"


@pytest.mark.usefixtures("reaches_the_server")
def test_the_next_key_of_the_agent_is_tried_when_one_is_refused(
    cloud: Emulator, sdc: DataCenter, ssh_agent: RunningAgent, ssh_keys: KeyRing, tmp_path: Path
) -> None:
    ssh_agent.add(ssh_keys.path("rsa2048"), ssh_keys.path("p256"), ssh_keys.path("ed25519"))
    sdc.add_key("other", ssh_keys.public("ed25519").openssh)
    start = len(cloud.calls)
    # Neither the key id nor the secret tells which of the three it is.
    with cloud.datacenter(key_id="/test/keys/other", allow_agent=True, secret=tmp_path / "none") as agent_sdc:
        assert agent_sdc.account()["login"] == "test"
        assert [got.status for got in cloud.calls[start:]] == [401, 401, 200]
        # The accepted key is remembered.
        agent_sdc.keys()
        assert [got.status for got in cloud.calls[start:]] == [401, 401, 200, 200]
        sdc.delete_key("other")
        # If the server accepts none of them, the request is not repeated for ever.
        start = len(cloud.calls)
        with pytest.raises(AuthenticationError):
            agent_sdc.account()
        assert [got.status for got in cloud.calls[start:]] == [401]
        with pytest.raises(AuthenticationError):
            agent_sdc.account()
        assert [got.status for got in cloud.calls[start + 1 :]] == [401, 401, 401]


@pytest.mark.usefixtures("reaches_the_server")
def test_an_agent_that_goes_away(
    cloud: Emulator,
    sdc: DataCenter,
    no_ssh_agent: None,
    ssh_keys: KeyRing,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sdc.add_key("other", ssh_keys.public("ed25519").openssh)
    with run_ssh_agent() as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.socket))
        agent.add(ssh_keys.path("ed25519"))
        agent_sdc = cloud.datacenter(key_id="/test/keys/other", allow_agent=True, secret=tmp_path / "none")
        assert agent_sdc.account()["login"] == "test"
    with agent_sdc, pytest.raises(KeyLoadError, match=r"^the ssh-agent at .* cannot be reached "):
        agent_sdc.account()


@pytest.mark.parametrize("allow_agent", [False, True])
def test_an_empty_path_of_a_key(allow_agent: bool) -> None:
    with pytest.raises(KeyLoadError) as caught:
        DataCenter("https://a.example", "/bob/keys/k", "", allow_agent=allow_agent).keys()
    assert "the path of the key is empty; give the path of your private key as secret" in str(caught.value)
