"""SSH logins to one machine: the address, the user and the wait. `ssh_client` makes the connection."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from smartdc._forks import importing
from smartdc._http import shapes
from smartdc._http.insecure import is_this_machine
from smartdc._http.waiting import Deadline, is_seconds, poll
from smartdc._secrets import Concealed
from smartdc.arguments.ids import shown
from smartdc.arguments.kinds import text_of
from smartdc.arguments.states import ENDED
from smartdc.errors import (
    ConfigurationError,
    GoneError,
    LoginFailed,
    NotFoundError,
    SmartDCError,
    WaitFailed,
    WaitTimeout,
)
from smartdc.machine.waits import Waits

if TYPE_CHECKING:
    from paramiko import SSHClient

    from smartdc.machine.ssh_client import Place
    from smartdc.machine.ssh_options import Left

log: logging.Logger = logging.getLogger("smartdc")

_IP, _PORT = "tritoncli.ssh.ip", "tritoncli.ssh.port"
"""Tags that say where to log in. The rules are in node-triton:
https://github.com/TritonDataCenter/node-triton/blob/master/lib/do_instance/do_ssh.js"""
_PROXY, _PROXY_USER = "tritoncli.ssh.proxy", "tritoncli.ssh.proxyuser"
_SSH_PORT = 22
_ROOT = "root"
_INTERVAL = 2.0
_KEY_SECONDS = 60.0
"""How long a wait goes on while the machine refuses the key, which it may not have yet."""
_KEY_INTERVAL = 10.0
"""Seconds between attempts while the key is refused: SSH servers block clients that fail often."""
_REMEDIES = {
    "provisioning": "wait for it: connect_ssh(wait=300)",
    "stopped": "start it, and wait for it: machine.start(); machine.connect_ssh(wait=300)",
    "stopping": "start it when it is stopped: machine.poll_until('stopped'); machine.start()",
    "failed": "delete it and create another one",
    "deleted": "create another one",
}
_ADD_NIC = "add a NIC (machine.add_nic)"
_OTHER_WAY = f"start that machine, name another one in the tag, or machine.delete_tag({_PROXY!r})"


