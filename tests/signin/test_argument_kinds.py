"""Sign-in arguments of the wrong type raise a `ConfigurationError` of one line, before any request."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature.keys import PrivateKey
from smartdc.http_signature.search import find_key
from tests.helpers.triton_home import FINGERPRINT

ODD: Any = 5  # in place of None and True where these are valid


class BytesPath:
    """A path of bytes, as `os.DirEntry` can be."""

    def __fspath__(self) -> bytes:
        return b"/nonexistent"


PLACES: dict[str, Callable[[Any], Any]] = {
    "secret": lambda value: DataCenter("us-central-1", "/b/keys/k", value),
    "secret of an agent": lambda value: DataCenter("us-central-1", "/b/keys/k", value, allow_agent=True),
    "key_id": lambda value: DataCenter("us-central-1", value or ODD, "/nonexistent"),
    "location": lambda value: DataCenter(value or ODD),
    "verify": lambda value: DataCenter("us-central-1", verify=ODD if value is True else value),
    "user": lambda value: DataCenter("us-central-1", "/b/keys/k", "/nonexistent", user=value or ODD),
    "known_locations": lambda value: DataCenter("nowhere", known_locations=value),
    "a known URL": lambda value: DataCenter("x", known_locations={"x": value}),
    "signed_headers": lambda value: HTTPSignatureAuth("/b/keys/k", "/nonexistent", signed_headers=value),
    "profile": lambda value: DataCenter.from_profile(value),
    "another data center": lambda value: DataCenter("http://127.0.0.1:1", retry="none").datacenter(value),
    "find_key": lambda value: find_key(value, allow_agent=False),
    "find_key file": lambda value: find_key(FINGERPRINT, file=value or ODD, allow_agent=False),
    "load": PrivateKey.load,
    "from_bytes": PrivateKey.from_bytes,
}
VALUES = [None, 5, math.nan, True, b"x", b"\xff", bytearray(b"x"), [], ["x"], {"a": 1}, object(), len]
VALUES += [Path("/nonexistent"), Path("~nobody-of-that-name/x"), BytesPath(), {b"x"}, (1, 2)]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("place", PLACES)
def test_a_value_of_another_kind(place: str, value: Any) -> None:
    if place == "verify" and isinstance(value, Path | BytesPath):
        pytest.skip("a path is valid here")
    with pytest.raises(ConfigurationError) as caught:
        PLACES[place](value)
    first = str(caught.value).partition(" Seen:")[0]
    assert "\n" not in first
    assert len(first) < 420  # the agent's problem and the file's
