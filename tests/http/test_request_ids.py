"""The Request-Id tells whose answer it is: docs/cloudapi/requests.md#request-ids-are-echoed."""

from __future__ import annotations

import json
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator

import pytest
import requests
from requests.structures import CaseInsensitiveDict

from smartdc import DataCenter, InvalidResponse, RetryPolicy
from smartdc._http.request_ids import give_id
from smartdc.emulator import Emulator
from tests.http.test_processes import in_child

Ids = Callable[[str], str | None]


def asked_id(head: bytes) -> str:
    """The id of a request."""
    (line,) = [line for line in head.split(b"\r\n") if line.lower().startswith(b"x-request-id:")]
    return line.split(b":", 1)[1].strip().decode()


def answer(name: str, ident: str | None) -> bytes:
    body = json.dumps({"name": name}).encode()
    id_line = f"Request-Id: {ident}\r\n" if ident else ""
    head = (
        f"HTTP/1.1 200 OK\r\n{id_line}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Doubling:
    """Answers with the last part of the path; repeats its first answer before the one to the next request."""

    def __init__(self, echoed: Ids = lambda ident: ident) -> None:
        self._echoed = echoed
        self.connections = 0
        self.ids: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        surplus = b""
        with connection:
            while head := connection.recv(65536):
                name = head.split(b" ")[1].decode().rpartition("/")[2]
                self.ids.append(asked_id(head))
                sent = answer(name, self._echoed(self.ids[-1]))
                try:
                    connection.sendall(surplus + sent)
                except OSError:
                    return
                surplus = sent if len(self.ids) == 1 else b""


@pytest.fixture
def doubling() -> Iterator[Doubling]:
    server = Doubling()
    yield server
    server.close()


def test_an_answer_that_comes_twice_reaches_no_other_request(doubling: Doubling) -> None:
    """The repeated answer arrives after the next request was sent; the connection was empty before."""
    with DataCenter(doubling.url, login="bob", pool_size=1, retry=RetryPolicy(first_pause=0)) as sdc:
        got = [sdc.request("GET", f"/packages/{name}")[0]["name"] for name in "abcdefgh"]
    assert got == list("abcdefgh")
    assert doubling.connections == 2
    assert len(set(doubling.ids)) == len(doubling.ids) == 9


def test_without_retries_a_repeated_answer_is_an_error(doubling: Doubling) -> None:
    with DataCenter(doubling.url, login="bob", pool_size=1, retry="none") as sdc:
        sdc.request("GET", "/packages/a")
        with pytest.raises(InvalidResponse, match="200 which is the answer to another request"):
            sdc.request("GET", "/packages/b")
        assert sdc.request("HEAD", "/packages/c")[1].status_code == 200
    assert doubling.connections == 2


@pytest.mark.parametrize("echoed", [None, "7f3c", "00000000-0000-4000-8000-000000000001", ""], ids=repr)
def test_an_id_of_a_proxy_or_none_is_accepted(echoed: str | None) -> None:
    server = Doubling(lambda _: echoed)
    with DataCenter(server.url, login="bob", retry="none") as sdc:
        assert sdc.request("GET", "/packages/a")[0] == {"name": "a"}
    server.close()


@pytest.mark.parametrize("name", ["X-Request-Id", "request-id"])
def test_an_id_of_the_caller_is_kept(cloud: Emulator, sdc: DataCenter, name: str) -> None:
    response = sdc.request("GET", "/packages", {name: "mine"})[1]
    assert response.headers["Request-Id"] == "mine"
    assert len({"X-Request-Id", "Request-Id"} & set(response.request.headers)) <= 1


def test_each_attempt_has_an_id_that_the_server_repeats(cloud: Emulator, sdc: DataCenter) -> None:
    first, second = (sdc.request("GET", "/packages")[1] for _ in range(2))
    for response in (first, second):
        assert response.headers["Request-Id"] == response.request.headers["X-Request-Id"]
    assert first.headers["Request-Id"] != second.headers["Request-Id"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_other_ids(cloud: Emulator, sdc: DataCenter) -> None:
    def ident() -> str:
        return sdc.request("GET", "/packages")[1].headers["Request-Id"]

    ident()
    children = [in_child(ident) for _ in range(3)]
    assert len({*children, ident()}) == 4


def test_an_id_has_the_form_of_a_uuid() -> None:
    request = requests.PreparedRequest()
    ids = []
    for _ in range(3):
        request.headers = CaseInsensitiveDict()
        give_id(request)
        ids.append(request.headers["X-Request-Id"])
    assert len({*ids}) == 3
    assert [str(uuid.UUID(each)) for each in ids] == ids
    assert {(uuid.UUID(each).version, uuid.UUID(each).variant) for each in ids} == {(4, uuid.RFC_4122)}
    assert len({each.rpartition("-")[0] for each in ids}) == 1


@pytest.mark.parametrize("name", ["Request-Id", "X-Request-Id", "request-id"])
def test_no_id_is_added_to_that_of_the_caller(name: str) -> None:
    request = requests.PreparedRequest()
    request.headers = CaseInsensitiveDict({name: "mine"})
    give_id(request)
    assert request.headers == {name: "mine"}
