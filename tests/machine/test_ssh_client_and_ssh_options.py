"""Logins: what is refused before a connection, with whole messages, and the arguments of paramiko."""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko
import pytest

from smartdc import ConfigurationError, DataCenter, GoneError, KeyLoadError, LoginFailed, Machine, WaitTimeout
from smartdc._secrets import Concealed
from smartdc.http_signature.keys import PrivateKey
from smartdc.machine.ssh_options import Options, credential
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer

ID, IMAGE = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
KEYS = Path(__file__).parents[1] / "data" / "keys"
WEB = {"id": ID, "name": "web", "state": "running", "primaryIp": "127.0.0.1", "ips": ["127.0.0.1"]}
REMEDY = "give the path of a private key as key_filename"


@pytest.fixture
def sdc(stub: StubServer, home: Path) -> DataCenter:
    return DataCenter(stub.url, "/bob/keys/k", KEYS / "TEST_ONLY_ed25519", clock=Instant(), retry="none")


@pytest.fixture
def machine(sdc: DataCenter) -> Machine:
    return Machine(sdc, data=WEB)


def refusal(call: Callable[[], object], error: type[Exception] = LoginFailed) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"user": ""}, "user must not be empty: None is the image's default user"),
        ({"user": 5}, "user must be text, not 5"),
        *(
            ({"wait": wait}, f"wait must be None or a number of seconds from 0, not {wait!r}")
            for wait in (True, "5", -1, math.nan)
        ),
        ({"known_hosts": 5}, "known_hosts must be True, False or a path, not 5"),
        ({"known_hosts": ""}, "known_hosts must be True, False or a path, not ''"),
        ({"wait": 5, "sock": object()}, "sock serves one attempt only: give no wait with it"),
        (
            {"hostname": "x"},
            "connect_ssh takes no hostname: the address is the machine's: give the tag tritoncli.ssh.ip to "
            "use another of its addresses",
        ),
        ({"username": "x"}, "connect_ssh takes no username: give user"),
        ({"passwort": "x"}, "paramiko takes no passwort for a connection: did you mean password?"),
        (
            {"q" * 41: "x"},
            f"paramiko takes no {'q' * 40} for a connection: its arguments are those of SSHClient.connect",
        ),
        *(
            ({"port": port}, f"port must be a number from 1 to 65535, not {port!r}")
            for port in (0, 65536, True, "22")
        ),
        ({"pkey": "x"}, f"pkey must be a paramiko.PKey, not str: {REMEDY}"),
    ],
    ids=lambda value: None if isinstance(value, str) else str(list(value)[:1]) + str(len(str(value))),
)
def test_arguments_that_are_refused(
    stub: StubServer, machine: Machine, arguments: dict[str, Any], message: str
) -> None:
    assert refusal(lambda: machine.connect_ssh(**arguments), ConfigurationError) == message
    assert stub.asked == []


def test_no_key_at_all(stub: StubServer, home: Path) -> None:
    machine = Machine(DataCenter(stub.url, login="bob"), data=WEB)
    assert refusal(machine.connect_ssh, ConfigurationError) == (
        "this DataCenter has no key to log in with: give key_id, or key_filename or password here"
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"state": "provisioning"}, "is provisioning\nwait for it: connect_ssh(wait=300)"),
        (
            {"state": "stopped"},
            "is stopped\nstart it, and wait for it: machine.start(); machine.connect_ssh(wait=300)",
        ),
        (
            {"state": "stopping"},
            "is stopping\nstart it when it is stopped: machine.poll_until('stopped'); machine.start()",
        ),
        ({"state": "failed"}, "is failed\ndelete it and create another one"),
        ({"state": "deleted"}, "is deleted\ncreate another one"),
        (
            {"primaryIp": None},
            "has no address\nadd a NIC (machine.add_nic), or wait until it has one",
        ),
        (
            {"tags": {"tritoncli.ssh.ip": "10.0.0.5"}},
            "has no address '10.0.0.5', which its tag tritoncli.ssh.ip names\n"
            "name one of its ips in the tag, or machine.delete_tag('tritoncli.ssh.ip')",
        ),
        *(
            (
                {"tags": {"tritoncli.ssh.port": port}},
                f"has no port {port!r}, which its tag tritoncli.ssh.port names\n"
                "name a number from 1 to 65535 in the tag, or machine.delete_tag('tritoncli.ssh.port')",
            )
            for port in ("x", 65536, "100000", "-1", "²")
        ),
        *(
            (
                {"primaryIp": address},
                f"cannot be reached at {address}:22\n198.18.0.0/15 is reserved for tests: an emulator "
                "accepts logins with ssh_port=0",
            )
            for address in ("198.18.0.5", "198.19.255.255")
        ),
    ],
    ids=str,
)
def test_a_machine_that_cannot_be_logged_in_to(
    stub: StubServer, machine: Machine, data: dict[str, Any], message: str
) -> None:
    stub.answer(Reply(WEB | data))
    assert refusal(lambda: machine.connect_ssh("ann")) == f"machine {ID} {message}"
    assert len(stub.asked) == 1


