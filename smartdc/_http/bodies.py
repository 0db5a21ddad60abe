"""Reading answers within limits: whole bodies, decompressed, and the lines of a stream.

The limits keep a faulty or malicious server from filling this machine's memory. No compression is asked for;
a body that comes compressed is decompressed piece by piece, and its decompressed size counts.
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
"""Bytes of an answer; a full list of 1000 machines has a few MB."""

ANSWER_SECONDS = 300.0
"""Seconds for one whole answer; an export of an image to Manta is answered only when it is done."""

MAX_LINE = 1024 * 1024
"""Bytes of one line of a stream."""

_PIECE = 64 * 1024
_ON_THE_WIRE = (ReadTimeoutError, SSLError, ProtocolError)
_ENCODINGS = ("", "identity", "gzip", "deflate")


def checked_limit(limit: Any) -> int:
    """Return the limit on the size of answers, if it is valid.

    Raises:
        ConfigurationError: It is not a positive integer.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise ConfigurationError(f"max_response must be a number of bytes, 1 or more, not {shown(limit)}")
    return limit


def checked_seconds(seconds: Any) -> float:
    """Return the seconds for one whole answer, if they are valid.

    Raises:
        ConfigurationError: It is not a number above 0, or too large for a timeout.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= TIMEOUT_MAX:
        raise ConfigurationError(f"answer_timeout must be a number of seconds above 0, not {shown(seconds)}")
    return float(seconds)


def checked_encoding(response: requests.Response) -> str:
    """Return how the body is compressed: gzip, deflate, or an empty text.

    Raises:
        InvalidResponse: It is compressed in another way, or more than once.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        response.close()
        why = f"but the body is compressed as {encoding[:80]!r}, which was not asked for"
        raise invalid_response(response, why, lasting=True)
    return "" if encoding == "identity" else encoding


def read_body(response: requests.Response, limit: int) -> None:
    """Read the body, which is `response.content` from then on.

    Args:
        response: An answer whose headers were read, and whose body was not.
        limit: Bytes that the body may have, decompressed.

    Raises:
        InvalidResponse: It has more, or cannot be decompressed. The connection is closed.
        requests.RequestException: The body broke off.
    """
    announced = response.raw.length_remaining
    if announced is not None and announced <= limit and "Content-Encoding" not in response.headers:
        try:  # nearly every answer is like this
            response._content = response.raw.read(decode_content=False)
        except _ON_THE_WIRE as error:
            raise _as_requests_error(error, response) from error
        response._content_consumed = True  # type: ignore[attr-defined]
        return
    try:
        # The answer to a HEAD describes a body that does not come.
        encoding = "" if announced == 0 else checked_encoding(response)
        if announced is not None and announced > limit:
            raise _too_large(response, f"is said to have {announced} bytes", limit)
        whole = BytesIO()
        for piece in _decompressed(response, encoding, limit):
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
    # Byte by byte: without chunks, reading more bytes at once would block until all of them have come.
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
            # Compressed bytes count as well: they may decompress to nothing, and never end.
            if count > limit:
                raise _too_large(response, "goes on", limit)
            yield piece
    except _ON_THE_WIRE as error:
        raise _as_requests_error(error, response) from error


def _as_requests_error(error: Exception, response: requests.Response) -> Exception:
    """The exception that `requests` raises for one of urllib3's."""
    if isinstance(error, ReadTimeoutError):
        return requests.ConnectionError(error, request=response.request)
    if isinstance(error, SSLError):
        return requests.exceptions.SSLError(error, request=response.request)
    return requests.exceptions.ChunkedEncodingError(error, request=response.request)


def _decompressed(response: requests.Response, encoding: str, limit: int) -> Iterator[bytes]:
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
                more = data or len(piece) == _PIECE  # the decoder may still hold output
            if decoder.unused_data:
                raise zlib.error("something follows it")
        if decoder and not decoder.eof:
            raise zlib.error("it is cut off")
    except zlib.error as error:
        raise invalid_response(response, f"but the body cannot be decompressed ({error})") from error


def _decoder(encoding: str, start: bytes) -> Any:
    if encoding == "gzip":
        return zlib.decompressobj(zlib.MAX_WBITS | 16)
    # Servers send either zlib's format or raw deflate; only zlib's begins with a header that 31 divides.
    has_header = len(start) > 1 and start[0] & 15 == 8 and int.from_bytes(start[:2]) % 31 == 0
    return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def _too_large(response: requests.Response, what: str, limit: int) -> InvalidResponse:
    return invalid_response(
        response,
        f"but the body {what}, and more than {limit} bytes are not read; ask for less at a time, or give "
        "DataCenter a larger max_response",
        lasting=True,
    )
