"""A key that the server refuses: errors name it, and `presign` finds it out before it makes a URL.

CloudAPI answers the same to an unknown account, key and signature
(docs/cloudapi/signing.md#bad-signatures-are-all-alike).
"""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import requests

from smartdc import AuthenticationError, ConfigurationError, DataCenter
from smartdc.emulator import Emulator
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import KeyRing
from tests.helpers.recorded import call, sent

WORDS = "401 InvalidCredentials: "


def refusal(sdc: DataCenter) -> str:
    with sdc, pytest.raises(AuthenticationError) as caught:
        sdc.account()
    message = str(caught.value)
    assert message.startswith(f"GET /my: {WORDS}")
    assert "\n" not in message
    assert str(pickle.loads(pickle.dumps(caught.value))) == message  # noqa: S301 - our own
    assert caught.value.signed is not None
    return message


@pytest.mark.parametrize(
    ("key_id", "whose", "which"),
    [
        ("/nobody/keys/x", "the account 'nobody'", "this key by the name 'x'"),
        ("/test/keys/other", "the account 'test'", "this key by the name 'other'"),
        ("/test/users/bob/keys/x", "the sub-user 'bob' of the account 'test'", "this key by the name 'x'"),
    ],
)
def test_a_401_tells_who_signed_with_which_key_and_what_to_check(
    cloud: Emulator, key_id: str, whose: str, which: str
) -> None:
    sdc = cloud.datacenter(key_id=key_id)
    assert sdc.auth is not None
    public = sdc.auth.signer.public_key
    message = refusal(sdc)
    assert f"; signed as {key_id!r} with {public.kind} {public.md5} {public.sha256}" in message
    assert message.endswith(f": check that {whose} exists here, and that it has {which}")


def test_a_401_of_another_key(cloud: Emulator, ssh_keys: KeyRing) -> None:
    message = refusal(cloud.datacenter(secret=ssh_keys.path("p256")))
    assert ssh_keys.public("p256").md5 in message
    by_fingerprint = f"/test/keys/{ssh_keys.public('p256').md5}"
    message = refusal(cloud.datacenter(key_id=by_fingerprint, secret=ssh_keys.path("p256")))
    assert message.endswith("check that the account 'test' exists here, and that it has this key")


def test_a_401_of_a_request_that_is_not_signed(cloud: Emulator) -> None:
    message = refusal(cloud.datacenter(key_id=None))
    assert message.endswith("; the request was not signed: give key_id and secret")


def test_a_401_of_a_head(cloud: Emulator) -> None:
    with cloud.datacenter(key_id="/nobody/keys/x") as sdc:
        for action in (sdc.num_machines, sdc.changefeed):
            with pytest.raises(AuthenticationError, match="signed as '/nobody/keys/x' with ssh-"):
                action()


def test_a_401_names_all_keys_that_were_tried_and_the_one_that_was_not(
    cloud: Emulator, ssh_agent: RunningAgent, ssh_keys: KeyRing
) -> None:
    ssh_agent.add(ssh_keys.path("p384"), ssh_keys.path("p256"), ssh_keys.path("ed25519"))
    message = refusal(cloud.datacenter(key_id="/test/keys/mine", secret="/nonexistent", allow_agent=True))
    for kind in ("p256", "ed25519"):
        assert ssh_keys.public(kind).md5 in message.partition("Not tried")[0]
    assert "it has one of these keys by the name 'mine'. Not tried was ecdsa-sha2-nistp384 " in message
    assert ssh_keys.public("p384").md5 in message.partition("Not tried")[2]
    assert "ssh-agent signs P-384 only with SHA-384, which CloudAPI does not verify" in message


def several(cloud: Emulator, sdc: DataCenter, agent: RunningAgent, keys: KeyRing, **more: Any) -> DataCenter:
    """A data center that names its key, which is the last of three in the agent."""
    agent.add(keys.path("rsa2048"), keys.path("p256"), keys.path("ed25519"))
    sdc.add_key("mine", keys.public("ed25519").openssh)
    cloud.calls.clear()
    return cloud.datacenter(key_id="/test/keys/mine", secret="/nonexistent", allow_agent=True, **more)


def test_presign_finds_out_which_key_the_server_takes(
    cloud: Emulator, sdc: DataCenter, ssh_agent: RunningAgent, ssh_keys: KeyRing
) -> None:
    with several(cloud, sdc, ssh_agent, ssh_keys) as mine:
        url = mine.presign("GET", "/keys")
        assert [got.status for got in cloud.calls] == [401, 401, 200]
        assert sent(cloud) == 3 * [call("HEAD", "/my")]
        answer = requests.get(url, verify=str(cloud.ca_file), timeout=10)
        assert answer.status_code == 200
        # The accepted key is remembered.
        cloud.calls.clear()
        mine.presign("GET", "/machines")
        assert cloud.calls == []
        again = pickle.loads(pickle.dumps(mine))  # noqa: S301 - our own
        again.verify = str(cloud.ca_file)
        url = again.presign("GET", "/keys")
        assert requests.get(url, verify=str(cloud.ca_file), timeout=10).status_code == 200


def test_presign_if_the_server_accepts_no_key(
    cloud: Emulator, sdc: DataCenter, ssh_agent: RunningAgent, ssh_keys: KeyRing
) -> None:
    with several(cloud, sdc, ssh_agent, ssh_keys) as mine:
        sdc.delete_key("mine")
        with pytest.raises(AuthenticationError, match="it has one of these keys by the name 'mine'"):
            mine.presign("GET", "/keys")


def test_presign_with_a_key_that_is_known_makes_no_request(
    cloud: Emulator, sdc: DataCenter, ssh_agent: RunningAgent, ssh_keys: KeyRing
) -> None:
    sdc.presign("GET", "/keys")
    ssh_agent.add(ssh_keys.path("p256"), ssh_keys.path("ed25519"))
    key_id = f"/test/keys/{ssh_keys.public('ed25519').md5}"
    with cloud.datacenter(key_id=key_id, secret=None, allow_agent=True) as found:
        found.presign("GET", "/keys")
    assert cloud.calls == []


@pytest.mark.parametrize(
    "arguments", [{"secret": "/nonexistent"}, {"passphrase": "x"}, {"allow_agent": True}], ids=str
)
def test_a_key_without_a_key_id_is_refused(sdc: DataCenter, arguments: dict[str, Any]) -> None:
    before = sdc.auth
    with pytest.raises(ConfigurationError, match="of no use without key_id; give it as /LOGIN/keys/NAME"):
        sdc.authenticate(**arguments)
    with pytest.raises(ConfigurationError, match="of no use without key_id; give it as /LOGIN/keys/NAME"):
        sdc.authenticate("", **arguments)
    with pytest.raises(ConfigurationError, match="needs key_id, of the form"):
        sdc.authenticate(user="bob", **arguments)
    assert sdc.auth is before
    sdc.authenticate()
    assert sdc.auth is before


@pytest.mark.parametrize("arguments", [{"secret": "/nonexistent"}, {"passphrase": "x"}], ids=str)
def test_a_new_data_center_with_a_key_and_no_key_id_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="of no use without key_id; give it as /LOGIN/keys/NAME"):
        DataCenter("us-central-1", **arguments)
    with DataCenter("us-central-1", None, "~/.ssh/id_rsa") as sdc:  # the default secret
        assert sdc.auth is None
