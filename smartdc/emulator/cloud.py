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
from typing import TYPE_CHECKING

from smartdc._forks import renew_in_children
from smartdc.emulator.app import TABLE, App
from smartdc.emulator.contents.file import Contents
from smartdc.emulator.control.activation import RATE, Activation
from smartdc.emulator.control.agent import Agent
from smartdc.emulator.control.clients import Clients
from smartdc.emulator.control.initial_state import KEY_NAME, InitialState
from smartdc.emulator.control.logins import login_keys, login_users
from smartdc.emulator.control.settings import Arguments, check_numbers, resolve, state_path
from smartdc.emulator.control.ticker import Ticker
from smartdc.emulator.gate.switches import Switches
from smartdc.emulator.guest.guests import Guests
from smartdc.emulator.http import server
from smartdc.emulator.http.addresses import in_url, reachable_at
from smartdc.emulator.http.calls import KEPT_CALLS, Call, CallLog
from smartdc.emulator.http.fault_plan import Faults
from smartdc.emulator.remote.app import Remote
from smartdc.emulator.saving.authority import FILE as CA_FILE
from smartdc.emulator.saving.saved_state import SavedState
from smartdc.emulator.scratch import PrivateKey, account_key, make_directory, new_key
from smartdc.emulator.state.clock import Clock
from smartdc.emulator.state.directory import Account, Key, read_key
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM

if TYPE_CHECKING:
    from smartdc.emulator.guest.ssh import MachineLogins

#: Where emulated time begins if it is the same in each run: 2026-01-01.
SEEDED_START = 1767225600.0


