"""The inverse of `scheme`: parses and verifies an Authorization header as the server does.

The emulator uses it to be as strict as CloudAPI: it has the syntax, the checks in the server's order and
words, and the verification. It accepts what http-signature 1.4.0 accepts and then, as CloudAPI does, the form
of http-signature 0.9. The caller finds the owner of the key.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import mktime_tz, parsedate_tz

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from smartdc.http_signature.key_types import ACCEPTED, KEY_TYPES, PublicKeyObject, check, key_type_of
from smartdc.http_signature.keys import PublicKey

__all__ = ["InvalidSignatureHeader", "ParsedSignature", "load_public_key", "parse", "verify"]

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - the server accepts it
    "sha256": hashes.SHA256(),
    "sha512": hashes.SHA512(),
}
_OF_KEYS = frozenset().union(*(row.verified for row in KEY_TYPES.values()))
_FAMILIES = {"dsa", "hmac"} | {algorithm.partition("-")[0] for algorithm in _OF_KEYS}

# The server lists more (with sha384), but its library refuses those before it comes to this list.
_MODERN = _OF_KEYS | {"dsa-sha1", "dsa-sha256"}
_OLD = {"rsa-sha1", "rsa-sha256", "rsa-sha512", "dsa-sha1"}

# name="text" or name=digits; digits count only with a comma after them.
_PARAM = re.compile(r'([A-Za-z]+)=(?:"([^"]*)"(?:,|\Z)|([0-9]+),)')
# An unfinished parameter at the end, which is dropped.
_UNFINISHED = re.compile(r'[A-Za-z]*(?:(?<=[A-Za-z])=(?:"[^"]*|[0-9]*))?\Z')
# The 0.9 form: the same parameters, in which '=' and ',' mean nothing, then a space and the signature.
_OLD_FORM = re.compile(r'Signature ((?:[^" ]*"[^"]*")*)[^" ]* (.+)', re.DOTALL)
_OLD_PARAM = re.compile(r'([^" ]*)"([^"]*)"')

_ISO_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(.*))?")


class InvalidSignatureHeader(ValueError):
    """The Authorization header is not one that the server accepts; the message is the server's."""


@dataclass(frozen=True)
class ParsedSignature:
    """A well-formed Authorization header, whose signature is not yet verified.

    Attributes:
        key_id: The key id that was sent.
        algorithm: Lower-case.
        signed_headers: Lower-case names.
        signing_string: The text that must have been signed.
        signature: Decoded.
        old_form: Whether the header has the form of http-signature 0.9.
    """

    key_id: str
    algorithm: str
    signed_headers: tuple[str, ...]
    signing_string: str
    signature: bytes = field(repr=False)
    old_form: bool = False


@dataclass(frozen=True)
class _Request:
    method: str
    target: str
    headers: Mapping[str, str]
    http_version: str
    now: float
    clock_skew: float

    @property
    def date_header(self) -> str:
        return "x-date" if self.headers.get("x-date") else "date"


def parse(
    method: str,
    target: str,
    headers: Mapping[str, str],
    now: float,
    clock_skew: float = 300,
    http_version: str = "1.1",
) -> ParsedSignature:
    """Read the Authorization header of a request, and check all but the signature itself.

    Args:
        method: HTTP verb.
        target: Path and query exactly as in the request line.
        headers: By lower-case name; repeated headers joined as Node joins them.
        now: The server's clock, seconds since 1970.
        clock_skew: By how many seconds the Date may differ from `now`.
        http_version: For ``request-line``.

    Raises:
        InvalidSignatureHeader: The server would answer 400.
    """
    request = _Request(method, target, headers, http_version, now, clock_skew)
    try:
        return _parse_modern(request)
    except InvalidSignatureHeader as error:
        try:
            return _parse_old(request)
        except InvalidSignatureHeader:
            raise error from None


