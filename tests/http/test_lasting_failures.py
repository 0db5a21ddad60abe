"""Lasting failures are not retried, and their errors say what to do: certificates, TLS, proxies, hosts."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests
import trustme
import urllib3

from smartdc import ConfigurationError, ConnectionFailed, DataCenter, NotAuthorizedError, SmartDCError
from tests.helpers.servers import Reply, StubServer, datacenter_at

FAR = "https://far.example"
PASSWORD = "PASSWORT"


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def context(authority: trustme.CA) -> ssl.SSLContext:
    """The TLS settings of a server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def secure(context: ssl.SSLContext) -> Iterator[StubServer]:
    with StubServer(tls=context) as server:
        server.otherwise = Reply({"login": "bob"})
        yield server


def refusal(location: str, verify: bool | str = True) -> SmartDCError:
    """The error of a request under the standard policy, which came at the first attempt and at once."""
    started = time.monotonic()
    with pytest.raises(SmartDCError) as caught, DataCenter(location, login="bob", verify=verify) as sdc:
        sdc.account()
    assert time.monotonic() - started < 1
    assert caught.value.attempts <= 1
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 300
    assert PASSWORD not in str(caught.value)
    return caught.value


WITHOUT_CERTIFICATE = {
    "empty": "",
    "text": "hello\n",
    "damaged": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
}


