"""The connection of one account to one data center: URL, signature, pool, and the one `request()`."""

from __future__ import annotations

import json as json_module
import logging
import os
import re
import sys
import time
import weakref
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any, TextIO
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies
from urllib3.exceptions import ReadTimeoutError

from smartdc.endpoint import Endpoint, Params, path_of
from smartdc.errors import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    InvalidResponse,
    RequestTimeout,
    error_for,
)
from smartdc.http_signature import HTTPSignatureAuth, Signer
from smartdc.waiting import Clock

__all__ = ["Connection"]

log = logging.getLogger("smartdc")
log.addHandler(logging.NullHandler())

USER_AGENT = f"smartdc/{version('smartdc')}"
DEFAULT_TIMEOUT = (10.0, 120.0)

_PRESIGN_ONLY = frozenset({"keyId", "expires", "algorithm", "signature"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_VERB = re.compile(r"[A-Za-z]+")
_URL_SPECIAL = re.compile(r"[\s?#\\]|[^\x21-\x7e]")


class Connection(Endpoint):
    """Requests to one data center, signed for one account; shared by any number of threads.

    Attributes:
        login: Account in the URL; ``my`` stands for the one that signs.
        auth: What signs each request; None sends it unsigned.
        default_headers: Sent with every request. A copy of its own.
        verify: True, False, or the path of the certificate authorities to trust.
        verbose: True (stderr) or a text stream: one line for each request.
        timeout: Seconds for connecting and for reading.
        clock: What waits use for time.
    """

    API_VERSION = "~9||~8"
    VERSION_HEADER = "Accept-Version"

    auth: HTTPSignatureAuth | None

    def __init__(
        self,
        *,
        login: str,
        auth: HTTPSignatureAuth | None,
        headers: Mapping[str, str] | None,
        api_version: str | None,
        verify: bool | str,
        verbose: bool | TextIO | None,
        timeout: float | tuple[float, float] | None,
        pool_size: int,
        clock: Clock | None,
    ) -> None:
        self.login = login
        self.auth = auth
        self.default_headers = CaseInsensitiveDict({"Accept": "application/json", "User-Agent": USER_AGENT})
        # The server prefers Accept-Version to X-Api-Version (observed C): the caller's must win.
        if not any(name.lower() == "x-api-version" for name in headers or {}):
            self.default_headers[self.VERSION_HEADER] = self.API_VERSION
        self.default_headers.update(headers or {})
        if api_version is not None:
            self.default_headers[self.VERSION_HEADER] = api_version
        self.verify = verify
        self.verbose = verbose
        self.timeout = DEFAULT_TIMEOUT if timeout is None else timeout
        self.clock: Clock = time if clock is None else clock
        if pool_size < 1:
            raise ConfigurationError(f"pool_size must be 1 or more, not {pool_size!r}")
        self._pool_size = pool_size
        self._open()

    @property
    @abstractmethod
    def base_url(self) -> str:
        """Protocol and host."""

    @property
    def url(self) -> str:
        """Base URL of the account's resources."""
        return self.base_url + path_of((self.login,))

    def close(self) -> None:
        """Close the pooled connections. A later request opens new ones."""
        self._session.close()

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        *,
        params: Params | None = None,
        timeout: float | tuple[float, float] | None = None,
    ) -> tuple[Any, requests.Response]:
        """Make any request of the account; every operation goes through here.

        Args:
            method: HTTP verb.
            path: Path below the account, quoted: ``/machines``.
            headers: Headers of this request, on top of the default ones.
            data: Body, sent as JSON unless None.
            params: Query. None values are left out, booleans become ``true`` and ``false``.
            timeout: Seconds, instead of the connection's.

        Returns:
            The decoded body and the `requests.Response`. JSON is decoded, other text is str, nothing is None.

        Raises:
            APIError: The server answered with 400 or above.
            TransportError: There was no answer, or none that can be read.
        """
        if not _VERB.fullmatch(method):
            raise ConfigurationError(f"{method!r} is not an HTTP verb")
        if path and not path.startswith("/"):
            raise ConfigurationError(f"path {path!r} does not start with '/'")
        return self._exchange(method, self.url + _checked_path(path), headers, data, params, timeout)

    def _call(
        self, method: str, segments: Sequence[str], params: Params | None = None, json: Any = None
    ) -> tuple[Any, requests.Response]:
        decoded, response = self.request(method, path_of(segments), data=json, params=params)
        if isinstance(decoded, bytes) or (isinstance(decoded, str) and not _is_text(response)):
            raise _unreadable(response, "not JSON")
        return decoded, response

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        params: Params | None = None,
        timeout: float | tuple[float, float] | None = None,
        sign: bool = True,
    ) -> tuple[Any, requests.Response]:
        """One request to the end: until an answer that stands, or an error. Retries belong here."""
        query = _query(params)
        body = None if data is None else _encode(data)
        merged = self.default_headers.copy()
        if body is not None:
            merged["Content-Type"] = "application/json"
        merged.update(headers or {})
        if "X-Date" in merged:
            # The server keeps the first signed header list it parses: X-Date breaks it for all (observed A2).
            raise ConfigurationError(
                "X-Date must not be sent to CloudAPI: the Date header is set when signing"
            )
        refused: list[Signer] = []
        while True:
            signer = self.auth.signer if sign and self.auth else None
            # Made anew for each attempt, because it is signed when it is made.
            request = self._prepare(method, url, merged, body, query, sign)
            response = self._send(request, self.timeout if timeout is None else timeout)
            if response.status_code < 400:
                return _decode(response), response
            error = error_for(response)
            if signer is None or signer in refused or not self._try_next_key(error, signer):
                raise error
            refused.append(signer)

    def _try_next_key(self, error: APIError, signer: Signer) -> bool:
        """Whether the agent has another key to try: only then does a 401 not stand."""
        return (
            isinstance(error, AuthenticationError)
            and self.auth is not None
            and self.auth.try_next_key(signer)
        )

    def _prepare(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        query: list[tuple[str, str]],
        sign: bool,
    ) -> requests.PreparedRequest:
        request = requests.PreparedRequest()
        try:
            request.prepare(
                method=method.upper(),
                url=url,
                headers=headers,
                data=body,
                params=query,
                auth=self.auth if sign else None,
            )
            for name, value in headers.items():
                f"{name}{value}".encode("latin-1")  # what the wire can carry
        except (
            requests.exceptions.InvalidHeader,
            requests.exceptions.InvalidURL,
            UnicodeEncodeError,
        ) as error:
            raise ConfigurationError(f"{method} {url}: {error}") from error
        return request

    def _send(
        self, request: requests.PreparedRequest, timeout: float | tuple[float, float]
    ) -> requests.Response:
        """One attempt on the wire."""
        method, path = request.method or "?", request.path_url
        self._tell(method, request.url or "?")
        started = time.monotonic()
        try:
            response = self._session.send(
                request,
                timeout=timeout,
                # With each request, because a session's own gives way to REQUESTS_CA_BUNDLE.
                verify=_authorities(self.verify),
                proxies=self._proxies,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            log.debug("%s %s: %s", method, path, type(error).__name__)
            raise self._transport_error(error, method, path) from error
        log.debug(
            "%s %s: %d in %.0f ms (request %s)",
            method,
            path,
            response.status_code,
            1000 * (time.monotonic() - started),
            response.headers.get("Request-Id", "-"),
        )
        return response

    def _transport_error(
        self, error: requests.RequestException, method: str, path: str
    ) -> ConnectionFailed | RequestTimeout | InvalidResponse:
        where = f"{method} {path}"
        if isinstance(error, requests.Timeout) or _is_read_timeout(error):
            return RequestTimeout(
                f"{where}: no answer from {self.base_url} in time", method=method, path=path
            )
        if isinstance(error, requests.exceptions.SSLError):
            return ConnectionFailed(
                f"{where}: {self.base_url} is not trusted ({_reason(error)}); a private cloud's "
                "certificate authority is given as verify='/path/to/ca.pem'",
                method=method,
                path=path,
            )
        if isinstance(error, requests.exceptions.ContentDecodingError):
            return InvalidResponse(f"{where}: the body cannot be unpacked", method=method, path=path)
        return ConnectionFailed(
            f"{where}: no connection to {self.base_url} ({_reason(error)})", method=method, path=path
        )

    def _tell(self, method: str, url: str) -> None:
        if self.verbose:
            stream = sys.stderr if self.verbose is True else self.verbose
            stream.write(f"{datetime.now().isoformat()}\t{method}\t{url}\n")
            stream.flush()

    def _open(self) -> None:
        session = requests.Session()
        # The environment is read here, once: a session that trusts it reads it, and ~/.netrc, on each call.
        session.trust_env = False
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=self._pool_size, pool_block=True)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        self._session = session
        self._proxies = _proxies(self.base_url)
        _open_connections.add(self)

    def __getstate__(self) -> dict[str, Any]:
        """Configuration only: no sockets, no stream, no clock of a test."""
        state = self.__dict__.copy()
        for name in ("_session", "_proxies", "clock"):
            del state[name]
        state["verbose"] = bool(self.verbose)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.clock = time
        self._open()


