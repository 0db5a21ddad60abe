"""Logins by `Machine.connect_ssh` that fail: their whole messages, and what paramiko is given."""

from __future__ import annotations

import math
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest

from smartdc import ConfigurationError, DataCenter, LoginFailed, Machine, WaitFailed, WaitTimeout
from smartdc.emulator import Emulator
from smartdc.emulator.state.vm import VM
from tests.helpers.clock import Instant
from tests.helpers.keys import KeyRing
from tests.helpers.servers import Reply, StubServer
from tests.machine.test_ssh_broken import Habit, Listener, banner_only, listen, silent
from tests.signin.test_tracebacks import leaks

__all__ = ["listen"]

pytestmark = pytest.mark.usefixtures("home")
ID = "b6c9a5e0-8b2f-4c42-9d3f-0123456789ab"
OTHER = "11111111-8b2f-4c42-9d3f-0123456789ab"
IP, PORT, PROXY = "tritoncli.ssh.ip", "tritoncli.ssh.port", "tritoncli.ssh.proxy"


@pytest.fixture
def scripted(stub: StubServer) -> Iterator[Callable[..., Machine]]:
    """Make a machine with these data, in a data center without a key."""
    with DataCenter(stub.url, login="bob", clock=Instant(), retry="none") as sdc:

        def make(**fields: Any) -> Machine:
            data = {"id": ID, "state": "running", "primaryIp": "127.0.0.1", "ips": ["127.0.0.1"], **fields}
            stub.otherwise = Reply(data)
            return Machine(sdc, data=data)

        yield make


def refusal(machine: Machine, error: type[Exception] = LoginFailed, **arguments: Any) -> str:
    with pytest.raises(error) as refused:
        machine.connect_ssh(**{"user": "bob", "password": "secret", "known_hosts": False, **arguments})
    return str(refused.value)


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ("provisioning", "wait for it: connect_ssh(wait=300)"),
        ("stopped", "start it, and wait for it: machine.start(); machine.connect_ssh(wait=300)"),
        ("stopping", "start it when it is stopped: machine.poll_until('stopped'); machine.start()"),
        ("failed", "delete it and create another one"),
        ("deleted", "create another one"),
    ],
)
def test_a_state_in_which_no_login_is_possible(
    scripted: Callable[..., Machine], state: str, remedy: str
) -> None:
    assert refusal(scripted(state=state)) == f"machine {ID} is {state}\n{remedy}"


@pytest.mark.parametrize(
    "fields", [{"primaryIp": None}, {"primaryIp": "", "tags": 5}, {"primaryIp": "", "tags": {IP: ""}}]
)
def test_a_machine_without_an_address(scripted: Callable[..., Machine], fields: dict[str, Any]) -> None:
    assert refusal(scripted(**fields)) == (
        f"machine {ID} has no address\nadd a NIC (machine.add_nic), or wait until it has one: "
        "connect_ssh(wait=300)"
    )


@pytest.mark.parametrize("ips", [None, [], ["127.0.0.1"]])
def test_a_tag_with_an_address_that_the_machine_does_not_have(
    scripted: Callable[..., Machine], ips: list[str] | None
) -> None:
    assert refusal(scripted(ips=ips, tags={IP: "10.9.9.9"})) == (
        f"machine {ID} has no address '10.9.9.9', which its tag {IP} names\n"
        f"name one of its ips in the tag, or machine.delete_tag('{IP}')"
    )


@pytest.mark.parametrize(
    "port", ["ssh", "-1", "22 ", "000022", "22.0", "\u0662\u0662", "\xb2", 65536, 100000, True]
)
def test_a_tag_with_a_port_that_is_none(scripted: Callable[..., Machine], port: Any) -> None:
    assert refusal(scripted(tags={PORT: port})) == (
        f"machine {ID} has no port {port!r}, which its tag {PORT} names\n"
        f"name a number from 1 to 65535 in the tag, or machine.delete_tag('{PORT}')"
    )


