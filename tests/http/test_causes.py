"""What the libraries below raise: each becomes the error with its cause, its remedy and the right flags.

Most of OpenSSL's reasons need a server that is decades old, so they are raised in the place of the request.
"""

from __future__ import annotations

import socket
import ssl
from http import HTTPStatus
from http.client import BadStatusLine, RemoteDisconnected, UnknownProtocol

import pytest
import requests
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    InvalidChunkLength,
    LocationValueError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)

from smartdc import ConnectionFailed, RequestTimeout, TLSError, TransportError
from tests.helpers.servers import StubServer, datacenter_at

FAR = "https://far.example"
POOL = urllib3.HTTPSConnectionPool("far.example")
CONNECTION = urllib3.connection.HTTPConnection("far.example", 443)

NO_TLS = f"GET /bob: {FAR} does not speak TLS ({{}}): is it a port for http://?"
OLD_TLS = f"GET /bob: {FAR} speaks no TLS of version 1.2 or later ({{}}); it must be updated"
NO_AGREEMENT = (
    f"GET /bob: {FAR} and this machine share no TLS settings ({{}}): check the URL, or update the server"
)
CERTIFICATE = f"GET /bob: {FAR} wants a client certificate ({{}}), which CloudAPI does not: check the URL"
REASONS = {
    NO_TLS: (
        "HTTPS_PROXY_REQUEST HTTP_REQUEST PACKET_LENGTH_TOO_LONG RECORD_LAYER_FAILURE UNKNOWN_PROTOCOL "
        "WRONG_VERSION_NUMBER"
    ),
    OLD_TLS: (
        "NO_PROTOCOLS_AVAILABLE TLSV1_ALERT_PROTOCOL_VERSION UNSUPPORTED_PROTOCOL VERSION_TOO_LOW "
        "WRONG_SSL_VERSION"
    ),
    NO_AGREEMENT: (
        "DH_KEY_TOO_SMALL EE_KEY_TOO_SMALL NO_CIPHERS_AVAILABLE SSLV3_ALERT_HANDSHAKE_FAILURE "
        "SSLV3_ALERT_ILLEGAL_PARAMETER TLSV1_ALERT_INSUFFICIENT_SECURITY TLSV1_UNRECOGNIZED_NAME "
        "UNSAFE_LEGACY_RENEGOTIATION_DISABLED WRONG_SIGNATURE_TYPE"
    ),
    CERTIFICATE: "SSLV3_ALERT_BAD_CERTIFICATE TLSV13_ALERT_CERTIFICATE_REQUIRED TLSV1_ALERT_UNKNOWN_CA",
}


def raised(monkeypatch: pytest.MonkeyPatch, error: Exception, location: str = FAR) -> TransportError:
    """The error that a request ends with when this one is raised in its place."""

    def fail(*_: object, **__: object) -> object:
        raise error

    monkeypatch.setattr("smartdc._http.transport.Adapter.send", fail)
    with pytest.raises(TransportError) as caught:
        datacenter_at(location).account()
    assert (caught.value.method, caught.value.path) == ("GET", "/bob")
    return caught.value


def in_tls(reason: str) -> Exception:
    error = ssl.SSLError(1, f"[SSL: {reason}] it failed (_ssl.c:1000)")
    error.reason = reason
    return requests.exceptions.SSLError(MaxRetryError(POOL, "/bob", urllib3.exceptions.SSLError(error)))


@pytest.mark.parametrize(
    ("reason", "message"), [(reason, text) for text, reasons in REASONS.items() for reason in reasons.split()]
)  # fmt: skip
def test_reasons_of_openssl(monkeypatch: pytest.MonkeyPatch, reason: str, message: str) -> None:
    error = raised(monkeypatch, in_tls(reason))
    assert isinstance(error, TLSError)
    assert str(error) == message.format(reason)
    # In TLS 1.3 the server asks for the client's certificate after the client's first request.
    assert (error.lasting, error.sent) == (True, message is CERTIFICATE)


def test_an_error_of_tls_that_nothing_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] it failed")
    bare.reason = "WRONG_VERSION_NUMBER"
    error = raised(monkeypatch, bare)
    assert isinstance(error, TLSError)
    assert str(error) == NO_TLS.format("WRONG_VERSION_NUMBER")