def test_a_bastion_that_is_not_found(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply(WEB | {"tags": {"tritoncli.ssh.proxy": "gate"}}), Reply([]))
    assert refusal(lambda: machine.connect_ssh("ann")) == (
        f"machine {ID} is reached through 'gate', as its tag tritoncli.ssh.proxy says: GET "
        "/my/machines?name=gate: 404 ResourceNotFound: no machine has the name or short id 'gate'; "
        "sdc.machines() lists all\nname another one in the tag, or machine.delete_tag('tritoncli.ssh.proxy')"
    )


def test_a_server_that_hangs_up(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply(WEB | {"image": IMAGE}), Reply({"id": IMAGE, "tags": {"default_user": "admin"}}))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        hanging_up = threading.Thread(target=lambda: listener.accept()[0].close())
        hanging_up.start()
        text = refusal(lambda: machine.connect_ssh(port=port))
        hanging_up.join()
    assert [asked.target for asked in stub.asked] == [f"/my/machines/{ID}", f"/my/images/{IMAGE}"]
    assert text.startswith(f"machine {ID} at 127.0.0.1:{port} did not accept the login: ")
    assert text.endswith("\ncheck that an SSH server runs there")


def test_a_port_where_nothing_listens(stub: StubServer, machine: Machine, free_port: int) -> None:
    where = f"127.0.0.1:{free_port}"
    stub.answer(*[Reply(WEB | {"tags": {"tritoncli.ssh.port": free_port}})] * 3)
    problem = f"cannot be reached at {where}: Connection refused"
    remedy = "check that SSH runs in it, that its firewall lets you in, and that you are on its network"
    assert refusal(lambda: machine.connect_ssh("ann")) == f"machine {ID} {problem}\n{remedy}"
    assert refusal(lambda: machine.connect_ssh("ann", wait=5), WaitTimeout) == (
        f"gave up after 5 s: machine {ID} does not accept the login, now {problem!r}\n{remedy}"
    )


def test_a_wait_for_a_machine_that_stays_stopped(stub: StubServer, machine: Machine) -> None:
    stub.otherwise = Reply(WEB | {"state": "stopped"})
    assert refusal(lambda: machine.connect_ssh("ann", wait=5), WaitTimeout) == (
        f"gave up after 5 s: machine {ID} is not yet 'running', now 'stopped'\n"
        "start it, and wait for it: machine.start(); machine.connect_ssh(wait=300)"
    )


def test_a_machine_that_is_gone(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply(WEB | {"state": "deleted"}, 410))
    refusal(machine.connect_ssh, GoneError)


# The arguments of paramiko


def login(signer: Any = None, left: float | None = None, **arguments: Any) -> dict[str, Any]:
    return Options(Concealed(arguments)).of_login(signer, lambda: left).value


NO_OTHER_KEYS = {"allow_agent": False, "look_for_keys": False}


def test_the_limits_of_a_login() -> None:
    assert login() == NO_OTHER_KEYS | {"timeout": 30.0, "banner_timeout": 30.0, "auth_timeout": 60.0}
    assert login(left=40) == NO_OTHER_KEYS | {"timeout": 30.0, "banner_timeout": 30.0, "auth_timeout": 40}
    assert login(left=5) == NO_OTHER_KEYS | {"timeout": 5, "banner_timeout": 5, "auth_timeout": 5}
    own = login(timeout=None, banner_timeout=7, auth_timeout=0.5, left=6)
    assert own == NO_OTHER_KEYS | {"timeout": 6, "banner_timeout": 6, "auth_timeout": 0.5}
    assert login(timeout=None)["timeout"] is None


def test_a_strategy_excludes_other_arguments() -> None:
    strategy = object()
    assert login(PrivateKey.load(KEYS / "TEST_ONLY_ed25519"), auth_strategy=strategy, timeout=1) == {
        "auth_strategy": strategy, "timeout": 1, "banner_timeout": 30.0, "auth_timeout": 60.0
    }  # fmt: skip


