"""Settings from the environment: the proxy to the server, and the certificate authorities to trust."""

from __future__ import annotations

import importlib.util
import os
import ssl
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from requests.utils import get_environ_proxies, select_proxy

from smartdc._http.insecure import is_this_machine
from smartdc.errors import ConfigurationError

__all__ = [
    "Proxy",
    "authorities",
    "named_authorities",
    "proxies_for",
    "proxy_of",
    "refuse_unreadable",
    "with_scheme",
]

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


class Proxy:
    """A proxy on the way to a server.

    Args:
        variable: The environment variable that names it.
        address: Its scheme, host and port, without a password.
        has_user: Whether its URL names a user, with or without a password.
    """

    def __init__(self, variable: str, address: str, *, has_user: bool) -> None:
        self.variable = variable
        self.address = address
        self.has_user = has_user

    def __str__(self) -> str:
        return f"the proxy {self.address} in {self.variable}"


def proxies_for(url: str) -> dict[str, str]:
    """The environment's proxies; none for this machine itself, which no proxy could reach.

    Raises:
        ConfigurationError: The proxy for this URL cannot be used. Its URL is not quoted: it may hold a
            password.
    """
    if is_this_machine(url):
        return {}
    proxies = {name: with_scheme(proxy) for name, proxy in get_environ_proxies(url).items()}
    variable, parts = _chosen(url, proxies)
    if parts is None:
        return proxies
    if not parts.scheme or not _has_host(parts):
        raise ConfigurationError(
            f"{url}: the proxy in the environment must have the form http://host:port; see {variable}"
        )
    scheme = parts.scheme.lower()
    if scheme not in _SCHEMES:
        raise ConfigurationError(
            f"{url}: the proxy in {variable} has the scheme {scheme[:20]!r}; use one of {', '.join(_SCHEMES)}"
        )
    if scheme.startswith("socks") and importlib.util.find_spec("socks") is None:
        raise ConfigurationError(
            f"{url}: the proxy in {variable} is a {scheme} proxy, which needs PySocks: "
            "pip install 'requests[socks]'"
        )
    return proxies


def proxy_of(url: str, proxies: dict[str, str]) -> Proxy | None:
    """The proxy that is used for this URL."""
    variable, parts = _chosen(url, proxies)
    if parts is None:
        return None
    port = f":{parts.port}" if parts.port else ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return Proxy(variable, f"{parts.scheme}://{host}{port}", has_user="@" in parts.netloc)


def with_scheme(proxy: str) -> str:
    """Return the URL of a proxy with the scheme that other programs assume if it has none: http."""
    return proxy if "://" in proxy or "/" in proxy.rstrip("/") else f"http://{proxy}"


def authorities(verify: bool | str) -> bool | str:
    """Return what to trust: the authorities that the environment names if `verify` is True, else `verify`."""
    return _bundle()[1] or True if verify is True else verify


def refuse_unreadable(trusted: bool | str) -> None:
    """Check that a file of certificate authorities can be used, before a connection needs it.

    Raises:
        OSError: It cannot be read, or has no certificate in it.
    """
    if isinstance(trusted, bool) or Path(trusted).is_dir():
        return
    if Path(trusted).exists() and not Path(trusted).is_file():  # OpenSSL would wait for a FIFO
        raise OSError("it is not a regular file")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(trusted)
    except ssl.SSLError:
        raise OSError("it has no certificate that can be read") from None
    except ValueError:  # a lone surrogate, or a NUL
        raise OSError("it is not the path of a file") from None
    except OSError as error:
        raise OSError(f"it cannot be read ({error.strerror or error})") from error


def named_authorities(verify: bool | str) -> str:
    """Name the setting that says what to trust: an environment variable, or the argument."""
    variable, path = _bundle()
    return f"{variable}={path!r}" if path and verify in (True, path) else f"verify={verify!r}"


def _bundle() -> tuple[str, str]:
    return next(((name, path) for name in _BUNDLES if (path := os.environ.get(name))), ("", ""))


def _chosen(url: str, proxies: dict[str, str]) -> tuple[str, SplitResult | None]:
    proxy = select_proxy(url, proxies)
    if not proxy:
        return "", None
    scheme = urlsplit(url).scheme
    variable = f"{scheme if proxies.get(scheme) == proxy else 'all'}_proxy".upper()
    try:
        return variable, urlsplit(proxy)
    except ValueError:  # an invalid host
        return variable, urlsplit("")


def _has_host(parts: SplitResult) -> bool:
    try:
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid port
        return False