@pytest.mark.parametrize("content", WITHOUT_CERTIFICATE.values(), ids=WITHOUT_CERTIFICATE)
def test_a_file_of_authorities_without_a_certificate(
    secure: StubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text(content)
    what = "it has no certificate that can be read; give the path of a file of PEM certificates"
    error = refusal(secure.url, verify=str(bundle))
    assert isinstance(error, ConfigurationError)
    assert str(error) == f"verify='{bundle}': {what}"
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        with monkeypatch.context() as environment:
            environment.setenv(variable, str(bundle))
            assert str(refusal(secure.url)) == f"{variable}='{bundle}': {what}"
    assert secure.asked == []


def test_a_missing_file_of_authorities(
    secure: StubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "no.pem"
    error = refusal(secure.url, verify=str(missing))
    assert isinstance(error, ConfigurationError)
    assert str(error).startswith(f"verify='{missing}': it cannot be read (No such file")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(missing))
    assert str(refusal(secure.url)).startswith(f"REQUESTS_CA_BUNDLE='{missing}': it cannot be read")


def test_a_fifo_as_the_file_of_authorities(
    secure: StubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Opening it waited for ever for somebody to write into it.
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    why = "it is not a regular file; give the path of a file of PEM certificates"
    assert str(refusal(secure.url, verify=str(fifo))) == f"verify='{fifo}': {why}"
    with DataCenter(secure.url, verify=str(fifo)) as sdc, pytest.raises(ConfigurationError, match=why):
        sdc.changefeed()
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        with monkeypatch.context() as environment:
            environment.setenv(variable, str(fifo))
            assert str(refusal(secure.url)) == f"{variable}='{fifo}': {why}"
    assert secure.opened == 0


def test_the_authorities_of_requests_are_trusted_by_default(
    secure: StubServer, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The file of the package certifi, and not what OpenSSL finds on the machine.
    bundle = str(tmp_path / "certifi.pem")
    authority.cert_pem.write_to_path(bundle)
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", bundle)
    with DataCenter(secure.url, login="bob") as sdc:
        assert sdc.account() == {"login": "bob"}


@pytest.mark.parametrize("raised", [requests.ConnectionError(), urllib3.exceptions.HTTPError()], ids=repr)
def test_a_failure_without_a_message(
    stub: StubServer, monkeypatch: pytest.MonkeyPatch, raised: Exception
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise raised

    monkeypatch.setattr("smartdc._http.transport.Adapter.send", broken)
    with pytest.raises(ConnectionFailed, match=r"^GET /bob: the connection to http://[0-9.:]+ broke \(.*\)$"):
        datacenter_at(stub.url).account()


def test_a_certificate_that_is_not_trusted_says_where_to_change_it(
    secure: StubServer, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = refusal(secure.url)
    assert isinstance(error, ConnectionFailed)
    assert (error.sent, error.lasting) == (False, True)
    assert str(error) == (
        f"GET /bob: {secure.url} is not trusted (certificate verify failed: unable to get local issuer "
        "certificate); a private cloud's certificate authority is given as verify='/path/to/ca.pem'"
    )
    monkeypatch.setenv("SMARTDC_CA_FILE", "/etc/ca.pem")
    assert str(refusal(secure.url)).endswith("; SMARTDC_CA_FILE is read for the profile env alone")
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    assert f"its authority is not in verify='{other}'" in str(refusal(secure.url, verify=str(other)))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    assert f"its authority is not in REQUESTS_CA_BUNDLE='{other}'" in str(refusal(secure.url))
    authority.cert_pem.write_to_path(str(other))
    name = secure.url.replace("127.0.0.1", "localhost")
    assert "give the host name that is in its certificate" in str(refusal(name, verify=str(other)))


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_https_to_an_http_port() -> None:
    # Servers answer bytes that are not HTTP in this way (RFC 9110, 15.5.1).
    with _Impatient(b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        error = refusal(server.url.replace("http", "https"), verify=False)
    assert isinstance(error, ConnectionFailed)
    assert not error.sent
    assert " does not speak TLS (" in str(error)
    assert "is it a port for http://?" in str(error)


def test_http_to_a_tls_port() -> None:
    # The alert unexpected_message of RFC 8446, section 6.
    with StubServer([b"\x15\x03\x03\x00\x02\x02\x0a", b""]) as server:
        error = refusal(server.url)
    assert "it speaks TLS; write https://" in str(error)


def test_http_to_an_ssh_port() -> None:
    with StubServer([b"SSH-2.0-OpenSSH_9.2\r\n", b""]) as server:
        error = refusal(server.url)
    assert str(error).endswith(": it speaks SSH and not HTTP; check the port")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_a_server_with_old_tls_only(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")  # the default has none for these versions
    with StubServer(tls=context) as server:
        error = refusal(server.url)
    assert isinstance(error, ConnectionFailed)
    assert not error.sent
    assert "speaks no TLS of version 1.2 or later" in str(error)
    assert "not trusted" not in str(error)


def test_a_server_that_wants_a_client_certificate(
    context: ssl.SSLContext, authority: trustme.CA, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # the refusal comes in the handshake
    with (
        StubServer(tls=context) as server,
        DataCenter(server.url, login="bob", verify=str(bundle), retry="none") as sdc,
        pytest.raises(ConnectionFailed) as caught,
    ):
        sdc.account()
    assert "not trusted" not in str(caught.value)


@pytest.mark.parametrize("host", ["cloudapi.invalid", "a..invalid", "a" * 64 + ".invalid"])
def test_a_host_that_does_not_exist_is_asked_for_once(host: str) -> None:
    # RFC 6761, section 6.4: names in .invalid do not exist.
    error = refusal(f"https://{host}")
    assert isinstance(error, ConnectionFailed)
    assert (error.sent, error.lasting) == (False, True)
    assert host[:20] in str(error)


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize(
    ("user", "remedy"),
    [
        (f"bob:{PASSWORD}@", "check the user and password in {}_PROXY"),
        ("", "give {}_PROXY the form http://USER:PASSWORD@host:port"),
    ],
)
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_proxy_that_wants_a_password_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, scheme: str, user: str, remedy: str
) -> None:
    with StubServer() as proxy:
        proxy.otherwise = [b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", b""]
        monkeypatch.setenv(f"{scheme}_proxy", proxy.url.replace("//", f"//{user}"))
        error = refusal(f"{scheme}://far.example")
        assert len(proxy.asked) == 1
    assert isinstance(error, ConnectionFailed)
    assert (error.sent, error.lasting) == (False, True)
    assert str(error) == (
        f"GET /bob: the proxy {proxy.url} in {scheme.upper()}_PROXY refuses to connect to "
        f"{scheme}://far.example (407 Proxy Authentication Required); {remedy.format(scheme.upper())}"
    )


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("user", ["", "bob@", "bob:secret@"])
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_proxy_whose_scheme_is_left_out(monkeypatch: pytest.MonkeyPatch, scheme: str, user: str) -> None:
    # curl takes these for http://, https://curl.se/docs/manpage.html (--proxy).
    with StubServer() as proxy:
        proxy.otherwise = [b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", b""]
        monkeypatch.setenv(f"{scheme}_proxy", f"{user}localhost:{proxy.port}")
        error = refusal(f"{scheme}://far.example")
        assert f"the proxy http://localhost:{proxy.port} in {scheme.upper()}_PROXY refuses" in str(error)
        assert ("proxy-authorization" in proxy.asked[0].headers) is (":" in user)


def test_a_proxy_that_forbids_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    with StubServer([b"HTTP/1.1 403 Forbidden\r\n\r\n", b""]) as proxy:
        monkeypatch.setenv("all_proxy", proxy.url)
        error = refusal(FAR)
    assert f"the proxy {proxy.url} in ALL_PROXY refuses to connect to {FAR} (403 Forbidden)" in str(error)
    assert "name the host in NO_PROXY" in str(error)


def test_a_proxy_that_fails_for_a_moment_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with StubServer() as proxy:
        proxy.otherwise = [b"HTTP/1.1 503 Service Unavailable\r\n\r\n", b""]
        monkeypatch.setenv("https_proxy", proxy.url)
        with DataCenter(FAR, login="bob", retry="none") as sdc, pytest.raises(ConnectionFailed) as caught:
            sdc.account()
    assert (caught.value.lasting, caught.value.sent) == (False, False)


def test_a_403_of_the_server_is_not_taken_for_the_proxy_s(monkeypatch: pytest.MonkeyPatch) -> None:
    with StubServer(Reply({"code": "NotAuthorized", "message": "no"}, 403)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with pytest.warns(Warning, match="is not https"), pytest.raises(NotAuthorizedError):
            DataCenter("http://far.example", login="bob").account()


PROXIES = {
    "ftp://127.0.0.1:1": "the proxy in HTTPS_PROXY has the scheme 'ftp'; use one of http, https",
    f"http://bob:{PASSWORD}@": "must have the form http://host:port; see HTTPS_PROXY",
    f"http://bob:{PASSWORD}@127.0.0.1:0": "must have the form http://host:port",
    f"http://bob:{PASSWORD}@127.0.0.1:99999": "must have the form http://host:port",
    f"http://bob:{PASSWORD}@proxy.invalid:1": "there is no such host; check HTTPS_PROXY",
}


@pytest.mark.parametrize("address", PROXIES)
def test_proxies_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("https_proxy", address)
    assert PROXIES[address] in str(refusal(FAR))


def test_socks_without_its_library() -> None:
    script = (
        "import sys; sys.modules['socks'] = None\n"
        "from smartdc import ConfigurationError, DataCenter\n"
        "try: DataCenter('https://far.example')\n"
        "except ConfigurationError as error: print(error)\n"
    )
    environment = {"https_proxy": f"socks5h://bob:{PASSWORD}@127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        f"{FAR}: the proxy in HTTPS_PROXY is a socks5h proxy, which needs PySocks: "
        "pip install 'requests[socks]'\n"
    )


def test_a_stream_is_not_retried_either(
    secure: StubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(location: str) -> SmartDCError:
        with pytest.raises(SmartDCError) as caught, DataCenter(location, login="bob") as sdc:
            sdc.changefeed()
        assert caught.value.attempts <= 1
        assert PASSWORD not in str(caught.value)
        return caught.value

    error = refused(secure.url)
    assert isinstance(error, ConnectionFailed)
    assert error.lasting
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    with monkeypatch.context() as environment:
        environment.setenv("REQUESTS_CA_BUNDLE", str(bundle))
        assert str(refused(secure.url)).startswith(f"REQUESTS_CA_BUNDLE='{bundle}': it has no certificate")
    with StubServer() as proxy:
        proxy.otherwise = [b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", b""]
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", f"//bob:{PASSWORD}@"))
        assert "check the user and password in HTTPS_PROXY" in str(refused(FAR))
        assert len(proxy.asked) == 1


class _Impatient(StubServer):
    """Answers whatever comes first, and closes."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self._first = answer

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.recv(65536)
            connection.sendall(self._first)