@pytest.mark.parametrize(
    ("address", "where"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")], ids=["IPv4", "IPv6"]
)
@pytest.mark.parametrize("given", ["tag", "text", "argument"])
def test_a_machine_that_cannot_be_reached(
    scripted: Callable[..., Machine], free_port: int, address: str, where: str, given: str
) -> None:
    tag = {"tag": free_port, "text": str(free_port), "argument": 1}[given]
    machine = scripted(primaryIp=address, tags={PORT: tag})
    arguments: dict[str, Any] = {"port": free_port} if given == "argument" else {}
    told = refusal(machine, **arguments)
    problem, remedy = told.split("\n")
    assert problem.startswith(f"machine {ID} cannot be reached at {where}:{free_port}: ")
    assert remedy == (
        "check that SSH runs in it, that its firewall lets you in, and that you are on its network"
    )
    assert refusal(machine, WaitTimeout, wait=0, **arguments) == (
        f"gave up after 0 s: machine {ID} does not accept the login, now "
        f"{problem.removeprefix(f'machine {ID} ')!r}\n{remedy}"
    )


def test_the_port_is_22_unless_it_is_set(
    scripted: Callable[..., Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Any] = []

    def refuse(address: tuple[str, int], timeout: float) -> None:
        tried.append((address, timeout))
        raise OSError("no")

    monkeypatch.setattr("socket.create_connection", refuse)
    for tags, port in (({}, 22), ({PORT: 0}, 22), ({PORT: ""}, 22), ({PORT: "65535"}, 65535), ({PORT: 1}, 1)):
        assert refusal(scripted(tags=tags)).startswith(
            f"machine {ID} cannot be reached at 127.0.0.1:{port}: no\n"
        )
        assert tried.pop() == (("127.0.0.1", port), 30)


def test_a_wait_may_have_no_end(scripted: Callable[..., Machine]) -> None:
    assert refusal(scripted(state="failed"), WaitFailed, wait=math.inf) == (
        f"machine {ID} is failed: it will not become 'running'"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"user": ""}, "user must not be empty: None is the image's default user"),
        ({"user": 5}, "user must be text, not 5"),
        ({"wait": -1}, "wait must be None or a number of seconds from 0, not -1"),
        ({"wait": True}, "wait must be None or a number of seconds from 0, not True"),
        ({"wait": 10**11}, "wait must be None or a number of seconds from 0, not 100000000000"),
        ({"wait": math.nan}, "wait must be None or a number of seconds from 0, not nan"),
        ({"wait": "5"}, "wait must be None or a number of seconds from 0, not '5'"),
        *(
            (
                {"wait": wait, "sock": paramiko.Channel(1)},
                "sock serves one attempt only: give no wait with it",
            )
            for wait in (0, 5)
        ),
        ({"known_hosts": 5}, "known_hosts must be True, False or a path, not 5"),
        ({"known_hosts": "a\0b"}, r"known_hosts must be True, False or a path, not 'a\x00b'"),
        (
            {"known_hosts": Path("a\0b")},
            r"known_hosts must be True, False or a path, not PosixPath('a\x00b')",
        ),
        ({"sock": 5}, "sock must be a socket or a channel, not 5"),
        ({"timeout": -1}, "timeout must be None or a number of seconds above 0, not -1"),
        ({"known_hosts": ""}, "known_hosts must be True, False or a path, not ''"),
        ({"known_hosts": b"x"}, "known_hosts must be True, False or a path, not b'x'"),
        (
            {"password": None},
            "this DataCenter has no key to log in with: give key_id, or key_filename or password here",
        ),
    ],
    ids=str,
)
def test_arguments_that_cannot_work(
    stub: StubServer, scripted: Callable[..., Machine], arguments: dict[str, Any], message: str
) -> None:
    assert refusal(scripted(), ConfigurationError, **arguments) == message
    assert stub.asked == []


def test_a_file_of_host_keys_is_not_needed_before_a_connection(
    scripted: Callable[..., Machine], free_port: int, tmp_path: Path
) -> None:
    for known_hosts in (None, True, False, tmp_path / "hosts", str(tmp_path / "hosts")):
        assert "cannot be reached" in refusal(scripted(), port=free_port, known_hosts=known_hosts)
    assert list(tmp_path.glob("hosts*")) == []


