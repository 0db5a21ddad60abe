import http.server
import random
import re
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization

import smartdc.http_signature
from smartdc.errors import ConfigurationError
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature.keys import PrivateKey
from smartdc.http_signature.verify import load_public_key, parse, verify
from tests.helpers.keys import ALL_KINDS, PASSPHRASE, KeyRing
from tests.http_signature.checks import NOW, accepted, load_error, prepared

pytestmark = pytest.mark.usefixtures("fixed_clock")

DATA = Path(__file__).parents[1] / "data" / "keys"


def passphrase_by_name() -> str:
    return PASSPHRASE


# The header itself


@pytest.mark.parametrize(
    ("name", "signed_headers", "expected"),
    [
        (
            "TEST_ONLY_rsa",
            "(request-target) date",
            'Signature keyId="/bob/keys/k",algorithm="rsa-sha256",headers="(request-target) date",'
            'signature="fGe/S1AYVDSaBQSxPCwLOZ66kpdLU3whU0EAUawHpglwMP/Hwrzm9hOs3bM/Gwute/Kp5'
            "Sl6QxBEsxrxWtVQbByHBwToh8om1H/k4KndLcRF+sPM6F+8vVIWEY/PpQEAz30AVbDq4EBkGduw+rT92"
            "FG0hwrXFZB8WyOJ7fDNzEWXgPBWJFOsV4siKLYrX0XpuyGQYf5Zm5z3WpQxViB+/YtYwCgxJOYU+2wYQ"
            "2k3lEAldvx/miEKSQlEiE94JpE+k/7KDDwGxCSF8rQs0blgyWvFA2BsW3XxYU1Z6d31z+b1rBPt46x12"
            'RtGRT58n1cBK3eANOoY3l9bqJ7tyROWxw=="',
        ),
        (
            "TEST_ONLY_rsa",
            "date",
            'Signature keyId="/bob/keys/k",algorithm="rsa-sha256",headers="date",'
            'signature="ODpC12QeIEBYYWOib9y/AfugynGTEDccOelT+Mt/H+sheMAcLMNl0Vll3fr8++IbP4MuO'
            "weUPVT9BCGd0w6oB2oD8gnG1knE1Imm8ktvKBG0N9GluE6UBxKVrgMOYKUrSzsxTivxtyrOWIb/A/xDt"
            "fuh1Gk9ynpx5xEze9GnppFKx++B4kaI69YdovwIpX98XmxJlATvcJgpFoSc1GmIXhOWG2TbySaMFVLGv"
            "HuJDpTniKpJJ4/j66u/v3BSGXgFGL6faPkeXaOckBE7OlxgzMe62EfvSnYvIkeKiSje+NkPeUorwc86a"
            'UAkk6T5xMK36Q4x/b4aCR+ia9USVo5YuQ=="',
        ),
        (
            "TEST_ONLY_ed25519",
            "(request-target) date",
            'Signature keyId="/bob/keys/k",algorithm="ed25519-sha512",headers="(request-target) date",'
            'signature="q3kXpg2o2YEPUAB1lh6gSpaoob1o4CYRS3Aes/7xlW+JHtEIgQkrZnxrmkA8VJ0fqMPxZ'
            'cZiQhHhQ69KEH2wCg=="',
        ),
    ],
)
def test_known_answers(name: str, signed_headers: str, expected: str) -> None:
    auth = HTTPSignatureAuth("/bob/keys/k", DATA / name, signed_headers=signed_headers)
    request = prepared(auth)
    assert request.headers["Date"] == "Mon, 23 Nov 2026 10:00:00 GMT"
    assert request.headers["Authorization"] == expected
    assert accepted(auth, request)


@pytest.mark.parametrize("signed_headers", ["date", "(request-target) date", ("date", "host")])
@pytest.mark.parametrize("kind", ALL_KINDS)
def test_every_kind_is_accepted(
    kind: str, signed_headers: str | tuple[str, ...], private: Mapping[str, PrivateKey]
) -> None:
    assert accepted(HTTPSignatureAuth("/b/keys/k", private[kind]._key, signed_headers=signed_headers))