class SSH(Waits):
    """Logins to this machine."""

    def connect_ssh(
        self,
        user: str | None = None,
        *,
        wait: float | None = None,
        known_hosts: bool | str | PathLike[str] = True,
        **paramiko: Any,
    ) -> SSHClient:
        """Log in to this machine by SSH, as ``triton ssh`` does.

        ``GET /:login/machines/:machine``, and ``GET /:login/images/:image`` for the user

        ::

            with machine.connect_ssh(wait=300) as ssh:
                print(ssh.exec_command('uptime')[1].read().decode())

        The address is the primary one, or that of the tag ``tritoncli.ssh.ip``; the port is 22, or that of
        the tag ``tritoncli.ssh.port``. With the tag ``tritoncli.ssh.proxy``, the name or UUID of another
        machine, the connection goes through that machine, with the user in its tag
        ``tritoncli.ssh.proxyuser``, else `user`, else the one of its image.

        Args:
            user: The login; None takes the one in the image's tag ``default_user``, else ``root``.
            wait: Seconds to wait until it is running and accepts the login; None makes one attempt. With an
                emulator, the wait ends after so many seconds of its clock, or of real time.
            known_hosts: The file of host keys; True takes smartdc's file, or the emulator's for a
                `DataCenter` that an emulator made. False checks no host key.
            **paramiko: Arguments of `paramiko.SSHClient.connect`. The key is the account's, unless ``pkey``,
                ``key_filename``, ``password`` or ``auth_strategy`` is given; ``port`` wins over the tag, and
                ``sock`` over the way through another machine.

        Returns:
            A connected `paramiko.SSHClient`: close it, or use it in a ``with``.

        Raises:
            ConfigurationError: An argument is not valid, or there is no key.
            LoginFailed: It is not running, has no address, cannot be reached, refuses this user or key, or
                shows another host key than before; or it is an emulated machine without an SSH server.
            KeyLoadError: The key cannot sign, or a key file cannot be used (raised before any connection).
            WaitFailed: It became ``failed`` or ``deleted``; or it, or the machine on the way, stopped after
                the first attempt.
            WaitTimeout: The time ran out; the text says what failed last.
            GoneError: It is deleted.
        """
        arguments = Concealed(paramiko)
        del paramiko
        with importing:
            from smartdc.machine import host_keys, ssh_client
        options = ssh_client.Options(arguments)
        user = None if user is None else _checked_user(user)
        deadline = None if wait is None else Deadline(self._connection.clock, _checked_wait(wait))
        has_sock = options.sock is not None
        if deadline is not None and has_sock:
            raise ConfigurationError("sock serves one attempt only: give no wait with it")
        real_deadline = None if wait is None else Deadline(time, wait)
        path = _checked_path(known_hosts)
        keys = None if path is False else host_keys.HostKeys(path or self._connection._known_hosts)
        auth = self._connection.auth
        if auth is None and not options.brings_key:
            raise ConfigurationError(
                "this DataCenter has no key to log in with: give key_id, or key_filename or password here"
            )
        if deadline is None:
            self.refresh()
        else:
            self._wait_for_running(wait)
            self._wait_for_address(deadline, wait)
        place = self._place(self._data or {}, user, options.port)
        through = None if has_sock else self._bastion()
        bastion = None if through is None else self._place_of_bastion(through, user)
        if not has_sock and is_this_machine(self._connection.base_url):
            ssh_client.refuse_test_address(bastion or place)
        signer = None if auth is None else auth.signer

        def attempt(left: Left) -> SSHClient:
            return ssh_client.log_in(place, bastion, signer, keys, options, left)

        if wait is None or deadline is None or real_deadline is None:
            return attempt(lambda: None)
        remedies = [""]
        try:
            return self._retry_login(attempt, through, deadline, real_deadline, remedies)
        except WaitTimeout as error:  # whose text has only the time of this part
            text = f"gave up after {wait:g} s: {place.label} does not accept the login, now {error.state!r}"
            text = "\n".join(filter(None, (text, remedies[-1])))
            raise WaitTimeout(text, state=self.state) from error.__cause__

    def _retry_login(
        self,
        attempt: Callable[[Left], SSHClient],
        bastion: SSH | None,
        deadline: Deadline,
        real_deadline: Deadline,
        remedies: list[str],
    ) -> SSHClient:
        """Repeat the attempt until it succeeds, and collect the remedies for its failures.

        A silent server takes real time, while an emulator's clock may stand still: so the attempts also end
        with the real deadline. Between two attempts the machines are looked at: when one is gone, another
        machine may get its address.
        """
        from smartdc.machine.ssh_client import KeyRefused, TemporaryLoginFailure

        clock = self._connection.clock
        clients: list[SSHClient] = []
        awaited = f"machine {self.id} does not accept the login"
        refused_since: float | None = None
        is_first = True

        def look(_: Deadline | None) -> str | None:
            nonlocal refused_since, is_first
            if not is_first:
                self._refuse_if_ended(_REMEDIES)
                if bastion is not None:
                    bastion._refuse_if_ended(dict.fromkeys(_REMEDIES, _OTHER_WAY))
            is_first = False
            try:
                clients.append(attempt(real_deadline.wire))
            except TemporaryLoginFailure as error:
                remedies.append(error.remedy)
                if isinstance(error, KeyRefused):
                    now = clock.monotonic()
                    refused_since = now if refused_since is None else refused_since
                    if now - refused_since >= _KEY_SECONDS:
                        raise
                    clock.sleep(min(_KEY_INTERVAL - _INTERVAL, deadline.left()))
                if real_deadline.left() <= 0:
                    raise WaitTimeout(awaited, state=error.reason) from error
                return error.reason
            return None

        poll(look, interval=_INTERVAL, timeout=deadline.left(), clock=clock, awaited=awaited)
        return clients[0]

    def _refuse_if_ended(self, remedies: Mapping[str, str]) -> None:
        """Look at this machine once; go on if that fails, because the SSH server may answer nevertheless.

        Raises:
            WaitFailed: It is stopped, failed or deleted.
        """
        with self._connection._looks.waiting():
            try:
                self._look(self._data_order, _INTERVAL, Deadline(self._connection.clock, _INTERVAL))
            except GoneError:
                pass
            except SmartDCError as error:
                log.info("machine %s could not be looked at between two logins: %s", self.id, error)
        if self.state in ("stopped", *ENDED):
            text = f"machine {self.id} is {self.state}: it accepts no login\n{remedies[self.state]}"
            raise WaitFailed(text, state=self.state)

    def _wait_for_address(self, deadline: Deadline, wait: float | None) -> None:
        def has_address(_: str) -> bool:
            data: Mapping[str, Any] = self._data or {}
            return bool(_tags(data).get(_IP) or data.get("primaryIp"))

        if has_address(self.state):
            return
        left = deadline.left()
        try:
            self._poll(has_address, _INTERVAL, None if wait is None else left, "it has no address")
        except WaitTimeout as error:
            text = f"gave up after {wait:g} s: machine {self.id} has no address yet\n{_ADD_NIC}"
            raise WaitTimeout(text, state=self.state) from error.__cause__

    def _wait_for_running(self, wait: float | None) -> None:
        try:
            self.poll_until("running", timeout=wait)
        except WaitTimeout as error:
            if error.state != "stopped":
                raise
            raise WaitTimeout(f"{error}\n{_REMEDIES['stopped']}", state=error.state) from None

    def _place(self, data: Mapping[str, Any], user: str | None, port: int | None = None) -> Place:
        """Return the address of a machine's SSH server, and the user.

        Raises:
            LoginFailed: The machine is not running, or has no address.
        """
        from smartdc.machine.ssh_client import Place

        tags = _tags(data)
        label = f"machine {data.get('id')}"
        state = data.get("state")
        if state in _REMEDIES:
            raise LoginFailed(f"{label} is {state}\n{_REMEDIES[state]}")
        address = tags.get(_IP) or data.get("primaryIp")
        if not address:
            raise LoginFailed(
                f"{label} has no address\n{_ADD_NIC}, or wait until it has one: connect_ssh(wait=300)"
            )
        if tags.get(_IP) and address not in (data.get("ips") or ()):
            raise LoginFailed(
                f"{label} has no address {shown(address)}, which its tag {_IP} names\n"
                f"name one of its ips in the tag, or machine.delete_tag({_IP!r})"
            )
        port = port or _port(label, tags.get(_PORT))
        check = "check the user (connect_ssh() takes the image's default user)"
        if user is None:
            user, check = self._default_user(data), "check the user (connect_ssh('NAME') takes another one)"
        return Place(str(data.get("id")), label, str(address), port, user, check)

    def _bastion(self) -> SSH | None:
        """Return the machine through which this one is reached; None without one."""
        named = str(_tags(self._data or {}).get(_PROXY) or "")
        if not named:
            return None
        datacenter: Any = self._connection  # a DataCenter, which this module cannot import
        try:
            found: SSH = datacenter.machine(named)
        except (NotFoundError, ConfigurationError) as error:  # no machine has that name, or several
            raise self._no_way_through(
                error, f"name another one in the tag, or machine.delete_tag({_PROXY!r})"
            ) from error
        return None if found.id == self.id else found

    def _place_of_bastion(self, bastion: SSH, user: str | None) -> Place:
        data: Mapping[str, Any] = bastion._data or {}
        proxy_user = _tags(data).get(_PROXY_USER)
        try:
            place = self._place(data, str(proxy_user) if proxy_user else user)
        except LoginFailed as error:
            raise self._no_way_through(error, _OTHER_WAY) from error
        return replace(place, check_user=f"check its tag {_PROXY_USER}") if proxy_user else place

    def _no_way_through(self, error: Exception, remedy: str) -> LoginFailed:
        named = _tags(self._data or {}).get(_PROXY)
        problem = str(error).splitlines()[0]
        text = f"machine {self.id} is reached through {shown(named)}, as its tag {_PROXY} says: {problem}"
        return LoginFailed(f"{text}\n{remedy}")

    def _default_user(self, data: Mapping[str, Any]) -> str:
        image = data.get("image")
        if not isinstance(image, str):
            return _ROOT
        try:
            tags = _tags(self._connection._get("images", image, shape=shapes.IMAGE))
        except NotFoundError:  # the image was deleted
            return _ROOT
        return str(tags.get("default_user") or _ROOT)


