"""One attempt: the prepared request, the pooled connections, and the error if there is no answer.

What touches sockets, TLS and the environment belongs here. `connection` decides what a request says, how it
is signed, and what its answer means. A `requests.Session` does the same, but works out on each call what is
known beforehand here (docs/performance.md).
"""

from __future__ import annotations

import base64
import hashlib
import queue
import re
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity, requote_uri
from urllib3 import Timeout as WireTimeout
from urllib3.exceptions import HTTPError

from smartdc._forks import renew_in_children
from smartdc._http.answers import invalid_response
from smartdc._http.bodies import checked_encoding, read_body
from smartdc._http.environment import authorities, proxies_for, proxy_of
from smartdc._http.failures import failure, refused_by_proxy
from smartdc._http.framing import Overlong
from smartdc._http.looks import Looks
from smartdc._http.places import Places
from smartdc._http.pool import Adapter
from smartdc._http.request import Timeout
from smartdc._http.request_ids import give_id, refuse_foreign
from smartdc.arguments.ids import refuse_key, shown
from smartdc.errors import ConfigurationError, InvalidResponse, RequestTimeout, TransportError, shortened
from smartdc.http_signature.scheme import HEADER_NAME

__all__ = ["Transport", "prepared", "refuse_damaged"]

_CONTROL = r"[\x00-\x1f\x7f-\x9f]"
_FRAMING = ("content-length", "transfer-encoding")
"""Headers from which the server reads where a request ends and the next one begins."""
_CANONICAL_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})*")
"""A path that the layers below do not change, so that the server gets the very path that was signed."""
_ESCAPE = r"%[0-9a-f]{2}"
_QUEUE_SHARE = 0.5
"""Share of a request's time that may pass before it has a connection: the rest is left for the answer."""
_LONGEST_TARGET = 7_000
"""Path and query; the headers count as well (docs/cloudapi/hazards.md#urls-of-more-than-8-kb)."""


class _Prepared(requests.PreparedRequest):
    """A request that keeps path and query, which the base class parses out of the URL at each use."""

    path_url = ""


def prepared(
    method: str,
    base: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None,
    query: Sequence[tuple[str, str]],
) -> requests.PreparedRequest:
    """A request that can be signed and sent.

    Args:
        method: HTTP verb.
        base: Protocol and host, and a prefix of the path if there is one.
        path: Quoted path.
        headers: Headers.
        body: Encoded body.
        query: Names and values of the query.

    Raises:
        ConfigurationError: The URL or a header cannot be sent.
    """
    request = _Prepared()
    try:
        target = path if _CANONICAL_PATH.fullmatch(path) else _requoted(path)
        request.method = method.upper()
        host, prefix = _normal(base)
        request.path_url = prefix + target + (f"?{urlencode(query)}" if query else "")
        request.url = host + request.path_url
        request.headers = CaseInsensitiveDict()
        for name, value in headers.items():
            _check_header(name, value)
            request.headers[name] = value
    except (
        requests.exceptions.InvalidHeader,
        requests.exceptions.InvalidURL,
        UnicodeEncodeError,
    ) as error:
        raise ConfigurationError(f"{method} {base}{shortened(path)}: {shortened(str(error))}") from error
    if len(request.url) - len(base) > _LONGEST_TARGET:
        raise ConfigurationError(
            f"{method} {shortened(path)}: the URL is longer than {_LONGEST_TARGET} bytes, to which CloudAPI "
            "does not answer: give shorter names, or fewer filters"
        )
    request.body = body
    request.prepare_content_length(body)
    request.hooks = {}
    return request


def refuse_damaged(response: requests.Response) -> None:
    """Compare a body with its Content-MD5, which the server computes before it compresses the body.

    Raises:
        InvalidResponse: They do not match.
    """
    stated = response.headers.get("Content-MD5")
    if not stated or not response.content:
        return
    digest = hashlib.md5(response.content, usedforsecurity=False).digest()
    if stated.strip() != base64.b64encode(digest).decode():
        raise invalid_response(response, "with a body that is damaged: it does not match its Content-MD5")