def test_every_call_signs_anew(ssh_keys: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    auth = HTTPSignatureAuth("/b/keys/k", ssh_keys.path("ed25519"))
    request = prepared(auth, Date="yesterday", Authorization="Basic x")
    assert accepted(auth, request)
    monkeypatch.setattr("time.time", lambda: NOW + 5)
    first = request.headers["Authorization"]
    auth(request)
    assert request.headers["Date"] == "Mon, 23 Nov 2026 10:00:05 GMT"
    assert request.headers["Authorization"] != first
    assert accepted(auth, request)


def test_clock_offset_moves_the_date(ssh_keys: KeyRing) -> None:
    auth = HTTPSignatureAuth("/b/keys/k", ssh_keys.path("ed25519"))
    assert auth.clock_offset == 0.0
    auth.clock_offset = -90.5
    assert prepared(auth).headers["Date"] == "Mon, 23 Nov 2026 09:58:29 GMT"


@pytest.mark.parametrize("name", ["X-Date", "x-date"])
def test_x_date_is_never_sent(name: str, ssh_keys: KeyRing) -> None:
    request = prepared(HTTPSignatureAuth("/b/keys/k", ssh_keys.path("ed25519")), **{name: "now"})
    assert "x-date" not in request.headers


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://h.example/x", "h.example"),
        ("https://h.example:443/x", "h.example"),
        ("http://h.example:80/x", "h.example"),
        ("https://h.example:8443/x", "h.example:8443"),
        ("https://user:pw@h.example:80/x", "h.example:80"),
        ("https://[::1]:8443/x", "[::1]:8443"),
    ],
)
def test_signed_host_is_the_one_that_is_sent(url: str, host: str, ssh_keys: KeyRing) -> None:
    auth = HTTPSignatureAuth("/b/keys/k", ssh_keys.path("ed25519"), signed_headers="date host")
    request = prepared(auth, url)
    assert request.headers["Host"] == host
    assert accepted(auth, request)
    assert prepared(auth, url, Host="other").headers["Host"] == "other"


def test_the_old_form_ignores_the_names_of_headers() -> None:
    key = DATA / "TEST_ONLY_rsa"
    auth = HTTPSignatureAuth("/bob/keys/k", key, signed_headers="host date", old_form=True)
    assert auth.signed_headers == ("date",)
    assert "Host" not in prepared(auth).headers


@pytest.mark.parametrize("key_id", [5, b"/bob/keys/k", None])
def test_a_key_id_that_is_no_text(key_id: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        HTTPSignatureAuth(key_id, DATA / "TEST_ONLY_rsa")
    assert str(caught.value) == (
        "key_id must be text such as /LOGIN/keys/NAME_OR_FINGERPRINT, or "
        "/LOGIN/users/SUBUSER/keys/NAME_OR_FINGERPRINT; the key belongs in secret"
    )


def test_a_missing_header_cannot_be_signed(ssh_keys: KeyRing) -> None:
    auth = HTTPSignatureAuth("/b/keys/k", ssh_keys.path("ed25519"), signed_headers="date x-trace")
    assert accepted(auth, prepared(auth, **{"X-Trace": "1"}))
    with pytest.raises(ConfigurationError, match="no such header"):
        prepared(auth)


def test_header_values_may_be_bytes(ssh_keys: KeyRing) -> None:
    auth = HTTPSignatureAuth("/b/keys/k", ssh_keys.path("ed25519"), signed_headers="date x-trace")
    request = prepared(None)
    request.headers["X-Trace"] = b"1"  # type: ignore[assignment]
    headers = {name.lower(): value for name, value in auth(request).headers.items()} | {"x-trace": "1"}
    assert verify(parse("GET", "/", headers, NOW), load_public_key(auth.signer.public_key.openssh))


class RequestLines(http.server.BaseHTTPRequestHandler):
    """Records what arrives, byte for byte."""

    seen: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        target = self.requestline.split(" ", 1)[1].rsplit(" ", 1)[0]
        self.seen.append((target, {name.lower(): value for name, value in self.headers.items()}))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "?x=1",
        "/my/machines?x=1&y=a%20b",
        "/my/keys/a%2fb",
        "/my/keys/aa:bb:cc",
        "/my/tags/k\u00e9?v=\u00fc",
        "/my/a b",
        "/my/%7euser/~x",
        "/my/../your/./machines",
        "/my/x?",
        "/my/x#fragment",
        "/my/100%",
        "/my/x?a=[1]&b={2}|'!()*,;$@",
    ],
)
def test_the_signed_target_is_the_one_that_is_sent(path: str, ssh_keys: KeyRing) -> None:
    auth = HTTPSignatureAuth(
        "/b/keys/k", ssh_keys.path("ed25519"), signed_headers="(request-target) date host"
    )
    seen: list[tuple[str, dict[str, str]]] = []
    handler = type("Handler", (RequestLines,), {"seen": seen})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with requests.Session() as session:
            session.trust_env = False
            session.get(f"http://127.0.0.1:{server.server_port}{path}", auth=auth, timeout=10)
        thread.join()
    ((target, headers),) = seen
    parsed = parse("GET", target, headers, NOW)
    assert verify(parsed, load_public_key(auth.signer.public_key.openssh))


# Key ids and secrets