def _checked_user(user: Any) -> str:
    text = text_of("user", user)
    if not text:
        raise ConfigurationError("user must not be empty: None is the image's default user")
    return text


def _checked_wait(wait: float) -> float:
    if not (is_seconds(wait) or wait == math.inf):
        raise ConfigurationError(f"wait must be None or a number of seconds from 0, not {shown(wait)}")
    return wait


def _checked_path(known_hosts: Any) -> str | PathLike[str] | Literal[False] | None:
    """Return the path of the host keys: None for smartdc's file, False to check no key."""
    if known_hosts is None or known_hosts is True:
        return None
    if known_hosts is False or (isinstance(known_hosts, str | PathLike) and _is_path(str(known_hosts))):
        return known_hosts
    raise ConfigurationError(f"known_hosts must be True, False or a path, not {shown(known_hosts)}")


def _is_path(text: str) -> bool:
    return bool(text) and "\0" not in text


def _tags(data: Mapping[str, Any]) -> Mapping[str, Any]:
    tags = data.get("tags")
    return tags if isinstance(tags, Mapping) else {}


def _port(label: str, tag: Any) -> int:
    if not tag:
        return _SSH_PORT
    text = str(tag)
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
        raise LoginFailed(
            f"{label} has no port {shown(tag)}, which its tag {_PORT} names\n"
            f"name a number from 1 to 65535 in the tag, or machine.delete_tag({_PORT!r})"
        )
    return int(text)
