"""Connections that protect nothing, and the one warning that says so.

The warning comes when a `DataCenter` is made, not at each request, at the line of the program that makes it.
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
    """Whether its host is the machine that this runs on, so that nobody is on the way."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def insecurity(url: str, verify: bool | str) -> str | None:
    """What is wrong with a connection to this place, None when nothing is."""
    if urlsplit(url).scheme == "http":
        if is_this_machine(url):
            return None
        return (
            f"{url} is not https: whoever is on the way reads everything, and can repeat signed requests for "
            "300 seconds"
        )
    if verify is False:
        return (
            f"certificates of {url} are not verified: whoever is on the way can be the server, and read and "
            f"change everything; give the certificate authority as {VERIFY_EXAMPLE}"
        )
    return None


def warn(problem: str) -> None:
    """Warn of it, at the line that called this library.

    It is the class that urllib3 has for this, so that a program's filters for that one work here.
    """
    level, frame = 1, sys._getframe(0)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith("smartdc."):
        level, frame = level + 1, frame.f_back
    warnings.warn(problem, InsecureRequestWarning, stacklevel=level)