def test_arguments_of_the_caller_win() -> None:
    given = login(
        PrivateKey.load(KEYS / "TEST_ONLY_ed25519"), allow_agent=True, compress=True, port=5, sock=5
    )
    assert (given["allow_agent"], given["look_for_keys"], given["compress"]) == (True, False, True)
    assert given.keys().isdisjoint({"port", "sock"})


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_the_account_s_key_for_paramiko(kind: str) -> None:
    signer = PrivateKey.load(KEYS / f"TEST_ONLY_{kind}")
    key = login(signer)["pkey"]
    assert (key.asbytes(), key.get_name(), key.can_sign()) == (
        signer.public_key.blob, signer.public_key.kind, True,
    )  # fmt: skip
    assert repr(key) == f"<Key {signer.public_key}>"
    algorithm = {"rsa": "rsa-sha2-512"}.get(kind)
    message = key.sign_ssh_data(b"data", algorithm)
    message.rewind()
    assert message.get_text() == (algorithm or "ssh-ed25519")
    assert message.get_binary() == signer.sign_ssh(b"data", algorithm or "ssh-ed25519")[1]
    assert credential({"pkey": key}) == (
        f" with the key {signer.public_key.sha256}",
        "that the account had this key when it made the machine",
    )


@pytest.mark.parametrize("name", ["password", "key_filename", "pkey"])
def test_a_key_of_the_caller_takes_the_place_of_the_account_s(name: str) -> None:
    own: Any = {
        "password": "secret",
        "key_filename": str(KEYS / "TEST_ONLY_ed25519"),
        "pkey": paramiko.Ed25519Key(filename=str(KEYS / "TEST_ONLY_ed25519")),
    }[name]
    given = login(PrivateKey.load(KEYS / "TEST_ONLY_rsa"), **{name: own})
    assert given.get("pkey") == (own if name == "pkey" else None)
    assert given[name] == ([own] if name == "key_filename" else own)


def test_what_makes_the_account_s_key_needless() -> None:
    own = paramiko.Ed25519Key(filename=str(KEYS / "TEST_ONLY_ed25519"))
    needless: list[dict[str, Any]] = [{"pkey": own}, {"password": "x"}, {"auth_strategy": object()}]
    needed: list[dict[str, Any]] = [{}, {"password": ""}, {"pkey": None}, {"timeout": 5}]
    assert [Options(Concealed(given)).brings_key for given in needless] == [True] * 3
    assert [Options(Concealed(given)).brings_key for given in needed] == [False] * 4


def test_the_account_s_rsa_key_does_not_sign_with_sha_1() -> None:
    key = login(PrivateKey.load(KEYS / "TEST_ONLY_rsa"))["pkey"]
    assert refusal(lambda: key.sign_ssh_data(b"data"), KeyLoadError).endswith(
        " is RSA and does not sign as ssh-rsa: use another key"
    )


def test_what_a_refused_login_used() -> None:
    path = str(KEYS / "TEST_ONLY_ed25519")
    public = PrivateKey.load(path).public_key
    known = "that the machine knows this key"
    assert credential({"pkey": paramiko.Ed25519Key(filename=path)}) == (
        f" with the key {public.sha256}",
        known,
    )
    assert credential({"key_filename": [path, "/none-cert.pub"]}) == (
        f" with the key {public.sha256} ({path}) or /none-cert.pub", known
    )  # fmt: skip
    assert credential({"password": "secret"}) == (" with this password", "the password")
    assert credential({}) == ("", "with what you log in")


def test_key_files(home: Path) -> None:
    (home / "id").write_bytes((KEYS / "TEST_ONLY_ed25519").read_bytes())
    for given in ("~/id", home / "id", ["~/id"], ("~/id",)):
        assert login(key_filename=given)["key_filename"] == [str(home / "id")]
    assert login(key_filename="~/id-cert.pub")["key_filename"] == [str(home / "id-cert.pub")]
    assert refusal(lambda: login(key_filename="/none/id"), KeyLoadError) == (
        f"the key file /none/id does not exist; {REMEDY}"
    )
    (home / "id").write_text("x")
    assert refusal(lambda: login(key_filename="~/id"), KeyLoadError).startswith(
        "the private key ~/id is not a private key in OpenSSH, PEM or PKCS#8 form"
    )
    # The password may be the passphrase of the key.
    assert login(key_filename="~/id", password="x")["password"] == "x"


def test_a_form_that_paramiko_does_not_read(home: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ed25519
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ed25519.Ed25519PrivateKey.generate()
    (home / "id").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert refusal(lambda: login(key_filename="~/id"), KeyLoadError) == (
        "the private key ~/id is in a form that paramiko does not read; convert a copy of it: ssh-keygen -p "
        "-f FILE"
    )
