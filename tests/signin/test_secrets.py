"""Key material, passphrases, signatures and machines' passwords are sent to the server and shown nowhere."""

from __future__ import annotations

import logging
import pickle
import re
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.servers import Reply, StubServer

PASSPHRASE = "open sesame 4711"
PASSWORD = "hunter2hunter2"
UNKNOWN = "00000000-dead-4bad-8bad-000000000000"


class Emitted:
    """Everything that was shown, as texts."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.errors: list[BaseException] = []
        self.seen: set[int] = set()
        self.secrets: list[str] = []

    def show(self, *things: Any) -> None:
        for thing in things:
            self.parts += [repr(thing), str(thing), f"{thing}", pickle.dumps(thing).decode("latin-1")]
            self.look_into(thing)

    def look_into(self, thing: Any) -> None:
        """Add what a debugger would show: the variables of an object and of its parts."""
        variables = getattr(thing, "__dict__", {})
        self.parts.append(repr(variables))
        for value in variables.values():
            kind = type(value)
            ours = kind.__module__.startswith("smartdc.") and not kind.__name__.startswith("_")
            if ours and id(value) not in self.seen:
                self.seen.add(id(value))
                self.look_into(value)

    def provoke(self, action: Callable[[], Any]) -> None:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - any exception
            action()
        self.errors.append(caught.value)
        self.show(caught.value)
        self.parts += traceback.format_exception(caught.value)


class Handler(logging.Handler):
    """Keeps what is logged, and the arguments it was logged with."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def log() -> Iterator[Handler]:
    """Record everything that the root logger gets at DEBUG."""
    root, handler = logging.getLogger(), Handler()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def encrypted_key(cloud: Emulator, tmp_path: Path) -> Path:
    """The account's key in a file with a passphrase."""
    key = serialization.load_ssh_private_key(Path(cloud.key_file).read_bytes(), None)
    path = tmp_path / "encrypted"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.BestAvailableEncryption(PASSPHRASE.encode()),
        )
    )
    return path


def session(cloud: Emulator, site: Site, stub: StubServer, key: Path, out: Emitted) -> list[str]:
    """Use everything that could reveal a secret; returns the signatures that were sent."""
    running = site.add_machine("web", internal_metadata={"root_pw": PASSWORD})
    gone = site.add_machine("old", state="deleted", internal_metadata={"root_pw": PASSWORD})
    authorizations = []
    with cloud.datacenter(secret=key, passphrase=PASSPHRASE, verbose=True) as sdc:
        authorizations.append(sdc.request("GET", "")[1].request.headers["Authorization"])
        machine = sdc.machine(running.uuid, credentials=True)
        assert machine.credentials() == {"root": PASSWORD}
        (listed,) = sdc.machines(credentials=True)
        out.show(sdc, sdc.auth, machine, listed, machine.raw, machine.metadata)
        machine.get_metadata()
        out.show(machine.raw)
        out.secrets.append(sdc.create_access_key()["accesskeysecret"])
        user = sdc.create_user("bob", "bob@x.example", PASSWORD)
        sdc.change_user_password(user["id"], PASSWORD + "x")
        with sdc.as_role("x") as other:
            out.show(other)
        with sdc.changefeed() as feed:
            out.parts += [repr(feed), repr(vars(feed)), repr(vars(feed._websocket))]
        out.provoke(lambda: sdc.machine(UNKNOWN))
        out.provoke(lambda: sdc.machine(gone.uuid, credentials=True))
        out.provoke(lambda: sdc.raw_machine_data("not-a-uuid"))
        out.provoke(lambda: sdc.add_key("x", Path(cloud.key_file).read_text()))
        out.provoke(lambda: sdc.request("GET", "/x", {"X-Mine": "a\nb"}))
        out.provoke(lambda: sdc.add_key("x", "ssh-rsa garbage"))
        out.provoke(lambda: machine.poll_until("stopped", timeout=3))
        with sdc.datacenter("us-east-1") as east:
            out.show(east)
        again = pickle.loads(pickle.dumps(sdc))  # noqa: S301 - our own
        out.show(again)
        # A pickle does not contain a passphrase that is text.
        out.provoke(again.account)
    out.provoke(lambda: cloud.datacenter(secret=key, passphrase="wrong " + PASSWORD))
    out.provoke(lambda: cloud.datacenter(secret=key))
    out.provoke(lambda: cloud.datacenter(key_id=Path(cloud.key_file).read_text(), secret="x"))
    with cloud.datacenter(verify=True) as distrusting:
        out.provoke(distrusting.account)
    with cloud.datacenter(key_id="/nobody/keys/x") as unknown:
        out.provoke(unknown.account)
    broken = b'{"accesskeysecret": "%b", ' % PASSWORD.encode()
    for reply in (
        Reply(b"<html>", content_type="text/html"),
        Reply(status=500),
        Reply(b"{", length=50),
        Reply(broken),
        Reply(broken, content_type=None),
        Reply({"metadata": {"credentials": {"root": PASSWORD}}}, 302),
    ):
        stub.answer(reply)
        with cloud.datacenter(location=stub.url) as strange:
            out.provoke(strange.machines)
    for location in (f"https://bob:{PASSWORD}@host", f"bob:{PASSWORD}@host.example", f"//{PASSWORD}@[x"):
        out.provoke(lambda: DataCenter(location))  # noqa: B023 - called at once
        out.provoke(lambda: DataCenter("x", known_locations={"x": location}))  # noqa: B023
    text_key = Path(cloud.key_file).read_text()
    out.provoke(lambda: cloud.datacenter(secret="".join(text_key.splitlines()[1:-1])))
    with cloud.datacenter(secret=text_key) as by_text:
        out.show(by_text, by_text.auth)
    for error in out.errors:
        request = getattr(error, "request", None) or getattr(
            getattr(error, "response", None), "request", None
        )
        if request is not None:
            authorizations.append(request.headers["Authorization"])
    authorizations += [asked.headers["authorization"] for asked in stub.asked]
    return [re.findall('signature="([^"]+)"', value)[0] for value in authorizations]


