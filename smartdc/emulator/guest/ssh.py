"""SSH into emulated machines: each running machine has a server at its own loopback address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, cast

import asyncssh

from smartdc.emulator.guest.guests import Guests
from smartdc.emulator.guest.inside import Guest, Source, Streams
from smartdc.emulator.guest.refusals import INTERRUPTED, Hangup
from smartdc.emulator.guest.sftp import Files
from smartdc.emulator.guest.shell import Shell
from smartdc.emulator.state.resources import LOOPBACK_ADDRESSES
from smartdc.emulator.state.vm import VM

__all__ = ["MachineLogins"]

#: How many commands can run at once; a command may wait for input for a long time.
_COMMANDS_AT_ONCE = 1000

#: In this encoding each byte is a character, so that all input and output pass unchanged.
_BYTES = "latin-1"

#: How many bytes of input are read at once.
_PIECE = 65536

USERS = ("admin", "root")
SSH_PORT = 22
PORT_TAG = "tritoncli.ssh.port"

Keys = Callable[[VM], Iterable[str]]
Users = Callable[[VM], Iterable[str]]


class MachineLogins:
    """The SSH servers of the running machines.

    Args:
        port: The port of all servers; each listens at its own address.
        keys: Returns the public keys, as OpenSSH lines, that may log in to a machine.
        users: Returns the users that a machine has from its image; admin and root are always there.
        loop: The event loop that serves them.
        guests: The insides of the machines.
        host_keys: The private host keys, by the machine's uuid; keys of new machines are added.

    Raises:
        OSError: The port cannot be listened on.
    """

    def __init__(
        self,
        port: int,
        keys: Keys,
        users: Users,
        loop: asyncio.AbstractEventLoop,
        guests: Guests,
        host_keys: dict[str, str],
    ) -> None:
        # Fail here, and not when the first machine starts.
        _listen(str(LOOPBACK_ADDRESSES[0][-2]), port, "machines").close()
        self.port = port
        self._keys = keys
        self._users = users
        self._loop = loop
        self._guests = guests
        self._threads = ThreadPoolExecutor(_COMMANDS_AT_ONCE, "smartdc-emulator-command")
        self._host_keys = host_keys
        self._servers: dict[str, _MachineServer] = {}

    def follow(self, machines: Iterable[VM], datacenter: str) -> None:
        """Open and close servers, so that each running machine of a data center has one.

        The sockets listen when this returns; an early connection waits until the server answers. A machine
        without a loopback address can be reached only through another machine.
        """
        for vm in machines:
            if vm.shown_state == "running" and vm.uuid not in self._servers:
                self._open(vm, datacenter)
            elif vm.shown_state != "running" and vm.uuid in self._servers:
                self._close(vm.uuid)

    def close(self) -> None:
        """Close all servers."""
        for uuid in list(self._servers):
            self._close(uuid)
        self._threads.shutdown(wait=False)

    def _open(self, vm: VM, datacenter: str) -> None:
        address = next((nic.ip for nic in vm.nics if nic.ip.startswith("127.")), None)
        if address is not None:
            listener = _listen(address, self.port, f"machine {vm.alias}")
        else:
            listener = _listen("127.0.0.1", 0, f"machine {vm.alias}")
        guest = self._guests.of(vm, datacenter)
        server = self._servers[vm.uuid] = _MachineServer(vm, listener, self._threads)
        login = partial(_Login, vm, self._keys, self._users, server.connections, self._find_server)
        if vm.uuid not in self._host_keys:  # a reboot keeps it
            made = asyncssh.generate_private_key("ssh-ed25519")
            self._host_keys[vm.uuid] = made.export_private_key().decode()
        host_key = asyncssh.import_private_key(self._host_keys[vm.uuid])
        if address is not None and self.port != SSH_PORT:
            # `triton ssh` and `connect_ssh` read the port from this tag.
            vm.tags = {PORT_TAG: self.port, **vm.tags}
        asyncio.run_coroutine_threadsafe(server.serve(guest, login, host_key), self._loop)

    def _find_server(self, start: VM, host: str, port: int) -> tuple[str, int] | None:
        """The address of the server that a machine reaches at another's address; None if there is none."""
        if port not in (self.port, SSH_PORT):
            return None
        networks = {nic.network_uuid for nic in start.nics}
        for server in list(self._servers.values()):
            for nic in server.vm.nics:
                if nic.ip == host and (nic.ip.startswith("127.") or nic.network_uuid in networks):
                    return server.address
        return None

    def _close(self, uuid: str) -> None:
        server = self._servers.pop(uuid)
        self._loop.call_soon_threadsafe(server.close)
        with suppress(OSError):  # closed already
            server.listener.shutdown(socket.SHUT_RDWR)  # refuse new connections from now on