def test_fingerprints_are_sent_as_the_server_reads_them(ssh_keys: KeyRing) -> None:
    for kind in ("rsa2048", "ed25519"):
        public = ssh_keys.public(kind)
        for form in (public.md5, public.md5.upper(), f"MD5:{public.md5}", public.sha256, public.sha256 + "="):
            auth = HTTPSignatureAuth(f"/bob/keys/{form}", ssh_keys.path(kind))
            assert auth.key_id == f"/bob/keys/{public.md5}"
            assert accepted(auth)
            auth = HTTPSignatureAuth(f"/bob/users/sue/keys/{form}", ssh_keys.path(kind))
            assert auth.key_id == f"/bob/users/sue/keys/{public.md5}"


def test_sha256_fingerprints_with_slashes(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ed25519

    while True:
        key = ed25519.Ed25519PrivateKey.generate()
        public = PrivateKey(key).public_key
        if "/" in public.sha256:
            break
    assert HTTPSignatureAuth(f"/bob/keys/{public.sha256}", key).key_id == f"/bob/keys/{public.md5}"


def test_fingerprint_of_another_key(ssh_keys: KeyRing) -> None:
    other, own = ssh_keys.public("p256"), ssh_keys.public("ed25519")
    for form in (other.md5, other.md5.upper(), f"MD5:{other.md5}", other.sha256):
        message = load_error(f"/bob/keys/{form}", ssh_keys.path("ed25519"))
        assert str(ssh_keys.path("ed25519")) in message
        assert f"key_id '/bob/keys/{own.md5}'" in message


def test_constructor_checks_key_id_and_headers_first() -> None:
    with pytest.raises(ConfigurationError, match="key_id 'bob'"):
        HTTPSignatureAuth("bob", "/nonexistent")
    with pytest.raises(ConfigurationError, match="must include 'date'"):
        HTTPSignatureAuth("/bob/keys/k", "/nonexistent", signed_headers="host")


def test_secret_as_path_text_bytes_or_object(ssh_keys: KeyRing) -> None:
    path = ssh_keys.path("p256", "PEM")
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    for secret in (path, str(path), path.read_text(), "\n" + path.read_text(), path.read_bytes(), key):
        assert accepted(HTTPSignatureAuth("/bob/keys/k", secret))


def test_encrypted_secret(ssh_keys: KeyRing) -> None:
    path = ssh_keys.path("rsa2048", "PEM", PASSPHRASE)
    for secret in (path, path.read_text()):
        for passphrase in (PASSPHRASE, PASSPHRASE.encode(), passphrase_by_name):
            assert accepted(HTTPSignatureAuth("/b/keys/k", secret, passphrase=passphrase))
    assert "there is no passphrase" in load_error("/b/keys/k", path)
    message = load_error("/b/keys/k", path.read_text(), passphrase="wrong one")
    assert "the private key given as text cannot be decrypted" in message


def test_default_secret(ssh_keys: KeyRing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "~/.ssh/id_rsa does not exist" in load_error("/b/keys/k")
    (tmp_path / ".ssh").mkdir()
    shutil.copy(ssh_keys.path("rsa2048"), tmp_path / ".ssh" / "id_rsa")
    assert HTTPSignatureAuth("/b/keys/k").signer.public_key == ssh_keys.public("rsa2048")


def test_invalid_secrets(ssh_keys: KeyRing) -> None:
    assert "is of the type int" in load_error("/b/keys/k", 7)
    assert "given as text is not a private key" in load_error("/b/keys/k", b"nonsense")
    assert "given as text is a public key" in load_error(
        "/b/keys/k", ssh_keys.public_path("p256").read_text()
    )


def test_messages_never_show_the_text_of_a_key(ssh_keys: KeyRing) -> None:
    lines = ssh_keys.path("rsa2048", "PEM").read_text().splitlines()
    broken = "\n".join(lines[1:-1])
    for secret in (broken, "-----BEGIN " + broken, broken.encode(), f"-----BEGIN X-----{lines[1]}"):
        message = load_error("/b/keys/k", secret)
        assert not any(line in message for line in lines[1:-1])


def test_random_flips_are_refused(ssh_keys: KeyRing) -> None:
    auth = HTTPSignatureAuth("/b/keys/k", ssh_keys.path("ed25519"))
    request = prepared(auth)
    header = str(request.headers["Authorization"])
    found = re.search(r'signature="(.*?)==?"', header)
    assert found is not None
    choose = random.Random(1)  # noqa: S311 - a choice of test cases
    for position in choose.sample(range(*found.span(1)), 20):
        other = "A" if header[position] != "A" else "B"
        request.headers["Authorization"] = header[:position] + other + header[position + 1 :]
        # The last digit of base64 has unused bits.
        assert position == found.end(1) - 1 or not accepted(auth, request)


def test_public_names_are_sorted_and_exist() -> None:
    names = smartdc.http_signature.__all__
    assert names == sorted(names)
    assert all(hasattr(smartdc.http_signature, name) for name in names)