_open_connections: weakref.WeakSet[Connection] = weakref.WeakSet()


def _reopen_in_child() -> None:
    """A forked child must not speak on its parent's sockets."""
    for connection in list(_open_connections):
        connection._open()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reopen_in_child)


def _proxies(url: str) -> dict[str, str]:
    """The environment's proxies; none for this machine itself, which no proxy could reach."""
    if urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1"):
        return {}
    return dict(get_environ_proxies(url))


def _checked_path(path: str) -> str:
    """The path as given, unless it would lead outside the account or break the request line."""
    if _URL_SPECIAL.search(path):
        raise ConfigurationError(f"path {path!r} must be quoted, and its query given as params=")
    if any(unquote(segment) in ("", ".", "..") for segment in path.split("/")[1:]):
        # An empty id makes the server fail (observed A6); the dots lead to another account.
        raise ConfigurationError(f"path {path!r} has an empty part, or one that leads out of the account")
    return path


def _query(params: Params | None) -> list[tuple[str, str]]:
    query = []
    for name, value in (params or {}).items():
        if name in _PRESIGN_ONLY:
            # One of them alone makes the server fail with 500 (observed B).
            raise ConfigurationError(f"query parameter {name!r} belongs to pre-signed URLs only")
        if isinstance(value, bool):
            value = "true" if value else "false"
        if value is not None:
            query.append((str(name), str(value)))
    return query