def test_no_secret_is_emitted(
    cloud: Emulator,
    site: Site,
    stub: StubServer,
    encrypted_key: Path,
    log: Handler,
    capfd: pytest.CaptureFixture[str],
) -> None:
    out = Emitted()
    signatures = session(cloud, site, stub, encrypted_key, out)
    assert len(set(signatures)) > 5

    printed = capfd.readouterr()
    assert printed.out == ""
    out.parts.append(printed.err)
    for record in log.records:
        out.parts += [record.getMessage(), repr(record.args), repr(record.__dict__)]
    # The log was recorded, and it is not empty.
    assert {"smartdc", "urllib3.connectionpool"} <= {record.name for record in log.records}
    text = "\n".join(out.parts)
    assert f"/my/machines/{UNKNOWN}" in text

    key_lines = Path(cloud.key_file).read_text().splitlines()[1:-1]
    key_lines += encrypted_key.read_text().splitlines()[1:-1]
    key = serialization.load_ssh_private_key(Path(cloud.key_file).read_bytes(), None)
    raw = key.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    secrets = [*out.secrets, PASSPHRASE, PASSWORD, raw.decode("latin-1"), *key_lines, *signatures]
    assert [secret for secret in secrets if secret in text] == []
    assert "Authorization" not in text


def test_the_log_has_requests_and_statuses(sdc: DataCenter, log: Handler) -> None:
    sdc.machines(state="running")
    with pytest.raises(Exception, match=r"^GET /my/keys/nothing: 404 "):
        sdc.key("nothing")
    ours = [record.getMessage() for record in log.records if record.name == "smartdc"]
    assert re.fullmatch(r"GET /my/machines\?state=running: 200 in \d+ ms \(request [0-9a-f-]{36}\)", ours[0])
    assert re.fullmatch(r"GET /my/keys/nothing: 404 in \d+ ms \(request [0-9a-f-]{36}\)", ours[1])


def test_the_log_names_a_failed_request(free_port: int, log: Handler) -> None:
    with (
        DataCenter(f"https://127.0.0.1:{free_port}", retry="none") as sdc,
        pytest.raises(Exception, match=r"^GET /my: no connection to "),
    ):
        sdc.account()
    ours = [record.getMessage() for record in log.records if record.name == "smartdc"]
    assert len(ours) == 1
    assert re.fullmatch("GET /my: Connection(Error|Failed)", ours[0])


def test_nothing_is_printed_without_a_logging_configuration(
    sdc: DataCenter, capfd: pytest.CaptureFixture[str]
) -> None:
    # Without a handler for this logger, Python would print its warnings to stderr.
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("smartdc").handlers)
    sdc.account()
    assert capfd.readouterr() == ("", "")
