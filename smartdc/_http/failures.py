"""The errors for requests without an answer: what requests, urllib3 and OpenSSL raise, and what to do then.

A failure is `lasting` when another attempt would fail in the same way: an untrusted certificate, a server
without TLS, a password that a proxy refuses.
"""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Any, TypeVar

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    InvalidChunkLength,
    LocationValueError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
)

from smartdc._error_bodies import reason as phrase
from smartdc._http.environment import Proxy, authorities, named_authorities
from smartdc._http.framing import NotHTTP
from smartdc._http.insecure import VERIFY_EXAMPLE
from smartdc.errors import (
    ConfigurationError,
    ConnectionFailed,
    RequestTimeout,
    TLSError,
    TransportError,
    shortened,
)

__all__ = ["failure", "refused_by_proxy", "unusable_authorities"]

_E = TypeVar("_E", bound=BaseException)

_CONTROL = r"[\x00-\x1f\x7f-\x9f]"
_USER = r"//[^\s/]*@"  # user and password in the URL of a proxy
_TUNNEL = r"Tunnel connection failed: ([0-9]{3})"

_PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Statuses of a proxy after which another attempt may succeed."""

_NO_SUCH_HOST = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))

_UNCONNECTED = (
    ConnectTimeoutError,
    LocationValueError,
    NewConnectionError,
    requests.ConnectTimeout,
    socket.gaierror,
)
"""What is raised when there is no connection at all, not even one to a proxy."""

_NO_TLS = (
    "HTTPS_PROXY_REQUEST", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE",
    "UNKNOWN_PROTOCOL", "WRONG_VERSION_NUMBER",
)  # fmt: skip
"""OpenSSL's reasons when the other end does not speak TLS; the names differ between its versions."""
_OLD_TLS = (
    "NO_PROTOCOLS_AVAILABLE", "TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW",
    "WRONG_SSL_VERSION",
)  # fmt: skip
_NO_AGREEMENT = (
    "DH_KEY_TOO_SMALL", "EE_KEY_TOO_SMALL", "NO_CIPHERS_AVAILABLE", "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "SSLV3_ALERT_ILLEGAL_PARAMETER", "TLSV1_ALERT_INSUFFICIENT_SECURITY", "TLSV1_UNRECOGNIZED_NAME",
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED", "WRONG_SIGNATURE_TYPE",
)  # fmt: skip
_CLIENT_CERTIFICATE = (
    "SSLV3_ALERT_BAD_CERTIFICATE", "TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLSV1_ALERT_UNKNOWN_CA",
)  # fmt: skip

_OTHER_NAME = (62, 63, 64)
"""OpenSSL's X509_V_ERR_... for a certificate with another name."""
_OTHER_TIME = (9, 10)
"""The same for a certificate that is not valid yet, or has expired."""


def failure(
    error: Exception, method: str, path: str, base_url: str, verify: bool | str, proxy: Proxy | None
) -> TransportError | ConfigurationError:
    """The error for a request without an answer.

    Args:
        error: What was raised below.
        method: Verb of the request.
        path: Its path and query.
        base_url: Protocol and host.
        verify: What to trust, as the caller chose it.
        proxy: The proxy that leads there.
    """
    causes = list(_causes(error))
    tls = _first(causes, ssl.SSLError)
    through = proxy if _first(causes, ProxyError) or _first(causes, requests.exceptions.ProxyError) else None
    if not isinstance(error, requests.RequestException | HTTPError | ssl.SSLError):
        return unusable_authorities(error, verify)  # before anything was connected
    sent = not _is_unreached(causes)
    about: dict[str, Any] = {"method": method, "path": path}
    where, place = f"{method} {shortened(path)}", str(through or base_url)
    if tls and (why := _tls_problem(tls, place, base_url, verify, through)):
        return TLSError(f"{where}: {why}", lasting=True, sent=sent and _is_late(tls), **about)
    if through:
        answered = next(filter(None, (re.match(_TUNNEL, str(cause)) for cause in causes)), None)
        if answered:
            return refused_by_proxy(through, int(answered[1]), method, path, base_url)
    elif isinstance(error, requests.Timeout) or _first(causes, ReadTimeoutError):
        in_handshake = any("handshake" in str(cause) for cause in causes)
        what = "no TLS handshake with" if in_handshake else "no answer from"
        return RequestTimeout(f"{where}: {what} {base_url} in time", sent=sent and not in_handshake, **about)
    lasting, remedy = _remedy(causes, place, base_url, through)
    made = not any(isinstance(cause, _UNCONNECTED) for cause in causes)
    what = f"the connection to {place} broke" if made else f"no connection to {place}"
    return ConnectionFailed(
        f"{where}: {what} ({_reason(error, causes)}){remedy}", lasting=lasting, sent=sent, **about
    )


def unusable_authorities(error: Exception, verify: bool | str) -> ConfigurationError:
    """The error for a file of authorities that cannot be used."""
    return ConfigurationError(
        f"{named_authorities(verify)}: {error}; give the path of a file of PEM certificates"
    )