def test_another_reason_of_openssl_may_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    error = raised(monkeypatch, in_tls("BAD_LENGTH"))
    assert type(error) is ConnectionFailed
    assert (
        str(error) == f"GET /bob: the connection to {FAR} broke ([SSL: BAD_LENGTH] it failed (_ssl.c:1000))"
    )
    assert (error.lasting, error.sent) == (False, True)


NAME = "give the host name that is in its certificate"
TIME = "check this machine's clock; else the server needs a new certificate"
AUTHORITY = "a private cloud's certificate authority is given as verify='/path/to/ca.pem'"


@pytest.mark.parametrize(
    ("code", "remedy"),
    [(62, NAME), (63, NAME), (64, NAME), (9, TIME), (10, TIME), (18, AUTHORITY), (20, AUTHORITY)],
)
def test_certificates_that_are_not_trusted(monkeypatch: pytest.MonkeyPatch, code: int, remedy: str) -> None:
    # The codes are OpenSSL's X509_V_ERR_...: another name, not valid yet, expired, self-signed, no issuer.
    problem = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] it failed")
    problem.reason, problem.verify_code, problem.verify_message = "CERTIFICATE_VERIFY_FAILED", code, "why"
    error = raised(monkeypatch, requests.exceptions.SSLError(MaxRetryError(POOL, "/bob", problem)))
    assert isinstance(error, TLSError)
    assert str(error) == f"GET /bob: {FAR} is not trusted (certificate verify failed: why); {remedy}"
    assert (error.lasting, error.sent) == (True, False)


@pytest.mark.parametrize(
    "address", ["http://bob:secret77@proxy.example:3128", "//bob:secret77@proxy.example"]
)
def test_a_cause_is_quoted_without_passwords_or_control_characters(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    error = raised(monkeypatch, requests.ConnectionError(f"cannot\x07reach\n{address}/x@y"))
    shown = address.replace("bob:secret77@", "")
    assert str(error) == f"GET /bob: the connection to {FAR} broke (cannot reach {shown}/x@y)"


@pytest.mark.parametrize(
    ("error", "what", "sent"),
    [
        (requests.ReadTimeout(ReadTimeoutError(POOL, "/bob", "Read timed out.")), "no answer from", True),
        (requests.ConnectionError(ReadTimeoutError(POOL, "/bob", "Read timed out.")), "no answer from", True),
        (
            requests.ReadTimeout(ReadTimeoutError(POOL, "/bob", "The handshake operation timed out")),
            "no TLS handshake with",
            False,
        ),
        (
            requests.ConnectTimeout(
                MaxRetryError(POOL, "/bob", ConnectTimeoutError(CONNECTION, "timed out"))
            ),
            "no answer from",
            False,
        ),
    ],
    ids=["read", "body", "handshake", "connect"],
)
def test_timeouts(monkeypatch: pytest.MonkeyPatch, error: Exception, what: str, sent: bool) -> None:
    late = raised(monkeypatch, error)
    assert isinstance(late, RequestTimeout)
    assert str(late) == f"GET /bob: {what} {FAR} in time"
    assert (late.lasting, late.sent) == (False, sent)


REFUSED = NewConnectionError(CONNECTION, "Failed to establish a new connection: [Errno 111] refused")
RESET = ConnectionResetError(104, "Connection reset by peer")
CLOSED = RemoteDisconnected("Remote end closed connection without response")


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("error", "what", "why", "hint", "sent"),
    [
        (
            requests.ConnectionError(MaxRetryError(POOL, "/bob", REFUSED)),
            "no connection to",
            "Failed to establish a new connection: [Errno 111] refused",
            "",
            False,
        ),
        (
            requests.ConnectionError(ProtocolError("Connection aborted.", RESET)),
            "the connection to",
            "[Errno 104] Connection reset by peer",
            "; does it speak https?",
            True,
        ),
        (
            requests.ConnectionError(ProtocolError("Connection aborted.", CLOSED)),
            "the connection to",
            "Remote end closed connection without response",
            "; does it speak https?",
            True,
        ),
        (requests.ConnectionError("so\nit is"), "the connection to", "so it is", "", True),
        (ProtocolError("bare"), "the connection to", "bare", "", True),
    ],
    ids=["refused", "reset", "closed", "text", "bare"],
)
@pytest.mark.filterwarnings("ignore:.*is not https")
def test_connections(
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    error: Exception,
    what: str,
    why: str,
    hint: str,
    sent: bool,
) -> None:
    location = f"{scheme}://far.example"
    failed = raised(monkeypatch, error, location)
    assert type(failed) is ConnectionFailed
    broke = " broke" if what == "the connection to" else ""
    end = hint if scheme == "http" else ""
    assert str(failed) == f"GET /bob: {what} {location}{broke} ({why}){end}"
    assert (failed.lasting, failed.sent) == (False, sent)


