"""Making a program that knows nothing of the emulator use it: variables, certificate and clock."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

from smartdc._http import clocks
from smartdc.emulator.control.clients import Clients
from smartdc.emulator.rules.validation import datacenter_name_is_valid
from smartdc.emulator.state.clock import check_rate

Cloud = TypeVar("Cloud", bound=Clients)

#: Emulated seconds per real second at which time goes on for other processes: a machine takes half a second.
RATE = 40.0

_PLACE = ("URL", "ACCOUNT", "KEY_ID", "KEY_MATERIAL")
_MORE = ("USER", "TLS_INSECURE", "SKIP_TLS_VERIFY")

_NO_PROXY = ("NO_PROXY", "no_proxy")

#: What clients of CloudAPI read from the environment besides what `Emulator.environment` sets.
STRAY = (
    *(f"{prefix}_{name}" for prefix in ("TRITON", "SDC") for name in _MORE),
    "TRITON_ROLE",
    "TRITON_ACT_AS",
    "SDC_TESTING",
)
#: All that is changed. A variable that is not set meanwhile would lead elsewhere.
_CHANGED = (
    *(f"{prefix}_{name}" for prefix in ("TRITON", "SDC") for name in _PLACE),
    *STRAY,
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
    """While it lasts, programs that find their cloud by themselves find the emulator.

    It is a ``with``; `start` and `stop` do the same, for the ``setUp`` of a test case.

    Args:
        cloud: The emulator; it is started where it does not run yet, and then stopped in the end.
        datacenter: The data center that is meant where none is named.
        rate: Emulated seconds per real second at which time goes on meanwhile.
        profiles: Names of further profiles that lead there.
    """

    def __init__(self, cloud: Cloud, datacenter: str | None, rate: float, profiles: Sequence[str]) -> None:
        check_rate(rate)
        if isinstance(profiles, str):
            raise ValueError(f"profiles are a list of names, not {profiles!r}")
        for name in profiles:
            if not isinstance(name, str) or not datacenter_name_is_valid(name):
                raise ValueError(f"{name!r} cannot be the name of a profile")
        self._cloud = cloud
        self._datacenter = cloud.site(datacenter).name
        self._rate = rate
        self._profiles = profiles
        self._started: list[ExitStack] = []

    def start(self) -> Cloud:
        """Begin; also when it has begun already.

        Returns:
            The emulator.
        """
        with ExitStack() as begun:
            if not self._cloud.is_running:
                begun.callback(self._cloud.stop)
                self._cloud.start()
            begun.enter_context(self._cloud.clock.running(self._rate))
            begun.enter_context(self._cloud.ticking())
            lent = clocks.lend(self._cloud.clock, self._cloud.urls.values())
            begun.callback(clocks.take_back, lent)
            profiles = Path(tempfile.mkdtemp(prefix="triton-", dir=self._cloud.ca_file.parent))
            begun.callback(shutil.rmtree, profiles, ignore_errors=True)
            self._write_profiles(profiles)
            changed = _environment.change(self._variables() | {"TRITONTEST_CLI_CONFIG_DIR": str(profiles)})
            begun.callback(_environment.restore, changed)
            self._started.append(begun.pop_all())
        return self._cloud

    def stop(self) -> None:
        """End what the last `start` began."""
        if not self._started:
            raise RuntimeError("the activation has not been started")
        self._started.pop().close()

    def __enter__(self) -> Cloud:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _variables(self) -> dict[str, str]:
        cloud = self._cloud
        variables = cloud.environment(self._datacenter)
        if (socket := cloud.agent_socket()) is not None:
            variables["SSH_AUTH_SOCK"] = str(socket)
        if self._rate:
            variables[clocks.VARIABLE] = clocks.running_at(self._rate, cloud.urls.values())
        here = ",".join({"127.0.0.1", "localhost", "::1", cloud.host})
        for name in _NO_PROXY:  # programs that know proxies shall not send to them what is on this machine
            variables[name] = ",".join(filter(None, (os.environ.get(name), here)))
        return variables

    def _write_profiles(self, directory: Path) -> None:
        """Write a profile for each data center; those of the user are out of sight meanwhile."""
        (directory / "profiles.d").mkdir()
        urls = dict(self._cloud.urls)
        urls |= dict.fromkeys(self._profiles, urls[self._datacenter])
        account = {"account": self._cloud.account.login, "keyId": self._cloud.environment()["TRITON_KEY_ID"]}
        for name, url in urls.items():
            profile = directory / "profiles.d" / f"{name}.json"
            profile.write_text(json.dumps({"url": url, **account}))


class _Environment:
    """The changes of the process's environment that last, the newest last.

    They may end in another order than they began in: then the one that began after it takes over what stood
    there before.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before: list[dict[str, str | None]] = []

    def change(self, variables: Mapping[str, str]) -> dict[str, str | None]:
        """Set these, and remove the others that an activation concerns."""
        with self._lock:
            before = {name: os.environ.get(name) for name in _CHANGED}
            self._before.append(before)
            _put({name: variables.get(name) for name in _CHANGED})
        return before

    def restore(self, before: dict[str, str | None]) -> None:
        """Put back what was there before the change that `change` returned this of."""
        with self._lock:
            number = next(at for at, kept in enumerate(self._before) if kept is before)
            del self._before[number]
            if number == len(self._before):
                _put(before)
            else:
                self._before[number].update(before)


_environment = _Environment()


def _put(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is not None:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
