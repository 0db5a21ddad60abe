"""Private keys with wrong bits: each is refused, or all of its signatures verify. None hangs or crashes.

`cryptography` is told not to validate RSA keys, because that takes longer than everything else together;
these tests cover the checks that replace the validation.
"""

from __future__ import annotations

import base64
import random
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from smartdc import KeyLoadError
from smartdc.emulator import Emulator
from smartdc.http_signature.keys import PrivateKey
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.helpers.odd_files import impatient
from tests.helpers.recorded import sent
from tests.helpers.sizes import in_two_sizes
from tests.http_signature.checks import signs

__all__ = ["impatient"]

pytestmark = pytest.mark.usefixtures("impatient")

_BODY = re.compile(
    rb"(-----BEGIN [^\n]*-----\n(?:[A-Za-z-]+: [^\n]*\n|\n)*)([A-Za-z0-9+/=\n]+)(-----END .*)", re.S
)


def with_flipped_bit(text: bytes, bit: int) -> bytes:
    """The PEM file with one bit of its decoded body flipped."""
    before, body, after = found(text)
    data = bytearray(body)
    data[bit // 8] ^= 1 << bit % 8
    return before + base64.encodebytes(data) + after


def found(text: bytes) -> tuple[bytes, bytes, bytes]:
    match = _BODY.fullmatch(text)
    assert match is not None
    return match[1], base64.b64decode(match[2]), match[3]


@pytest.mark.stress
@in_two_sizes(sample=30, whole=1000)
@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("form", ["openssh", "PEM", "PKCS8"])
@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384", "ed25519"])
def test_a_key_with_a_flipped_bit(
    kind: str, form: str, encrypted: bool, size: int, ssh_keys: KeyRing
) -> None:
    passphrase = PASSPHRASE if encrypted else ""
    text = ssh_keys.path(kind, form, passphrase).read_bytes()
    body = found(text)[1]
    # Before the public half, OpenSSH stores the rounds of hashing the passphrase: 4096 take half a minute.
    first = max(0, body.find(ssh_keys.public(kind).blob)) if encrypted else 0
    bits = range(8 * first, 8 * len(body))
    chosen = random.Random(f"{kind} {form} {encrypted}")  # noqa: S311 - no secret
    refused = 0
    for bit in chosen.sample(bits, min(size, len(bits))):
        signal.alarm(20)  # restart the alarm of `impatient` for each key
        try:
            key = PrivateKey.from_bytes(with_flipped_bit(text, bit), passphrase or None)
        except KeyLoadError:
            refused += 1
            continue
        assert {signs(key) for _ in range(2)}, f"bit {bit}"
        if (kind, form) != ("ed25519", "PKCS8"):  # PKCS8 holds a bare number: another number is another key
            assert key.public_key == ssh_keys.public(kind), f"bit {bit}"
    assert refused


def der(*numbers: int) -> bytes:
    """A PKCS#1 private key of these numbers (RFC 8017, A.1.2): n, e, d, p, q, dmp1, dmq1, iqmp."""
    integers = [number.to_bytes(number.bit_length() // 8 + 1) for number in (0, *numbers)]
    content = b"".join(b"\x02" + _length(integer) + integer for integer in integers)
    return b"\x30" + _length(content) + content


def _length(content: bytes) -> bytes:
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return size if len(content) < 128 else bytes([0x80 | len(size)]) + size


@pytest.fixture(scope="session")
def numbers(ssh_keys: KeyRing) -> dict[str, int]:
    """The numbers of an RSA key, in the order of `der`."""
    key = serialization.load_ssh_private_key(ssh_keys.path("rsa2048").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    own = key.private_numbers()
    public = {"n": own.public_numbers.n, "e": own.public_numbers.e}
    return public | {name: getattr(own, name) for name in ("d", "p", "q", "dmp1", "dmq1", "iqmp")}


def test_numbers_of_an_intact_key(numbers: dict[str, int], ssh_keys: KeyRing) -> None:
    key = PrivateKey.from_bytes(der(*numbers.values()))
    assert key.public_key == ssh_keys.public("rsa2048")
    assert signs(key) == "rsa-sha256"


@pytest.mark.parametrize("value", ["0", "1", "2", "3", "odd or even", "twice", "huge"])
@pytest.mark.parametrize("name", ["n", "e", "d", "p", "q", "dmp1", "dmq1", "iqmp"])
def test_numbers_that_could_hang_or_crash(name: str, value: str, numbers: dict[str, int]) -> None:
    own = numbers[name]
    wrong = {"odd or even": own ^ 1, "twice": 2 * own, "huge": own << 40_000}.get(value) or int(value)
    with pytest.raises(KeyLoadError, match=r" is damaged: its parts do not match; "):
        PrivateKey.from_bytes(der(*(numbers | {name: wrong}).values()))


@pytest.mark.parametrize(("p", "q"), [(2, 7), (1, 7), (7, 1), (4, 9), (0, 7)])
def test_factors_that_are_not_prime(p: int, q: int, numbers: dict[str, int]) -> None:
    factors = {"p": p << 1023 | (p & 1), "q": q << 1023 | (q & 1)}
    whole = numbers | factors | {"n": factors["p"] * factors["q"]}
    with pytest.raises(KeyLoadError, match=r" is damaged: its parts do not match; "):
        signs(PrivateKey.from_bytes(der(*whole.values())))


def test_a_key_that_is_too_large(numbers: dict[str, int]) -> None:
    """Its signature alone would take minutes."""
    p, q = (1 << 50_000) + 1, (1 << 50_000) + 3
    d = pow(65537, -1, (p - 1) * (q - 1))
    parts = (p * q, 65537, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    with pytest.raises(KeyLoadError, match=r" is damaged: its parts do not match; "):
        PrivateKey.from_bytes(der(*parts))


def with_a_factor_that_is_no_prime(numbers: dict[str, int]) -> bytes:
    """The only damage that the numbers do not show: all of them fit, but `p` is a product."""
    p, q, e = numbers["p"] * 65539, numbers["q"], 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    return der(p * q, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))


def test_a_key_whose_numbers_fit_and_whose_signatures_are_wrong(numbers: dict[str, int]) -> None:
    key = PrivateKey.from_bytes(with_a_factor_that_is_no_prime(numbers), source="the private key x")
    for _ in range(2):
        with pytest.raises(KeyLoadError, match=r"the private key x is damaged: .*; give an undamaged copy"):
            key.sign(b"data")


def test_nothing_is_sent_with_a_damaged_key(
    cloud: Emulator, numbers: dict[str, int], ssh_keys: KeyRing, tmp_path: Path
) -> None:
    path = tmp_path / "id_rsa"
    for data in (der(*(numbers | {"d": 3}).values()), with_a_factor_that_is_no_prime(numbers)):
        path.write_bytes(data)
        with pytest.raises(KeyLoadError, match=f"{path} is damaged: .*; give an undamaged copy"):
            cloud.datacenter(key_id="/test/keys/x", secret=path).account()
    # An OpenSSH file contains the public half, which does not fit a changed private half.
    text = ssh_keys.path("ed25519").read_bytes()
    path.write_bytes(with_flipped_bit(text, 8 * found(text)[1].index(private_half_of(ssh_keys, "ed25519"))))
    with pytest.raises(KeyLoadError, match=f"{path} is damaged: .*; give an undamaged copy"):
        cloud.datacenter(key_id="/test/keys/x", secret=path)
    assert sent(cloud) == []


def private_half_of(ssh_keys: KeyRing, kind: str) -> bytes:
    """The private half of an Ed25519 key."""
    key = serialization.load_ssh_private_key(ssh_keys.path(kind).read_bytes(), None)
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    return key.private_bytes_raw()


class ExternalKey(ed25519.Ed25519PrivateKey):
    """A key that a device or service keeps, implemented outside the library."""

    def __init__(self) -> None:
        self.inner = ed25519.Ed25519PrivateKey.generate()
        self.public = self.inner.public_key()
        self.asked_for_public = 0
        self.failure: Exception | None = None

    def public_key(self) -> ed25519.Ed25519PublicKey:
        self.asked_for_public += 1
        return self.public

    def sign(self, data: Any) -> bytes:
        if self.failure is not None:
            raise self.failure
        return self.inner.sign(data)

    def private_bytes(self, *_: Any) -> bytes:
        raise NotImplementedError

    private_bytes_raw = __copy__ = __deepcopy__ = private_bytes  # type: ignore[assignment]


def test_only_the_first_signature_is_verified() -> None:
    own = ExternalKey()
    key = PrivateKey(own)
    loaded = own.asked_for_public
    assert signs(key) == "ed25519-sha512"
    once = own.asked_for_public
    assert once > loaded
    for _ in range(3):
        assert signs(key) == "ed25519-sha512"
    assert own.asked_for_public == once


def test_an_external_key_raises_its_own_errors_and_is_verified_later() -> None:
    own = ExternalKey()
    key = PrivateKey(own)
    own.failure = ConnectionError("no way to the device")
    with pytest.raises(ConnectionError, match="no way"):
        key.sign(b"data")
    own.failure = None
    own.public = ed25519.Ed25519PrivateKey.generate().public_key()
    with pytest.raises(KeyLoadError, match="the key given is damaged"):
        key.sign(b"data")


@pytest.mark.stress
def test_a_large_key_is_loaded_in_the_time_of_few_signatures(cloud: Emulator, ssh_keys: KeyRing) -> None:
    path = ssh_keys.path("rsa4096")
    key = PrivateKey.load(path)

    def load() -> None:
        cloud.datacenter(secret=path, key_id="/test/keys/x").close()

    loading, signing = (min(cpu(what) for _ in range(20)) for what in (load, lambda: key.sign(b"data")))
    # A full validation takes as long as 180 signatures.
    assert loading < 5 * signing


def cpu(call: Callable[[], Any]) -> float:
    started = time.thread_time()
    call()
    return time.thread_time() - started
