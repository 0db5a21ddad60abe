"""Text with odd characters arrives unchanged, in its own place, or is refused before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import pytest

from smartdc import ConfigurationError, DataCenter, KeyLoadError
from smartdc.emulator import Emulator
from smartdc.signin.profiles import Profile, sign_in_arguments
from tests.helpers.servers import Reply, StubServer

ODD = {
    "CR LF": "a\r\nX-Evil: 1",
    "LF": "a\nb",
    "CR": "a\rb",
    "NUL": "a\0b",
    "tab": "a\tb",
    "escape": "a\x1b[31mb",
    "DEL": "a\x7fb",
    "NEL": "a\x85b",
    "line separator": "a\u2028b",
    "umlaut": "ö",
    "emoji": "😀",
    "full-width slash": "a\uff0fb",
    "one dot leader": "\u2024\u2024",
    "dots": "../../other/keys",
    "dots, quoted": "%2e%2e",
    "dots, quoted twice": "%252e%252e%252fx",
    "dots and semicolon": "..;",
    "backslash": "..\\..\\x",
    "slash": "a/b",
    "slash, quoted": "a%2fb",
    "slashes": "//evil.example/x",
    "query": "a?action=delete",
    "fragment": "a#b",
    "ampersand": "a&b=c",
    "blank": "a b",
    "at": "bob@evil.example",
    "quotes": "\"a'",
    "comma": "a,b",
    "colon": "a:b",
    "percent": "100%",
    "lone surrogate": "a\ud800b",
}
odd = pytest.mark.parametrize("text", ODD.values(), ids=ODD)
SURROGATE = ODD["lone surrogate"]
MACHINE = "aaaaaaaa-0000-4000-8000-00000000000a"
IN_A_PATH = {
    ODD[name]
    for name in (
        "dots, quoted twice", "dots and semicolon", "slash", "slash, quoted", "ampersand", "at", "quotes",
        "comma", "colon",
    )
}  # fmt: skip
"""The texts that `request` sends in a path, which must be quoted; all others are refused."""


Sent = tuple[str, dict[str, str]] | None
"""The target of the request line and the headers; None if the client refused to send it."""


def can_be_sent(text: str) -> bool:
    """Whether a header can have this text: all of Latin-1 but control characters (RFC 9110, 5.5)."""
    return text.isprintable() and all(ord(char) < 256 for char in text)


def can_sign(text: str) -> bool:
    """Whether a key id can have this text: it is written in quotes, between slashes."""
    return text.isascii() and text.isprintable() and not set(text) & set('/"')


def can_be_a_login(text: str) -> bool:
    """Whether an account may have this login: it is one segment of a path, on one line."""
    return text.isprintable() and "/" not in text


def can_be_a_role(text: str) -> bool:
    """Whether a role may have this name: it stands between commas, on one line."""
    return text.isprintable() and "," not in text


class Asking:
    """Makes requests to a server that answers anything."""

    def __init__(self, server: StubServer) -> None:
        self.url = server.url
        self._server = server

    def __call__(self, act: Callable[[DataCenter], Any], **settings: Any) -> Sent:
        self._server.asked.clear()
        try:
            with DataCenter(**{"location": self.url, "login": "test", **settings}) as sdc:
                act(sdc)
        except ConfigurationError:
            assert self._server.heads == []
            return None
        (head,) = self._server.heads
        lines = head.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        assert not set("".join(lines)) & set("\r\n\0")
        _, target, version = lines[0].split(" ")
        assert version == "HTTP/1.1"
        headers = dict(line.split(": ", 1) for line in lines[1:])
        assert "X-Evil" not in headers
        return target, headers


@pytest.fixture(scope="module")
def server() -> Iterator[StubServer]:
    with StubServer() as server:
        server.otherwise = Reply({})
        yield server


@pytest.fixture
def ask(server: StubServer) -> Asking:
    return Asking(server)


@odd
@pytest.mark.parametrize(
    ("act", "target"),
    [
        (lambda sdc, text: sdc.key(text), "/test/keys/{}"),
        (
            lambda sdc, text: sdc.machine(MACHINE, lazy=True).snapshot(text),
            f"/test/machines/{MACHINE}/snapshots/{{}}",
        ),
        (lambda sdc, text: sdc.user_key(text, text), "/test/users/{}/keys/{}"),
        (lambda sdc, text: sdc._head(text, text), "/test/{}/{}"),
    ],
    ids=["key", "snapshot", "user_key", "_head"],
)
def test_in_an_id_or_a_name(
    ask: Asking, act: Callable[[DataCenter, str], Any], target: str, text: str
) -> None:
    sent = ask(lambda sdc: act(sdc, text))
    if text == SURROGATE:
        assert sent is None
    else:
        assert sent is not None
        quoted = quote(text, safe="")
        assert sent[0].partition("?")[0] == target.format(quoted, quoted)
        assert unquote(quoted) == text


@odd
def test_text_that_no_machine_can_have_as_its_name(ask: Asking, text: str) -> None:
    assert ask(lambda sdc: sdc.machine(text)) is None
    assert ask(lambda sdc: sdc.machine(text, lazy=True).delete()) is None


@odd
def test_in_a_login(ask: Asking, text: str) -> None:
    sent = ask(DataCenter.account, login=text)
    assert (sent is not None) == can_be_a_login(text)
    assert sent is None or sent[0] == f"/{quote(text, safe='')}"


@odd
def test_in_a_parameter(ask: Asking, text: str) -> None:
    for params in ({"name": text}, {text: "x"}, {text: text}):
        sent = ask(lambda sdc: sdc.request("GET", "/x", params=params))  # noqa: B023 - called at once
        if text == SURROGATE:
            assert sent is None
        else:
            assert sent is not None
            path, _, query = sent[0].partition("?")
            assert path == "/test/x"
            assert parse_qsl(query, keep_blank_values=True, strict_parsing=True) == list(params.items())
            assert query.isascii()
            assert not set(query) & set(" \"<>#'`{}|\\^")


@odd
def test_in_the_name_of_a_role(ask: Asking, text: str) -> None:
    sent = ask(lambda sdc: sdc.as_role(text).account())
    assert (sent is not None) == can_be_a_role(text)
    if sent is not None:
        assert parse_qsl(sent[0].partition("?")[2]) == [("as-role", text)]


@odd
def test_in_a_role_tag(ask: Asking, text: str) -> None:
    sent = ask(lambda sdc: sdc.request("POST", "/x", {"Role-Tag": text}))
    named = ask(lambda sdc: sdc.create_user("bob", "bob@x.example", "secret77", role_tags=[text]))
    assert can_be_sent(text) == (sent is not None)
    assert (can_be_sent(text) and "," not in text) == (named is not None)
    for got in (sent, named):
        assert got is None or got[1]["Role-Tag"] == text


@odd
def test_in_a_header(ask: Asking, text: str) -> None:
    sent = ask(lambda sdc: sdc.request("GET", "/x", {"X-Mine": text}))
    always = ask(DataCenter.account, headers={"X-Mine": text})
    for got in (sent, always):
        assert can_be_sent(text) == (got is not None)
        assert got is None or got[1]["X-Mine"] == text
    named = ask(lambda sdc: sdc.request("GET", "/x", {f"X-{text}": "1"}))
    assert (named is None) != bool(re.fullmatch(r"[\w.%#&*-]+", text, re.ASCII))


@pytest.mark.parametrize(
    "name", ["Content-Length", "content-length", "Transfer-Encoding", "X Mine", "", ":x"]
)
def test_headers_that_would_move_the_end_of_the_request(ask: Asking, name: str) -> None:
    assert ask(lambda sdc: sdc.request("POST", "/x", {name: "5"}, data={})) is None
    assert ask(lambda sdc: sdc.request("GET", "/x", {name: "5"})) is None


@odd
def test_in_a_path(ask: Asking, text: str) -> None:
    sent = ask(lambda sdc: sdc.request("GET", f"/x/{text}/y"))
    assert (sent is not None) == (text in IN_A_PATH)
    if sent is not None:
        assert sent[0].startswith("/test/x/")
        assert sent[0].endswith("/y")
        assert unquote(sent[0]) == f"/test/x/{unquote(text)}/y"
        assert not any(unquote(part) in ("", ".", "..") for part in sent[0].split("/")[1:])


@odd
def test_in_a_verb(ask: Asking, text: str) -> None:
    assert ask(lambda sdc: sdc.request(text, "/x")) is None


@odd
def test_in_a_location(ask: Asking, text: str) -> None:
    in_a_host = {ODD["umlaut"], ODD["slash"]}
    for location, must_work in (
        (text, ()),
        (f"https://{text}", in_a_host),
        (f"https://host{text}", in_a_host),
        (f"https://host.example/{text}/x", in_a_host | IN_A_PATH),
    ):
        try:
            with DataCenter(location) as sdc:
                url = sdc.base_url
        except ConfigurationError:
            assert text not in must_work
            continue
        assert not any(char.isspace() or ord(char) < 32 for char in url)
        assert "@" not in url.partition("://")[2].partition("/")[0]
        assert "/../" not in unquote(url)


@odd
def test_in_the_path_of_a_location(ask: Asking, text: str) -> None:
    sent = ask(lambda sdc: sdc.request("GET", "/y"), location=f"{ask.url}/{text}/x")
    if sent is None:
        assert text not in IN_A_PATH
        return
    target = sent[0]
    assert target.startswith("/")
    assert target.endswith("/x/test/y")
    assert unquote(target) == f"/{unquote(text)}/x/test/y"


@odd
@pytest.mark.parametrize(
    "form", ["/test/keys/{}", "/{}/keys/x", "/test/users/{}/keys/x"], ids=["key", "login", "sub-user"]
)
def test_in_a_key_id(cloud: Emulator, ask: Asking, form: str, text: str) -> None:
    key = {"key_id": form.format(text), "secret": cloud.key_file}
    sent = ask(DataCenter.account, **key)
    assert (sent is not None) == can_sign(text)
    if sent is not None:
        assert sent[1]["Authorization"].startswith(f'Signature keyId="{form.format(text)}",algorithm="')
        assert sent[1]["Authorization"].count('"') == 8


@odd
def test_in_the_name_of_a_sub_user(cloud: Emulator, ask: Asking, text: str) -> None:
    key = {"key_id": "/test/keys/x", "secret": cloud.key_file, "user": text}
    sent = ask(DataCenter.account, **key)
    assert (sent is not None) == can_sign(text)
    if sent is not None:
        assert sent[1]["Authorization"].startswith(f'Signature keyId="/test/users/{text}/keys/x",algorithm="')
        assert sent[1]["Authorization"].count('"') == 8


@odd
def test_in_the_names_of_signed_headers(cloud: Emulator, ask: Asking, text: str) -> None:
    is_name = re.fullmatch(r"[a-z0-9!#$%&'*+.^_`|~-]+", text)
    problem = " names '.*', but the request has no such header: " if is_name else ": '.*' cannot be signed; "
    with pytest.raises(ConfigurationError, match=f"^signed_headers{problem}"):
        cloud.datacenter(signed_headers=("date", text)).account()


@odd
@pytest.mark.parametrize("field", ["url", "account", "key_id", "user", "act_as", "roles"])
def test_in_a_profile(cloud: Emulator, ask: Asking, field: str, text: str) -> None:
    fields: dict[str, Any] = {"account": "test", "key_id": cloud.account.keys[0].fingerprint}
    fields |= {"url": ask.url, field: (text,) if field == "roles" else text}
    if field == "url":
        fields["url"] = f"{ask.url}/{text}/x"
    try:
        arguments = sign_in_arguments(Profile("lab", "here", **fields), {"secret": cloud.key_file})
        sent = ask(DataCenter.account, **arguments, secret=cloud.key_file)
    except ConfigurationError:
        sent = None
    can_be = {
        "act_as": can_be_a_login(text),
        "roles": can_be_a_role(text),
        "url": text in IN_A_PATH,
    }.get(field, can_sign(text))
    if sent is None:
        assert not can_be
        return
    assert can_be or field == "url"
    target, headers = sent
    login = fields.get("act_as", fields["account"])
    path = f"/{unquote(text)}/x" if field == "url" else ""
    query = f"as-role={text}" if field == "roles" else ""
    got_path, _, got_query = target.partition("?")
    assert got_path.endswith(f"/{quote(login, safe='')}")
    assert unquote(got_path) == f"{path}/{login}"
    assert "=".join(*parse_qsl(got_query)) == query if query else got_query == ""
    assert headers["Authorization"].count('"') == 8


@odd
def test_in_a_fingerprint_to_search_for(ask: Asking, text: str) -> None:
    with pytest.raises((ConfigurationError, KeyLoadError)):
        DataCenter("https://127.0.0.1", f"/test/keys/{text}", None)


@odd
def test_in_a_presigned_url(cloud: Emulator, ask: Asking, text: str) -> None:
    with cloud.datacenter() as sdc:
        for path, can_be in ((f"/x/{text}", text in IN_A_PATH), ("/x/y", text != SURROGATE)):
            try:
                url = sdc.presign("GET", path, name=text)
            except ConfigurationError:
                assert not can_be
                continue
            assert can_be
            assert url.isascii()
            assert url.isprintable()
            assert url.startswith(f"{cloud.url()}/my/x/")
            assert dict(parse_qsl(url.partition("?")[2]))["name"] == text
            assert len(parse_qsl(url.partition("?")[2])) == 5
