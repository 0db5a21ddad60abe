"""Making a program that does not know the emulator use it: variables, certificate and clock."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from smartdc._http import clocks
from smartdc.emulator.control.clients import Clients
from smartdc.emulator.state.clock import check_rate
from smartdc.emulator.state.fields import DATACENTER_NAME

Cloud = TypeVar("Cloud", bound=Clients)

#: Emulated seconds per real second for other processes; a machine is created in half a second.
RATE = 40.0

_PREFIXED = ("URL", "ACCOUNT", "KEY_ID", "KEY_MATERIAL")
_PREFIXED_OTHERS = ("USER", "TLS_INSECURE", "SKIP_TLS_VERIFY")

_NO_PROXY = ("NO_PROXY", "no_proxy")

#: Variables that clients of CloudAPI also read and `Emulator.environment` does not set.
OTHER_VARIABLES = (
    *(f"{prefix}_{name}" for prefix in ("TRITON", "SDC") for name in _PREFIXED_OTHERS),
    "TRITON_ROLE",
    "TRITON_ACT_AS",
    "SDC_TESTING",
)
#: All variables that an activation sets or removes. One that it left alone could lead programs elsewhere.
_CHANGED = (
    *(f"{prefix}_{name}" for prefix in ("TRITON", "SDC") for name in _PREFIXED),
    *OTHER_VARIABLES,
    "TRITON_PROFILE",
    "TRITONTEST_CLI_CONFIG_DIR",
    "SMARTDC_CA_FILE",
    "SMARTDC_KNOWN_HOSTS",
    clocks.VARIABLE,
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    *_NO_PROXY,
)


class Activation(Generic[Cloud]):
    """A context manager in which programs that look up their cloud in the environment find the emulator.

    `start` and `stop` do the same without a ``with``, for the ``setUp`` of a test case.

    Args:
        cloud: The emulator. If it does not run yet, it is started, and stopped at the end.
        datacenter: The data center of programs that do not name one.
        rate: Emulated seconds per real second, inside.
        profiles: Names of more profiles for that data center.
    """

    def __init__(self, cloud: Cloud, datacenter: str | None, rate: float, profiles: Sequence[str]) -> None:
        check_rate(rate)
        if isinstance(profiles, str) or not isinstance(profiles, Sequence):
            raise ValueError(f"profiles are a list of names, not {profiles!r:.60}")
        for name in profiles:
            if not DATACENTER_NAME.fits(name):
                raise ValueError(f"{name!r} cannot be the name of a profile")
        self._cloud = cloud
        self._datacenter = cloud.site(datacenter).name
        self._rate = rate
        self._profiles = profiles
        self._started: list[ExitStack] = []

    def start(self) -> Cloud:
        """Begin the activation. Activations may be nested.

        Returns:
            The emulator.
        """
        with ExitStack() as cleanup:
            if not self._cloud.is_running:
                cleanup.callback(self._cloud.stop)
                self._cloud.start()
            cleanup.enter_context(self._cloud.clock.running(self._rate))
            cleanup.enter_context(self._cloud.ticking())
            lent = clocks.lend(self._cloud.clock, self._cloud.urls.values())
            cleanup.callback(clocks.take_back, lent)
            profiles = Path(tempfile.mkdtemp(prefix="triton-", dir=self._cloud.ca_file.parent))
            cleanup.callback(shutil.rmtree, profiles, ignore_errors=True)
            self._write_profiles(profiles)
            before = _environment.change(self._variables() | {"TRITONTEST_CLI_CONFIG_DIR": str(profiles)})
            cleanup.callback(_environment.restore, before)
            self._started.append(cleanup.pop_all())
        return self._cloud

    def stop(self) -> None:
        """End the activation that the last `start` began."""
        if not self._started:
            raise RuntimeError("the activation has not been started")
        self._started.pop().close()

    def __enter__(self) -> Cloud:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _variables(self) -> dict[str, str]:
        cloud = self._cloud
        variables = cloud.environment(self._datacenter)
        if (socket := cloud.agent_socket()) is not None:
            variables["SSH_AUTH_SOCK"] = str(socket)
        if self._rate:
            variables[clocks.VARIABLE] = clocks.running_at(self._rate, cloud.urls.values())
        own = {str(urlsplit(url).hostname) for url in cloud.urls.values()}
        local = ",".join({"127.0.0.1", "localhost", "::1"} | own)
        for name in _NO_PROXY:  # a proxy cannot reach this computer's loopback
            variables[name] = ",".join(filter(None, (os.environ.get(name), local)))
        return variables

    def _write_profiles(self, directory: Path) -> None:
        """Write a profile for each data center. Programs do not see the user's own profiles meanwhile."""
        (directory / "profiles.d").mkdir()
        urls = dict(self._cloud.urls)
        urls |= dict.fromkeys(self._profiles, urls[self._datacenter])
        account = {"account": self._cloud.account.login, "keyId": self._cloud.environment()["TRITON_KEY_ID"]}
        for name, url in urls.items():
            profile = directory / "profiles.d" / f"{name}.json"
            profile.write_text(json.dumps({"url": url, **account}))


class _Environment:
    """The active changes of the process's environment, the newest last.

    Changes may end in another order than they began. The values from before a change that ends early are then
    handed to the change that began after it, which restores them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before: list[dict[str, str | None]] = []

    def change(self, variables: Mapping[str, str]) -> dict[str, str | None]:
        """Set these variables, and remove the others in `_CHANGED`.

        Returns:
            The values before the change, for `restore`.
        """
        with self._lock:
            before = {name: os.environ.get(name) for name in _CHANGED}
            self._before.append(before)
            _set_variables({name: variables.get(name) for name in _CHANGED})
        return before

    def restore(self, before: dict[str, str | None]) -> None:
        """End a change: restore the values that `change` returned."""
        with self._lock:
            number = next(at for at, each in enumerate(self._before) if each is before)
            del self._before[number]
            if number == len(self._before):
                _set_variables(before)
            else:
                self._before[number].update(before)


_environment = _Environment()


def _set_variables(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is not None:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
