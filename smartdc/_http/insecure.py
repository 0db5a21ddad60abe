"""The warning about connections that can be read or changed on the network.

It is issued when a `DataCenter` is made, not at each request, for the line of the program that makes it.
"""

from __future__ import annotations

import sys
import warnings
from ipaddress import ip_address
from urllib.parse import urlsplit

from urllib3.exceptions import InsecureRequestWarning

__all__ = ["VERIFY_EXAMPLE", "insecurity", "is_this_machine", "warn"]

VERIFY_EXAMPLE = "verify='/path/to/ca.pem'"
"""For messages: how a certificate authority is given."""


def is_this_machine(url: str) -> bool:
    """Whether the URL's host is the loopback."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def insecurity(url: str, verify: bool | str) -> str | None:
    """Why a connection to this URL is insecure; None if it is not."""
    if urlsplit(url).scheme == "http":
        if is_this_machine(url):
            return None
        return (
            f"{url} is not https: anyone on the network path can read everything, and repeat signed requests "
            "for 300 seconds"
        )
    if verify is False:
        return (
            f"certificates of {url} are not verified: anyone on the network path can pose as the server, and "
            f"read and change everything; give the certificate authority as {VERIFY_EXAMPLE}"
        )
    return None


def warn(problem: str) -> None:
    """Warn of a problem, for the line that called this library.

    The category is urllib3's, so that a program's filters for it apply here.
    """
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith("smartdc."):
        level, frame = level + 1, frame.f_back
    warnings.warn(problem, InsecureRequestWarning, stacklevel=level)