@pytest.mark.parametrize("wait", [None, 5])
def test_a_traceback_with_variables_does_not_show_the_password(
    scripted: Callable[..., Machine], free_port: int, wait: float | None
) -> None:
    with pytest.raises(LoginFailed if wait is None else WaitTimeout) as refused:
        scripted().connect_ssh("bob", password="secret77", wait=wait, port=free_port, known_hosts=False)
    assert leaks(refused.value, ["secret77"]) == []


def test_a_proxy_that_is_not_found(stub: StubServer, scripted: Callable[..., Machine]) -> None:
    machine = scripted(tags={PROXY: OTHER})
    stub.answer(stub.otherwise, Reply({"code": "ResourceNotFound", "message": "VM not found"}, 404))
    told = refusal(machine)
    assert told.startswith(
        f"machine {ID} is reached through '{OTHER}', as its tag {PROXY} says: GET /bob/machines/"
    )
    assert told.endswith(f"VM not found\nname another one in the tag, or machine.delete_tag('{PROXY}')")
    machine = scripted(tags={PROXY: "gone"})
    stub.answer(stub.otherwise, Reply([]))
    first, second = refusal(machine).split("\n")
    assert first.startswith(f"machine {ID} is reached through 'gone', as its tag {PROXY} says: ")
    assert "no machine has the name or short id 'gone'" in first
    assert second == f"name another one in the tag, or machine.delete_tag('{PROXY}')"
    twins = [{"id": ident, "name": "twin", "state": "running"} for ident in (ID, OTHER)]
    machine = scripted(tags={PROXY: "twin"})
    stub.answer(stub.otherwise, Reply(twins))
    first, _ = refusal(machine).split("\n")
    assert first.startswith(f"machine {ID} is reached through 'twin', as its tag {PROXY} says: ")
    assert "'twin' may be any of 2 machines: " in first


# The other tests log in to emulated machines.
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8")
emulated = pytest.mark.smartdc(ssh_port=0)


class Recorded(paramiko.Transport):
    """Keeps each connection that paramiko makes, for `transport_factory`."""

    made: list[Recorded]

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.made.append(self)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> type[Recorded]:
    monkeypatch.setattr(Recorded, "made", [], raising=False)
    return Recorded


@linux
@emulated
def test_a_refused_key_is_tried_every_10_seconds_for_a_minute(
    cloud: Emulator, machine: Machine, recorded: type[Recorded]
) -> None:
    """SSH servers block clients that fail often."""
    begun = cloud.clock.monotonic()
    with pytest.raises(LoginFailed, match="does not let 'bob' in"):
        machine.connect_ssh("bob", wait=300, transport_factory=recorded)
    assert (len(recorded.made), cloud.clock.monotonic() - begun) == (7, 60)
    with pytest.raises(WaitTimeout):
        machine.connect_ssh("bob", wait=15, transport_factory=recorded)
    assert (len(recorded.made) - 7, cloud.clock.monotonic() - begun) == (2, 75)


@linux
@emulated
def test_a_known_host_key_keeps_the_callers_factory(machine: Machine, recorded: type[Recorded]) -> None:
    machine.connect_ssh().close()
    with machine.connect_ssh(transport_factory=recorded) as ssh:
        assert recorded.made == [ssh.get_transport()]


@linux
@emulated
def test_the_server_is_asked_for_the_known_kinds_of_host_key(
    machine: Machine, recorded: type[Recorded], ssh_keys: KeyRing, tmp_path: Path
) -> None:
    known = [ssh_keys.public(kind) for kind in ("rsa2048", "p256")]
    (tmp_path / "hosts").write_text("".join(f"{machine.id} {key.openssh}\n" for key in known))
    with pytest.raises(LoginFailed) as refused:
        machine.connect_ssh(known_hosts=tmp_path / "hosts", transport_factory=recorded)
    (transport,) = recorded.made
    kinds = list(transport.get_security_options().key_types)
    assert set(kinds[:3]) == {"rsa-sha2-512", "rsa-sha2-256", "ecdsa-sha2-nistp256"}
    assert "ssh-ed25519" in kinds[3:]
    problem, remedy = str(refused.value).split("\n")
    assert f"and it was {known[0].sha256}, {known[1].sha256}: something else may answer" in problem
    command = f"ssh-keygen -R {machine.id} -f {tmp_path / 'hosts'}"
    assert remedy == f"if the machine has a new key, remove the old one: {command}"


