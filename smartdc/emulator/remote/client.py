"""`EmulatorControl`: control of an emulator in another process, from Python."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from smartdc._files import read_small_file
from smartdc._secrets import Concealed
from smartdc.emulator.contents.fault_file import written
from smartdc.emulator.faults import Fault

_MOST_BYTES = 16 * 1024 * 1024


class EmulatorControl:
    """Controls an emulator in another process, or on another machine, over HTTP.

    ::

        with EmulatorControl(url, token, verify="ca.pem") as control:
            control.reset()
            control.add_fault("GetMachine", Status(503), times=2)
            control.advance(60)

    Args:
        url: The URL of one of its data centers.
        token: The token that it has printed.
        verify: The path of the certificate authority to trust: `Emulator.ca_file`, which the command prints.
            False trusts any server.
        timeout: Seconds to wait for an answer.

    Each method raises `ValueError` if the emulator refuses an argument, `PermissionError` if the token is
    wrong, and `requests.RequestException` if there is no answer.
    """

    def __init__(
        self, url: str, token: str, *, verify: str | os.PathLike[str] | bool = True, timeout: float = 30.0
    ) -> None:
        self._token = Concealed(token)
        del token
        if urlsplit(url).scheme != "https":
            raise ValueError(f"url must begin with https://, as the token must stay secret: {url[:100]!r}")
        parts = urlsplit(url)
        self._base = f"https://{parts.netloc}/--emulator/"
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False  # use no proxy, and no password of .netrc instead of the token
        self._session.verify = verify if isinstance(verify, bool) else os.fspath(verify)

    def __repr__(self) -> str:
        return f"<EmulatorControl {vars(self).get('_base', '')}>"

    def __enter__(self) -> EmulatorControl:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def status(self) -> dict[str, Any]:
        """Return data centers, time, faults, throttle, read-only mode, violations, and the count of calls."""
        return dict(self._request("GET", "status"))

    def machines(self, *, datacenter: str | None = None, state: str | None = None) -> list[dict[str, Any]]:
        """Return the machines of all accounts.

        Args:
            datacenter: The data center; by default all of them.
            state: A state of CloudAPI; by default any.
        """
        query = {"datacenter": datacenter, "state": state}
        return list(self._request("GET", "machines", query=query))

    def calls(self, last: int = 100) -> list[dict[str, Any]]:
        """Return the last requests, oldest first, with the fields of `smartdc.emulator.Call`."""
        return list(self._request("GET", "calls", query={"last": last}))

    def clear_calls(self) -> None:
        """Remove the requests from the log."""
        self._request("DELETE", "calls")

    def violations(self) -> list[str]:
        """Return what clients did that would have harmed a real server."""
        return list(self._request("GET", "violations"))

    def clear_violations(self) -> None:
        """Remove all violations."""
        self._request("DELETE", "violations")

    def now(self) -> float:
        """Return the emulated time, in seconds since 1970."""
        return float(self._request("GET", "clock")["now"])

    def advance(self, seconds: float) -> float:
        """Move the emulated time forward; the jobs that fall due have been run on return.

        Returns:
            The new emulated time, in seconds since 1970.
        """
        return float(self._request("POST", "clock", {"advance": seconds})["now"])

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that were added; ``applied`` counts how often they have been applied."""
        return list(self._request("GET", "faults"))

    def add_fault(
        self,
        operation: str,
        fault: Fault,
        *,
        times: int | None = None,
        probability: float | None = None,
        datacenter: str | None = None,
    ) -> None:
        """Add a fault, as `Faults.add` does."""
        plan = {"operation": operation, "times": times, "probability": probability, "datacenter": datacenter}
        self._request("POST", "faults", {"faults": [{**_without_none(plan), **written(fault)}]})

    def load_faults(self, path: str | os.PathLike[str]) -> None:
        """Add the faults in a file, as `Emulator.load_faults` does."""
        self._request("POST", "faults", _read(path))

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._request("DELETE", "faults")

    def throttle(self, rate: float | None = 10.0, burst: float = 30) -> None:
        """Answer 429 to accounts that ask too often, like `Emulator.throttle`; a rate of None ends it."""
        if rate is None:
            self._request("DELETE", "throttle")
        else:
            self._request("POST", "throttle", {"rate": rate, "burst": burst})

    def read_only(self, seconds: float | None = None) -> None:
        """Answer 503 to each request that would change something.

        Args:
            seconds: Emulated seconds until read-only mode ends; by default it lasts until `read_write`.
        """
        self._request("POST", "read-only", _without_none({"seconds": seconds}))

    def read_write(self) -> None:
        """End read-only mode."""
        self._request("DELETE", "read-only")

    def fail_next_provision(self, how: bool | str = True, *, datacenter: str | None = None) -> None:
        """Make the next machine fail.

        Args:
            how: True: it never gets a server, and can never be deleted. ``"on server"``: it fails on its
                server, and can be deleted. False: cancel an earlier call.
            datacenter: The data center; the first by default.
        """
        self._request("POST", "fail-next-provision", _without_none({"how": how, "datacenter": datacenter}))

    def add_contents(self, contents: str | os.PathLike[str] | Mapping[str, Any]) -> None:
        """Add the contents of a file, as `Emulator.add_contents` does.

        Args:
            contents: The path of the file, or its contents as an object.
        """
        self._request("POST", "contents", _contents(contents))

    def reset(self, contents: str | os.PathLike[str] | Mapping[str, Any] | None = None) -> None:
        """Restore the initial contents, as `Emulator.reset` does.

        Args:
            contents: Contents to add: the path of a file, or an object.
        """
        self._request("POST", "reset", {} if contents is None else _contents(contents))

    def _request(
        self,
        method: str,
        name: str,
        body: Mapping[str, Any] | bytes | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        media_type = "application/toml" if isinstance(body, bytes) else "application/json"
        data = body if body is None or isinstance(body, bytes) else json.dumps(body, allow_nan=False)
        answer = self._session.request(
            method,
            self._base + name,
            params=_without_none(query or {}),
            data=data,
            headers={"Authorization": f"Bearer {self._token.value}", "Content-Type": media_type},
            timeout=self._timeout,
            allow_redirects=False,
        )
        if answer.status_code == 204:
            return None
        if answer.status_code == 200:
            return answer.json()
        try:
            message = answer.json()["message"]
        except (ValueError, LookupError, TypeError):
            message = f"{self._base} is not an emulator: it answers {answer.status_code}"
        if answer.status_code in (401, 403):
            raise PermissionError(message)
        if 400 <= answer.status_code < 500:
            raise ValueError(message)
        raise requests.HTTPError(message, response=answer)


def _contents(contents: str | os.PathLike[str] | Mapping[str, Any]) -> Mapping[str, Any] | bytes:
    return contents if isinstance(contents, Mapping) else _read(contents)


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        return read_small_file(Path(path), _MOST_BYTES)
    except OSError as error:
        raise ValueError(f"{os.fspath(path)}: cannot be read: {error.strerror or error}") from None


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
