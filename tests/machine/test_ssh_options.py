"""The arguments for paramiko, by themselves: their defaults, their checks, and what an error says of them."""

from __future__ import annotations

import base64
import math
import socket
from pathlib import Path
from typing import Any

import paramiko
import pytest

from smartdc import ConfigurationError, KeyFileMissing, KeyLoadError
from smartdc._secrets import Concealed
from smartdc.http_signature.keys import PrivateKey
from smartdc.machine.ssh_options import Options, credential
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.machine.test_ssh_keys import pkcs8

DEFAULTS = {"timeout": 30.0, "banner_timeout": 30.0, "auth_timeout": 60.0}
OWN_KEYS_ONLY = {"allow_agent": False, "look_for_keys": False}


def options(**arguments: Any) -> Options:
    return Options(Concealed(arguments))


def refusal(**arguments: Any) -> str:
    with pytest.raises(ConfigurationError) as refused:
        options(**arguments)
    return str(refused.value)


def signer(ssh_keys: KeyRing, kind: str = "p256") -> PrivateKey:
    return PrivateKey.from_bytes(ssh_keys.path(kind).read_bytes(), None, "the key")


def test_what_a_login_has_by_default() -> None:
    plain = options()
    assert plain.of_login(None, lambda: None).value == OWN_KEYS_ONLY | DEFAULTS
    assert (plain.port, plain.sock, plain.brings_key) == (None, None, False)
    assert plain.connect_timeout(lambda: None) == 30


@pytest.mark.parametrize(
    ("given", "left", "expected"),
    [
        ({}, 40.0, (30, 30, 40)),
        ({}, 0.5, (0.5, 0.5, 0.5)),
        ({"timeout": 5}, None, (5, 30, 60)),
        ({"banner_timeout": 5, "auth_timeout": 7}, 6.0, (6, 5, 6)),
        ({"timeout": None, "banner_timeout": None, "auth_timeout": None}, None, (None, None, None)),
        ({"timeout": None, "banner_timeout": None, "auth_timeout": None}, 9.0, (9, 9, 9)),
    ],
    ids=str,
)
def test_no_timeout_is_longer_than_what_is_left(
    given: dict[str, Any], left: float | None, expected: Any
) -> None:
    chosen = options(**given)
    made = chosen.of_login(None, lambda: left).value
    assert tuple(made[name] for name in DEFAULTS) == expected
    assert chosen.connect_timeout(lambda: left) == expected[0]


@pytest.mark.parametrize("name", [*DEFAULTS, "channel_timeout"])
@pytest.mark.parametrize("seconds", [0, -1, math.nan, 10**400, "5", True], ids=lambda value: str(value)[:9])
def test_a_timeout_is_a_number_of_seconds(name: str, seconds: Any) -> None:
    assert refusal(**{name: seconds}).startswith(f"{name} must be None or a number of seconds above 0, not ")


@pytest.mark.parametrize("sock", [5, "socket", object()], ids=["number", "text", "object"])
def test_a_socket_sends_and_receives(sock: Any) -> None:
    assert refusal(sock=sock).startswith("sock must be a socket or a channel, not ")


def test_port_and_socket_are_for_the_connection_and_not_for_the_login() -> None:
    with socket.socket() as sock:
        chosen = options(port=2222, sock=sock, compress=True)
        assert (chosen.port, chosen.sock, chosen.brings_key) == (2222, sock, False)
        made = chosen.of_login(None, lambda: None).value
    assert made == OWN_KEYS_ONLY | DEFAULTS | {"compress": True}


def test_the_account_s_key_is_used_unless_another_one_is_given(ssh_keys: KeyRing) -> None:
    ours = signer(ssh_keys)
    pkey = options().of_login(ours, lambda: None).value["pkey"]
    assert pkey.asbytes() == ours.public_key.blob
    theirs = paramiko.ECDSAKey.from_private_key_file(str(ssh_keys.path("p256")))
    given: list[dict[str, Any]] = [
        {"pkey": theirs},
        {"key_filename": [str(ssh_keys.path("p256"))]},
        {"password": "secret"},
    ]
    for arguments in given:
        chosen = options(**arguments)
        assert chosen.brings_key
        assert chosen.of_login(ours, lambda: None).value == OWN_KEYS_ONLY | DEFAULTS | arguments
    strategy = object()  # which excludes other arguments
    chosen = options(auth_strategy=strategy)
    assert chosen.brings_key
    assert chosen.of_login(ours, lambda: None).value == DEFAULTS | {"auth_strategy": strategy}
    assert not options(password="", key_filename=None).brings_key


def test_what_smartdc_sets_itself_is_refused() -> None:
    assert refusal(hostname="web") == (
        "connect_ssh takes no hostname: the address is the machine's: "
        "give the tag tritoncli.ssh.ip to use another of its addresses"
    )
    assert refusal(username="bob") == "connect_ssh takes no username: give user"


def test_what_paramiko_does_not_know_is_refused() -> None:
    assert refusal(timeuot=3) == "paramiko takes no timeuot for a connection: did you mean timeout?"
    assert refusal(colour=3) == (
        "paramiko takes no colour for a connection: its arguments are those of SSHClient.connect"
    )
    assert refusal(**{"x" * 50: 3}).startswith(f"paramiko takes no {'x' * 40} for a connection: ")
    assert refusal(self=3).startswith("paramiko takes no self for a connection: ")


@pytest.mark.parametrize("port", [0, -1, 65536, "22", 22.0, True, False, ""], ids=repr)
def test_a_port_is_a_number_of_16_bits(port: Any) -> None:
    assert refusal(port=port) == f"port must be a number from 1 to 65535, not {port!r}"


