"""Pre-signed URLs: the signature in the query, checked as the server's auth.js does (preSignedUrl).

This module follows the server's code and does not use `smartdc.http_signature.presigned`, which makes such
URLs: with shared code, a mistake on both sides would go unnoticed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from smartdc.emulator.http.answers import crashed
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.violations import note_violation
from smartdc.emulator.state.site import Site
from smartdc.http_signature.key_types import KEY_TYPES
from smartdc.http_signature.verify import ParsedSignature

#: Any of these in a query makes the server expect a pre-signed URL, which needs all four.
REQUIRED = ("algorithm", "expires", "keyId", "signature")

# The algorithms that the server accepts. Its library cannot verify those with SHA-384, which is a 401.
_ALGORITHMS = {"DSA-SHA1", "DSA-SHA256", "RSA-SHA384", "ECDSA-SHA384"} | {
    algorithm.upper() for row in KEY_TYPES.values() for algorithm in row.verified
}

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_DIGITS = re.compile(r"[0-9]+")


def check_presigned(site: Site, request: Incoming) -> ParsedSignature | None:
    """Return the signature in the query, or None if there is none. All errors are a 500 without a code."""
    query = request.query
    methods = sorted(re.split(r"\s*,\s*", _text(query.get("method") or request.method)))
    if request.method not in methods:
        raise crashed(f"{request.method} was not a signed method")
    missing = [name for name in REQUIRED if not query.get(name)]
    if len(missing) == len(REQUIRED):
        return None
    if missing:
        present = [name for name in REQUIRED if name not in missing]
        what = f"with {', '.join(present)} in the query, a server crashes on an incomplete pre-signed URL"
        note_violation(site, request, what, "parts-of-a-pre-signed-url")
        raise crashed(f'parameters "{", ".join(missing)}" are required')
    expires = _text(query["expires"])
    if not _DIGITS.fullmatch(expires) or int(expires) >= 2**53:
        raise crashed("expires is invalid")
    if int(site.shared.clock.wall()) > int(expires):
        raise crashed("request expired")
    algorithm = _text(query["algorithm"]).upper()
    if algorithm not in _ALGORITHMS:
        raise crashed(f"{algorithm} is not a supported signing algorithm")
    lines = [",".join(methods), request.headers.get("host", "undefined"), request.path, _signed_query(query)]
    signature = _decoded(_text(query["signature"]))
    return ParsedSignature(_text(query["keyId"]), algorithm.lower(), (), "\n".join(lines), signature)


def _signed_query(query: Mapping[str, Any]) -> str:
    names = [name for name in query if name.lower() != "signature"]
    return "&".join(
        f"{_escaped(name)}={_escaped(_text(query[name]))}" for name in sorted(names, key=_collation)
    )


def _collation(name: str) -> tuple[list[tuple[int, str]], list[bool]]:
    """Return a sort key like JavaScript's localeCompare, for ASCII.

    The order is punctuation, digits, letters. Lower case comes first, but only between otherwise equal names.
    """
    order = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789"
    places = [(order.index(char), "") if char in order else (len(order), char.casefold()) for char in name]
    return places, [char.isupper() for char in name]


def _escaped(text: str) -> str:
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())


def _text(value: Any) -> str:
    """Convert a value to text as JavaScript does. A repeated parameter is a list."""
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return "[object Object]" if isinstance(value, dict) else str(value)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""
