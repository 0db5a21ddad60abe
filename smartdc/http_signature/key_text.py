"""Decrypts and decodes the text of a private key, or says what the text is instead.

Everything that reads the contents of a key file is here. Every failure is a `KeyLoadError` that names the
source and the remedy, and never what is in the file. The text and its passphrase are `Concealed` throughout,
so that no traceback shows them.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from typing import Any, NoReturn

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from smartdc._forks import importing
from smartdc._secrets import Concealed, may_be_secret
from smartdc.errors import KeyLoadError
from smartdc.http_signature.key_types import ACCEPTED
from smartdc.http_signature.ssh_encoding import read_string

__all__ = [
    "MAKE_ONE",
    "UNDAMAGED",
    "NeedsPassphrase",
    "Passphrase",
    "decoded",
    "refuse",
    "stated_blob",
]

Passphrase = str | bytes | Callable[[], str | bytes | None] | None
"""Text, bytes, or a function that is called only if the key turns out to be encrypted."""

MAKE_ONE = "make one with ssh-keygen -t ed25519"
UNDAMAGED = f"give an undamaged copy, or {MAKE_ONE}"

_LINES = "give the text as it is in the file, or the path of the file"

# What users pass instead of a private key by mistake: how it begins, what it is, what to do.
_LOOKALIKES = (
    (rb"PuTTY-User-Key-File-", "a PuTTY key", "convert it: puttygen FILE -O private-openssh"),
    (
        rb"\S+-cert-v01@openssh\.com |-----BEGIN CERTIFICATE|-----BEGIN X509 CERT",
        "a certificate",
        "give the private key that belongs to it",
    ),
    (
        rb"(ssh|ecdsa|sk)-\S+ |-----BEGIN (RSA )?PUBLIC KEY|---- BEGIN SSH2 PUBLIC KEY",
        "a public key",
        "give the private key, the file without .pub",
    ),
    (rb"-----BEGIN DSA PRIVATE KEY", "a DSA key", f"{ACCEPTED}: {MAKE_ONE}"),
    (rb"-----BEGIN [^\n]*-----\\n", "a key with '\\n' in place of its line ends", _LINES),
    (rb"-----BEGIN [^\n]*-----[^\n]+-----END", "a key without its line ends", _LINES),
    (rb"[0-9A-Fa-f]{64}", "hexadecimal", "decode it first: bytes.fromhex(text)"),
    (rb"LS0tLS1CRUdJTi", "a key file in base64", "decode it first: base64.b64decode(text)"),
    (
        rb"b3BlbnNzaC1rZXkt|M(I[GHIJ]|HcC|C4C)[A-Za-z0-9+/_-]{40}",
        "the base64 of a key without its first and last line",
        _LINES,
    ),
)

_OPENSSH_LINE = b"-----BEGIN OPENSSH PRIVATE KEY-----"
# The ciphers that every supported version of `cryptography` reads.
_READABLE = {
    "aes256-ctr",
    "aes256-cbc",
    "aes256-gcm@openssh.com",
    "AES-128-CBC",
    "AES-256-CBC",
    "DES-EDE3-CBC",
}
_MOST_BITS = 16384  # of an RSA key: OpenSSL verifies no signatures of larger ones
_MOST_ROUNDS = 5000  # half a minute; ssh-keygen makes 16 or 24
_DEK_INFO = rb"(?m)^DEK-Info: ([A-Za-z0-9-]{1,40}),"

# What is wrong, and what to do.
_WRONG = ("cannot be decrypted: the passphrase is wrong", "give the right passphrase")
_UNREADABLE = ("is damaged, or of a kind that cannot be read", f"{ACCEPTED}: {MAKE_ONE}")
_DAMAGED = ("is damaged: its parts do not match", UNDAMAGED)
_NO_KEY = (
    "is not a private key in OpenSSH, PEM or PKCS#8 form, or is damaged",
    f"give the path of your private key, or {MAKE_ONE}",
)


class NeedsPassphrase(KeyLoadError):
    """The key is encrypted, and no passphrase was chosen."""


class _EncryptedError(Exception):
    """The key needs a passphrase and none was chosen."""


def decoded(text: Concealed[bytes], passphrase: Concealed[Passphrase], source: str) -> object:
    """Return the private key as an object of `cryptography`.

    Args:
        text: The contents of the file: OpenSSH, PEM (PKCS#1, SEC1), PKCS#8 or DER, encrypted or not.
        passphrase: See `Passphrase`. A function is not called if the key is not encrypted.
        source: Where the text came from, for messages.

    Raises:
        KeyLoadError: There is no usable key; the message says why and what to do.
    """
    _refuse_lookalikes(text, source)
    try:
        return _decode(text, Concealed(None), source)
    except _EncryptedError:
        pass
    password = _password(passphrase, source)
    try:
        return _decode(text, password, source)
    except _EncryptedError:  # its text says that it is encrypted, but it is not
        problem, remedy = _UNREADABLE
    raise KeyLoadError(f"{source} {problem}; {remedy}")


def stated_blob(text: bytes) -> bytes | None:
    """Return the public key that an OpenSSH private key file holds unencrypted."""
    fields = _openssh_fields(text)
    return fields.blob if fields else None


def refuse(source: str, problem: str, remedy: str) -> NoReturn:
    """Raise the error about a key, without its cause: that may repeat a "path" that is the key's text."""
    raise KeyLoadError(f"{source} {problem}; {remedy}") from None


def _refuse_lookalikes(text: Concealed[bytes], source: str) -> None:
    for pattern, what, remedy in _LOOKALIKES:
        if re.match(rb"\s*(" + pattern + rb")", text.value):
            refuse(source, f"is {what}", remedy)
    fields = _openssh_fields(text.value)
    kind = read_string(fields.blob, 0)[0].decode("ascii", "replace") if fields else ""
    if kind == "ssh-dss" or kind.startswith("sk-"):
        what = "a DSA key" if kind == "ssh-dss" else f"a security key ({_printable(kind)})"
        refuse(source, f"is {what}", f"{ACCEPTED}: {MAKE_ONE}")
    if fields and fields.rounds > _MOST_ROUNDS:
        problem = f"would take {fields.rounds} rounds of hashing its passphrase, so it is damaged"
        refuse(
            source, problem, f"give an undamaged copy, with at most {_MOST_ROUNDS} rounds (ssh-keygen -p -a)"
        )


def _decode(text: Concealed[bytes], password: Concealed[bytes | None], source: str) -> object:
    """Decode it; an error is raised outside of the `except`, so that its traceback has no other frames."""
    problem: tuple[str, str] | None
    try:
        key = _load(text, password)
        if _is_sound(key, text):
            return key
        problem = _DAMAGED
    except TypeError:
        problem = None
    except UnsupportedAlgorithm:  # its message may repeat bytes of the file
        problem = _cipher_problem(text, "") or _UNREADABLE
    except InvalidTag:  # of AES-GCM
        problem = _WRONG
    except ValueError as error:
        problem = _cipher_problem(text, str(error)) or _WRONG if password.value else _NO_KEY
    except Exception:
        problem = _UNREADABLE
    if problem is None:
        raise _EncryptedError
    refuse(source, *problem)


def _load(text: Concealed[bytes], password: Concealed[bytes | None]) -> Any:
    with importing:  # cryptography before 47 imports it when it loads the first key
        import cryptography.hazmat.backends.openssl.backend  # noqa: F401

    load: Callable[..., Any] = serialization.load_pem_private_key
    if _OPENSSH_LINE in text.value:
        load = serialization.load_ssh_private_key
    elif text.value[:1] == b"\x30":  # DER begins with this byte, and no text of a key does
        load = serialization.load_der_private_key
    # The validation that is skipped tests primes (0.3 s with RSA 4096); `_is_sound` and the check of the
    # first signature (`PrivateKey.sign`) find the same damage.
    return load(text.value, password.value, unsafe_skip_rsa_key_validation=True)


def _is_sound(key: Any, text: Concealed[bytes]) -> bool:
    """Whether the parts of a key match: a part with a wrong bit does not match the others."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.key_size <= _MOST_BITS and _fit_together(key.private_numbers())
    stated = stated_blob(text.value)
    # Of an OpenSSH file, only the private half is loaded; the public half is compared here.
    return stated is None or stated == _blob(key)


def _fit_together(key: rsa.RSAPrivateNumbers) -> bool:
    """Whether these are the numbers of one RSA key (RFC 8017, section 3.2), if `p` and `q` are primes."""
    n, e = key.public_numbers.n, key.public_numbers.e
    return (
        key.p > 2 < key.q
        and key.p % 2 == key.q % 2 == 1
        and key.p * key.q == n
        and 0 < key.d < n
        and e * key.d % (key.p - 1) == e * key.d % (key.q - 1) == 1
        and (key.dmp1, key.dmq1) == (key.d % (key.p - 1), key.d % (key.q - 1))
        and key.iqmp * key.q % key.p == 1
    )


def _blob(key: Any) -> bytes:
    """The public half in ssh's wire encoding."""
    line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return binascii.a2b_base64(line.split()[1])


def _password(passphrase: Concealed[Passphrase], source: str) -> Concealed[bytes | None]:
    chosen = Concealed(passphrase.value() if callable(passphrase.value) else passphrase.value)
    if chosen.value is None or chosen.value in ("", b""):
        raise NeedsPassphrase(
            f"{source} is encrypted and there is no passphrase; "
            "give passphrase=, or ssh-add the key and give allow_agent=True"
        )
    if isinstance(chosen.value, bytes):
        return Concealed(chosen.value)
    if isinstance(chosen.value, str):
        return Concealed(chosen.value.encode("utf-8", "surrogatepass"))
    kind = type(chosen.value).__name__
    refuse(source, f"is encrypted and its passphrase is of the type {kind}", "give text, bytes or a function")


def _cipher_problem(text: Concealed[bytes], reason: str) -> tuple[str, str] | None:
    """Return problem and remedy if `cryptography` lacks the cipher; None if that is not the problem."""
    fields = _openssh_fields(text.value)
    stated = re.search(_DEK_INFO, text.value)
    cipher = fields.cipher if fields else stated.group(1).decode("ascii") if stated else None
    # For PKCS#8, only the reason names the cipher.
    is_unknown = cipher not in _READABLE if cipher else re.match("unknown|unsupported", reason, re.IGNORECASE)
    if not is_unknown or cipher == "none":
        return None
    return (
        f"is encrypted with {cipher or 'a cipher'}, which cannot be read here",
        "encrypt it anew: ssh-keygen -p -Z aes256-ctr -f FILE",
    )


class _OpenSSH:
    """The unencrypted fields of an OpenSSH file.

    Args:
        cipher: Name of the cipher; ``none`` if the key is not encrypted.
        rounds: How often the passphrase is hashed.
        blob: The public key.
    """

    def __init__(self, cipher: str, rounds: int, blob: bytes) -> None:
        self.cipher = cipher
        self.rounds = rounds
        self.blob = blob


def _openssh_fields(text: bytes) -> _OpenSSH | None:
    match = re.search(_OPENSSH_LINE + rb"([A-Za-z0-9+/=\s]+)-----END", text)
    try:
        body = binascii.a2b_base64(match.group(1)) if match else b""
    except binascii.Error:
        return None
    magic = b"openssh-key-v1\0"
    if not body.startswith(magic):
        return None
    cipher, position = read_string(body, len(magic))
    _, position = read_string(body, position)  # the key derivation
    options, position = read_string(body, position)
    blob, _ = read_string(body, position + 4)  # the 4 bytes are the number of keys, always 1
    rounds = int.from_bytes(options[-4:], "big")  # after the salt
    return _OpenSSH(_printable(cipher.decode("ascii", "replace")), rounds, blob) if blob else None


def _printable(name: str) -> str:
    return name if len(name) <= 64 and name.isprintable() and not may_be_secret(name) else "unknown"