def test_the_first_and_the_last_port() -> None:
    assert [options(port=port).port for port in (1, 65535)] == [1, 65535]


def test_a_key_object_is_one_of_paramiko() -> None:
    assert refusal(pkey="~/.ssh/id_rsa") == (
        "pkey must be a paramiko.PKey, not str: give the path of a private key as key_filename"
    )


@pytest.mark.parametrize("kind", ["ed25519", "rsa2048", "p256", "p521"])
def test_key_files_are_given_to_paramiko_as_texts(ssh_keys: KeyRing, kind: str) -> None:
    path = ssh_keys.path(kind)
    for files in (path, str(path), [path], (str(path),)):
        made = options(key_filename=files).of_login(None, lambda: None).value
        assert made["key_filename"] == [str(path)]


def test_a_certificate_stands_for_its_key(ssh_keys: KeyRing) -> None:
    certificate = f"{ssh_keys.path('ed25519')}-cert.pub"
    made = options(key_filename=certificate).of_login(None, lambda: None).value
    assert made["key_filename"] == [certificate]
    with pytest.raises(KeyFileMissing) as refused:
        options(key_filename="/nope-cert.pub")
    assert str(refused.value) == (
        "the key file /nope does not exist; give the path of a private key as key_filename"
    )


def test_a_key_file_that_is_encrypted(ssh_keys: KeyRing) -> None:
    locked = str(ssh_keys.path("p256", passphrase=PASSPHRASE))
    options(key_filename=locked, passphrase=PASSPHRASE)
    options(key_filename=locked, password="x")  # which may be its passphrase, or be enough without it
    with pytest.raises(KeyLoadError, match="the passphrase is wrong"):
        options(key_filename=locked, passphrase="x", password="x")
    with pytest.raises(KeyLoadError, match="there is no passphrase"):
        options(key_filename=locked)


@pytest.mark.parametrize("is_der", [False, True])
@pytest.mark.parametrize("kind", ["ed25519", "rsa2048", "p256"])
def test_a_form_that_paramiko_does_not_read(
    ssh_keys: KeyRing, tmp_path: Path, kind: str, is_der: bool
) -> None:
    path = tmp_path / "key"
    pem = pkcs8(ssh_keys.path(kind))
    path.write_bytes(base64.b64decode(b"".join(pem.splitlines()[1:-1])) if is_der else pem)
    with pytest.raises(KeyLoadError) as refused:
        options(key_filename=path)
    assert str(refused.value) == (
        f"the private key {path} is in a form that paramiko does not read; "
        "convert a copy of it: ssh-keygen -p -f FILE"
    )


def test_what_an_error_says_of_a_refused_credential(ssh_keys: KeyRing, tmp_path: Path) -> None:
    path, public = str(ssh_keys.path("p256")), ssh_keys.public("p256")
    other = tmp_path / "other"
    other.touch()
    ours = options().of_login(signer(ssh_keys), lambda: None).value
    theirs = paramiko.ECDSAKey.from_private_key_file(path)
    known = "that the machine knows this key"
    assert credential(ours) == (
        f" with the key {public.sha256}",
        "that the account had this key when it made the machine",
    )
    assert credential({"pkey": theirs, "password": "x"}) == (f" with the key {public.sha256}", known)
    for files, named in (
        ([path], f"{public.sha256} ({path})"),
        ([f"{path}-cert.pub"], f"{public.sha256} ({path}-cert.pub)"),
        ([path, str(other)], f"{public.sha256} ({path}) or {other}"),
    ):
        assert credential({"key_filename": files, "password": "x"}) == (f" with the key {named}", known)
    assert credential({"password": "x"}) == (" with this password", "the password")
    assert credential({"auth_strategy": object()}) == ("", "with what you log in")


@pytest.mark.parametrize(
    ("kind", "algorithm", "name"),
    [
        ("rsa2048", "rsa-sha2-256", "rsa-sha2-256"),
        ("rsa2048", "rsa-sha2-512", "rsa-sha2-512"),
        ("p256", None, "ecdsa-sha2-nistp256"),
        ("ed25519", None, "ssh-ed25519"),
    ],
)
def test_the_account_s_key_signs_as_keys_of_paramiko_do(
    ssh_keys: KeyRing, kind: str, algorithm: str | None, name: str
) -> None:
    key = options().of_login(signer(ssh_keys, kind), lambda: None).value["pkey"]
    assert key.can_sign()
    assert key.get_name() == ("ssh-rsa" if kind == "rsa2048" else name)
    signature = paramiko.Message(key.sign_ssh_data(b"data", algorithm).asbytes())
    assert signature.get_text() == name
    signature.rewind()
    assert paramiko.PKey.from_type_string(key.get_name(), key.asbytes()).verify_ssh_sig(b"data", signature)
    assert repr(key) == f"<Key {signer(ssh_keys, kind).public_key}>"
    kind_of_key: Any = type(key)
    assert repr(kind_of_key.__new__(kind_of_key)) == "<Key >"  # as a traceback with variables shows it


def test_an_algorithm_that_the_account_s_key_does_not_have_is_named(ssh_keys: KeyRing) -> None:
    key = options().of_login(signer(ssh_keys, "rsa2048"), lambda: None).value["pkey"]
    for algorithm in (None, "ssh-rsa"):  # without another one it is that of the key's type
        with pytest.raises(KeyLoadError, match=r" is RSA and does not sign as ssh-rsa: use another key$"):
            key.sign_ssh_data(b"data", algorithm)
