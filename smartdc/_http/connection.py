"""The connection of one account to one data center: its URL, its signature, and `request()`.

`smartdc._http.transport` sends the requests.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO, cast

import requests
from requests.structures import CaseInsensitiveDict

from smartdc._forks import importing
from smartdc._http.answers import Answer, decoded, reject_bytes, reject_redirect
from smartdc._http.bodies import checked_limit, checked_seconds
from smartdc._http.clocks import clock_of
from smartdc._http.environment import authorities
from smartdc._http.exchange import Carrier, Exchange
from smartdc._http.looks import Looks, actions, looks_of
from smartdc._http.old_requests import check_old_arguments, query_of, takes_before_repeat
from smartdc._http.request import BeforeRepeat, Params, Request, Timeout, idempotent
from smartdc._http.retry import RetryPolicy, chosen_policy
from smartdc._http.settings import (
    checked_clock,
    checked_headers,
    checked_pool_size,
    checked_timeout,
    checked_verbose,
)
from smartdc._http.spelling import account_url, checked_path, encoded_body, encoded_query, merged_headers
from smartdc._http.throttle import Limiters
from smartdc._http.transport import prepared, refuse_damaged
from smartdc._http.versions import with_required_version
from smartdc._http.waiting import Clock, Deadline
from smartdc._http.wires import Wired
from smartdc._version import __version__
from smartdc.arguments.ids import path_of, shown, without_none
from smartdc.arguments.kinds import text_of
from smartdc.arguments.roles import checked_roles, with_roles
from smartdc.errors import APIError, BadRequestError, ConfigurationError, InvalidResponse, TransportError
from smartdc.http_signature import HTTPSignatureAuth

if TYPE_CHECKING:
    from smartdc._http.websocket import Upgraded, WebSocket

__all__ = ["Connection"]

log: logging.Logger = logging.getLogger("smartdc")
log.addHandler(logging.NullHandler())

USER_AGENT = f"smartdc/{__version__}"
DEFAULT_TIMEOUT = (10.0, 120.0)

_LONGEST_VERB = 20


class Connection(Wired):
    """Requests to one data center, signed for one account; shared by any number of threads.

    Attributes:
        login: Account in the URL; ``my`` stands for the one that signs.
        auth: What signs each request; None sends it unsigned.
        default_headers: Headers sent with every request; not shared with other connections.
        verify: True, False, or the path of the certificate authorities to trust.
        verbose: True (stderr) or a text stream: one line for each request.
        timeout: Seconds for connecting and for reading.
        retry: When a request is made again.
        max_response: Bytes that an answer may have.
        answer_timeout: Seconds for one whole answer.
        clock: The clock that waits use.
        active_roles: Roles that requests are made with; with none, the server takes the default ones.
        share_polls: Whether threads that wait for machines share their looks.
    """

    API_VERSION = "~9||~8"
    VERSION_HEADER = "Accept-Version"
    OLD_SIGNATURES = False

    login: str = "my"
    auth: HTTPSignatureAuth | None = None
    _learned_login: str | None = None

    def __init__(
        self,
        *,
        login: str,
        auth: HTTPSignatureAuth | None,
        headers: Mapping[str, str] | None,
        api_version: str | None,
        verify: bool | str,
        verbose: bool | TextIO | None,
        timeout: Timeout | None,
        pool_size: int,
        clock: Clock | None,
        roles: Iterable[str],
        retry: str | RetryPolicy,
        rate: float | None,
        max_response: int,
        answer_timeout: float,
        share_polls: bool,
    ) -> None:
        self.login = login
        self.auth = auth
        own = {"Accept": "application/json", "User-Agent": USER_AGENT, self.VERSION_HEADER: self.API_VERSION}
        self.default_headers: CaseInsensitiveDict[str] = CaseInsensitiveDict(own)
        self.default_headers.update(checked_headers(headers))
        if api_version is not None:
            self.default_headers[self.VERSION_HEADER] = text_of("api_version", api_version)
        self.verify = verify
        self.verbose: bool | TextIO | None = checked_verbose(verbose)
        self.timeout: Timeout = DEFAULT_TIMEOUT if timeout is None else checked_timeout(timeout)
        self.clock: Clock = clock_of(self.base_url) if clock is None else checked_clock(clock)
        self.retry: RetryPolicy = chosen_policy(retry)
        self._limiters = Limiters(rate)
        self._pool_size = checked_pool_size(pool_size)
        self.max_response: int = checked_limit(max_response)
        self.answer_timeout: float = checked_seconds(answer_timeout)
        self.active_roles: tuple[str, ...] = checked_roles(roles)
        self.share_polls = share_polls
        self._open()

    @property
    def url(self) -> str:
        """Base URL of the account's resources, with a ``/`` at its end: `Machine.path` is appended to it."""
        return f"{self._account_url}/"

    @property
    def _account_url(self) -> str:
        return account_url(self.base_url, self.login)

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        *,
        params: Params | None = None,
        timeout: Timeout | None = None,
        api_version: str | None = None,
        before_repeat: BeforeRepeat | None = None,
        **old: Any,
    ) -> tuple[Any, requests.Response]:
        """Make any request of the account. Operations use the override of a subclass.

        It is repeated as `retry` says.

        Args:
            method: HTTP verb.
            path: Path below the account, quoted: ``/machines``, or ``machines``.
            headers: Headers of this request, on top of the default ones.
            data: Body, sent as JSON unless None.
            params: Query, in the forms that `requests` takes. None values are left out, booleans become
                ``true`` and ``false``.
            timeout: Seconds, instead of the connection's.
            api_version: API version to ask for, instead of the connection's.
            before_repeat: For a POST that does no harm when it is carried out twice: `smartdc.idempotent`, or
                a function that is called before the POST is repeated although it may have been carried out.
            **old: Other arguments of `requests.request`, which py-smartdc passed on. Those that
                change nothing are accepted (``stream=``, ``allow_redirects=False``, None); others raise.

        Returns:
            The decoded body and the `requests.Response`. JSON is decoded, other text is str, nothing is None.

        Raises:
            APIError: The server answered with 400 or above.
            TransportError: There was no answer, or it cannot be read.
        """
        verb = text_of("method", method)
        if not (verb.isascii() and verb.isalpha() and len(verb) <= _LONGEST_VERB):
            raise ConfigurationError(f"{shown(method)} is not an HTTP verb")
        check_old_arguments(old)
        path = text_of("path", path)
        path = checked_path(path if path.startswith("/") or not path else f"/{path}")
        if api_version is not None:
            headers = {**checked_headers(headers), self.VERSION_HEADER: text_of("api_version", api_version)}
        query = query_of(params)
        return self._perform(Request(method.upper(), path, query, data, headers, before_repeat, timeout))

    def _call(self, request: Request) -> Answer:
        is_overridden = getattr(self.request, "__func__", None) is not _OWN_REQUEST
        try:
            answer = self._call_overridden(request) if is_overridden else self._perform(request)
        except APIError as error:
            raise with_required_version(error, request.path) from None
        return reject_bytes(*answer)

    def _call_overridden(self, request: Request) -> Answer:
        """Make a request by the `request()` of a subclass or of a script.

        It gets only the arguments that are set: one written for py-smartdc does not know the newer ones.
        """
        new: dict[str, Any] = without_none(params=request.params)
        if request.before_repeat is not None and takes_before_repeat(self.request):
            new["before_repeat"] = request.before_repeat
        return self.request(request.method, request.path, request.headers, request.json, **new)

    def _perform(self, request: Request, carry: Carrier | None = None) -> Answer:
        """Make a request with the active roles."""
        params = with_roles(self.active_roles, request.method, request.path, request.params)
        return self._exchange(request if params is request.params else replace(request, params=params), carry)

    def _exchange(self, request: Request, carry: Carrier | None = None) -> Answer:
        """Make a request, and repeat it, until there is a final answer or an error.

        With `carry`, which makes each attempt, the body of the answer is not read.
        """
        base_url = self._reachable_base_url()
        base = base_url if request.is_public else account_url(base_url, self.login)
        query = encoded_query(request.params)
        body = None if request.json is None else encoded_body(request.json)
        own = checked_headers(request.headers)
        headers = merged_headers(self.default_headers, own, self.API_VERSION, has_body=body is not None)
        timeout = self.timeout if request.timeout is None else checked_timeout(request.timeout)
        exchange = Exchange(
            self,
            request,
            partial(prepared, request.method, base, request.path, headers, body, query),
            partial(carry or partial(self._send, deadline=self._deadline), timeout=timeout),
        )
        try:
            response = exchange.run()
        finally:
            actions.note_request(request.method, request.path)
        return None if carry or response.status_code >= 400 else decoded(response), response

    def _reachable_base_url(self) -> str:
        """The base URL, unless its server is gone.

        Raises:
            ConfigurationError: The server is known to be gone.
        """
        return self.base_url

    @property
    def _looks(self) -> Looks:
        """The looks that threads share if they wait as the same account, with the same roles and headers."""
        who = (self._account_url, self.auth and self.auth.key_id, tuple(self.active_roles), self.verify)
        same = (*who, *sorted(self.default_headers.lower_items()))
        return looks_of(self._transport.looks, self.clock, self.share_polls, same)

    def _open_lines(self, method: str, segments: Sequence[str], params: Params) -> requests.Response:
        """Make a request whose answer is a stream of lines."""
        request = Request(method, path_of(segments), params, before_repeat=idempotent)
        response = self._perform(request, partial(self._send, stream=True))[1]
        try:
            reject_redirect(None, response)
        except InvalidResponse:
            response.close()
            raise
        return response

    def _open_websocket(
        self,
        segments: Sequence[str],
        subprotocols: Sequence[str] = (),
        ask_why: Callable[[], Any] | None = None,
    ) -> WebSocket:
        """Open a WebSocket, signed like any other request.

        A refused upgrade is answered with a status and no reason. `ask_why` makes a request that is refused
        for the same reason and so gets it. Without it, a HEAD shows whether the clock was wrong.
        """

        def carry(request: requests.PreparedRequest, timeout: Timeout) -> Upgraded:
            self._write_verbose_line("GET", request.url or "?")
            return dial(request, timeout, authorities(self.verify), self.max_response, subprotocols)

        with importing:
            from smartdc._http.websocket import dial

        ask = partial(self._perform, Request("GET", path_of(segments)), carry)
        try:
            response = ask()[1]
        except BadRequestError as refusal:
            reason: APIError = refusal
            before = self._transport.clock_offset
            try:
                (ask_why or partial(self.request, "HEAD", ""))()
            except APIError as error:
                reason = error if ask_why else refusal
            if self._transport.clock_offset == before:
                raise reason from None
            response = ask()[1]
        return cast("Upgraded", response).websocket

    def _send(
        self,
        request: requests.PreparedRequest,
        timeout: Timeout,
        stream: bool = False,
        deadline: Deadline | None = None,
    ) -> requests.Response:
        """Make one attempt."""
        method, path = request.method or "?", request.path_url
        self._write_verbose_line(method, request.url or "?")
        if self._on_send is not None:
            self._on_send()
        started = time.monotonic()
        try:
            within = None if deadline is None else deadline.wire()
            response = self._transport.send(request, timeout, self.verify, stream=stream, within=within)
            if not stream:
                refuse_damaged(response)
        except TransportError as error:
            log.debug("%s %s: %s", method, path, type(error).__name__)
            raise
        if log.isEnabledFor(logging.DEBUG):
            # Escaped, so that text of the server cannot begin another line of the log.
            ident = ascii(response.headers.get("Request-Id", "-"))[1:-1]
            took = 1000 * (time.monotonic() - started)
            log.debug("%s %s: %d in %.0f ms (request %s)", method, path, response.status_code, took, ident)
        return response

    def _write_verbose_line(self, method: str, url: str) -> None:
        """Write the line of `verbose`; a stream that is closed or broken loses it."""
        stream = sys.stderr if self.verbose is True else self.verbose
        if stream:
            with suppress(Exception):  # a stream of the caller's may raise anything
                stream.write(f"{datetime.now().isoformat()}\t{method}\t{url}\n")
                stream.flush()


_OWN_REQUEST = Connection.request
"""The method of this class: if a subclass or a script has replaced it, operations call the replacement."""
