"""Signing in with a profile: `DataCenter.from_profile` and `DataCenter.from_env`."""

from __future__ import annotations

import pytest
from urllib3.exceptions import InsecureRequestWarning

from smartdc import (
    AuthenticationError,
    ConfigurationError,
    DataCenter,
    KeyLoadError,
    LegacyDataCenter,
    NotAuthorizedError,
    NotFoundError,
)
from smartdc.emulator import Emulator
from smartdc.http_signature.keys import PublicKey
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.helpers.servers import Reply, StubServer
from tests.helpers.triton_home import TritonHome


def test_from_profile(triton: TritonHome, cloud: Emulator) -> None:
    triton.profile("lab", **triton.use_key_of(cloud))
    with DataCenter.from_profile("lab") as sdc:
        assert sdc.account()["login"] == "test"
        assert (sdc.login, sdc.verify, sdc.active_roles) == ("test", True, ())
        assert str(sdc) == f"<DataCenter: test@{cloud.url()}>"


def test_from_profile_without_a_name_takes_the_current_one(triton: TritonHome, cloud: Emulator) -> None:
    triton.profile("lab", **triton.use_key_of(cloud))
    triton.make_current("lab")
    with DataCenter.from_profile() as sdc:
        assert sdc.account()["login"] == "test"


def test_from_env(triton: TritonHome, cloud: Emulator) -> None:
    triton.use_key_of(cloud)
    triton.set(**cloud.environment())
    triton.set(TRITON_PROFILE="another")
    with DataCenter.from_env() as sdc:
        assert sdc.account()["login"] == "test"


def test_from_env_of_a_legacy_data_center(triton: TritonHome, cloud: Emulator) -> None:
    triton.use_key_of(cloud)
    triton.set(**cloud.environment())
    with LegacyDataCenter.from_env() as sdc:
        assert type(sdc) is LegacyDataCenter


def test_the_key_is_found_by_any_spelling_of_its_fingerprint(triton: TritonHome, cloud: Emulator) -> None:
    fields = triton.use_key_of(cloud)
    public = PublicKey.from_text(cloud.key_file.with_suffix(".pub").read_text())
    for spelling in (public.md5, public.md5.upper(), f"MD5:{public.md5}", public.sha256, f"{public.sha256}="):
        triton.profile("lab", **{**fields, "keyId": spelling})
        with DataCenter.from_profile("lab") as sdc:
            assert sdc.account()["login"] == "test"


def test_the_key_is_found_in_the_agent(
    triton: TritonHome, cloud: Emulator, ssh_keys: KeyRing, ssh_agent: RunningAgent
) -> None:
    ssh_agent.add(ssh_keys.path("p256"))
    cloud.account.add_key("held", ssh_keys.public("p256").openssh)
    triton.profile("lab", **{**triton.use_key_of(cloud), "keyId": ssh_keys.public("p256").sha256})
    with DataCenter.from_profile("lab") as sdc:
        assert sdc.account()["login"] == "test"


def test_the_key_is_not_found(triton: TritonHome, no_ssh_agent: None) -> None:
    triton.profile("one")
    with pytest.raises(KeyLoadError, match=r"SHA256:AAA.*searched .*\.ssh"):
        DataCenter.from_profile("one")


def test_keyword_arguments_win(triton: TritonHome, cloud: Emulator, ssh_keys: KeyRing) -> None:
    fields = {**triton.use_key_of(cloud), "account": "nobody", "actAsAccount": "nobody", "insecure": True}
    triton.profile("lab", **fields, user="sub", roles=["ops"])
    with DataCenter.from_profile(
        "lab",
        key_id=cloud.key_id,
        secret=cloud.key_file,
        login="test",
        verify=cloud.ca_file,
        roles=["audit"],
        timeout=7,
        clock=cloud.clock,
    ) as sdc:
        assert sdc.account()["login"] == "test"
        assert (sdc.verify, sdc.timeout, sdc.active_roles) == (str(cloud.ca_file), 7, ("audit",))
        assert sdc.auth is not None
        assert sdc.auth.key_id == "/test/keys/test_key"
    encrypted = ssh_keys.path("ed25519", passphrase=PASSPHRASE)
    key_id = ssh_keys.public("ed25519").md5
    triton.profile("locked", keyId=key_id)
    with DataCenter.from_profile(
        "locked", location="us-sw-1", secret=encrypted, passphrase=PASSPHRASE, user="other"
    ) as sdc:
        assert sdc.auth is not None
        assert (sdc.location, sdc.auth.key_id) == ("us-sw-1", f"/bob/users/other/keys/{key_id}")


