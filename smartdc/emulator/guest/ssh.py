"""SSH into emulated machines: a server for each that runs, at its own address on the loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import asyncssh

from smartdc.emulator.guest.guests import Guests
from smartdc.emulator.guest.inside import Guest, Source, Streams
from smartdc.emulator.guest.refusals import Hangup
from smartdc.emulator.guest.sftp import Files
from smartdc.emulator.guest.shell import Shell
from smartdc.emulator.state.resources import LOOPBACK_ADDRESSES
from smartdc.emulator.state.vm import VM

__all__ = ["MachineLogins"]

#: How many commands can run at once; each may wait for input.
_COMMANDS_AT_ONCE = 1000

#: Each byte is a character: input and output pass unchanged, whatever they are.
_BYTES = "latin-1"

USERS = ("admin", "root")

Keys = Callable[[VM], Iterable[str]]


class MachineLogins:
    """The SSH servers of the machines that run.

    Args:
        port: Where they listen, each at its own address.
        keys: The public keys, OpenSSH lines, that may log in to a machine.
        loop: The event loop that serves them.
        guests: The machines from the inside.

    Raises:
        OSError: This port is not to be had.
    """

    def __init__(
        self,
        port: int,
        keys: Keys,
        loop: asyncio.AbstractEventLoop,
        guests: Guests,
    ) -> None:
        # Better now than when the first machine runs.
        _listen(str(LOOPBACK_ADDRESSES[0][-2]), port, "machines").close()
        self.port = port
        self._keys = keys
        self._loop = loop
        self._guests = guests
        self._threads = ThreadPoolExecutor(_COMMANDS_AT_ONCE, "smartdc-emulator-command")
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._doors: dict[str, _Door] = {}

    def follow(self, machines: Iterable[VM], datacenter: str) -> None:
        """Open and close servers so that exactly the machines of a data center that run have one.

        The socket listens when this returns; who connects at once waits for the server behind it. A machine
        that has no address of the loopback cannot be logged in to.
        """
        for vm in machines:
            address = next((nic.ip for nic in vm.nics if nic.ip.startswith("127.")), None)
            if vm.shown_state == "running" and address is not None and vm.uuid not in self._doors:
                self._open(vm, address, datacenter)
            elif vm.shown_state != "running" and vm.uuid in self._doors:
                self._close(vm.uuid)

    def close(self) -> None:
        """Close all servers."""
        for uuid in list(self._doors):
            self._close(uuid)
        self._threads.shutdown(wait=False)

    def _open(self, vm: VM, address: str, datacenter: str) -> None:
        listener = _listen(address, self.port, f"machine {vm.alias}")
        guest = self._guests.of(vm, datacenter)
        door = self._doors[vm.uuid] = _Door(listener, self._threads)
        asyncio.run_coroutine_threadsafe(
            door.serve(guest, lambda: self._keys(vm), self._host_key), self._loop
        )

    def _close(self, uuid: str) -> None:
        door = self._doors.pop(uuid)
        self._loop.call_soon_threadsafe(door.close)
        with suppress(OSError):  # closed already
            door.listener.shutdown(socket.SHUT_RDWR)  # nobody gets in from now on


class _Door:
    """The SSH server of one machine, from its boot to its stop."""

    def __init__(self, listener: socket.socket, threads: ThreadPoolExecutor) -> None:
        self.listener = listener
        self._threads = threads
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._closed = False

    async def serve(self, guest: Guest, keys: Callable[[], Iterable[str]], host_key: asyncssh.SSHKey) -> None:
        """Let users in."""
        try:
            self._acceptor = await asyncssh.listen(
                sock=self.listener,
                server_factory=lambda: _Login(keys, self._connections),
                server_host_keys=[host_key],
                process_factory=partial(_serve_process, guest, self._threads),
                sftp_factory=partial(Files, guest),
                allow_scp=True,
                encoding=_BYTES,
            )
        except BaseException:
            self.listener.close()
            raise
        if self._closed:
            self.close()

    def close(self) -> None:
        """Throw everybody out, as a machine does that goes down."""
        self._closed = True
        if self._acceptor is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self.listener)
            loop.call_soon(self._acceptor.close)  # not now: see the web server's shutdown
        for connection in list(self._connections):
            connection.abort()


class _Login(asyncssh.SSHServer):
    """Lets in who has one of the account's keys."""

    def __init__(
        self, keys: Callable[[], Iterable[str]], connections: set[asyncssh.SSHServerConnection]
    ) -> None:
        self._keys = keys
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        known = (asyncssh.import_public_key(line).public_data for line in self._keys())
        return username in USERS and key.public_data in known


async def _serve_process(
    guest: Guest, threads: ThreadPoolExecutor, process: asyncssh.SSHServerProcess[str]
) -> None:
    loop = asyncio.get_running_loop()
    shell = Shell(guest, process.get_extra_info("username"))
    streams = _streams(process)
    if process.command is not None:
        process.exit(await loop.run_in_executor(threads, shell.execute, process.command, streams))
        return
    streams.errors = streams.out
    status = 0
    prompt = f"[{shell.user}@{guest.hostname}]$ "
    streams.out(prompt.encode())
    while not shell.finished:
        try:
            line = await process.stdin.readline()
        except asyncssh.TerminalSizeChanged:
            continue
        except (asyncssh.BreakReceived, asyncssh.SignalReceived):  # Ctrl-C
            line = "\n"
        if not line or line.strip() == "logout":
            break
        script = line.encode(_BYTES).decode(errors="surrogateescape")
        status = await loop.run_in_executor(threads, shell.execute, script, streams)
        if not shell.finished:
            streams.out(prompt.encode())
    process.exit(status)


def _streams(process: asyncssh.SSHServerProcess[str]) -> Streams:
    """The streams of a login, for commands that run in another thread while its client sends input."""
    loop = asyncio.get_running_loop()

    def read() -> bytes:
        try:
            text = asyncio.run_coroutine_threadsafe(process.stdin.read(), loop).result()
        except (asyncssh.SignalReceived, asyncssh.BreakReceived):  # Ctrl-C
            raise Hangup(130) from None
        except (OSError, asyncssh.Error, CancelledError):
            raise Hangup(129) from None
        return text.encode(_BYTES)

    def writer(stream: asyncssh.SSHWriter[str]) -> Callable[[bytes], None]:
        def write(data: bytes) -> None:
            loop.call_soon_threadsafe(_send, stream, data.decode(_BYTES))

        return write

    return Streams(Source(read), writer(process.stdout), writer(process.stderr))


def _send(stream: asyncssh.SSHWriter[str], text: str) -> None:
    with suppress(OSError):  # its client is gone
        stream.write(text)


def _listen(address: str, port: int, whose: str) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise OSError(
            error.errno,
            f"no SSH server for {whose} at {address}:{port} ({error.strerror}): ports under 1024 need root, "
            "addresses other than 127.0.0.1 need Linux; see Emulator(ssh_port=)",
        ) from error
    return listener
