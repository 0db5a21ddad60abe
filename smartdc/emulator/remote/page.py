"""The status page: one file, and a Content-Security-Policy that permits its own script and style only."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from starlette.responses import Response

from smartdc.emulator.remote.answers import HEADERS


def page() -> Response:
    """Return the page."""
    html, policy = _read()
    headers = {**HEADERS, "Content-Security-Policy": policy, "Content-Type": "text/html; charset=utf-8"}
    return Response(html, headers=headers)


def set_cookie_and_go_to(path: str, cookie: str) -> Response:
    """Return a page that sets the cookie, and then loads another path.

    A redirect would not work: if a page of another site linked to this one, the browser would follow the
    redirect without the cookie.
    """
    html = (
        f'<!doctype html><html lang="en"><title>smartdc emulator</title>'
        f'<meta http-equiv="refresh" content="0;url={path}"><a href="{path}">The status page</a></html>'
    )
    headers = {**HEADERS, "Content-Type": "text/html; charset=utf-8", "Set-Cookie": cookie}
    return Response(html, headers=headers)


@cache
def _read() -> tuple[bytes, str]:
    html = Path(__file__).with_name("page.html").read_bytes()
    return html, "; ".join(
        (
            "default-src 'none'",
            f"script-src {_digests(html, b'script')}",
            f"style-src {_digests(html, b'style')}",
            "img-src data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _digests(html: bytes, tag: bytes) -> str:
    """Return the digests of the texts of these elements, as the policy names them."""
    texts = re.findall(b"<%s>(.*?)</%s>" % (tag, tag), html, re.DOTALL)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'" for text in texts)