PROXY = "the proxy http://proxy.example:3128 in HTTPS_PROXY"
IN_PROXY = f"GET /bob: the connection to {PROXY} broke"
TUNNEL = OSError("Tunnel connection failed: 502 Bad Gateway")

NO_HOST = socket.gaierror(socket.EAI_NONAME, "it failed")


def of_the_proxy(cause: Exception) -> Exception:
    return urllib3.exceptions.ProxyError("Unable to connect to proxy", cause)


@pytest.mark.parametrize(
    ("error", "message", "lasting", "sent"),
    [
        (of_the_proxy(RESET), f"{IN_PROXY} (Unable to connect to proxy)", False, False),
        (requests.exceptions.ProxyError("broken"), f"{IN_PROXY} (broken)", False, False),
        (
            requests.exceptions.ProxyError(MaxRetryError(POOL, "/bob", of_the_proxy(TUNNEL))),
            f"GET /bob: {PROXY} refuses to connect to {FAR} (502 Bad Gateway); "
            "ask who runs it, or name the host in NO_PROXY",
            False,
            False,
        ),
        (
            of_the_proxy(in_tls("WRONG_VERSION_NUMBER")),
            f"GET /bob: {PROXY} does not speak TLS (WRONG_VERSION_NUMBER): write http:// in HTTPS_PROXY",
            True,
            False,
        ),
        (
            requests.exceptions.ProxyError(MaxRetryError(POOL, "/bob", of_the_proxy(NO_HOST))),
            f"GET /bob: no connection to {PROXY} ({NO_HOST}): there is no such host; check HTTPS_PROXY",
            True,
            False,
        ),
        (
            of_the_proxy(in_tls("TLSV13_ALERT_CERTIFICATE_REQUIRED")),
            f"GET /bob: {PROXY} wants a client certificate (TLSV13_ALERT_CERTIFICATE_REQUIRED), "
            "which CloudAPI does not: check the URL",
            True,
            False,
        ),
        (
            requests.exceptions.ProxyError(MaxRetryError(POOL, "/bob", of_the_proxy(CLOSED))),
            f"{IN_PROXY} (Remote end closed connection without response)",
            False,
            False,
        ),
        (
            requests.ReadTimeout(ReadTimeoutError(POOL, "/bob", "Read timed out.")),
            f"GET /bob: no answer from {FAR} in time",
            False,
            True,
        ),
        (
            requests.ConnectionError(ProtocolError("Connection aborted.", RESET)),
            f"GET /bob: the connection to {FAR} broke ([Errno 104] Connection reset by peer)",
            False,
            True,
        ),
        (
            in_tls("WRONG_VERSION_NUMBER"),
            f"GET /bob: {FAR} does not speak TLS (WRONG_VERSION_NUMBER): is it a port for http://?",
            True,
            False,
        ),
    ],
    ids=[
        "proxy",
        "text",
        "tunnel",
        "TLS",
        "name",
        "certificate",
        "closed",
        "timeout",
        "server",
        "server's TLS",
    ],
)
def test_where_there_is_a_proxy_the_error_is_its_own_or_the_server_s(
    monkeypatch: pytest.MonkeyPatch, error: Exception, message: str, lasting: bool, sent: bool
) -> None:
    monkeypatch.setenv("https_proxy", "http://bob:secret77@proxy.example:3128")
    failed = raised(monkeypatch, error)
    assert isinstance(failed, TransportError)
    assert str(failed) == message
    assert (failed.lasting, failed.sent) == (lasting, sent)


