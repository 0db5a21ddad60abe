"""Odd values: known corner cases, mixed with random values."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from tests.helpers.servers import Reply

ID = "b6c9a5e0-8b2f-4c42-9d3f-0123456789ab"

WORDS = [
    "", ".", "..", "...", "/", "//", "../other", "a/b", "a b", " ", "\t", "\n", "\r\nX-Evil: 1", "\0",
    "\x7f",
    "%", "%2e%2e", "%2F", "%zz", "+", "?", "a?b=c", "#", "&", "=", ";", ":", "*", "'", '"', "\\", "{}",
    "[]", "<b>",
    "~", "@", "$", "!", "(", ")", ",", "|", "^", "`", "ö", "€", "😀", "\u202e", "\ufeff", "\u0130", "ß",
    "\ud800",
    "a\udfffb", "None", "null", "true", "0", "-1", "1e999", "my", "credentials", "__proto__", "constructor",
    "machine", "account", "a" * 200, ID, ID.upper(), "{{shortId}}", "triton.cns.services", "x_pw",
]  # fmt: skip
"""Words that have a meaning for some program between client and server."""

words = st.sampled_from(WORDS) | st.text(max_size=12)

FIELDS = [
    "id", "name", "state", "login", "type", "brand", "image", "dataset", "ips", "networks", "nics",
    "primaryIp",
    "memory", "disk", "metadata", "tags", "package", "compute_node", "created", "updated",
    "deletion_protection",
    "disks", "dns_names", "docker", "firewall_enabled", "free_space", "user-script", "credentials",
    "urn", "ip",
    "version", "acl", "default", "published_at", "code", "message", "errors", "field", "mac", "size",
    "here",
]  # fmt: skip
NUMBERS = [0, 1, -1, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf"), float("-inf")]
STRINGS = [
    "running", "deleted", "failed", "hibernating", "dhcp", "10.0.0.1", "fe80::1%eth0",
    "2016-01-14T19:10:38.123Z",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "https://[", ID, "", "InvalidHeader", "Gone",
    "clock skew of 400s", "ResourceNotFound", "\ud800", "true",
]  # fmt: skip

LEAVES: list[Any] = [None, True, False, *NUMBERS, *STRINGS, *WORDS]
NESTED: list[Any] = [
    [],
    {},
    [None],
    [[]],
    [{}],
    {"a": None},
    {"": {}},
    [1, "x", True],
    {"id": None},
    ["dhcp", 5, None],
]

# A draw costs more than a request does: so objects are made of few of them.
leaves = st.sampled_from(LEAVES) | st.text(max_size=8)
values = (
    st.sampled_from(LEAVES + NESTED) | st.lists(leaves, max_size=3) | words.map(lambda name: {name: name})
)
objects = st.lists(st.tuples(st.sampled_from(FIELDS), values), max_size=4).map(dict)
entries = objects.map(lambda data: {"id": ID, "name": "web", "ip": "10.0.0.1", **data})

BODIES = [
    b"", b" ", b"null", b"{}", b"[]", b"[null]", b"[[]]", b'""', b'"x"', b"0", b"true", b"NaN",
    b"-Infinity", b"1e400",
    b"[" * 100_000, b'{"a":' * 50_000, b"[" * 900 + b"]" * 900, b"9" * 5000,
    b'{"memory": ' + b"9" * 5000 + b"}",
    b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"\xff", b"\xed\xa0\x80", b'"\xed\xa0\x80"', b'{"a": 1',
    b"{'a': 1}",
    b'{"id": "a", "id": null}', b"<html>502</html>", b"\0", b'{"BadHTTPRequest": "no"}', b'{"message": {}}',
    b'{"code": 5}', b'{"errors": [[]]}', b'[{"code": "InUse", "message": "x"}]',
    b'{"code": "InvalidHeader", "message": "clock skew of 400s"}',
]  # fmt: skip


def encoded(value: Any) -> bytes:
    """The value as JSON, which may have NaN and lone surrogates."""
    return json.dumps(value).encode()


bodies = (
    st.sampled_from(BODIES)
    | entries.map(encoded)
    | entries.map(lambda data: encoded([data]))
    | values.map(encoded)
    | st.binary(max_size=12)
)

STATUSES = [
    200, 200, 200, 200, 201, 202, 204, 206, 299, 301, 302, 304, 400, 401, 403, 404, 405, 408, 409, 410,
    420, 422, 429,
    449, 499, 500, 502, 503, 599, 999,
]  # fmt: skip

CONTENT_TYPES = [
    "application/json", "application/json", "application/json", "APPLICATION/JSON; charset=idna",
    "text/plain",
    "text/plain; charset=undefined", "text/html", "", ";", "application/x-json-stream", "json", "\xff",
]  # fmt: skip
COUNTS = ["", "0", "1", "1000", "-1", "x", "1e3", "\xb2", "9" * 5000]
LOCATIONS = ["", "/", "x", "/my/machines/..", "http://[", "/a/%zz", "/a/" + "\xff"]
DATES = [
    "", "x", "Mon, 23 Nov 2026 10:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
    "Mon, 01 Jan 0001 00:00:00 GMT",
    "Mon, 99999999999999999999 Nov 2026 10:00:00 GMT", "1 1 1 1 1", "Mon, 23 Nov 2026 10:00:00 +999999",
    "0" * 50,
]  # fmt: skip
printable = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=12
)


HEADERS: list[tuple[str, str]] = [
    *(("x-resource-count", value) for value in COUNTS),
    *(("Location", value) for value in LOCATIONS),
    *(("Date", value) for value in DATES),
    *(("Retry-After", value) for value in DATES),
    *(("Content-Encoding", value) for value in ("gzip", "identity", "nonsense")),
]
NAMES = ["x-resource-count", "Location", "Date", "Retry-After", "Request-Id", "role-tag", "Set-Cookie", "Age"]
ANSWERS = [(status, content_type) for status in STATUSES for content_type in CONTENT_TYPES]
answers = st.tuples(
    st.sampled_from(ANSWERS),
    st.sampled_from(HEADERS) | st.tuples(st.sampled_from(NAMES), printable),
    bodies,
).map(
    lambda drawn: Reply(
        drawn[2], drawn[0][0], None, headers=dict([("Content-Type", drawn[0][1]), drawn[1]]), dates=()
    )
)
