"""Pre-signed URLs: their text, the order of their parameters, and what cannot be signed."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

import pytest

from smartdc import ConfigurationError, KeyLoadError
from smartdc.http_signature.keys import PublicKey
from smartdc.http_signature.presigned import presigned_url
from smartdc.http_signature.ssh_encoding import written_string

KEY_ID = "/bob/keys/aa:bb"


class Recorder:
    """A signer whose algorithms are given, and that keeps what it signs."""

    source = "the agent"

    def __init__(self, *algorithms: str) -> None:
        self.public_key = PublicKey(written_string(b"ssh-rsa"))
        self.algorithms = list(algorithms)
        self.signed: list[bytes] = []

    def sign(self, data: bytes) -> tuple[str, bytes]:
        self.signed.append(data)
        return self.algorithms.pop(0) if self.algorithms else "rsa-sha256", b"\xfb\xff"

    def sign_ssh(self, data: bytes, algorithm: str) -> tuple[str, bytes]:
        raise NotImplementedError


def url_of(
    signer: Recorder, methods: Any = ("GET",), query: Any = (), url: str = "https://h:444/bob/x"
) -> str:
    return presigned_url(signer, KEY_ID, methods, "h:444", url, query, 1795428000)


def test_the_text_that_is_signed() -> None:
    signer = Recorder()
    text = "algorithm=rsa-sha256&expires=1795428000&keyId=%2Fbob%2Fkeys%2Faa%3Abb"
    signature = quote(base64.b64encode(b"\xfb\xff"), safe="")
    assert url_of(signer) == f"https://h:444/bob/x?{text}&signature={signature}"
    assert signer.signed == [f"GET\nh:444\n/bob/x\n{text}".encode()]


def test_several_methods_are_sorted_and_signed() -> None:
    signer = Recorder()
    assert "&method=GET%2CHEAD%2CPUT&" in url_of(signer, ["PUT", "GET", "HEAD"])
    assert signer.signed[0].startswith(b"GET,HEAD,PUT\nh:444\n/bob/x\nalgorithm=")


def test_a_url_without_a_path() -> None:
    signer = Recorder()
    url_of(signer, url="https://h:444")
    assert signer.signed[0].startswith(b"GET\nh:444\n/\n")


def test_the_query_is_quoted_and_sorted_as_the_server_sorts() -> None:
    # JavaScript's localeCompare: punctuation in this order, then digits, then letters whatever their case.
    names = [*"_-,;:!?.'\"(){}@*/\\&#%`^+<=>|~$", "0", "9", "a", "A", "aB", "Ab", "AB", "b", "B"]
    signer = Recorder()
    url = url_of(signer, query=[(name, "x y") for name in reversed(names)])
    found = [part.partition("=")[0] for part in url.partition("?")[2].split("&")]
    own = [name for name in found if name not in ("algorithm", "expires", "keyId", "signature")]
    assert own == [quote(name, safe="") for name in names]
    assert "&a=x%20y&" in url


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ([], "methods of a pre-signed URL: at least one, each once, not []"),
        (["GET", "GET"], "methods of a pre-signed URL: at least one, each once, not ['GET', 'GET']"),
        (["get"], "'get' is not an HTTP method"),
        (["GET", "G T"], "'G T' is not an HTTP method"),
        ([""], "'' is not an HTTP method"),
    ],
)
def test_methods_that_cannot_be_signed(methods: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        url_of(Recorder(), methods)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("query", "message"),
    [
        *(
            ([(name, "x")], f"query parameter '{name}' of a pre-signed URL belongs to the signature")
            for name in ("keyId", "algorithm", "expires", "signature", "method")
        ),
        *(
            (
                query,
                f"query parameter '{query[-1][0]}' cannot be signed: names are ASCII, without blanks and "
                "brackets, and each is given once",
            )
            for query in (
                [("", "x")],
                [("a b", "x")],
                [("a[b]", "x")],
                [("ö", "x")],
                [("a", "x"), ("a", "y")],
            )
        ),
    ],
)
def test_parameters_that_cannot_be_signed(query: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        url_of(Recorder(), query=query)
    assert str(caught.value) == message


def test_an_agent_that_signs_with_another_algorithm_signs_again() -> None:
    signer = Recorder("rsa-sha512", "rsa-sha512")
    assert "?algorithm=rsa-sha512&" in url_of(signer)
    assert [b"algorithm=rsa-sha256" in data for data in signer.signed] == [True, False]
    with pytest.raises(KeyLoadError) as caught:
        url_of(Recorder("rsa-sha512", "rsa-sha1"))
    assert str(caught.value) == "the agent signed first with one algorithm and then with rsa-sha1"