@linux
@emulated
@pytest.mark.parametrize(
    ("error", "text", "passes"),
    [
        (EOFError(), "EOFError", True),
        (ConnectionResetError(104, "Connection reset"), r"\[Errno 104\] Connection reset", True),
        (paramiko.SSHException("Timeout opening\nchannel."), "Timeout opening channel.", True),
        (paramiko.ChannelException(2, "Connect failed"), "Connect failed", True),
        (paramiko.ChannelException(1, "Administratively prohibited"), "Administratively prohibited", False),
    ],
    ids=repr,
)
def test_a_bastion_that_does_not_forward(
    cloud: Emulator,
    sdc: DataCenter,
    vm: VM,
    recorded: type[Recorded],
    error: Exception,
    text: str,
    passes: bool,
) -> None:
    asked: list[Any] = []

    class Closed(recorded):  # type: ignore[misc,valid-type]
        def open_channel(self, kind: str, *arguments: Any, **more: Any) -> Any:
            asked.append((kind, *arguments, more))
            raise error

    inner = cloud.site().add_machine("inner", tags={PROXY: vm.alias})
    target = (inner.nics[0].ip, int(inner.tags[PORT]))
    where = f"{target[0]}:{target[1]}"
    machine = sdc.machine(inner.uuid)
    problem = f"machine {vm.uuid} does not forward to machine {inner.uuid} at {where}: {text}"
    remedy = "" if passes else r"\nlet its SSH server forward \(AllowTcpForwarding yes\)"
    with pytest.raises(LoginFailed, match=f"^{problem}{remedy}$") as refused:
        machine.connect_ssh(transport_factory=Closed, timeout=20)
    assert refused.value.__cause__ is error
    assert asked == [("direct-tcpip", target, ("127.0.0.1", 0), {"timeout": 20})]
    waiting = f"now 'not reached from the bastion at {where}'$" if passes else f"^{problem}{remedy}$"
    with pytest.raises(WaitTimeout if passes else LoginFailed, match=waiting):
        machine.connect_ssh(transport_factory=Closed, wait=1)


@linux
@emulated
@pytest.mark.parametrize(("habit", "limit"), [(banner_only, "timeout"), (silent, "banner_timeout")])
def test_one_limit_is_enough(
    machine: Machine, listen: Callable[[Habit], Listener], habit: Habit, limit: str
) -> None:
    listen(habit)
    with pytest.raises(
        LoginFailed, match=r"did not accept the login: the SSH login got no answer for \d+\.\d s\ncheck"
    ):
        machine.connect_ssh(**{limit: 0.2})  # type: ignore[arg-type]


@linux
@emulated
def test_the_remedy_is_that_of_the_last_attempt(cloud: Emulator, vm: VM, machine: Machine) -> None:
    with socket.socket() as server:
        server.bind((vm.nics[0].ip, 0))
        vm.tags = {**vm.tags, PORT: server.getsockname()[1]}
        cloud.clock.on_advance(server.listen)  # it refuses the first attempt, and is silent to the others
        with pytest.raises(
            WaitTimeout,
            match=r"now 'the SSH login got no answer for .*'\ncheck that an SSH server runs there$",
        ):
            machine.connect_ssh(wait=3, timeout=0.1, banner_timeout=0.1)


@linux
@emulated
@pytest.mark.parametrize("address", ["198.18.0.1", "198.19.255.254"])
def test_a_test_address_behind_which_something_answers_is_explained(
    vm: VM, machine: Machine, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """A proxy of the network may accept connections to every address."""
    ours, theirs = socket.socketpair()
    theirs.close()
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: ours)
    monkeypatch.setattr("smartdc.machine.ssh.is_this_machine", lambda _: False)  # an emulator elsewhere
    vm.nics[0].ip = address
    with pytest.raises(LoginFailed) as refused:
        machine.connect_ssh()
    first, second = str(refused.value).split("\n")
    assert first.startswith(f"machine {vm.uuid} at {address}:{vm.tags[PORT]} did not accept the login: ")
    assert second == "198.18.0.0/15 is reserved for tests: an emulator accepts logins with ssh_port=0"