def refused_by_proxy(proxy: Proxy, status: int, method: str, path: str, base_url: str) -> ConnectionFailed:
    """The error for a proxy that answers in place of the server.

    It does not quote the proxy's own reason, which may repeat the password that it was sent.
    """
    if status == 407:
        remedy = (
            f"check the user and password in {proxy.variable}"
            if proxy.has_user
            else f"give {proxy.variable} the form http://USER:PASSWORD@host:port"
        )
    else:
        remedy = "ask who runs it, or name the host in NO_PROXY"
    return ConnectionFailed(
        f"{method} {shortened(path)}: {proxy} refuses to connect to {base_url} "
        f"({status} {phrase(status)}); {remedy}",
        method=method,
        path=path,
        sent=False,
        lasting=status not in _PASSING,
    )


def _tls_problem(
    error: ssl.SSLError, place: str, base_url: str, verify: bool | str, proxy: Proxy | None
) -> str | None:
    """Why TLS cannot be set up, and what to do; None if another attempt may succeed."""
    reason = error.reason or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        problem = f"certificate verify failed: {_short(error.verify_message or '?')}"
        return f"{place} is not trusted ({problem}); {_trust(error, base_url, verify)}"
    if reason in _NO_TLS:
        other = f"write http:// in {proxy.variable}" if proxy else "is it a port for http://?"
        return f"{place} does not speak TLS ({reason}): {other}"
    if reason in _OLD_TLS:
        return f"{place} speaks no TLS of version 1.2 or later ({reason}); it must be updated"
    if reason in _CLIENT_CERTIFICATE:
        return f"{place} wants a client certificate ({reason}), which CloudAPI does not: check the URL"
    if reason in _NO_AGREEMENT:
        return (
            f"{place} and this machine share no TLS settings ({reason}): check the URL, or update the server"
        )
    return None


def _trust(error: ssl.SSLCertVerificationError, base_url: str, verify: bool | str) -> str:
    """What to do about a certificate that is not trusted."""
    if error.verify_code in _OTHER_NAME:
        return "give the host name that is in its certificate"
    if error.verify_code in _OTHER_TIME:
        return "check this machine's clock; else the server needs a new certificate"
    if authorities(verify) is not True:
        return f"its authority is not in {named_authorities(verify)}: give the file of the one that signed it"
    only_env = (
        "; SMARTDC_CA_FILE is read for the profile env alone" if os.environ.get("SMARTDC_CA_FILE") else ""
    )
    return f"a private cloud's certificate authority is given as {VERIFY_EXAMPLE}{only_env}"


def _is_late(error: ssl.SSLError) -> bool:
    """Whether the error may come after the request, as it does in TLS 1.3."""
    return error.reason in _CLIENT_CERTIFICATE


def _remedy(causes: list[BaseException], place: str, base_url: str, proxy: Proxy | None) -> tuple[bool, str]:
    """Whether a failure to connect is lasting, and what to do about it."""
    if any(isinstance(cause, socket.gaierror) and cause.errno in _NO_SUCH_HOST for cause in causes):
        return True, f": there is no such host; check {proxy.variable if proxy else 'the location'}"
    if any(isinstance(cause, LocationValueError) for cause in causes):
        return True, ""  # a name that no host can have
    foreign = _not_http(causes)
    beginning = "" if foreign is None else foreign.beginning
    if beginning.startswith("\x15\x03"):  # a TLS alert
        return True, ": it speaks TLS; write https://"
    if beginning == "SSH-":
        return True, ": it speaks SSH and not HTTP; check the port"
    if base_url.startswith("http://") and _first(causes, ConnectionResetError):
        return False, "; does it speak https?"
    return False, ""


def _is_unreached(causes: list[BaseException]) -> bool:
    """Whether the server was not reached, so that nothing can have been sent."""
    unreached = (
        *_UNCONNECTED,
        ProxyError,
        requests.exceptions.ProxyError,
        ssl.SSLCertVerificationError,
    )
    return any(isinstance(cause, unreached) for cause in causes)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all errors that it wraps: `requests` and urllib3 wrap them up to three times."""
    found = [error]
    for each in found:
        inner = [*each.args, getattr(each, "reason", None), each.__cause__]
        found += [one for one in inner if isinstance(one, BaseException) and one not in found]
        yield each


def _first(causes: list[BaseException], kind: type[_E]) -> _E | None:
    return next((cause for cause in causes if isinstance(cause, kind)), None)


def _reason(error: Exception, causes: list[BaseException]) -> str:
    """The innermost cause, in words. It quotes no text of an answer, which may be a part of metadata."""
    foreign = _not_http(causes)
    if foreign is not None:
        return str(foreign)
    if _first(causes, InvalidChunkLength):
        return "it sent a chunk without its size"
    cause: Any = error.args[0] if error.args else error
    cause = getattr(cause, "reason", None) or cause
    text = str(cause.args[-1]) if isinstance(cause, BaseException) and cause.args else str(cause)
    return _short(text.rpartition("): ")[2])


def _not_http(causes: list[BaseException]) -> NotHTTP | None:
    """The answer of another protocol, if that is the cause; through SOCKS, http.client reads it."""
    bare = _first(causes, http.client.BadStatusLine) or _first(causes, http.client.UnknownProtocol)
    if bare is not None and not isinstance(bare, ConnectionError):
        return NotHTTP(str(bare))
    return _first(causes, NotHTTP)


def _short(text: str) -> str:
    """Shorten a text, to one line without a password."""
    text = re.sub(_USER, "//", re.sub(_CONTROL, " ", text)).strip()
    return shortened(text)
