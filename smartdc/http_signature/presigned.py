"""The text of pre-signed URLs: the text that is signed, and the parameters of the URL.

The form is Manta's and CloudAPI's (since API 8.4), not the draft's: verbs, host, path and query, one per
line, with the signature's parameters among those of the query.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from smartdc._secrets import written
from smartdc.errors import ConfigurationError, KeyLoadError
from smartdc.http_signature.key_types import KEY_TYPES
from smartdc.http_signature.keys import Signer

__all__ = ["PARAMETERS", "presigned_url"]

PARAMETERS = frozenset({"keyId", "algorithm", "expires", "signature", "method"})
"""Names in the query that belong to the signature."""

_METHOD = re.compile(r"[A-Z]+")
# The server sorts names with JavaScript's localeCompare, which puts punctuation first, in this order, then
# digits, then letters whatever their case; brackets would make it build objects out of the values.
_PUNCTUATION = "_-,;:!?.'\"(){}@*/\\&#%`^+<=>|~$"
_NAME = re.compile(rf"[A-Za-z0-9{re.escape(_PUNCTUATION)}]+")


def presigned_url(
    signer: Signer,
    key_id: str,
    methods: Iterable[str],
    host: str,
    url: str,
    query: Iterable[tuple[str, str]],
    expires: int,
) -> str:
    """Sign a URL.

    Args:
        signer: The key.
        key_id: The key id as it is sent.
        methods: HTTP verbs that the URL is for.
        host: The Host header of the request that will be made.
        url: The URL, without a query.
        query: Names and values of the query.
        expires: When the URL expires, in seconds since 1970.

    Raises:
        ConfigurationError: The server would misread a verb or a name.
        KeyLoadError: The key changes its algorithm from one signature to the next.
    """
    verbs = sorted(methods)
    for verb in verbs:
        if not _METHOD.fullmatch(verb):
            raise ConfigurationError(f"{written(verb)} is not an HTTP method")
    if not verbs or len(set(verbs)) != len(verbs):
        raise ConfigurationError(
            f"methods of a pre-signed URL: at least one, each once, not {written(verbs)}"
        )
    parameters = _checked(query) | {"expires": str(expires), "keyId": key_id}
    if len(verbs) > 1:  # a single one is taken from the request
        parameters["method"] = ",".join(verbs)
    head = f"{','.join(verbs)}\n{host}\n{urlsplit(url).path or '/'}\n"
    # The text that is signed names the algorithm. An agent may use another than expected: then sign again,
    # naming the one that it used.
    algorithm = KEY_TYPES[signer.public_key.kind].algorithm
    for _ in range(2):
        text = _encoded(parameters | {"algorithm": algorithm})
        used, signature = signer.sign((head + text).encode("ascii"))
        if used == algorithm:
            return f"{url}?{text}&signature={_quoted(base64.b64encode(signature).decode('ascii'))}"
        algorithm = used
    raise KeyLoadError(f"{signer.source} signed first with one algorithm and then with {used}")


def _checked(query: Iterable[tuple[str, str]]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in query:
        if name in PARAMETERS:
            raise ConfigurationError(f"query parameter {name!r} of a pre-signed URL belongs to the signature")
        if not _NAME.fullmatch(name) or name in parameters:
            raise ConfigurationError(
                f"query parameter {written(name)} cannot be signed: names are ASCII, without blanks and "
                "brackets, and each is given once"
            )
        parameters[name] = value
    return parameters


def _encoded(parameters: dict[str, str]) -> str:
    names = sorted(parameters, key=_order)
    return "&".join(f"{_quoted(name)}={_quoted(parameters[name])}" for name in names)


def _order(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return a sort key that orders as localeCompare does; lower case first if nothing else differs."""
    return [_rank(char) for char in name], name.swapcase()


def _rank(char: str) -> tuple[int, str]:
    position = _PUNCTUATION.find(char)
    return (position, "") if position >= 0 else (len(_PUNCTUATION), char.lower())


def _quoted(text: str) -> str:
    return quote(text, safe="")