def _encode(data: Any) -> bytes:
    try:
        return json_module.dumps(data, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"the body cannot be sent as JSON: {error}") from error


def _decode(response: requests.Response) -> Any:
    if not response.content:
        return None
    if "json" in response.headers.get("Content-Type", ""):
        try:
            return json_module.loads(response.content)
        except ValueError as error:  # also UnicodeDecodeError
            raise _unreadable(response, f"broken JSON: {error}") from error
    return response.text if _is_text(response) else response.content


def _is_text(response: requests.Response) -> bool:
    content_type = response.headers.get("Content-Type", "")
    return content_type.startswith("text/plain") or "json" in content_type


def _unreadable(response: requests.Response, why: str) -> InvalidResponse:
    request = response.request
    start = response.content[:80]
    return InvalidResponse(
        f"{request.method} {request.path_url}: {response.status_code} with a body that is {why}; "
        f"it begins {start!r}. Is {request.url} the URL of a CloudAPI?",
        method=request.method,
        path=request.path_url,
        response=response,
    )


def _authorities(verify: bool | str) -> bool | str:
    """What to trust: the environment may name the authorities, but not undo the caller's choice."""
    if verify is True:
        return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    return verify


def _is_read_timeout(error: requests.RequestException) -> bool:
    # A body that stops coming is a ConnectionError around urllib3's timeout.
    return bool(error.args) and isinstance(error.args[0], ReadTimeoutError)


def _reason(error: requests.RequestException) -> str:
    """The innermost cause, in words: `requests` wraps it three times."""
    cause: Any = error.args[0] if error.args else error
    cause = getattr(cause, "reason", None) or cause
    text = str(cause.args[-1]) if isinstance(cause, BaseException) and cause.args else str(cause)
    return _CONTROL.sub(" ", text)
