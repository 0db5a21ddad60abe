"""`Emulator`: a cloud on the loopback, with one account, its key, and several data centers."""

from __future__ import annotations

import asyncio
import os
import shutil
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from smartdc._forks import renew_in_children
from smartdc.emulator.app import TABLE, App
from smartdc.emulator.contents.file import Contents
from smartdc.emulator.control.activation import RATE, Activation
from smartdc.emulator.control.agent import Agent
from smartdc.emulator.control.beginning import KEY_NAME, Beginning
from smartdc.emulator.control.clients import Clients
from smartdc.emulator.control.logins import login_keys, login_users
from smartdc.emulator.control.settings import Settings, check_numbers, settle, state_directory
from smartdc.emulator.control.ticker import Ticker
from smartdc.emulator.gate.switches import Switches
from smartdc.emulator.guest.guests import Guests
from smartdc.emulator.http import server
from smartdc.emulator.http.calls import KEPT_CALLS, Call, CallLog
from smartdc.emulator.http.fault_kinds import Faults
from smartdc.emulator.remote.app import Remote
from smartdc.emulator.saving.kept import Kept
from smartdc.emulator.scratch import OwnKey, account_key, make_directory, new_key
from smartdc.emulator.state.clock import Clock
from smartdc.emulator.state.directory import Account, read_key
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

if TYPE_CHECKING:
    from smartdc.emulator.guest.ssh import MachineLogins

#: When emulated time begins that is the same in each run: 2026-01-01.
SEEDED_START = 1767225600.0


