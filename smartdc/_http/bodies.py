"""How much of an answer is read: its body, unpacked, and the lines of one that goes on.

Here belongs what keeps a server, or whoever speaks in its place, from filling this machine's memory. We ask
for no compression; what comes compressed all the same is unpacked piece by piece, and counted unpacked.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO
from threading import TIMEOUT_MAX
from typing import Any

import requests
from urllib3.exceptions import ProtocolError, ReadTimeoutError, SSLError

from smartdc._http.answers import invalid_response
from smartdc.arguments.ids import shown
from smartdc.errors import ConfigurationError, InvalidResponse

__all__ = [
    "ANSWER_SECONDS",
    "DEFAULT_LIMIT",
    "MAX_LINE",
    "checked_encoding",
    "checked_limit",
    "checked_seconds",
    "read_body",
    "read_lines",
]

DEFAULT_LIMIT = 128 * 1024 * 1024
"""Bytes of an answer; the longest list of 1000 machines has a few MB."""

ANSWER_SECONDS = 300.0
"""For the whole of one answer; exporting an image to Manta answers when it is done."""

MAX_LINE = 1024 * 1024
"""Bytes of one line of an answer that goes on."""

_PIECE = 64 * 1024
_ON_THE_WIRE = (ReadTimeoutError, SSLError, ProtocolError)
_ENCODINGS = ("", "identity", "gzip", "deflate")


def checked_limit(limit: Any) -> int:
    """The limit, if it is one.

    Raises:
        ConfigurationError: It is no positive integer.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise ConfigurationError(f"max_response must be a number of bytes, 1 or more, not {shown(limit)}")
    return limit


def checked_seconds(seconds: Any) -> float:
    """The seconds for an answer, if that is what they are.

    Raises:
        ConfigurationError: It is no number above 0 that can be waited for.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= TIMEOUT_MAX:
        raise ConfigurationError(f"answer_timeout must be a number of seconds above 0, not {shown(seconds)}")
    return float(seconds)


def checked_encoding(response: requests.Response) -> str:
    """How the body is packed: gzip, deflate, or nothing.

    Raises:
        InvalidResponse: In another way, or more than once.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        response.close()
        why = f"but the body is packed as {encoding[:80]!r}, which was not asked for"
        raise invalid_response(response, why, lasting=True)
    return "" if encoding == "identity" else encoding


def read_body(response: requests.Response, limit: int) -> None:
    """Read the body, which is `response.content` from then on.

    Args:
        response: An answer of which no more than the headers was read.
        limit: Bytes that the body may have, unpacked.

    Raises:
        InvalidResponse: It has more, or cannot be unpacked. The connection is closed.
        requests.RequestException: It broke off.
    """
    announced = response.raw.length_remaining
    if announced is not None and announced <= limit and "Content-Encoding" not in response.headers:
        try:  # what nearly every answer is like
            response._content = response.raw.read(decode_content=False)
        except _ON_THE_WIRE as error:
            raise _in_words_of_requests(error, response) from error
        response._content_consumed = True  # type: ignore[attr-defined]
        return
    try:
        # The answer to a HEAD describes a body that does not come.
        encoding = "" if announced == 0 else checked_encoding(response)
        if announced is not None and announced > limit:
            raise _too_large(response, f"is said to have {announced} bytes", limit)
        whole = BytesIO()
        for piece in _unpacked(response, encoding, limit):
            if whole.tell() + len(piece) > limit:
                raise _too_large(response, "goes on", limit)
            whole.write(piece)
    except BaseException:
        response._content = b""
        response.close()
        raise
    response._content = whole.getvalue()
    response._content_consumed = True  # type: ignore[attr-defined]


def read_lines(response: requests.Response) -> Iterator[bytes]:
    """The lines of an answer, as they come.

    Raises:
        InvalidResponse: One is too long.
        requests.RequestException: The answer broke off.
    """
    line = bytearray()
    # Byte by byte: of an answer that is not chunked, any other size would be waited for.
    for piece in response.iter_content(1):
        for part in piece.splitlines(keepends=True):
            line += part
            if line.endswith((b"\n", b"\r")):
                yield bytes(line).rstrip(b"\r\n")
                line.clear()
        if len(line) > MAX_LINE:
            raise invalid_response(response, f"but a line of the stream has more than {MAX_LINE} bytes")
    yield bytes(line)


def _pieces(response: requests.Response, limit: int) -> Iterator[bytes]:
    """The body as it comes over the wire; with the exceptions of `requests`."""
    count = 0
    try:
        while piece := response.raw.read(_PIECE, decode_content=False):
            count += len(piece)
            # Packed, too: what unpacks to nothing could come for ever.
            if count > limit:
                raise _too_large(response, "goes on", limit)
            yield piece
    except _ON_THE_WIRE as error:
        raise _in_words_of_requests(error, response) from error


def _in_words_of_requests(error: Exception, response: requests.Response) -> Exception:
    """The exception that `requests` makes of one of the library below it."""
    if isinstance(error, ReadTimeoutError):
        return requests.ConnectionError(error, request=response.request)
    if isinstance(error, SSLError):
        return requests.exceptions.SSLError(error, request=response.request)
    return requests.exceptions.ChunkedEncodingError(error, request=response.request)


def _unpacked(response: requests.Response, encoding: str, limit: int) -> Iterator[bytes]:
    decoder: Any = None
    try:
        for data in _pieces(response, limit):
            if not encoding:
                yield data
                continue
            decoder = decoder or _decoder(encoding, data)
            more = True
            while more:
                piece = decoder.decompress(data, _PIECE)
                yield piece
                data = decoder.unconsumed_tail
                more = data or len(piece) == _PIECE  # of what was taken in, some may not be out yet
            if decoder.unused_data:
                raise zlib.error("something follows it")
        if decoder and not decoder.eof:
            raise zlib.error("it is cut off")
    except zlib.error as error:
        raise invalid_response(response, f"but the body cannot be unpacked ({error})") from error


def _decoder(encoding: str, start: bytes) -> Any:
    if encoding == "gzip":
        return zlib.decompressobj(zlib.MAX_WBITS | 16)
    # Servers disagree about what deflate is: zlib's format begins with a header that checks itself.
    has_header = len(start) > 1 and start[0] & 15 == 8 and int.from_bytes(start[:2]) % 31 == 0
    return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def _too_large(response: requests.Response, what: str, limit: int) -> InvalidResponse:
    return invalid_response(
        response,
        f"but the body {what}, and more than {limit} bytes are not read; ask for less at a time, or give "
        "DataCenter a larger max_response",
        lasting=True,
    )
