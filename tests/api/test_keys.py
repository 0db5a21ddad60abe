from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from smartdc import (
    AuthenticationError,
    ConfigurationError,
    DataCenter,
    InvalidArgumentError,
    NotFoundError,
)
from smartdc.emulator import Emulator
from smartdc.http_signature import PrivateKey, PublicKey
from tests.helpers.recorded import call, sent


def public_key() -> PublicKey:
    return PrivateKey(ed25519.Ed25519PrivateKey.generate()).public_key


def escaped(fingerprint: str) -> str:
    return fingerprint.replace(":", "%3A")


def test_keys_lists_the_keys(cloud: Emulator, sdc: DataCenter) -> None:
    (key,) = sdc.keys()
    assert f"/test/keys/{key['name']}" == cloud.key_id
    assert PublicKey.from_text(key["key"]).md5 == key["fingerprint"]
    assert sent(cloud) == [call("GET", "/my/keys")]


def test_key_by_name_fingerprint_or_dict(cloud: Emulator, sdc: DataCenter) -> None:
    (key,) = sdc.keys()
    assert sdc.key(key["name"]) == key
    assert sdc.key(key["fingerprint"]) == key
    assert sdc.key(key) == key
    assert sdc.key({"name": key["name"]}) == key
    path = f"/my/keys/{escaped(key['fingerprint'])}"
    assert sent(cloud)[1:] == [
        call("GET", f"/my/keys/{key['name']}"),
        call("GET", path),
        call("GET", path),
        call("GET", f"/my/keys/{key['name']}"),
    ]


def test_key_that_does_not_exist(sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError, match="nothing does not exist") as caught:
        sdc.key("nothing")
    assert caught.value.code == "ResourceNotFound"


def test_key_whose_name_has_a_slash_stays_one_segment(cloud: Emulator, sdc: DataCenter) -> None:
    public = public_key()
    sdc.add_key("a/../b c", public.openssh)
    assert sdc.key("a/../b c")["fingerprint"] == public.md5
    assert sent(cloud)[1] == call("GET", "/my/keys/a%2F..%2Fb%20c")


def test_add_key_and_delete_key(cloud: Emulator, sdc: DataCenter) -> None:
    public = public_key()
    added = sdc.add_key("laptop", public.openssh)
    assert added == {"name": "laptop", "fingerprint": public.md5, "key": public.openssh}
    before = sdc.keys()
    assert added in before
    sdc.delete_key("laptop")
    after = sdc.keys()
    assert added not in after
    assert sent(cloud) == [
        call("POST", "/my/keys", body={"name": "laptop", "key": public.openssh}),
        call("GET", "/my/keys"),
        call("DELETE", "/my/keys/laptop"),
        call("GET", "/my/keys"),
    ]


def test_add_key_without_a_name_and_delete_by_dict(cloud: Emulator, sdc: DataCenter) -> None:
    public = public_key()
    added = sdc.add_key(None, public.openssh)
    assert added["name"] == public.md5
    sdc.delete_key(added)
    assert sent(cloud) == [
        call("POST", "/my/keys", body={"key": public.openssh}),
        call("DELETE", f"/my/keys/{escaped(public.md5)}"),
    ]


def test_add_key_refusals(sdc: DataCenter) -> None:
    public = public_key()
    sdc.add_key("one", public.openssh)
    with pytest.raises(InvalidArgumentError, match="key already exists or is invalid"):
        sdc.add_key("two", public.openssh)
    with pytest.raises(InvalidArgumentError, match="key already exists or is invalid"):
        sdc.add_key("three", "ssh-rsa garbage")


def test_add_key_refuses_text_that_is_no_public_key(cloud: Emulator, sdc: DataCenter) -> None:
    private = Path(cloud.key_file).read_text()
    body = "".join(private.splitlines()[1:-1])
    forms: list[Any] = [
        "garbage",
        "",
        body,
        f"ssh-ed25519 {body}",
        [private],
        {"key": private},
        body.encode(),
    ]
    for form in forms:
        with pytest.raises(ConfigurationError, match=r"public one|key must be text") as caught:
            sdc.add_key("three", form)
        assert body[40:60] not in str(caught.value)
    assert sent(cloud) == []


LINE_OF_OPENSSH = (
    "key must be text, a line such as 'ssh-ed25519 AAAA... comment': the content of a file that ends in .pub"
)
PRIVATE = "this is a private key: give the public one (the file that ends in .pub)"


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("-----BEGIN RSA PUBLIC KEY-----\n{}\n-----END RSA PUBLIC KEY-----\n", LINE_OF_OPENSSH),
        ("\n-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", LINE_OF_OPENSSH),
        ("-----BEGIN PUBLIC KEY-----\n{}\n-----BEGIN PRIVATE KEY-----\n", PRIVATE),
        ("-----BEGIN RSA PRIVATE KEY-----\n{}\n", PRIVATE),
        ("my key: {}", PRIVATE),
    ],
)
def test_add_key_says_which_key_it_wants(cloud: Emulator, sdc: DataCenter, form: str, message: str) -> None:
    # A public key in PEM is refused as well, but it is not called a private one.
    key = form.format("MIIEowIBAAKCAQEA" + "x" * 60)
    with pytest.raises(ConfigurationError) as caught:
        sdc.add_key("pem", key)
    assert str(caught.value) == message
    assert sent(cloud) == []


def test_add_key_does_not_send_a_private_key(cloud: Emulator, sdc: DataCenter) -> None:
    text = Path(cloud.key_file).read_text()
    with pytest.raises(ConfigurationError, match=r"private key: give the public one.*\.pub") as caught:
        sdc.add_key("oops", text)
    assert text.splitlines()[1] not in str(caught.value)
    assert sent(cloud) == []


def test_delete_key_that_does_not_exist(sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError):
        sdc.delete_key("nothing")


def test_a_deleted_key_is_refused(sdc: DataCenter) -> None:
    public = public_key()
    sdc.add_key("other", public.openssh)
    keys = sdc.keys()
    (mine,) = (key for key in keys if key["name"] != "other")
    sdc.delete_key(mine)
    with pytest.raises(AuthenticationError) as caught:
        sdc.keys()
    assert (caught.value.status, caught.value.code) == (401, "InvalidCredentials")
