"""Named faults: known answers of proxies in front of CloudAPI, and of CloudAPI itself."""

from __future__ import annotations

from dataclasses import replace

from smartdc.emulator.http.fault_kinds import Status

# Answers of the HAProxy in front of CloudAPI (etc/haproxy-error-*.http), which then closes the connection.
_FROM_HAPROXY = {"Cache-Control": "no-cache", "Connection": "close"}

HAPROXY_400 = Status(400, {"BadHTTPRequest": "Request was malformed"}, _FROM_HAPROXY)
HAPROXY_408 = Status(408, {"IdleClientError": "Server waited too long for data"}, _FROM_HAPROXY)
HAPROXY_500 = Status(500, {"code": "InternalServerError", "message": "Internal Server Error"}, _FROM_HAPROXY)
#: CloudAPI is down: the operation was not carried out.
HAPROXY_503 = Status(
    503,
    {"code": "ServiceUnavailable", "message": "CloudAPI service is currently unavailable"},
    _FROM_HAPROXY,
)
#: CloudAPI did not answer in 120 s: the same answer, but the operation was carried out.
HAPROXY_TIMEOUT = replace(HAPROXY_503, after_commit=True)
#: A typical answer of other load balancers.
HTML_502 = Status(
    502, "<html><body><h1>502 Bad Gateway</h1></body></html>", _FROM_HAPROXY, content_type="text/html"
)
#: CloudAPI lost its connection to one of its own services (docs/cloudapi/errors.md#backend-connection-lost).
BACKEND_LOST = Status(500, {})
