"""Arguments of `Connection.request` as scripts for py-smartdc give them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from smartdc._http.request import Params
from smartdc.arguments.kinds import dict_of
from smartdc.errors import ConfigurationError

__all__ = ["check_old_arguments", "query_of", "takes_before_repeat"]

_OLD = {
    "allow_redirects": "redirects are not followed, as a signature is for one URL: read the Location header",
    "auth": "set the `auth` of the data center",
    "cert": "CloudAPI identifies the caller by the signature",
    "cookies": "CloudAPI has none",
    "files": "CloudAPI takes JSON only: data=",
    "hooks": "the answer itself is returned",
    "json": "what is given as data= is sent as JSON",
    "proxies": "set HTTPS_PROXY in the environment",
    "stream": "",
    "verify": "give it to the data center",
}
"""Arguments of requests.request, and what to do instead."""


def check_old_arguments(arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that py-smartdc passed on to `requests` and that would change something here.

    Raises:
        ConfigurationError: The message says what to do instead.
        TypeError: `requests` has no such argument either.
    """
    for name, value in arguments.items():
        if name not in _OLD:
            raise TypeError(f"request() got an unexpected keyword argument {name!r}")
        if value and name != "stream":  # an answer is always read whole, as py-smartdc did
            raise ConfigurationError(f"request() takes no {name}=: {_OLD[name]}")


def query_of(params: Any) -> Params | None:
    """Return the query as a mapping; as for `requests`, it may be a mapping, pairs, or text."""
    if params is None:
        return None
    pairs = parse_qsl(params, keep_blank_values=True) if isinstance(params, str) else params
    if not isinstance(pairs, list | tuple) or not all(
        isinstance(pair, tuple) and len(pair) == 2 for pair in pairs
    ):
        return dict_of("params", params, "{'limit': 5}")
    merged: dict[str, Any] = {}
    for name, value in pairs:
        merged[name] = [*_listed(merged[name]), *_listed(value)] if name in merged else value
    return merged


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def takes_before_repeat(request: Callable[..., Any]) -> bool:
    """Whether this `request`, which a script may have replaced, has the argument `before_repeat`."""
    parameters = inspect.signature(request).parameters
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    return takes_any or "before_repeat" in parameters