def verify(parsed: ParsedSignature, public_key: PublicKeyObject) -> bool:
    """Whether this key made the signature. The algorithm must be of the key's family."""
    row = key_type_of(public_key)
    if row is None or parsed.algorithm not in row.verified:
        return False
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        # Only for this type does the server verify the header's bytes undecoded.
        data = parsed.signing_string.encode("latin-1", "replace")
    else:
        data = parsed.signing_string.encode()
    try:
        check(public_key, parsed.signature, data, _HASHES[parsed.algorithm.partition("-")[2]])
    except InvalidSignature:
        return False
    return True


def load_public_key(text: str) -> PublicKeyObject:
    """Read an OpenSSH public key (one line: type, base64, comment) of a type in `KEY_TYPES`.

    Raises:
        ValueError: The text is not such a key.
    """
    line = PublicKey.from_text(text)
    if not line.supported:
        raise ValueError(f"{ACCEPTED}, not {line.kind}")
    try:
        key = serialization.load_ssh_public_key(line.openssh.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError(f"not a key that can be used: {error}") from None
    if not isinstance(key, PublicKeyObject):  # pragma: no cover - `supported` is true only for these
        raise ValueError(f"{ACCEPTED}, not {line.kind}")
    return key


def _parse_modern(request: _Request) -> ParsedSignature:
    authorization = request.headers.get("authorization")
    if not authorization:
        raise InvalidSignatureHeader("no authorization or signature header present in the request")
    scheme, _, rest = authorization.partition(" ")
    params = _modern_params(rest)
    listed = params.get("headers") or request.date_header
    if not isinstance(listed, str):
        raise InvalidSignatureHeader("parsed.params.headers.split is not a function")
    names = tuple(name.lower() for name in listed.split(" "))
    if scheme != "Signature":
        raise InvalidSignatureHeader('scheme was not "Signature"')
    for name in ("keyId", "algorithm", "signature"):
        if not params.get(name):
            raise InvalidSignatureHeader(f"{name} was not specified")
    stated = str(params["algorithm"])
    algorithm = stated.lower()
    family, _, digest = algorithm.partition("-")
    if family not in _FAMILIES or digest not in _HASHES:
        raise InvalidSignatureHeader(f"{stated} is not supported")
    lines = [_modern_line(name, request, params) for name in names]
    _check_clock(request)
    _check_validity(request, params)
    if request.date_header not in names:
        raise InvalidSignatureHeader(f"{request.date_header} was not a signed header")
    if algorithm not in _MODERN:
        raise InvalidSignatureHeader(f"{algorithm} is not a supported algorithm")
    signature = _decode_base64(_js_text(params["signature"]))
    return ParsedSignature(_js_text(params["keyId"]), algorithm, names, "\n".join(lines), signature)


def _modern_params(text: str) -> dict[str, str | float]:
    params: dict[str, str | float] = {}
    position = 0
    while match := _PARAM.match(text, position):
        name, quoted, digits = match.groups()
        params[name] = quoted if quoted is not None else float(digits)
        position = match.end()
    if not _UNFINISHED.match(text, position):
        raise InvalidSignatureHeader("bad param format")
    return params


def _modern_line(name: str, request: _Request, params: Mapping[str, str | float]) -> str:
    if name == "request-line":
        return _request_line(request)
    if name == "(request-target)":
        return f"{name}: {request.method.lower()} {request.target}"
    if name == "(opaque)" and "opaque" not in params:
        raise InvalidSignatureHeader("opaque param was not in the undefined header")
    pseudo = {"(keyid)": "keyId", "(algorithm)": "algorithm", "(opaque)": "opaque"}
    pseudo |= {"(created)": "created", "(expires)": "expires"}
    if name in pseudo:
        return f"{name}: {_js_text(params.get(pseudo[name], 'undefined'))}"
    if name not in request.headers:
        raise InvalidSignatureHeader(f"{name} was not in the request")
    return f"{name}: {request.headers[name]}"


def _parse_old(request: _Request) -> ParsedSignature:
    match = _OLD_FORM.fullmatch(request.headers.get("authorization", ""))
    if match is None:
        raise InvalidSignatureHeader("signature was empty")
    params = {re.sub("[=,]", "", name): value for name, value in _OLD_PARAM.findall(match.group(1))}
    algorithm = params.get("algorithm", "").lower()
    if not params.get("keyId") or algorithm not in _OLD:
        raise InvalidSignatureHeader(f"{algorithm} is not supported")
    listed = params.get("headers") or request.date_header
    names = tuple(name.lower() for name in listed.split(" "))
    values = []
    for name in names:
        is_line = name == "request-line"
        value = _request_line(request) if is_line else request.headers.get(name)
        if not value:
            raise InvalidSignatureHeader(f"{name} was not in the request")
        values.append(value)
    _check_clock(request)
    if request.date_header not in names:
        raise InvalidSignatureHeader(f"{request.date_header} was not a signed header")
    signature = _decode_base64(match.group(2))
    return ParsedSignature(params["keyId"], algorithm, names, "\n".join(values), signature, True)


def _request_line(request: _Request) -> str:
    return f"{request.method} {request.target} HTTP/{request.http_version}"


def _check_clock(request: _Request) -> None:
    sent = _js_time(request.headers.get(request.date_header, ""))
    skew = abs(math.floor(request.now * 1000) - sent)
    if skew > request.clock_skew * 1000:  # never true for NaN: an odd date is not checked
        raise InvalidSignatureHeader(
            f"clock skew of {_js_text(skew / 1000)}s was greater than {_js_text(request.clock_skew)}s"
        )


def _check_validity(request: _Request, params: Mapping[str, str | float]) -> None:
    now, limit = math.floor(request.now), request.clock_skew
    allowed = f"greater than allowed {_js_text(limit)}s"
    created, expires = params.get("created"), params.get("expires")
    if created and (early := _js_number(created) - now) > limit:
        raise InvalidSignatureHeader(f"Created lies in the future (with skew {_js_text(early)}s {allowed}")
    if expires and (late := now - _js_number(expires)) > limit:
        raise InvalidSignatureHeader(f"Request expired with skew {_js_text(late)}s {allowed}")


def _js_number(value: str | float) -> float:
    try:
        return float(value)
    except ValueError:
        return math.nan


def _js_text(value: str | float) -> str:
    """Format a number as JavaScript prints it: 300, 301.7."""
    return value if isinstance(value, str) else repr(float(value)).removesuffix(".0")


def _js_time(text: str) -> float:
    """Return the milliseconds since 1970 that JavaScript's Date reads from `text` in UTC; NaN if it cannot.

    JavaScript reads a few more spellings ("11/23/2026", "2026"); here, such dates are not checked.
    """
    try:
        if iso := _ISO_DATE.fullmatch(text):
            day, time, zone = iso.groups()
            zone = {"UTC": "+00:00", "GMT": "+00:00", "Z": "+00:00"}.get(zone or "Z", zone)
            moment = datetime.fromisoformat(f"{day}T{time or '00:00'}{zone}")
            return math.floor(moment.astimezone(UTC).timestamp() * 1000)
        fields = parsedate_tz(text)
        # JavaScript makes this check, the email package does not.
        in_range = fields is not None and 1 <= fields[2] <= 31 and fields[3:6] <= (24, 0, 0)
        return mktime_tz(fields) * 1000 if fields is not None and in_range else math.nan
    except (ValueError, OverflowError):
        return math.nan


def _decode_base64(text: str) -> bytes:
    """Decode as Node does: both alphabets, padding optional, anything else ignored."""
    kept = re.sub(r"[^A-Za-z0-9+/]", "", text.partition("=")[0].translate(str.maketrans("-_", "+/")))
    kept = kept[: len(kept) - (len(kept) % 4 == 1)]
    return base64.b64decode(kept + "=" * (-len(kept) % 4))
