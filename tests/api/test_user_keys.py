from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from smartdc import (
    AuthenticationError,
    ConfigurationError,
    DataCenter,
    InvalidArgumentError,
    NotAuthorizedError,
    NotFoundError,
    VersionError,
)
from smartdc.emulator import Emulator
from smartdc.http_signature import PrivateKey, PublicKey
from smartdc.types import User
from tests.helpers.recorded import call, sent


@pytest.fixture
def bob(sdc: DataCenter) -> User:
    return sdc.create_user("bob", "bob@example.com", "secret123")


@pytest.fixture
def public() -> PublicKey:
    return PrivateKey(ed25519.Ed25519PrivateKey.generate()).public_key


def test_add_user_key(cloud: Emulator, sdc: DataCenter, bob: User, public: PublicKey) -> None:
    key = sdc.add_user_key(bob, "laptop", public.openssh)
    body = {"name": "laptop", "key": public.openssh}
    assert sent(cloud)[1:] == [call("POST", f"/my/users/{bob['id']}/keys", body=body)]
    assert (key["name"], key["fingerprint"]) == ("laptop", public.md5)
    assert sdc.user_keys("bob") == [key]
    assert len(sdc.keys()) == 1  # the account's own


def test_add_user_key_without_a_name(cloud: Emulator, sdc: DataCenter, bob: User, public: PublicKey) -> None:
    assert sdc.add_user_key("bob", None, public.openssh)["fingerprint"] == public.md5
    assert sent(cloud)[1:] == [call("POST", "/my/users/bob/keys", body={"key": public.openssh})]


def test_add_user_key_that_the_server_refuses(sdc: DataCenter, bob: User, public: PublicKey) -> None:
    sdc.add_user_key(bob, "laptop", public.openssh)
    other = PrivateKey(ed25519.Ed25519PrivateKey.generate()).public_key
    # users.test.js: "Create (named) key with duplicate name".
    for name, key in (("again", public.openssh), ("laptop", other.openssh), ("new", "ssh-rsa garbage")):
        with pytest.raises(InvalidArgumentError, match="key already exists or is invalid"):
            sdc.add_user_key(bob, name, key)
    with pytest.raises(ConfigurationError, match="key must be text"):
        sdc.add_user_key(bob, "new", "")
    with pytest.raises(NotFoundError, match="nobody does not exist"):
        sdc.add_user_key("nobody", "new", other.openssh)


def test_add_user_key_does_not_send_a_private_key(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.raises(ConfigurationError, match=r"^this is a private key: give the public one"):
        sdc.add_user_key("bob", "laptop", "-----BEGIN OPENSSH PRIVATE KEY-----")
    assert sent(cloud) == []


def test_user_keys_of_an_unknown_user(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError, match="nobody does not exist"):
        sdc.user_keys("nobody")
    assert sent(cloud) == [call("GET", "/my/users/nobody/keys")]


def test_user_key_by_name_fingerprint_or_dict(
    cloud: Emulator, sdc: DataCenter, bob: User, public: PublicKey
) -> None:
    key = sdc.add_user_key(bob, "laptop", public.openssh)
    assert sdc.user_key("bob", "laptop") == sdc.user_key("bob", public.md5) == sdc.user_key(bob, key) == key
    escaped = public.md5.replace(":", "%3A")
    assert sent(cloud)[2:] == [
        call("GET", "/my/users/bob/keys/laptop"),
        call("GET", f"/my/users/bob/keys/{escaped}"),
        call("GET", f"/my/users/{bob['id']}/keys/{escaped}"),
    ]
    with pytest.raises(NotFoundError, match="test_key does not exist"):
        sdc.user_key(bob, "test_key")


def test_user_keys_before_7_2(cloud: Emulator, bob: User) -> None:
    with cloud.datacenter(api_version="~7.1") as old, pytest.raises(VersionError):
        old.user_keys("bob")


def test_delete_user_key(cloud: Emulator, sdc: DataCenter, bob: User, public: PublicKey) -> None:
    key = sdc.add_user_key(bob, "laptop", public.openssh)
    sdc.delete_user_key(bob, "laptop")
    assert sent(cloud)[2:] == [call("DELETE", f"/my/users/{bob['id']}/keys/laptop")]
    with pytest.raises(NotFoundError, match="does not exist"):
        sdc.delete_user_key(bob, key)


def test_a_sub_user_signs_in_with_its_key_until_it_is_deleted(
    cloud: Emulator, sdc: DataCenter, bob: User
) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    sdc.add_user_key(bob, "laptop", PrivateKey(private).public_key.openssh)
    with cloud.datacenter(key_id="/test/users/bob/keys/laptop", secret=private) as bobs:
        with pytest.raises(NotAuthorizedError, match=r"/my/machines \(listmachines\)"):
            bobs.machines()
        sdc.delete_user_key(bob, "laptop")
        with pytest.raises(AuthenticationError, match="Invalid authorization credentials supplied"):
            bobs.machines()