class Emulator(Clients):
    """An emulated cloud that serves real HTTPS and is as strict as the real server.

    ::

        with Emulator() as cloud:
            sdc = cloud.datacenter()
            print(sdc.machines())

    Args:
        account: Login of the account; by default the one of `contents`, or ``test``.
        datacenters: Their names; the first is the default. By default those of `contents`, or three.
        rate: Emulated seconds per real second. At 0 time stands still until a client waits, or the test
            advances `clock`.
        host: The address to listen on; ``0.0.0.0`` or ``::`` for all addresses of this computer.
        names: Further names and addresses of this computer for the certificate. URLs have the first one.
        ports: One per data center, or the first of consecutive ports; by default free ones.
        ssh_port: Give each running machine an SSH server at this port of its public address, which is then
            an address of the loopback; 0 picks a free port.
        schema_only: Also serve the operations that the OpenAPI description has and CloudAPI 9.20.0 lacks: the
            update of access keys, and watching a migration over a WebSocket.
        key_kind: The kind of the account's key: ``ed25519``, which is the default, or ``rsa`` for clients
            that support nothing else.
        contents: A TOML file that describes what the cloud holds; `smartdc.emulator.contents.file` has an
            example.
        random_seed: Makes ids, addresses and names the same in each run, and the key if it is Ed25519; at
            rate 0 also times, which then begin with 2026.
        keep_calls: How many requests `calls` keeps, with at most 16 MiB of bodies in all.
        state_dir: A directory that keeps everything across restarts: key, certificate, ports, time, and the
            contents of the data centers. If it has a state, `contents` and `random_seed` are not used. By
            default nothing is kept: key and certificate are in a directory that `stop` removes.

    Attributes:
        account: The account, shared by all data centers.
        key_id: The keyId of its key in a signature.
        key: The account's key, which the first start makes.
        key_file: The private key.
        ca_file: The certificate authority to trust, in PEM.
        clock: The emulated time.
        calls: The last requests, in order.
        on_call: Functions that are called with each request (a `Call`) after it was handled, in the server's
            thread.
        violations: Descriptions of what clients did that would have harmed a real server.
        unsupported: Descriptions of what boot scripts and logins asked for that only a real machine can do.
        faults: The faults to inject; tests add theirs here.
        ssh_port: The port of the machines' SSH servers, or None.
    """

    def __init__(
        self,
        *,
        account: str | None = None,
        datacenters: Sequence[str] | None = None,
        rate: float = 0.0,
        host: str = "127.0.0.1",
        names: Sequence[str] = (),
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
        directory = state_path(state_dir)
        if not isinstance(host, str) or not host:
            raise ValueError(f"host is the address to listen on, such as 127.0.0.1, not {host!r:.40}")
        check_numbers(keep_calls, random_seed)
        self._names = reachable_at(host, names)
        arguments = Arguments(account, datacenters, ports, ssh_port, key_kind)
        start = None if random_seed is None or rate else SEEDED_START
        self._saved_state = None if directory is None else SavedState(directory)
        try:
            settings = self._settings = resolve(arguments, file, self._saved_state)
            resumed = self._saved_state.now if self._saved_state is not None else None
            self.clock: Clock = Clock(rate, start if resumed is None else resumed)
            self._initial_state = InitialState(
                settings.account,
                settings.datacenters,
                file,
                random_seed,
                schema_only=schema_only,
                on_loopback=settings.ssh_port is not None,
            )
            # The owners get the key that the first start makes.
            self._shared, self._key_owners = self._initial_state.make_or_resume(self.clock, self._saved_state)
        except BaseException:
            if self._saved_state is not None:
                self._saved_state.close()
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
        self._remote = Remote(self, self._names)
        self._directory = directory
        self._remove_directory: weakref.finalize[..., Emulator] | None = None
        self._server: server.Server | None = None
        self._private: PrivateKey | None = None
        self._host_keys: dict[str, str] = self._saved_state.host_keys if self._saved_state is not None else {}
        self._logins: MachineLogins | None = None
        self._agent: Agent | None = None
        self._ticker = self._new_ticker()
        renew_in_children(self)

    def renew(self) -> None:
        """Forget server and files in a forked child: they belong to the parent."""
        if self._remove_directory is not None:
            self._remove_directory.detach()
        if self._saved_state is not None:
            self._saved_state.close()
        self._server = self._logins = self._remove_directory = self._agent = self._saved_state = None
        self._ticker = self._new_ticker()
        self._remote.renew()

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        if "_server" not in vars(self):  # the constructor raised, and a traceback shows this object
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
        """The secret of the control over HTTP; each emulator has a new one."""
        return self._remote.token

    @property
    def key_file(self) -> Path:
        """The account's private key."""
        return self._files() / f"id_{self._settings.key_kind}"

    @property
    def ca_file(self) -> Path:
        """The certificate authority to trust."""
        return self._files() / CA_FILE

    @property
    def ssh_port(self) -> int | None:
        """The port of the machines' SSH servers, or None if they have none."""
        return self._settings.ssh_port if self._logins is None else self._logins.port

    @property
    def resumed(self) -> bool:
        """Whether it started from the state in its state directory, and not from its contents."""
        return self._saved_state is not None and self._saved_state.state is not None

    def start(self) -> Emulator:
        """Make the key, open the ports and serve. Does nothing if it already runs.

        Returns:
            Itself.
        """
        if self._server is not None:
            return self
        if self._directory is None:
            self._directory = make_directory()
            # The directory holds a private key, so it is removed even if stop() is never called.
            self._remove_directory = weakref.finalize(
                self, shutil.rmtree, self._directory, ignore_errors=True
            )
        authority = server.authority()
        try:
            if self._saved_state is not None:
                authority = self._saved_state.open(server.authority, self.key_file)
            else:
                server.write_authority(self.ca_file, authority)
            self._make_key()
            sockets = server.listen(self._host, self._ports())
        except BaseException:
            self._remove_files()
            if self._saved_state is not None:
                self._saved_state.close()
            raise
        self._by_port.clear()
        for site, listening in zip(self._sites.values(), sockets, strict=True):
            port = listening.getsockname()[1]
            self._by_port[port] = site
            self._shared.urls[site.name] = f"https://{in_url(self._names[0])}:{port}"
        app = App(self._by_port, self._note_call, self._switches)
        self._server = server.Server(self._remote.wrap(app), self._names, sockets, authority)
        self._server.start()
        guests = Guests(self._shared.lock, self._shared.unsupported)
        self._follow(guests.follow)
        try:
            if self._settings.ssh_port is not None:
                self._open_logins(self._server, guests)
            if self._saved_state is not None:
                self._saved_state.start(self._shared, self._settings.key_kind, self.ssh_port, self._host_keys)
        except BaseException:
            self.stop()
            raise
        self._ticker.start(self._server.loop)
        return self

    def stop(self) -> None:
        """Stop serving and remove the temporary files. Does nothing if it does not run."""
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
        if self._saved_state is not None:
            self._saved_state.stop()

    def activate(
        self, datacenter: str | None = None, *, rate: float | None = None, profiles: Sequence[str] = ()
    ) -> Activation[Emulator]:
        """Let programs that make their own client, as with `DataCenter.from_profile`, find the emulator.

        ::

            with Emulator().activate() as cloud:
                my_script.main()

        Inside the ``with`` the environment of this process, and of subprocesses, has the emulator's URL,
        account, key and certificate, an ssh-agent with the key, and profiles of the ``triton`` command. At
        the end the environment is restored. A `DataCenter` that is made there and talks to the emulator waits
        by `clock`, and advances it. Time also runs by itself, for programs that sleep.

        Args:
            datacenter: The data center of programs that do not name one; the first by default.
            rate: Emulated seconds per real second at which time runs by itself. By default the emulator's
                rate, or 40 if that is 0. At 0 only waiting advances the clock.
            profiles: More names of profiles for `datacenter`. Each data center already has a profile by its
                own name.
        """
        if rate is None:
            rate = self.clock.rate or RATE
        return Activation(self, datacenter, rate, profiles)

    def agent_socket(self) -> Path | None:
        """Return the socket of an ssh-agent with the account's key; None on Windows."""
        has_sockets = hasattr(asyncio, "start_unix_server")
        if self._agent is None and has_sockets and self._server is not None and self._private is not None:
            public = self.key_file.with_suffix(".pub").read_text()
            with suppress(OSError):
                self._agent = Agent(self._private, public, self._files() / "agent", self._server.loop)
        return None if self._agent is None else self._agent.path

    def ticking(self) -> AbstractContextManager[None]:
        """Run jobs when they fall due, inside the ``with``; at a rate above 0 this always happens."""
        return self._ticker.needed()

    def _ports(self) -> list[int]:
        """The ports to listen on. Those that are saved must not be in use when the emulator starts again."""
        ports = self._settings.ports
        if self._saved_state is not None:
            ports = [port or server.free_port(self._host) for port in ports]
        return ports

    def _open_logins(self, running: server.Server, guests: Guests) -> None:
        from smartdc.emulator.guest.ssh import MachineLogins  # asyncssh takes a while to import

        port = self._settings.ssh_port or server.free_port("127.0.0.1")
        keys, users = partial(login_keys, self._shared), partial(login_users, self._shared)
        self._logins = MachineLogins(port, keys, users, running.loop, guests, self._host_keys)
        self._follow(self._logins.follow)

    def _follow(self, follow: Callable[[Sequence[VM], str], None]) -> None:
        """Call `follow` with the machines of each data center now, and later with those that change."""

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
            self._private or new_key(self._settings.key_kind, self._initial_state.key_seed),
            f"{self.account.login}@emulator",
            self._settings.key_kind,
            self.account.find_key(KEY_NAME) if self.resumed else None,
            lasting=self._saved_state is not None,
        )
        if self._private is None:  # a second start keeps the key
            self._private = private
            if self.resumed:  # the saved owners already have it
                self.key: Key = read_key(KEY_NAME, public)
            else:
                self.key, *_ = [owner.add_key(KEY_NAME, public) for owner in self._key_owners]

    def _replaced(self) -> None:
        """Serve the new data centers after a reset."""
        for port, site in self._by_port.items():
            self._by_port[port] = self._sites[site.name]
        self._remote.follow()

    def _remove_files(self) -> None:
        if self._remove_directory is not None:
            self._remove_directory()
            self._remove_directory = self._directory = None
