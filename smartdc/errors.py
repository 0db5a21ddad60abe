"""Every exception that smartdc raises.

The tree::

    SmartDCError
      ConfigurationError (also ValueError)
        KeyLoadError
          KeyFileMissing            (also FileNotFoundError)
      TransportError (also requests.RequestException)
        ConnectionFailed            (also requests.ConnectionError)
          TLSError                  (also requests.exceptions.SSLError)
        RequestTimeout              (also requests.Timeout)
        InvalidResponse
        OutcomeUnknown              unknown whether something was created
      APIError (also requests.HTTPError)
        BadRequestError             400, and any other 4xx
        AuthenticationError         401
        NotAuthorizedError          403
        NotFoundError               404
          GoneError                 410: deleted; `.machine` has its last known data
        ConflictError               409
          InvalidArgumentError
          MissingParameterError
          InvalidStateError
          InUseError
          ValidationFailedError
        VersionError                InvalidVersion; or the operation is newer than the server
        ThrottledError              429, 420
        ServerError                 5xx
          ServiceUnavailableError   503
      LoginFailed                   an SSH login to a machine failed
      WaitError
        WaitTimeout                 (also TimeoutError)
        WaitFailed
      fleet.FleetError              (also ExceptionGroup) errors of many machines; in `smartdc.fleet`

`smartdc._http.error_codes` chooses the class for an answer.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from typing import Any

import requests

from smartdc._error_bodies import (
    describe_field_error,
    description,
    error_fields,
    field_errors,
    json_or_none,
    only_text,
    reason,
    text_or_none,
    without_passwords,
)

__all__ = [
    "APIError",
    "AuthenticationError",
    "BadRequestError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailed",
    "GoneError",
    "InUseError",
    "InvalidArgumentError",
    "InvalidResponse",
    "InvalidStateError",
    "KeyFileMissing",
    "KeyLoadError",
    "LoginFailed",
    "MissingParameterError",
    "NotAuthorizedError",
    "NotFoundError",
    "OutcomeUnknown",
    "RequestTimeout",
    "ServerError",
    "ServiceUnavailableError",
    "SmartDCError",
    "TLSError",
    "ThrottledError",
    "TransportError",
    "ValidationFailedError",
    "VersionError",
    "WaitError",
    "WaitFailed",
    "WaitTimeout",
]

_LONGEST_MESSAGE = 1000  # characters of the server's message, and of its errors of fields, in the text


class SmartDCError(Exception):
    """Root of everything that smartdc raises on purpose.

    Attributes:
        attempts: How often the request was made, throttled attempts included; 0 if none was made.
    """

    attempts = 0


class ConfigurationError(SmartDCError, ValueError):
    """A value from the caller is not valid: a location, a key id, an argument.

    No request was sent, except for a list in which a name was looked up.
    """


class KeyLoadError(ConfigurationError):
    """The private key could not be loaded, from its file or from the ssh-agent."""


class KeyFileMissing(KeyLoadError, FileNotFoundError):
    """There is no such key file.

    Attributes:
        errno: `errno.ENOENT`.
        filename: The path.
    """

    def __init__(self, message: str, filename: str | None = None) -> None:
        super().__init__(message)
        self.errno: int = errno.ENOENT
        self.strerror: str = os.strerror(errno.ENOENT)
        self.filename = filename

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.filename)


class TransportError(SmartDCError, requests.RequestException):
    """No usable answer came back.

    Attributes:
        method: HTTP verb of the request; None if no request was made.
        path: Path and query of the request.
        sent: Whether the request may have reached the server.
        lasting: Whether another attempt would fail in the same way.
    """

    def __init__(
        self,
        message: str,
        *,
        method: str | None = None,
        path: str | None = None,
        response: requests.Response | None = None,
        sent: bool = True,
        lasting: bool = False,
    ) -> None:
        super().__init__(message, response=response)
        self.method = method
        self.path = path
        self.sent = sent
        self.lasting = lasting

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, _picklable(self.__dict__))


class ConnectionFailed(TransportError, requests.ConnectionError):
    """The connection failed or broke: name not found, refused, TLS not trusted, cut off."""


class TLSError(ConnectionFailed, requests.exceptions.SSLError):
    """TLS with the server failed; usually because its certificate is not trusted."""


class RequestTimeout(TransportError, requests.Timeout):
    """The server did not connect or answer in time. The request may have been carried out."""


class InvalidResponse(TransportError):
    """The answer cannot be used: it is not the JSON that it claims to be, or has another shape."""


class OutcomeUnknown(TransportError):
    """It is unknown whether something was created: the answer was lost, and a search was not conclusive.

    The text has what is known; the failure itself is the `__cause__`.

    Attributes:
        what: What was to be created: ``machine``.
        wanted: The fields to find it by, as CloudAPI names them: ``{'name': 'web0'}``.
        candidates: The entries that may be it, as the server listed them.
    """

    def __init__(
        self,
        message: str,
        *,
        what: str,
        wanted: Mapping[str, Any],
        candidates: Sequence[Mapping[str, Any]] = (),
        method: str | None = None,
        path: str | None = None,
    ) -> None:
        super().__init__(message, method=method, path=path)
        self.what = what
        self.wanted: dict[str, Any] = dict(wanted)
        self.candidates: list[dict[str, Any]] = [dict(candidate) for candidate in candidates]


class APIError(SmartDCError, requests.HTTPError):
    """CloudAPI answered with an error.

    Attributes:
        status: HTTP status.
        code: CloudAPI's code, as the server spelled it (``ResourceNotFound``); None if it sent none.
        message: CloudAPI's explanation; if there is none, the kind of JSON or the start of the text.
        errors: The errors of single fields: dicts with ``field``, ``code``, ``message``.
        request_id: The server's id of this request; support asks for it.
        method: HTTP verb of the request.
        path: Path and query of the request.
        response: The `requests.Response`. It is not pickled.
    """

    status: int
    code: str | None
    message: str
    errors: list[dict[str, Any]]
    request_id: str | None
    method: str
    path: str

    def __init__(self, response: requests.Response) -> None:
        body = json_or_none(response)
        fields = error_fields(body)
        self.status = response.status_code
        self.code = text_or_none(fields.get("code"))
        self.message = text_or_none(fields.get("message")) or only_text(fields) or description(body, response)
        self.errors = field_errors(body if isinstance(body, list) else fields.get("errors"))
        self.request_id = response.headers.get("Request-Id")
        self.method = (response.request.method if response.request is not None else None) or "?"
        self.path = (response.request.path_url if response.request is not None else None) or "?"
        super().__init__(self._describe(), response=response)

    def _describe(self) -> str:
        code = shortened(self.code or reason(self.status))
        text = f"{self.method} {shortened(self.path)}: {self.status} {code}"
        if self.message:
            text += f": {shortened(self.message, _LONGEST_MESSAGE)}"
        details = "; ".join(filter(None, map(describe_field_error, self.errors)))
        if details:
            text += f" [{shortened(details, _LONGEST_MESSAGE)}]"
        if self.request_id:
            text += f" (request {shortened(self.request_id)})"
        # The server wrote most of it: no control character of it reaches a terminal.
        return "".join(char if char.isprintable() else "?" for char in text)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, _picklable(self.__dict__))


class BadRequestError(APIError):
    """The server could not make sense of the request: a header, the JSON, the version."""


class AuthenticationError(APIError):
    """401: no signature, an unknown key, or a wrong one. `signed` says who signed, and what to check."""

    signed: str | None = None


class NotAuthorizedError(APIError):
    """403: signed in, but not permitted (roles, a disabled account, another account's resource)."""


class NotFoundError(APIError):
    """404: there is nothing with that id or name, or it belongs to another account."""


class GoneError(NotFoundError):
    """410: the machine existed and is deleted.

    Attributes:
        machine: The last known data of the machine, with state ``deleted``; None if the server sent only its
            id.
    """

    machine: dict[str, Any] | None

    def __init__(self, response: requests.Response) -> None:
        body = json_or_none(response)
        self.machine = without_passwords(body) if isinstance(body, dict) and "id" in body else None
        super().__init__(response)
        ident = text_or_none(body if self.machine is None else self.machine["id"])
        if ident is not None:
            # The body is the machine (or its id), not an explanation: write one.
            self.code: str | None = None
            self.message: str = f"machine {ident} is deleted"
            self.args: tuple[Any, ...] = (self._describe(),)


class ConflictError(APIError):
    """409: CloudAPI's usual answer to arguments or states that do not fit."""


class InvalidArgumentError(ConflictError):
    """The server does not accept the value of an argument."""


class MissingParameterError(ConflictError):
    """An argument that the server needs is absent."""


class InvalidStateError(ConflictError):
    """The thing is in a state that does not allow this (not yet provisioned, protected, wrong brand)."""


class InUseError(ConflictError):
    """Something else uses the thing, and must release it first."""


class ValidationFailedError(ConflictError):
    """A field did not pass validation; `errors` says which."""


class VersionError(APIError):
    """The server is too old for the operation, or does not support the requested API version.

    Attributes:
        needs: The version of CloudAPI that added the operation; None unless that is known to be the cause.
    """

    def __init__(
        self, response: requests.Response, needs: str | None = None, remark: str | None = None
    ) -> None:
        self.needs = needs
        self._remark = remark
        if needs:
            self._remark = f"this needs API {needs}, and must be enabled in the data center"
        super().__init__(response)

    def _describe(self) -> str:
        return super()._describe() + (f"; {self._remark}" if self._remark else "")


class ThrottledError(APIError):
    """429 or 420: more requests a second than the account may make. The request was not carried out."""


class ServerError(APIError):
    """5xx: the server failed. The request may have been carried out."""


class ServiceUnavailableError(ServerError):
    """503: read-only for maintenance, or overloaded."""


class LoginFailed(SmartDCError):
    """An SSH login failed. ``__cause__`` is paramiko's or the system's exception, if there is one."""


class WaitError(SmartDCError):
    """A wait ran out of time or cannot succeed.

    Attributes:
        state: The state that was seen last.
    """

    def __init__(self, message: str, *, state: str | None = None) -> None:
        super().__init__(message)
        self.state = state

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, _picklable(self.__dict__))


class WaitTimeout(WaitError, TimeoutError):
    """The timeout ended before the awaited event."""


class WaitFailed(WaitError):
    """The thing is in a state that does not lead to the awaited one: ``failed``, ``deleted``."""


def shortened(text: str, most: int = 120) -> str:
    """Return the text, or its beginning if it is long, as text from the caller may be."""
    return text if len(text) <= most else f"{text[:most]}..."


def _picklable(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes without request and response, which hold the signature and sockets."""
    return {name: None if name in ("request", "response") else value for name, value in state.items()}


def _rebuild(cls: type[Exception], args: tuple[Any, ...], state: dict[str, Any]) -> Exception:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error
