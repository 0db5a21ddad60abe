"""What is read from the body of an error answer, whatever its shape."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smartdc import APIError
from smartdc._error_bodies import without_passwords
from tests.helpers.answers import answer


def error(content: bytes) -> APIError:
    return APIError(answer(502, content))


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        # docs/cloudapi/throttle.md#haproxy-errors
        ({"BadHTTPRequest": "no route"}, None, "no route"),
        ({"code": "Novelty"}, "Novelty", "an object with code"),
        ({"first": "one", "second": "two"}, None, "an object with first, second"),
        ({"only": ["a list"]}, None, "an object with only"),
        (dict.fromkeys("abcde", 0), None, "an object with a, b, c, d, e"),
        (dict.fromkeys("abcdef", 0), None, "an object with a, b, c, d, e, ..."),
        ({"x" * 40: 0}, None, f"an object with {'x' * 40}"),
        ({"x" * 41: 0}, None, f"an object with {'x' * 40}..."),
        ({"code": "", "message": ""}, None, "an object with code, message"),
        ({"code": 7, "message": 8}, None, "an object with code, message"),
        ({"code": "A", "message": "a lone \ud800"}, "A", "a lone ?"),
        ([{"code": "A", "message": "first"}, {"code": "B", "message": "second"}], "A", "first"),
    ],
    ids=lambda value: str(value)[:20].encode("ascii", "replace").decode(),
)
def test_code_and_message(body: Any, code: str | None, message: str) -> None:
    read = error(json.dumps(body).encode())
    assert (read.code, read.message) == (code, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x" * 201, "x" * 200),
        ("\U0001f600".encode() * 201, "\U0001f600" * 200),  # four bytes each
        (b" " * 799 + b"xy", "x"),  # no more than those 800 bytes are read
        (b"\xff a\t\n b", "\ufffd a b"),
    ],
    ids=["long", "long characters", "blanks", "not UTF-8"],
)
def test_the_start_of_a_body_that_is_not_json(content: bytes, message: str) -> None:
    assert error(content).message == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b" null\n", "null"),
        (b"nullify", "nullify"),
        (b"true", "a boolean"),
        (b"0", "a number"),
        (b"0.5", "a number"),
        (b'"secret"', "text"),
        (b"[]", "a list"),
        (b'"secret', "broken JSON of 7 bytes"),
        (b' {"a": secret', "broken JSON of 13 bytes"),
        (b"[secret", "broken JSON of 7 bytes"),
    ],
)
def test_json_is_told_by_its_kind(content: bytes, message: str) -> None:
    assert error(content).message == message


@pytest.mark.parametrize(
    ("metadata", "left"),
    [
        ({"note": "a", "credentials": {"root": "secret"}}, {"note": "a"}),
        ({"note": "a"}, {"note": "a"}),
        ("the word credentials", "the word credentials"),
        (None, None),
    ],
    ids=str,
)
def test_a_machine_without_its_passwords(metadata: Any, left: Any) -> None:
    assert without_passwords({"id": "a", "metadata": metadata}) == {"id": "a", "metadata": left}
    assert without_passwords({"id": "a"}) == {"id": "a"}