class Emulator(Clients):
    """An emulated cloud: real HTTPS, strict about everything that the real server is strict about.

    ::

        with Emulator() as cloud:
            sdc = cloud.datacenter()
            print(sdc.machines())

    Args:
        account: Login of the account; by default what `contents` says, or ``test``.
        datacenters: Their names; the first is the default. By default those of `contents`, or three.
        rate: Emulated seconds per real second. At 0 time stands still until the client's waiting, or
            `clock`, moves it.
        host: The address to listen on.
        ports: One per data center, or the first of consecutive ports; by default free ones.
        ssh_port: Give each running machine an SSH server at this port of its public address, which is then
            an address of the loopback; 0 picks a free port.
        schema_only: Have also what the OpenAPI description has and CloudAPI 9.20.0 has not: the update of
            access keys, and watching a migration over a WebSocket.
        key_kind: Which key the account gets: ``ed25519``, which is the default, or ``rsa`` for clients that
            know no other kind.
        contents: A TOML file of what it holds; `smartdc.emulator.contents.file` has an example.
        random_seed: Makes ids, addresses and names the same in each run, and the key if it is Ed25519; at
            rate 0 also times, which then begin with 2026.
        keep_calls: How many requests `calls` keeps; of their bodies it keeps 16 MiB.
        state_dir: A directory that keeps everything across restarts: key, certificate, ports, time, and what
            the data centers hold. If it has a state, `contents` and `random_seed` are not used. By default
            nothing is kept: key and certificate are in a directory that `stop` removes.

    Attributes:
        account: The account, shared by all data centers.
        key_id: What its key is called in a signature.
        key: The key that is made for it at the first start.
        key_file: The private key.
        ca_file: The certificate authority to trust, in PEM.
        clock: The emulated time.
        calls: The last requests, in order.
        on_call: Functions that are called with each request (a `Call`) when it was handled, in the server's
            thread.
        violations: What clients did that would have harmed a real server, in words.
        unsupported: What boot scripts and logins asked of machines that only a real machine can do, in words.
        faults: Where faults are asked for.
        ssh_port: Where machines can be logged in to, or None.
    """

    def __init__(
        self,
        *,
        account: str | None = None,
        datacenters: Sequence[str] | None = None,
        rate: float = 0.0,
        host: str = "127.0.0.1",
        ports: Sequence[int] | int | None = None,
        state_dir: str | os.PathLike[str] | None = None,
        ssh_port: int | None = None,
        schema_only: bool = False,
        key_kind: str | None = None,
        contents: str | os.PathLike[str] | None = None,
        random_seed: int | str | None = None,
        keep_calls: int = KEPT_CALLS,
    ) -> None:
        file = Contents(contents) if contents is not None else None
        directory = state_directory(state_dir)
        if not host:
            raise ValueError("host is the address to listen on, such as 127.0.0.1; it cannot be empty")
        check_numbers(keep_calls, random_seed)
        given = Settings(account, datacenters, ports, ssh_port, key_kind)
        start = None if random_seed is None or rate else SEEDED_START
        self._kept = None if directory is None else Kept(directory)
        try:
            settings = self._settings = settle(given, file, self._kept)
            resumed = self._kept.now if self._kept is not None else None
            self.clock: Clock = Clock(rate, start if resumed is None else resumed)
            self._beginning = Beginning(
                settings.account,
                settings.datacenters,
                file,
                random_seed,
                schema_only=schema_only,
                on_loopback=settings.ssh_port is not None,
            )
            # With who gets the key that is made at the start.
            self._shared, self._key_owners = self._beginning.make_or_resume(self.clock, self._kept)
        except BaseException:
            if self._kept is not None:
                self._kept.close()
            raise
        self.key_id: str = f"/{settings.account}/keys/{KEY_NAME}"
        self.calls: CallLog = CallLog(keep_calls)
        self.on_call: list[Callable[[Call], None]] = []
        self.faults: Faults = Faults({route.name for route in TABLE.routes}, settings.datacenters)
        self._switches = Switches(self.faults)
        self.account: Account = self._shared.account
        self._sites = self._shared.sites
        self.clock.on_advance(self._settle)
        self._host = host
        self._by_port: dict[int, Site] = {}
        self._remote = Remote(self, host)
        self._directory = directory
        self._remove_directory: weakref.finalize[..., Emulator] | None = None
        self._server: server.Server | None = None
        self._private: OwnKey | None = None
        self._host_keys: dict[str, str] = self._kept.host_keys if self._kept is not None else {}
        self._logins: MachineLogins | None = None
        self._agent: Agent | None = None
        self._ticker = self._new_ticker()
        renew_in_children(self)

    def renew(self) -> None:
        """In a forked child: leave server and files to the parent, where they go on."""
        if self._remove_directory is not None:
            self._remove_directory.detach()
        if self._kept is not None:
            self._kept.close()
        self._server = self._logins = self._remove_directory = self._agent = self._kept = None
        self._ticker = self._new_ticker()
        self._remote.renew()

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        if "_server" not in vars(self):  # in a traceback out of the constructor
            return "<Emulator>"
        state = "running" if self._server else "stopped"
        return f"<Emulator {self.account.login}: {', '.join(self._sites)}, {state}>"

    @property
    def is_running(self) -> bool:
        """Whether it serves."""
        return self._server is not None

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return self._host

    @property
    def token(self) -> str:
        """The secret that the control over HTTP asks for; each emulator has a new one."""
        return self._remote.token

    @property
    def key_file(self) -> Path:
        """The account's private key."""
        return self._files() / f"id_{self._settings.key_kind}"

    @property
    def ca_file(self) -> Path:
        """The certificate authority to trust."""
        return self._files() / "ca.pem"

    @property
    def ssh_port(self) -> int | None:
        """Where machines can be logged in to, or None when they cannot."""
        return self._settings.ssh_port if self._logins is None else self._logins.port

    @property
    def resumed(self) -> bool:
        """Whether it started from the state in its state directory, and not from its contents."""
        return self._kept is not None and self._kept.state is not None

    def start(self) -> Emulator:
        """Make the key, open the ports and serve. Does nothing where it runs already.

        Returns:
            Itself.
        """
        if self._server is not None:
            return self
        if self._directory is None:
            self._directory = make_directory()
            # Also when nobody stops it: there is a private key in there.
            self._remove_directory = weakref.finalize(
                self, shutil.rmtree, self._directory, ignore_errors=True
            )
        authority = server.authority()
        try:
            if self._kept is not None:
                authority = self._kept.open(server.authority, self.key_file)
            else:
                server.write_authority(self.ca_file, authority)
            self._make_key()
            sockets = server.listen(self._host, self._settings.ports)
        except BaseException:
            self._remove_files()
            if self._kept is not None:
                self._kept.close()
            raise
        self._by_port.clear()
        for site, listening in zip(self._sites.values(), sockets, strict=True):
            port = listening.getsockname()[1]
            self._by_port[port] = site
            self._shared.urls[site.name] = f"https://{_in_url(self._host)}:{port}"
        app = App(self._by_port, self._note_call, self._switches)
        self._server = server.Server(self._remote.before(app), self._host, sockets, authority)
        self._server.start()
        guests = Guests(self._shared.lock, self._shared.unsupported)
        self._follow(guests.follow)
        try:
            if self._settings.ssh_port is not None:
                self._open_logins(self._server, guests)
            if self._kept is not None:
                self._kept.start(self._shared, self._settings.key_kind, self.ssh_port, self._host_keys)
        except BaseException:
            self.stop()
            raise
        self._ticker.start(self._server.loop)
        return self

    def stop(self) -> None:
        """Stop serving and remove the temporary files. Does nothing where it does not run."""
        self._ticker.stop()
        self._remote.end()
        if self._agent is not None:
            self._agent.close()
            self._agent = None
        running, self._server = self._server, None
        with self._shared.lock:
            self._shared.on_change.clear()
            if self._logins is not None:
                self._logins.close()
                self._logins = None
        if running is not None:
            running.stop()
        self._remove_files()
        if self._kept is not None:
            self._kept.stop()

    def activate(
        self, datacenter: str | None = None, *, rate: float | None = None, profiles: Sequence[str] = ()
    ) -> Activation[Emulator]:
        """Let programs find the emulator that make their own client, as `DataCenter.from_profile` does.

        ::

            with Emulator().activate() as cloud:
                my_script.main()

        Inside of the ``with`` the environment of this process, and of subprocesses, has the emulator's URL,
        account, key and certificate, an ssh-agent with the key, and profiles of the ``triton`` command. At
        the end everything is put back. A `DataCenter` that is made there and talks to the emulator waits by
        `clock`, and advances it. Time also runs by itself, for programs that sleep.

        Args:
            datacenter: The one that programs get that name none; the first by default.
            rate: Emulated seconds per real second at which time runs by itself. By default the emulator's
                rate, or 40 if that is 0. At 0 only waiting advances the clock.
            profiles: More names of profiles for `datacenter`. Each data center already has a profile by its
                own name.
        """
        if rate is None:
            rate = self.clock.rate or RATE
        return Activation(self, datacenter, rate, profiles)

    def agent_socket(self) -> Path | None:
        """The socket of an ssh-agent with the account's key; None where there can be none (Windows)."""
        possible = hasattr(asyncio, "start_unix_server")
        if self._agent is None and possible and self._server is not None and self._private is not None:
            public = self.key_file.with_suffix(".pub").read_text()
            with suppress(OSError):
                self._agent = Agent(self._private, public, self._files() / "agent", self._server.loop)
        return None if self._agent is None else self._agent.path

    def ticking(self) -> AbstractContextManager[None]:
        """Do jobs meanwhile when they are due, as is done anyway while time runs at a rate."""
        return self._ticker.needed()

    def _open_logins(self, running: server.Server, guests: Guests) -> None:
        from smartdc.emulator.guest.ssh import MachineLogins  # asyncssh takes a while to import

        port = self._settings.ssh_port or server.free_port()
        who = partial(login_keys, self._shared), partial(login_users, self._shared)
        self._logins = MachineLogins(port, *who, running.loop, guests, self._host_keys)
        self._follow(self._logins.follow)

    def _follow(self, follow: Callable[[Sequence[VM], str], None]) -> None:
        """Call this with the machines of each data center now, and with those that change later."""

        def listener(site: Site, changed: Sequence[VM]) -> None:
            follow(changed, site.name)

        with self._shared.lock:
            self._shared.on_change.append(listener)
            for site in self._sites.values():
                listener(site, list(site.machines.values()))

    def _note_call(self, call: Call) -> None:
        self.calls.note(call)
        self._remote.note_call(call)
        for listener in self.on_call:
            listener(call)

    def _new_ticker(self) -> Ticker:
        return Ticker(self._settle, self.violations.append, always=self.clock.rate > 0)

    def _settle(self) -> None:
        for site in self._sites.values():
            site.settle()

    def _files(self) -> Path:
        if self._directory is None:
            raise RuntimeError("the emulator has not been started")
        return self._directory

    def _make_key(self) -> None:
        private, public = account_key(
            self.key_file,
            self._private or new_key(self._settings.key_kind, self._beginning.key_seed),
            f"{self.account.login}@emulator",
            self._settings.key_kind,
            self.account.find_key(KEY_NAME) if self.resumed else None,
        )
        if self._private is None:  # a second start keeps the key
            self._private = private
            if self.resumed:  # whoever has it, has it already
                self.key = read_key(KEY_NAME, public)
            else:
                self.key, *_ = [owner.add_key(KEY_NAME, public) for owner in self._key_owners]

    def _replaced(self) -> None:
        """The data centers are others now."""
        for port, site in self._by_port.items():
            self._by_port[port] = self._sites[site.name]
        self._remote.follow()

    def _remove_files(self) -> None:
        if self._remove_directory is not None:
            self._remove_directory()
            self._remove_directory = self._directory = None


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