class Transport:
    """The pooled connections to one server, shared by any number of threads.

    A forked child gets a pool of its own: it must not use its parent's sockets.

    Args:
        base_url: Protocol and host.
        pool_size: How many connections to keep.
        max_response: Bytes that an answer may have.
        answer_timeout: Seconds for one whole answer, of which half may pass before there is a connection.
        warned: Whether the caller was warned that certificates are not verified.

    Attributes:
        base_url: As given.
        clock_offset: Seconds by which the server's clock is found to be ahead of this machine's.
        looks: The looks that waiting threads share, by account and settings (`Connection._looks`).
    """

    def __init__(
        self, base_url: str, pool_size: int, max_response: int, answer_timeout: float, warned: bool
    ) -> None:
        self.clock_offset = 0.0
        self.looks: dict[Any, Looks] = {}
        self.base_url = base_url
        self._pool_size = pool_size
        self._max_response = max_response
        self._answer_timeout = answer_timeout
        self._warned = warned
        self.renew()
        renew_in_children(self)

    def send(
        self,
        request: requests.PreparedRequest,
        timeout: Timeout,
        verify: bool | str,
        *,
        stream: bool = False,
        within: float | None = None,
    ) -> requests.Response:
        """Send a request and read the answer, whatever its status. Redirects are not followed.

        Args:
            request: What to send.
            timeout: Seconds.
            verify: True, False, or the path of the authorities to trust.
            stream: Leave the body of an answer below 400 to be read.
            within: Seconds instead of `answer_timeout`, if that is less.

        Raises:
            TransportError: There was no answer.
            ConfigurationError: `verify`, or the environment in its place, names no file of certificates.
        """
        started = time.perf_counter()
        total = self._answer_timeout if within is None else min(within, self._answer_timeout)
        if stream:
            response = self._attempt(self._streams, request, timeout, verify, total, stream=True)
        else:
            places, share = self._places, _QUEUE_SHARE * total
            try:
                place = places.take(share)
            except queue.Empty as error:
                raise self._crowded(request, share) from error
            try:
                left = total - (time.perf_counter() - started)
                response = self._attempt(self._adapter, request, timeout, verify, left)
            finally:
                places.give_back(place)
        response.elapsed = timedelta(seconds=time.perf_counter() - started)
        return response

    def _attempt(
        self,
        adapter: Adapter,
        request: requests.PreparedRequest,
        timeout: Timeout,
        verify: bool | str,
        total: float,
        stream: bool = False,
    ) -> requests.Response:
        """Send a request, and read the answer within `total` seconds."""
        method = request.method or "?"
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        give_id(request)
        limits: Any = WireTimeout(connect=connect, read=read, total=total)
        try:
            response = adapter.send(request, stream, limits, authorities(verify), proxies=self._proxies)
            refuse_foreign(response)
            if not stream or response.status_code >= 400:
                read_body(response, self._max_response)  # here, so that a body that breaks off is noticed
            else:
                checked_encoding(response)
        except TransportError:  # an answer that was refused above
            raise
        except Overlong as error:
            raise self._overlong(error, request) from error
        except (OSError, HTTPError) as error:  # what requests raises is an OSError, unlike some of urllib3's
            raise failure(error, method, request.path_url, self.base_url, verify, self._proxy) from error
        if response.status_code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and self._proxy:
            raise refused_by_proxy(self._proxy, response.status_code, method, request.path_url, self.base_url)
        return response

    def close(self) -> None:
        """Close the connections. A later request opens new ones."""
        self._adapter.close()
        self._streams.close()

    def correct_clock(self, offset: float) -> bool:
        """Remember the server's clock; return whether that is news."""
        with self._lock:
            news = abs(offset - self.clock_offset) >= 2  # the server tells it by the second
            self.clock_offset = offset
        return news

    def renew(self) -> None:
        """Open the pools; in a forked child, new ones."""
        self._lock = threading.Lock()
        self._places = Places(self._pool_size)
        self._adapter = Adapter(self._pool_size, self._max_response, self._warned)
        self._streams = Adapter(1, self._max_response, self._warned, goes_on=True)
        # The environment is read here, once.
        self._proxies = proxies_for(self.base_url)
        self._proxy = proxy_of(self.base_url, self._proxies)

    def _overlong(self, error: Overlong, request: requests.PreparedRequest) -> InvalidResponse:
        return InvalidResponse(
            f"{request.method} {request.path_url}: the answer of {self.base_url} is not read to its end: "
            f"{error}",
            method=request.method,
            path=request.path_url,
            lasting=True,
        )

    def _crowded(self, request: requests.PreparedRequest, seconds: float) -> RequestTimeout:
        return RequestTimeout(
            f"{request.method} {request.path_url}: no connection became free in {seconds:.3g} s; "
            f"all {self._pool_size} are in use: give DataCenter a larger pool_size",
            method=request.method,
            path=request.path_url,
            sent=False,
        )


@lru_cache(maxsize=64)
def _normal(url: str) -> tuple[str, str]:
    """Normalize a URL: its host in lower case, international names encoded.

    Returns:
        Protocol and host, and the prefix before the path of an account.
    """
    request = requests.PreparedRequest()
    request.prepare_url(url, None)
    parts = urlsplit(request.url or "")
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")


def _check_header(name: Any, value: Any) -> None:
    if not isinstance(value, str):
        raise requests.exceptions.InvalidHeader(f"{shown(name)} must be text, not {shown(value)}")
    _check_text(name, value)


@lru_cache(maxsize=256)  # most headers are the same in each request
def _check_text(name: str, value: str) -> None:
    refuse_key(value)
    check_header_validity((name, value))
    value.encode("latin-1")  # what the wire can carry
    # requests permits these, but servers and proxies disagree about them.
    if not re.fullmatch(HEADER_NAME, name) or re.search(_CONTROL, value):
        raise requests.exceptions.InvalidHeader(f"a control character or a blank in the header {shown(name)}")
    if name.lower() in _FRAMING:
        raise requests.exceptions.InvalidHeader(f"{name} cannot be given: it follows from the body")


def _requoted(path: str) -> str:
    return re.sub(_ESCAPE, lambda match: match[0].upper(), requote_uri(path))
