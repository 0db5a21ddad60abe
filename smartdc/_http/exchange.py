"""One request from its first attempt to its final answer: the loop that all requests go through.

`connection` builds the request, and `transport` sends it. `retry` decides when to try again, and `throttle`
how fast. This module acts on both, and on the server's complaints about the signature: a wrong clock, an
unknown key.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import requests

from smartdc._http.cancellation import before_request, before_turn
from smartdc._http.error_codes import error_for
from smartdc._http.overall import remaining
from smartdc._http.request import Request, idempotent
from smartdc._http.retry import retry_after, was_not_carried_out
from smartdc._http.skew import is_skew, server_ahead
from smartdc._http.throttle import group_of
from smartdc._http.waiting import Absence
from smartdc._http.wires import Wired
from smartdc.errors import (
    APIError,
    AuthenticationError,
    NotFoundError,
    RequestTimeout,
    ThrottledError,
    TransportError,
)
from smartdc.http_signature import Signer

__all__ = ["Carrier", "Exchange"]

log: logging.Logger = logging.getLogger("smartdc")

Carrier = Callable[..., requests.Response]
"""Makes one attempt: it is called with a prepared request and a `timeout`."""

LEAST_PAUSE = 0.5
"""The fewest seconds between two DELETEs of something that may not be found yet."""

_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})


class Exchange:
    """One request, with its repetitions.

    Args:
        connection: Its key signs the request, and its limits pace it. If it has a deadline, no turn
            and no other attempt begins after that.
        request: The request.
        make: Prepares the request for each attempt, because each is signed.
        carry: Makes one attempt.
    """

    def __init__(
        self,
        connection: Wired,
        request: Request,
        make: Callable[[], requests.PreparedRequest],
        carry: Callable[[requests.PreparedRequest], requests.Response],
    ) -> None:
        self._method = request.method
        self._make = make
        self._carry = carry
        self._auth = None if request.is_public else connection.auth
        self._transport = connection._transport
        self._clock = connection.clock
        self._policy = remaining(connection.retry, self._clock)
        self._limiter = connection._limiters.get(
            self._transport.base_url, connection._signing_account, group_of(request.method, request.path)
        )
        self._before_repeat = idempotent if request.method in _REPEATABLE else request.before_repeat
        self._deadline = connection._deadline
        self._created_at = connection._created_at
        self._absence = Absence(self._clock, self._policy.settling)
        self._signer: Signer | None = None
        self._refused: list[Signer] = []
        self._offset, self._corrected = self._transport.clock_offset, False
        self._era = 0
        self._started = 0.0
        self._attempts = self._failures = self._throttlings = self._not_found = 0
        self._maybe_done = False

    def run(self) -> requests.Response:
        """Make the request.

        Returns:
            An answer below 400; or the 404 or 410 of a DELETE that an earlier attempt has carried out.

        Raises:
            APIError: The server answered with 400 or above, and there is no other attempt.
            TransportError: There was no answer.
        """
        self._started = self._clock.monotonic()
        before_turn()
        if not self._take_turn():
            raise self._too_late_error()
        while True:
            try:
                response = self._attempt()
                response.attempts = self._attempts  # type: ignore[attr-defined]  # for errors made of it later
                self._remember_clock()
                return response
            except (APIError, TransportError) as error:
                error.attempts = self._attempts
                if isinstance(error, NotFoundError) and self._maybe_done and self._method == "DELETE":
                    if self._absence.is_settled(error, self._created_at):
                        return error.response  # an earlier attempt has deleted it; its answer was lost
                    goes_on = self._delete_again(error)
                else:
                    goes_on = self._before_next(error)
                if not goes_on:
                    if isinstance(error, AuthenticationError):
                        error.signed = self._how_signed()
                        error.args = (f"{error}; {error.signed}",)
                    raise

    @property
    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._started

    def _is_too_late(self, pause: float) -> bool:
        """Whether a deadline, the policy's or that of the wait, comes before the pause ends."""
        if self._deadline is not None and pause >= self._deadline.left():
            return True
        return pause > 0 and self._elapsed + pause > self._policy.deadline

    def _pause(self, seconds: float) -> bool:
        """Wait, unless a deadline comes first; return whether it waited."""
        if self._is_too_late(seconds):
            return False
        if seconds > 0:
            self._clock.sleep(seconds)
        return True

    def _take_turn(self) -> bool:
        """Wait for this request's turn; return False if it comes too late."""
        is_void = False
        while True:
            within = max(0.0, self._policy.deadline - self._elapsed)
            if self._deadline is not None:
                within = min(within, self._deadline.turn())
            turn = self._limiter.turn(self._clock.monotonic(), within, was_void=is_void)
            if turn.wait > within:
                return False
            if turn.wait > 0:
                self._clock.sleep(turn.wait)
            if self._limiter.holds(turn):
                self._era = turn.era
                return True
            is_void = True

    def _too_late_error(self) -> RequestTimeout:
        request = self._make()
        end = (
            "end of the wait" if self._deadline else f"{self._policy.deadline:g} s that its RetryPolicy gives"
        )
        return RequestTimeout(
            f"{request.method} {request.path_url}: too many requests wait for their turn under the request "
            f"rate: the turn of this one comes after the {end}",
            method=request.method,
            path=request.path_url,
            sent=False,
        )

    def _attempt(self) -> requests.Response:
        self._attempts += 1
        request = self._make()
        if self._auth:
            self._signer = self._auth.signer
            self._auth.sign(request, self._offset)
        before_request()
        response = self._carry(request)
        if response.status_code >= 400:
            raise error_for(response)
        return response

    def _before_next(self, error: APIError | TransportError) -> bool:
        """Prepare another attempt; return False if there is none, and the error is to be raised."""
        if isinstance(error, APIError) and self._mend_signature(error):
            return self._take_turn()
        if isinstance(error, ThrottledError) and (
            self._before_repeat is not None or was_not_carried_out(error)
        ):
            return self._queue_again(error)
        self._failures += 1
        pause = self._policy.pause(
            error,
            attempt=self._failures,
            elapsed=self._elapsed,
            repeatable=self._before_repeat is not None,
            ahead=self._server_ahead(error),
        )
        if pause is None or self._is_too_late(pause):
            return False
        log.info("%s; attempt %d follows in %.1f s", error, self._attempts + 1, pause)
        self._clock.sleep(pause)
        self._prepare_repeat(error)
        return self._take_turn()

    def _prepare_repeat(self, error: APIError | TransportError) -> None:
        """Call `before_repeat` if the last attempt may have been carried out."""
        if self._before_repeat is not None and not was_not_carried_out(error):
            self._maybe_done = True
            self._before_repeat()

    def _queue_again(self, error: ThrottledError) -> bool:
        self._limiter.refused(self._clock.monotonic(), self._era, error)
        self._throttlings += 1
        if self._throttlings >= self._policy.throttled:
            return False
        pause = retry_after(error, self._server_ahead(error))
        if pause is None:
            # A fixed rate is not lowered by a refusal: pause instead.
            pause = self._policy.backoff(self._throttlings) if self._limiter.fixed else 0.0
        if not self._pause(pause):
            return False
        self._prepare_repeat(error)
        return self._take_turn()

    def _delete_again(self, error: NotFoundError) -> bool:
        """Repeat a DELETE until its 404 is settled: something may not be found right after its creation."""
        self._not_found += 1
        pause = max(LEAST_PAUSE, self._policy.backoff(self._not_found, chance=lambda: 1.0))
        log.info("%s; it may not be found yet: the DELETE is repeated in %.1f s", error, pause)
        return self._pause(pause) and self._take_turn()

    def _mend_signature(self, error: APIError) -> bool:
        """Correct the clock or take the next key if the signature was refused; return whether it did."""
        if self._auth is None or self._signer is None:
            return False
        ahead = server_ahead(error.response, time.time() + self._auth.clock_offset)
        if is_skew(error, None if ahead is None else ahead - self._offset):
            # The same correction once more would not help.
            if ahead is None or abs(ahead - self._offset) < 1 or self._corrected:
                return False
            self._offset, self._corrected = ahead, True
            return True
        self._remember_clock()
        if not isinstance(error, AuthenticationError) or self._signer in self._refused:
            return False
        self._refused.append(self._signer)
        return self._auth.try_next_key(self._signer)

    def _how_signed(self) -> str:
        if self._auth is None:
            return "the request was not signed: give key_id and secret"
        return self._auth.explain_refusal(self._refused)

    def _remember_clock(self) -> None:
        """Keep a correction that the server has accepted."""
        if self._corrected and self._transport.correct_clock(self._offset):
            log.warning(
                "this machine's clock is %.0f seconds %s that of %s, and is corrected when signing",
                abs(self._offset),
                "behind" if self._offset > 0 else "ahead of",
                self._transport.base_url,
            )

    def _server_ahead(self, error: APIError | TransportError) -> float:
        return (server_ahead(error.response, time.time()) if isinstance(error, APIError) else None) or 0.0
