"""The text of the http-signature scheme (draft-cavage-http-signatures, CloudAPI's variant).

This module formats and parses what is sent: the string that is signed, the Authorization header, the date,
and the key id. No keys and no I/O: keys are in `keys` and `agent`, the inverse is `verify`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import NamedTuple

from smartdc._secrets import is_key_text, shown
from smartdc.errors import ConfigurationError, KeyLoadError

__all__ = [
    "HEADER_NAME",
    "REQUEST_TARGET",
    "KeyId",
    "authorization_header",
    "fits_header",
    "http_date",
    "old_authorization_header",
    "parse_fingerprint",
    "parse_key_id",
    "parse_signed_headers",
    "signing_string",
    "written_key_id",
]

HEADER_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
"""The pattern of a header's name: a token of RFC 9110, section 5.6.2."""

REQUEST_TARGET = "(request-target)"
"""The pseudo-header that stands for verb, path and query."""

_FORMS = "/LOGIN/keys/NAME_OR_FINGERPRINT, or /LOGIN/users/SUBUSER/keys/NAME_OR_FINGERPRINT"
# The base64 of a SHA-256 fingerprint may hold '/', which a key's name cannot.
_KEY_ID = r"/([^/]+)(?:/users/([^/]+))?/keys/((?i:SHA256):.+|[^/]+)"
_PRINTABLE = r"[ !#-~]*"  # ASCII without control characters and '"'
_NEVER_SIGNED = {"authorization", "x-date", "request-line"}


def signing_string(
    signed_headers: Iterable[str], method: str, target: str, headers: Mapping[str, str]
) -> bytes:
    """Return the bytes that are signed.

    Args:
        signed_headers: Lower-case names, in the order of the Authorization header.
        method: HTTP verb.
        target: Path and query exactly as in the request line.
        headers: The request's headers, names in any case.

    Raises:
        ConfigurationError: A header that is to be signed is absent, or is not ASCII (the server's
            reading of other bytes depends on the kind of key).
    """
    present = {name.lower(): value for name, value in headers.items()}
    lines = []
    for name in signed_headers:
        if name == REQUEST_TARGET:
            lines.append(f"{name}: {method.lower()} {target}")
        elif name in present:
            # Client and server drop white space around a value, so the signature must not cover it.
            lines.append(f"{name}: {present[name].strip()}")
        else:
            raise ConfigurationError(
                f"signed_headers names {name!r}, but the request has no such header: "
                "send it, or sign only (request-target) and date"
            )
    try:
        return "\n".join(lines).encode("ascii")
    except UnicodeEncodeError:
        raise ConfigurationError(
            f"only ASCII can be signed, but {', '.join(signed_headers)} of this request hold more: "
            "percent-encode the path, or leave the header out of signed_headers"
        ) from None


def authorization_header(key_id: str, algorithm: str, signed_headers: Iterable[str], signature: bytes) -> str:
    """Return the value of the Authorization header. The server accepts no space after the commas."""
    encoded = base64.b64encode(signature).decode("ascii")
    return (
        f'Signature keyId="{key_id}",algorithm="{algorithm}",'
        f'headers="{" ".join(signed_headers)}",signature="{encoded}"'
    )


def old_authorization_header(key_id: str, algorithm: str, signature: bytes) -> str:
    """Return the value of the Authorization header in the form of http-signature 0.9.

    The signature follows the parameters and covers only the value of Date. Servers of 2013 read no
    other form (docs/cloudapi/signing.md#old-form-of-the-signature).
    """
    encoded = base64.b64encode(signature).decode("ascii")
    return f'Signature keyId="{key_id}",algorithm="{algorithm}" {encoded}'


def http_date(timestamp: float) -> str:
    """Format a time in seconds since 1970 as ``Mon, 23 Nov 2026 10:00:00 GMT``, in any locale."""
    return _date(int(timestamp))