ALERT = "\x15\x03\x03\x00\x02"


@pytest.mark.parametrize(
    ("cause", "why", "remedy"),
    [
        (BadStatusLine(ALERT), "the first line has 5 or more characters", ": it speaks TLS; write https://"),
        (
            BadStatusLine("SSH-2.0-x"),
            "the first line has 9 or more characters",
            ": it speaks SSH and not HTTP; check the port",
        ),
        (BadStatusLine("220 mail"), "the first line has 8 or more characters", None),
        (BadStatusLine("\r\n"), "the first line has 0 characters", None),
        (UnknownProtocol("HTTP/2"), "the first line has 6 or more characters", None),
    ],
    ids=["alert", "SSH", "another", "empty", "HTTP/2"],
)
@pytest.mark.filterwarnings("ignore:.*is not https")
def test_servers_of_other_protocols(
    monkeypatch: pytest.MonkeyPatch, cause: Exception, why: str, remedy: str | None
) -> None:
    location = "http://far.example"
    wrapped = requests.ConnectionError(ProtocolError("Connection aborted.", cause))
    failed = raised(monkeypatch, wrapped, location)
    assert type(failed) is ConnectionFailed
    assert str(failed) == (
        f"GET /bob: the connection to {location} broke (its answer is not HTTP: {why}){remedy or ''}"
    )
    assert (failed.lasting, failed.sent) == (remedy is not None, True)


def test_a_chunk_without_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    cause = InvalidChunkLength(urllib3.HTTPResponse(b""), b"secret")
    failed = raised(monkeypatch, requests.exceptions.ChunkedEncodingError(cause))
    assert str(failed) == f"GET /bob: the connection to {FAR} broke (it sent a chunk without its size)"
    assert (failed.lasting, failed.sent) == (False, True)


def test_a_name_that_no_host_has(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = raised(monkeypatch, requests.ConnectionError(LocationValueError("label too long")))
    assert type(failed) is ConnectionFailed
    assert str(failed) == f"GET /bob: no connection to {FAR} (label too long)"
    assert (failed.lasting, failed.sent) == (True, False)


@pytest.mark.parametrize(
    ("code", "lasting", "remedy"),
    [
        (socket.EAI_NONAME, True, ": there is no such host; check the location"),
        (socket.EAI_NODATA, True, ": there is no such host; check the location"),
        (socket.EAI_AGAIN, False, ""),
    ],
)
def test_names_that_are_not_resolved(
    monkeypatch: pytest.MonkeyPatch, code: int, lasting: bool, remedy: str
) -> None:
    # A name without an address is as bad as none; a name server that is busy is not.
    cause = socket.gaierror(code, "it failed")
    error = NameResolutionError("far.example", CONNECTION, cause)
    error.__cause__ = cause
    failed = raised(monkeypatch, requests.ConnectionError(MaxRetryError(POOL, "/bob", error)))
    assert type(failed) is ConnectionFailed
    assert str(failed).startswith(f"GET /bob: no connection to {FAR} (Failed to resolve 'far.example' (")
    assert str(failed).endswith(f"it failed)){remedy}")
    assert (failed.lasting, failed.sent) == (lasting, False)


@pytest.mark.parametrize(
    ("status", "lasting"),
    [
        # RFC 9110, 15.5 and 15.6: after these another attempt may succeed.
        *((status, False) for status in (408, 425, 429, 500, 502, 503, 504)),
        *((status, True) for status in (400, 403, 404, 501)),
    ],
)
def test_refusals_of_a_proxy(monkeypatch: pytest.MonkeyPatch, status: int, lasting: bool) -> None:
    with StubServer([f"HTTP/1.1 {status} Basic Ym9iOnNlY3JldDc3\r\n\r\n".encode(), b""]) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(ConnectionFailed) as caught:
            datacenter_at(FAR).account()
    assert str(caught.value) == (
        f"GET /bob: the proxy {proxy.url} in HTTPS_PROXY refuses to connect to {FAR} "
        f"({status} {HTTPStatus(status).phrase}); "
        "ask who runs it, or name the host in NO_PROXY"
    )
    assert (caught.value.lasting, caught.value.sent) == (lasting, False)
    assert (caught.value.method, caught.value.path) == ("GET", "/bob")
