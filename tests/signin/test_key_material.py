"""The variables of the profile ``env`` that name the key and the authorities."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from urllib3.exceptions import InsecureRequestWarning

from smartdc import ConfigurationError, DataCenter, KeyLoadError
from smartdc.emulator import Emulator
from smartdc.http_signature.keys import PublicKey
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.helpers.servers import StubServer
from tests.helpers.triton_home import TritonHome


@pytest.fixture
def env(
    triton: TritonHome, cloud: Emulator, no_ssh_agent: None, monkeypatch: pytest.MonkeyPatch
) -> TritonHome:
    """The profile ``env`` of the emulator, without a key; a search would find none."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    fingerprint = PublicKey.from_text(cloud.key_file.with_suffix(".pub").read_text()).md5
    triton.set(TRITON_URL=cloud.url(), TRITON_ACCOUNT="test", TRITON_KEY_ID=fingerprint)
    triton.set(SMARTDC_CA_FILE=str(cloud.ca_file))
    return triton


def login() -> str:
    with DataCenter.from_env() as sdc:
        return str(sdc.account()["login"])


# The rules for the value are triton-go's: docs/cloudapi/profiles.md#variables-of-triton-go


@pytest.mark.parametrize("variable", ["TRITON_KEY_MATERIAL", "SDC_KEY_MATERIAL"])
def test_the_material_is_a_path_or_a_text(env: TritonHome, cloud: Emulator, variable: str) -> None:
    env.set(**{variable: str(cloud.key_file)})
    assert login() == "test"
    env.set(**{variable: cloud.key_file.read_text()})
    assert login() == "test"


def test_the_path_may_begin_with_a_tilde(env: TritonHome, cloud: Emulator) -> None:
    (env.path / "key").write_bytes(cloud.key_file.read_bytes())
    env.set(TRITON_KEY_MATERIAL="~/key")
    assert login() == "test"


def test_triton_comes_before_sdc_unless_it_is_empty(env: TritonHome, cloud: Emulator) -> None:
    env.set(TRITON_KEY_MATERIAL=str(cloud.key_file), SDC_KEY_MATERIAL="/nonexistent")
    assert login() == "test"
    env.set(TRITON_KEY_MATERIAL="", SDC_KEY_MATERIAL=str(cloud.key_file))
    assert login() == "test"


def test_the_material_wins_over_the_search(
    env: TritonHome, cloud: Emulator, ssh_keys: KeyRing, ssh_agent: RunningAgent
) -> None:
    env.use_key_of(cloud)
    ssh_agent.add(cloud.key_file)
    env.set(TRITON_KEY_MATERIAL=str(ssh_keys.path("p256")))
    with pytest.raises(KeyLoadError, match=r"key_id names the key .* but .*p256 is"):
        login()


def test_a_material_of_another_key_is_refused_and_not_shown(env: TritonHome, ssh_keys: KeyRing) -> None:
    text = ssh_keys.path("ed25519").read_text()
    env.set(TRITON_KEY_MATERIAL=text)
    with pytest.raises(KeyLoadError, match="key_id names the key") as caught:
        login()
    ours = traceback.walk_tb(caught.tb.tb_next)  # without the frame of this test
    shown = "".join(traceback.StackSummary.extract(ours, capture_locals=True).format())
    assert "from_env" in shown
    assert text.splitlines()[1] not in shown


@pytest.mark.parametrize("value", ["/nonexistent/key", "id_rsa", "~nobody-here/key"])
def test_a_material_that_is_neither_a_file_nor_a_key(env: TritonHome, value: str) -> None:
    env.set(TRITON_KEY_MATERIAL=value)
    with pytest.raises(ConfigurationError) as caught:
        DataCenter.from_env()
    assert str(caught.value) == (
        f"TRITON_KEY_MATERIAL is {value!r}, which is neither a file nor the text of a private key; "
        "give one of them, or unset it"
    )


def test_a_passphrase_belongs_to_the_material(env: TritonHome, cloud: Emulator, ssh_keys: KeyRing) -> None:
    cloud.account.add_key("locked", ssh_keys.public("ed25519").openssh)
    path = ssh_keys.path("ed25519", passphrase=PASSPHRASE)
    env.set(TRITON_KEY_MATERIAL=path.read_text(), TRITON_KEY_ID=ssh_keys.public("ed25519").sha256)
    with DataCenter.from_env(passphrase=PASSPHRASE) as sdc:
        assert sdc.account()["login"] == "test"


def test_a_key_name_is_enough_with_key_material(env: TritonHome, cloud: Emulator) -> None:
    env.set(TRITON_KEY_ID="test_key", TRITON_KEY_MATERIAL=str(cloud.key_file))
    assert login() == "test"


def test_an_explicit_secret_wins(env: TritonHome, cloud: Emulator) -> None:
    env.set(TRITON_KEY_MATERIAL="/nonexistent")
    with DataCenter.from_env(secret=cloud.key_file) as sdc:
        assert sdc.account()["login"] == "test"


def test_profile_files_and_the_constructor_ignore_both_variables(
    env: TritonHome, cloud: Emulator, tmp_path: Path
) -> None:
    env.profile("lab", **env.use_key_of(cloud))
    env.set(TRITON_KEY_MATERIAL="/nonexistent", SMARTDC_CA_FILE="/nonexistent")
    with DataCenter.from_profile("lab") as sdc:
        assert sdc.account()["login"] == "test"
        assert sdc.verify is True
    with DataCenter(cloud.url(), cloud.key_id, cloud.key_file, verify=cloud.ca_file) as sdc:
        assert sdc.account()["login"] == "test"


def test_profiles_show_the_authorities_and_no_key(env: TritonHome, cloud: Emulator) -> None:
    env.set(TRITON_KEY_MATERIAL=cloud.key_file.read_text())
    profile = DataCenter.profiles()["env"]
    assert profile.ca_file == str(cloud.ca_file)
    assert "BEGIN" not in repr(profile)


@pytest.mark.parametrize("value", ["/nonexistent/ca.pem", "~nobody-here/ca.pem", "ca\n.pem"])
def test_authorities_that_do_not_exist(env: TritonHome, cloud: Emulator, value: str) -> None:
    env.set(SMARTDC_CA_FILE=value, TRITON_KEY_MATERIAL=str(cloud.key_file))
    with pytest.raises(
        ConfigurationError, match=r"SMARTDC_CA_FILE .*; give the path of a file of certificates"
    ):
        DataCenter.from_env()


def test_an_empty_variable_of_authorities_is_unset(env: TritonHome, cloud: Emulator) -> None:
    env.set(SMARTDC_CA_FILE="", TRITON_KEY_MATERIAL=str(cloud.key_file))
    with DataCenter.from_env() as sdc:
        assert sdc.verify is True


def test_an_explicit_verify_wins(env: TritonHome, cloud: Emulator) -> None:
    env.set(SMARTDC_CA_FILE="/nonexistent", TRITON_KEY_MATERIAL=str(cloud.key_file))
    with DataCenter.from_env(verify=cloud.ca_file) as sdc:
        assert sdc.account()["login"] == "test"


@pytest.mark.filterwarnings(f"ignore::{InsecureRequestWarning.__module__}.{InsecureRequestWarning.__name__}")
def test_insecure_wins_over_authorities(env: TritonHome, cloud: Emulator, stub: StubServer) -> None:
    env.set(TRITON_TLS_INSECURE="1", SMARTDC_CA_FILE="/nonexistent", TRITON_KEY_MATERIAL=str(cloud.key_file))
    with DataCenter.from_env() as sdc:
        assert sdc.verify is False
