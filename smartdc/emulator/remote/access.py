"""Access to the control over HTTP: clients need the emulator's token, and pages of other origins are refused.

A program sends the token in a header. A browser sends it once, in the page's URL, and then gets a cookie.
Browsers send the cookie also with requests of other pages of the same host, so a request with the cookie must
come from the page itself.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
from collections.abc import Collection

from starlette.requests import Request

from smartdc.emulator.remote.answers import Refused

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::[0-9]+)?")


class Access:
    """The token, and the cookie that replaces it in a browser.

    Args:
        names: The names and addresses by which clients reach the emulator.
    """

    def __init__(self, names: Collection[str]) -> None:
        self.token: str = secrets.token_urlsafe(24)
        self._names = {name.lower() for name in names}
        self._session = secrets.token_urlsafe(24)
        # Cookies are shared by all ports of a host, so each emulator has another name for its cookie.
        self._cookie = f"smartdc-emulator-{secrets.token_hex(4)}"

    def check_origin(self, request: Request) -> None:
        """Check the headers Host and Origin of a request.

        Raises:
            Refused: The Host is a foreign name, as after DNS rebinding, or a page of another origin has made
                the request.
        """
        host = request.headers.get("host", "").lower()
        if not self._is_own(host):
            raise Refused(
                403, "the Host header must have an IP address, localhost, or a name of the emulator"
            )
        if request.headers.get("origin", f"https://{host}").lower() != f"https://{host}":
            raise Refused(403, "requests of other origins are refused")

    def check(self, request: Request) -> None:
        """Check the token or the cookie of a request; call `check_origin` first.

        Raises:
            Refused: The request has neither of them, or it has the cookie and does not come from the page.
        """
        header = request.headers.get("authorization")
        if header is not None:
            scheme, _, token = header.partition(" ")
            if scheme.lower() != "bearer" or not self.is_token(token.strip()):
                raise Refused(401, "the token is wrong: each run of an emulator has a new one")
            return
        if not _are_equal(request.cookies.get(self._cookie, ""), self._session):
            raise Refused(401, "send the token that the emulator has printed: Authorization: Bearer TOKEN")
        changes = request.method not in ("GET", "HEAD")
        if changes and "origin" not in request.headers:
            raise Refused(403, "a change with a cookie needs an Origin header; programs send the token")
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Refused(403, "requests of other origins are refused")

    def is_token(self, text: str) -> bool:
        """Whether this is the token."""
        return _are_equal(text, self.token)

    def cookie(self, path: str) -> str:
        """Return the header that sets the cookie."""
        return f"{self._cookie}={self._session}; Path={path}; HttpOnly; Secure; SameSite=Strict"

    def _is_own(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1].strip("[]")
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _are_equal(received: str, secret: str) -> bool:
    """Compare in constant time, which reveals nothing about the secret."""
    return hmac.compare_digest(received.encode("utf-8", "surrogateescape"), secret.encode())
