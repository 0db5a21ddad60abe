"""The settings of a data center are checked when it is made: what is taken, and what the errors say."""

from __future__ import annotations

import threading
from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter

MOST = threading.TIMEOUT_MAX
URL = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("timeout", "kept"),
    [(5, 5), (0.5, 0.5), (MOST, MOST), ((1, 2.5), (1, 2.5)), ([1, 2], (1, 2))],
    ids=str,
)
def test_timeouts(timeout: Any, kept: Any) -> None:
    with DataCenter(URL, timeout=timeout) as sdc:
        assert sdc.timeout == kept


@pytest.mark.parametrize(
    "timeout",
    [
        0,
        -1,
        True,
        "5",
        MOST * 2,
        float("nan"),
        (),
        (1,),
        (1, 2, 3),
        (0, 1),
        (1, 0),
        (1, "2"),
        [1],
        {1: 2},
    ],
    ids=str,
)
def test_timeouts_that_are_not_valid(timeout: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DataCenter(URL, timeout=timeout)
    assert str(caught.value).startswith(
        "timeout must be a number of seconds above 0, or (connect, read), not "
    )


@pytest.mark.parametrize("size", [1, 2, 10_000])
def test_sizes_of_the_pool(size: int) -> None:
    DataCenter(URL, pool_size=size).close()


@pytest.mark.parametrize("size", [0, -1, 10_001, True, 2.0, "2", None], ids=repr)
def test_sizes_of_the_pool_that_are_not_valid(size: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DataCenter(URL, pool_size=size)
    assert str(caught.value) == f"pool_size must be a whole number from 1 to 10000, not {size!r}"


@pytest.mark.parametrize("lacks", ["monotonic", "sleep"])
def test_a_clock_needs_both_functions(lacks: str) -> None:
    functions: dict[str, Any] = {"monotonic": lambda: 0.0, "time": lambda: 0.0, "sleep": lambda seconds: None}
    DataCenter(URL, clock=SimpleNamespace(**functions)).close()
    for wrong in (
        functions | {lacks: 5},
        {name: function for name, function in functions.items() if name != lacks},
    ):
        with pytest.raises(
            ConfigurationError, match=r"^clock must have monotonic\(\) and sleep\(\), as time has, not "
        ):
            DataCenter(URL, clock=SimpleNamespace(**wrong))


@pytest.mark.parametrize(("login", "kept"), [(None, "my"), ("", "my"), ("bob", "bob")])
def test_logins(login: str | None, kept: str) -> None:
    with DataCenter(URL, login=login) as sdc:
        assert sdc.login == kept


@pytest.mark.parametrize(
    ("login", "problem"),
    [
        (7, "login must be text, not 7"),
        *(
            (odd, f"login is the name of an account, not {odd!r}")
            for odd in ("a/b", "../x", "..", ".", "a\nb", "a\x7f", "\ud800")
        ),
        (b"bob", "login must be text, not b'bob'"),
        (
            "-----BEGIN PRIVATE\nKEY-----",
            "login is a private key, which was not sent: it belongs in secret=",
        ),
        (
            41 * "a",
            "login is the name of an account, not (text of 41 characters, not shown, because it may be a "
            "key)",
        ),
    ],
    ids=lambda value: ascii(value)[:12],
)
def test_logins_that_are_not_valid(login: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DataCenter(URL, login=login)
    assert str(caught.value) == problem


def test_headers() -> None:
    given = OrderedDict({"X-Mine": "1"})
    with DataCenter(URL, headers=given) as sdc:
        assert sdc.default_headers["x-mine"] == "1"


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({7: "1"}, "headers must have text as names, not 7"),
        ("X-Mine: 1", "headers must be a dict such as {'X-Mine': '1'}, not 'X-Mine: 1'"),
    ],
    ids=["number", "text"],
)
def test_headers_that_are_not_valid(headers: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DataCenter(URL, headers=headers)
    assert str(caught.value) == problem
