"""SSH into emulated machines: a server for each that runs, at its own address on the loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from functools import partial

import asyncssh

from smartdc.emulator.guest import Guest, Shell
from smartdc.emulator.vm import VM

__all__ = ["MachineLogins"]

USERS = ("admin", "root")


class MachineLogins:
    """The SSH servers of the machines that run.

    Args:
        port: Where they listen, each at its own address; 0 picks a free one.
        keys: The public keys, OpenSSH lines, that may log in to a machine.
        loop: The event loop that serves them.
    """

    def __init__(
        self, port: int, keys: Callable[[VM], Iterable[str]], loop: asyncio.AbstractEventLoop
    ) -> None:
        self.port = port
        self._keys = keys
        self._loop = loop
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._guests: dict[str, Guest] = {}
        self._sockets: dict[str, socket.socket] = {}
        self._acceptors: dict[str, asyncssh.SSHAcceptor] = {}

    def follow(self, machines: Iterable[VM]) -> None:
        """Open and close servers so that exactly the machines that run have one.

        The socket listens when this returns; who connects at once waits for the server behind it.
        """
        for vm in machines:
            if vm.shown_state == "running" and vm.nics and vm.uuid not in self._sockets:
                self._open(vm)
            elif vm.shown_state != "running" and vm.uuid in self._sockets:
                self._close(vm.uuid)
            if vm.destroyed:
                self._guests.pop(vm.uuid, None)

    def close(self) -> None:
        """Close all servers."""
        for uuid in list(self._sockets):
            self._close(uuid)

    def _open(self, vm: VM) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        address = next(nic.ip for nic in vm.nics if nic.primary)
        try:
            listener.bind((address, self.port))
        except OSError as error:
            listener.close()
            raise OSError(
                error.errno,
                f"no SSH server for machine {vm.alias} at {address}:{self.port} ({error.strerror}): ports "
                "under 1024 need root, addresses other than 127.0.0.1 need Linux; see Emulator(ssh_port=)",
            ) from error
        listener.listen()
        self.port = listener.getsockname()[1]
        self._sockets[vm.uuid] = listener
        guest = self._guests.setdefault(vm.uuid, Guest(vm.alias, lambda: vm.customer_metadata))
        guest.boot()
        asyncio.run_coroutine_threadsafe(self._serve(vm, guest, listener), self._loop)

    async def _serve(self, vm: VM, guest: Guest, listener: socket.socket) -> None:
        self._acceptors[vm.uuid] = await asyncssh.listen(
            sock=listener,
            server_factory=partial(_Login, vm, self._keys),
            server_host_keys=[self._host_key],
            process_factory=partial(_serve_process, guest),
        )

    def _close(self, uuid: str) -> None:
        listener = self._sockets.pop(uuid)
        acceptor = self._acceptors.pop(uuid, None)
        if acceptor is None:
            listener.close()
        else:
            self._loop.call_soon_threadsafe(acceptor.close)


class _Login(asyncssh.SSHServer):
    """Lets in who has one of the account's keys."""

    def __init__(self, vm: VM, keys: Callable[[VM], Iterable[str]]) -> None:
        self._vm = vm
        self._keys = keys

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        known = (asyncssh.import_public_key(line).public_data for line in self._keys(self._vm))
        return username in USERS and key.public_data in known


async def _serve_process(guest: Guest, process: asyncssh.SSHServerProcess[str]) -> None:
    shell = Shell(guest, process.get_extra_info("username"))
    if process.command is not None:
        out, errors, status = shell.run(process.command)
        process.stdout.write(out)
        process.stderr.write(errors)
        process.exit(status)
        return
    status = 0
    prompt = f"[{shell.user}@{guest.hostname}]$ "
    process.stdout.write(prompt)
    async for line in process.stdin:
        if line.strip() in ("exit", "logout"):
            break
        out, errors, status = shell.run(line)
        process.stdout.write(out + errors + prompt)
    process.exit(status)
