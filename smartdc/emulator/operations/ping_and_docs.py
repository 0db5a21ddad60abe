"""Routes that need no signature: the ping, and the redirects to the documentation."""

from __future__ import annotations

from smartdc.emulator.http.answers import Answer, Refusal
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.routes import Route
from smartdc.emulator.http.versions import VERSIONS
from smartdc.emulator.http.violations import note_violation
from smartdc.emulator.state.site import Site

DOCUMENTATION = "http://apidocs.tritondatacenter.com/cloudapi/"
ICON = "http://apidocs.tritondatacenter.com/favicon.ico"


def ping(site: Site, request: Incoming) -> Answer:
    """``GET /--ping``: the server handles it as the account route, with a login that no account can have."""
    if request.method not in ("GET", "HEAD"):
        note_violation(site, request, f"{request.method} of --ping makes a server throw", "post-to-ping")
        raise Refusal(500, "InternalError", "Internal Error")
    versions = [".".join(map(str, version)) for version in VERSIONS]
    body = {"ping": "pong", "cloudapi": {"versions": versions}}
    return Answer(body, headers={"Triton-Datacenter-Name": site.name})


def to_documentation(site: Site, request: Incoming) -> Answer:
    """``GET /`` and ``GET /docs``."""
    return _redirect(DOCUMENTATION)


def to_icon(site: Site, request: Incoming) -> Answer:
    """``GET /favicon.ico``."""
    return _redirect(ICON)


def _redirect(location: str) -> Answer:
    headers = {"Location": location, "Content-Length": "0", "Server": "Cloud API"}
    return Answer(status=302, headers=headers)


ROUTES = [
    Route("getroot", "GET", "/", to_documentation, authenticated=False),
    Route("getdocs", "GET", "/docs", to_documentation, authenticated=False),
    Route("getdocs", "GET", "/docs/:page", to_documentation, authenticated=False),
    Route("getfavicon", "GET", "/favicon.ico", to_icon, authenticated=False),
]