@lru_cache(maxsize=4)  # of the current second
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def parse_signed_headers(value: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names of the headers to sign, lower-case, from a sequence or a space-separated string.

    Raises:
        ConfigurationError: ``date`` is not among them, or a name cannot be signed.
    """
    listed: object = value.split() if isinstance(value, str) else value
    parts = tuple(listed) if isinstance(listed, Iterable) else (listed,)
    if not all(isinstance(name, str) for name in parts):
        raise ConfigurationError("signed_headers are names of headers, such as '(request-target)' and 'date'")
    names = tuple(name.lower() for name in parts)
    for name in names:
        if name in _NEVER_SIGNED or (name != REQUEST_TARGET and not re.fullmatch(HEADER_NAME, name)):
            raise ConfigurationError(
                f"signed_headers: {name!r} cannot be signed; use '(request-target)', 'date' and "
                "names of headers that are sent"
            )
    if "date" not in names:
        raise ConfigurationError(
            f"signed_headers must include 'date' (the server needs it), not only {shown(' '.join(names))!r}"
        )
    if len(set(names)) != len(names):
        raise ConfigurationError(f"signed_headers names a header twice: {shown(' '.join(names))!r}")
    return names


class KeyId(NamedTuple):
    """The account or sub-user that signs, and its key.

    Attributes:
        login: Login or uuid of the account.
        subuser: Login or uuid of the sub-user; None: the account signs.
        key: Name of the key, or its fingerprint, unchanged.
        md5: The fingerprint as colon-separated lower-case hex, if `key` is an MD5 fingerprint.
        sha256: The fingerprint as ``SHA256:...``, if `key` is a SHA-256 fingerprint.
    """

    login: str
    subuser: str | None
    key: str
    md5: str | None = None
    sha256: str | None = None

    def __str__(self) -> str:
        """The id in the form that the server reads: an MD5 fingerprint becomes colons and lower case."""
        owner = f"/{self.login}" if self.subuser is None else f"/{self.login}/users/{self.subuser}"
        return f"{owner}/keys/{self.md5 or self.key}"

    @property
    def has_fingerprint(self) -> bool:
        """Whether `key` can only be a fingerprint (32 hex digits without colons may be a name)."""
        return self.md5 is not None or self.sha256 is not None

    def matches(self, md5: str, sha256: str) -> bool:
        """Whether the fingerprint in this id is one of these two."""
        return md5 == self.md5 or sha256 == self.sha256

    def for_key(self, md5: str, sha256: str, source: str) -> KeyId:
        """Return this id in the form that the server reads, for the key with these fingerprints.

        Raises:
            KeyLoadError: The id names the fingerprint of another key.
        """
        if self.has_fingerprint and not self.matches(md5, sha256):
            raise KeyLoadError(
                f"key_id names the key {self.md5 or self.sha256}, but {source} is {md5} ({sha256}): "
                f"give the secret of the former, or key_id {str(self._replace(md5=md5))!r}"
            )
        if self.has_fingerprint or self.key.lower() == md5.replace(":", ""):
            return self._replace(md5=md5)
        return self


@lru_cache(maxsize=64)  # called for each request
def written_key_id(key_id: KeyId, md5: str, sha256: str, source: str) -> str:
    """Return the key id to send for the key with these fingerprints (see `KeyId.for_key`)."""
    return str(key_id.for_key(md5, sha256, source))


def fits_header(text: str) -> bool:
    """Whether a key id can have this text in it, which a header carries in quotes."""
    return re.fullmatch(_PRINTABLE, text) is not None


def parse_key_id(key_id: str) -> KeyId:
    """Parse a key id.

    Raises:
        ConfigurationError: The server would refuse it with any key. The message has the remedy.
    """
    if not isinstance(key_id, str) or (is_key_text(key_id) and not key_id.startswith("/")):
        # Not repeated in the message: key_id and secret may be swapped, so that this is the secret.
        raise ConfigurationError(f"key_id must be text such as {_FORMS}; the key belongs in secret")
    if not fits_header(key_id):
        remedy = "use the key's MD5 fingerprint (ssh-keygen -l -E md5 -f FILE)"
        if not fits_header(key_id.rpartition("/")[0]):
            remedy = "check the login"
        raise ConfigurationError(
            f"key_id {shown(key_id)!r} has a quote, a control character or non-ASCII text in it, which a "
            f"header cannot carry: {remedy}"
        )
    match = re.fullmatch(_KEY_ID, key_id)
    if match is None:
        raise ConfigurationError(f"key_id {shown(key_id)!r} is not of the form {_FORMS}")
    login, subuser, key = match.groups()
    if login == "my":
        raise ConfigurationError(
            f"key_id {shown(key_id)!r}: the server does not know 'my' here; use the account's login"
        )
    md5, sha256 = _fingerprints(key_id, key)
    return KeyId(login, subuser, key, md5, sha256)


def parse_fingerprint(text: str) -> tuple[str | None, str | None] | None:
    """Parse an MD5 or a SHA-256 fingerprint in any usual spelling; None if `text` is not a fingerprint.

    Unlike in a key id, colons and label may be missing: here the text cannot be a key's name.
    """
    if bare := _md5(text):
        return bare, None
    try:
        found = _fingerprints(text, text)
    except ConfigurationError:
        return None
    return found if any(found) else None


def _fingerprints(key_id: str, key: str) -> tuple[str | None, str | None]:
    """Return `key` as an MD5 or as a SHA-256 fingerprint, in this order; (None, None) if it is a name."""
    label, colon, rest = key.partition(":")
    label = label.upper()
    if colon and label == "SHA256":
        digest = rest.rstrip("=")
        if re.fullmatch(r"[A-Za-z0-9+/]{43}", digest):
            return None, f"SHA256:{digest}"
    elif colon and label == "MD5":
        if md5 := _md5(rest.replace(":", "")):
            return md5, None
    elif re.fullmatch(r"(?:[0-9A-Fa-f]{2}:){15}[0-9A-Fa-f]{2}", key):
        return _md5(key.replace(":", "")), None
    elif not (colon and re.fullmatch(r"SHA\d+", label)):
        return None, None
    raise ConfigurationError(
        f"key_id {shown(key_id)!r}: {shown(key)!r} is neither an MD5 nor a SHA256 fingerprint; "
        "ssh-keygen -l -E md5 -f FILE prints the former"
    )


def _md5(digits: str) -> str | None:
    if not re.fullmatch(r"[0-9A-Fa-f]{32}", digits):
        return None
    pairs = re.findall("..", digits.lower())
    return ":".join(pairs)