def test_a_key_name_is_enough_with_an_explicit_secret(triton: TritonHome, cloud: Emulator) -> None:
    triton.profile("lab", **{**triton.use_key_of(cloud), "keyId": "test_key"})
    with DataCenter.from_profile("lab", secret=cloud.key_file) as sdc:
        assert sdc.account()["login"] == "test"
    with pytest.raises(
        ConfigurationError, match="\"keyId\" is 'test_key', which is not a fingerprint; give the"
    ):
        DataCenter.from_profile("lab")


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("url", "cloud.example", '"url" cannot be used'),
        ("url", "https://bob:pw@cloud.example", '"url" cannot be used'),
        ("account", "my", "\"account\" is 'my'; give the login"),
        ("account", "a/b", "\"account\" is 'a/b'; give the login"),
        ("account", "ümlaut", "\"account\" is 'ümlaut'; give the login"),
        ("keyId", 'a"b', '"keyId" cannot be used'),
        ("keyId", "SHA256:short", '"keyId" cannot be used'),
        ("roles", ["a,b"], "\"roles\" cannot be used: 'a,b' cannot be the name of a role"),
    ],
)
def test_a_field_that_cannot_work(triton: TritonHome, field: str, value: str, problem: str) -> None:
    path = triton.profile("one", **{field: value})
    with pytest.raises(ConfigurationError) as caught:
        DataCenter.from_profile("one")
    assert str(caught.value).startswith(f"profile 'one' ({path}): {problem}")
    assert "pw" not in str(caught.value)


def test_a_variable_that_cannot_work(triton: TritonHome) -> None:
    triton.variables(URL="cloud.example")
    with pytest.raises(ConfigurationError, match=r"TRITON_URL \(or SDC_URL\) cannot be used"):
        DataCenter.from_env()


@pytest.mark.filterwarnings(f"ignore::{InsecureRequestWarning.__module__}.{InsecureRequestWarning.__name__}")
def test_insecure_does_not_verify(
    triton: TritonHome, cloud: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    triton.profile("lab", **triton.use_key_of(cloud), insecure=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    with DataCenter.from_profile("lab") as sdc:
        assert sdc.verify is False
        assert sdc.account()["login"] == "test"


def test_sub_user_roles_and_act_as(triton: TritonHome, cloud: Emulator, stub: StubServer) -> None:
    fields = {**triton.use_key_of(cloud), "url": stub.url}
    triton.profile("lab", **fields, user="sub", roles=["ops", "audit"], actAsAccount="other")
    stub.answer(Reply([]))
    with DataCenter.from_profile("lab") as sdc:
        sdc.machines()
    (asked,) = stub.asked
    assert asked.target.startswith("/other/machines?")
    assert "as-role=ops%2Caudit" in asked.target
    assert f'keyId="/test/users/sub/keys/{fields["keyId"]}"' in asked.headers["authorization"]


def test_act_as_another_account(triton: TritonHome, cloud: Emulator) -> None:
    cloud.add_account("other")
    fields = triton.use_key_of(cloud)
    triton.profile("lab", **fields, actAsAccount="other")
    with (
        DataCenter.from_profile("lab") as sdc,
        pytest.raises(
            NotAuthorizedError, match=r"You do not have permission to access /other/keys \(listkeys\)"
        ),
    ):
        sdc.keys()
    triton.profile("lab", **fields, actAsAccount="nobody")
    with DataCenter.from_profile("lab") as sdc, pytest.raises(NotFoundError, match="nobody does not exist"):
        sdc.keys()


def test_login_of_another_account(cloud: Emulator) -> None:
    cloud.add_account("other")
    machine_id = "11111111-2222-3333-4444-555555555555"
    with cloud.datacenter(login="other") as sdc:
        with pytest.raises(NotAuthorizedError) as caught:
            sdc.packages()
        assert caught.value.path == "/other/packages"
        with pytest.raises(NotFoundError):  # an unknown machine is not found in other accounts either
            sdc.machine(machine_id)
    with cloud.datacenter(login="nobody") as sdc, pytest.raises(NotFoundError, match="nobody does not exist"):
        sdc.packages()
    cloud.account.keys.clear()
    with cloud.datacenter(login="other") as sdc, pytest.raises(AuthenticationError):
        sdc.packages()
