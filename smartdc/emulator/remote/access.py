"""Who may control an emulator over HTTP: who has its token, and no page of another origin.

A program sends the token in a header. A browser gets it once, in the page's URL, and has a cookie from then
on. Browsers send a cookie also with what other pages of the same host ask for, so a request with a cookie
has to come from the page itself.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets

from starlette.requests import Request

from smartdc.emulator.remote.answers import Refused

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::[0-9]+)?")


class Access:
    """The token, and the cookie that stands for it.

    Args:
        host: The address or name that the emulator listens at.
    """

    def __init__(self, host: str) -> None:
        self.token = secrets.token_urlsafe(24)
        self._host = host.lower()
        self._session = secrets.token_urlsafe(24)
        # Cookies do not know ports: each emulator of a host has its own name.
        self._cookie = f"smartdc-emulator-{secrets.token_hex(4)}"

    def check_origin(self, request: Request) -> None:
        """Look where a request comes from.

        Raises:
            Refused: The name in its Host is not this machine's, as after DNS rebinding; or a page of another
                origin has made it.
        """
        host = request.headers.get("host", "").lower()
        if not self._is_here(host):
            raise Refused(403, "the Host header must have an IP address, localhost, or the emulator's host")
        if request.headers.get("origin", f"https://{host}").lower() != f"https://{host}":
            raise Refused(403, "requests of other origins are refused")

    def check(self, request: Request) -> None:
        """Let a request in, whose origin was looked at.

        Raises:
            Refused: It has neither the token nor the cookie, or the cookie and does not come from the page.
        """
        given = request.headers.get("authorization")
        if given is not None:
            scheme, _, token = given.partition(" ")
            if scheme.lower() != "bearer" or not self.is_token(token.strip()):
                raise Refused(401, "the token is wrong: the emulator that runs now has another one")
            return
        if not _same(request.cookies.get(self._cookie, ""), self._session):
            raise Refused(401, "needs the token that the emulator has printed: Authorization: Bearer TOKEN")
        changes = request.method not in ("GET", "HEAD")
        if changes and "origin" not in request.headers:
            raise Refused(403, "with a cookie, changes need an Origin header; programs send the token")
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Refused(403, "requests of other origins are refused")

    def is_token(self, given: str) -> bool:
        """Whether this is the token."""
        return _same(given, self.token)

    def cookie(self, path: str) -> str:
        """The header that sets the cookie."""
        return f"{self._cookie}={self._session}; Path={path}; HttpOnly; Secure; SameSite=Strict"

    def _is_here(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = found[1].strip("[]")
        if name in ("localhost", self._host):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _same(given: str, right: str) -> bool:
    """Whether both are the same; how long that takes tells nothing."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), right.encode())
