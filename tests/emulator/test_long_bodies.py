"""Bodies that are too long are refused before they are read (docs/cloudapi/requests.md#body-limit)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests

from smartdc.emulator import Emulator

LONG = 300_000_000


@contextmanager
def connected(cloud: Emulator) -> Iterator[ssl.SSLSocket]:
    parts = urlsplit(cloud.url())
    context = ssl.create_default_context(cafile=str(cloud.ca_file))
    with (
        socket.create_connection((parts.hostname or "", parts.port or 0), 10) as plain,
        context.wrap_socket(plain, server_hostname=parts.hostname) as secure,
    ):
        yield secure


def received(secure: ssl.SSLSocket, until: bytes) -> bytes:
    answer = b""
    while until not in answer and (more := secure.recv(65536)):
        answer += more
    return answer


@pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"])
def test_the_refusal_does_not_wait_for_the_body(cloud: Emulator, expect: bytes) -> None:
    with connected(cloud) as secure:
        head = b"POST /my/machines HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        secure.sendall(head + expect + b"Content-Length: %d\r\n\r\n" % LONG)
        answer = received(secure, b"exceeds 100000")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert cloud.calls[-1].status == 413


def test_a_body_without_a_length_is_read_up_to_the_limit(cloud: Emulator) -> None:
    with connected(cloud) as secure:
        secure.sendall(
            b"POST /my/machines HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + b"4000\r\n" + bytes(0x4000) + b"\r\n"
        )
        for _ in range(6):
            secure.sendall(b"4000\r\n" + bytes(0x4000) + b"\r\n")
        assert received(secure, b"exceeds 100000").startswith(b"HTTP/1.1 413 ")
        secure.sendall(b"0\r\n\r\nGET /--ping HTTP/1.1\r\nHost: x\r\n\r\n")  # the connection stays usable
        assert b"HTTP/1.1 200 " in received(secure, b"HTTP/1.1 200 ")


def test_clients_that_send_the_whole_body_first_get_the_refusal(cloud: Emulator) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(cloud.ca_file)
        for kind, status in (
            ("application/json", 413),
            ("multipart/form-data; boundary=x", 413),
            ("application/octet-stream", 401),  # the server does not read this type
        ):
            url, headers = f"{cloud.url()}/my/machines", {"Content-Type": kind}
            answer = session.post(url, data=bytes(20_000_000), headers=headers, timeout=30)
            assert answer.status_code == status, kind