class _MachineServer:
    """The SSH server of one machine, from its boot to its stop."""

    def __init__(self, vm: VM, listener: socket.socket, threads: ThreadPoolExecutor) -> None:
        self.vm = vm
        self.listener = listener
        self.address: tuple[str, int] = listener.getsockname()
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self._threads = threads
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._closed = False

    async def serve(self, guest: Guest, login: Callable[[], _Login], host_key: asyncssh.SSHKey) -> None:
        """Accept logins."""
        try:
            self._acceptor = await asyncssh.listen(
                sock=self.listener,
                server_factory=login,
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
        """Close all connections, as when a machine shuts down."""
        self._closed = True
        if self._acceptor is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self.listener)
            loop.call_soon(self._acceptor.close)  # later, as in the web server's shutdown
        for connection in list(self.connections):
            connection.abort()


class _Login(asyncssh.SSHServer):
    """Accepts the account's keys, and forwards connections to other machines."""

    def __init__(
        self,
        vm: VM,
        keys: Keys,
        users: Users,
        connections: set[asyncssh.SSHServerConnection],
        find_server: Callable[[VM, str, int], tuple[str, int] | None],
    ) -> None:
        self._vm = vm
        self._keys = keys
        self._users = users
        self._connections = connections
        self._find_server = find_server

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
        known = (asyncssh.import_public_key(line).public_data for line in self._keys(self._vm))
        return username in (*USERS, *self._users(self._vm)) and key.public_data in known

    def connection_requested(
        self, dest_host: str, dest_port: int, orig_host: str, orig_port: int
    ) -> Awaitable[asyncssh.SSHTCPSession[bytes]]:
        """Forward to the SSH server of another machine, as ``ssh -J`` wants; refuse any other target."""
        found = self._find_server(self._vm, dest_host, dest_port)
        if found is None:
            reason = f"no machine of this emulator has SSH at {dest_host}:{dest_port}"
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, reason)
        return cast("Awaitable[asyncssh.SSHTCPSession[bytes]]", self._connection.forward_connection(*found))


async def _serve_process(
    guest: Guest, threads: ThreadPoolExecutor, process: asyncssh.SSHServerProcess[str]
) -> None:
    loop = asyncio.get_running_loop()
    shell = Shell(guest, process.get_extra_info("username"))
    streams = _streams(process)
    if process.command is not None:
        process.exit(await loop.run_in_executor(threads, shell.execute, process.command, streams))
        return
    terminal = process.get_terminal_type() is not None
    if terminal:
        streams.errors = streams.out

    def next_line(begun: bool) -> str:
        if terminal:
            streams.out(b"> " if begun else f"[{shell.user}@{guest.hostname}]$ ".encode())
        line = streams.input.line().decode(errors="surrogateescape")
        return line if begun or line.strip() != "logout" else ""

    process.exit(
        await loop.run_in_executor(threads, partial(shell.follow, terminal=terminal), next_line, streams)
    )


class _Input(Source):
    """The input from a client, for a command that runs in another thread."""

    def __init__(self, stdin: asyncssh.SSHReader[str], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(bytes)
        self._stdin = stdin
        self._loop = loop

    def read(self) -> bytes:
        """Wait until the client ends its input, in a terminal with Ctrl-D."""
        pieces = iter(lambda: self._wait_for(partial(self._stdin.read, _PIECE)), b"")
        return b"".join(pieces)

    def line(self) -> bytes:
        """Wait for a line."""
        return self._wait_for(self._stdin.readline)

    def _wait_for(self, reading: Callable[[], Coroutine[Any, Any, str]]) -> bytes:
        while True:
            try:
                return asyncio.run_coroutine_threadsafe(reading(), self._loop).result().encode(_BYTES)
            except asyncssh.TerminalSizeChanged:
                continue
            except (asyncssh.SignalReceived, asyncssh.BreakReceived):  # Ctrl-C
                raise Hangup(INTERRUPTED) from None
            except (OSError, asyncssh.Error, CancelledError):
                raise Hangup(129) from None


def _streams(process: asyncssh.SSHServerProcess[str]) -> Streams:
    """The streams of a login, for commands that run in another thread."""
    loop = asyncio.get_running_loop()

    def writer(stream: asyncssh.SSHWriter[str]) -> Callable[[bytes], None]:
        def write(data: bytes) -> None:
            loop.call_soon_threadsafe(_send, stream, data.decode(_BYTES))

        return write

    return Streams(_Input(process.stdin, loop), writer(process.stdout), writer(process.stderr))


def _send(stream: asyncssh.SSHWriter[str], text: str) -> None:
    with suppress(OSError):  # the client has disconnected
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
