"""Forty first mistakes: each error names what was wrong and what to do, on two lines at most, at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from smartdc import AuthenticationError, DataCenter, SmartDCError
from smartdc.emulator import Emulator
from tests.faults.first_mistakes import MISTAKES, PAGE, Mistake, Place, page
from tests.helpers.keys import KeyRing
from tests.helpers.servers import StubServer

TWO_LINES = 240
LENGTH_OF_A_401 = 400
"""Its message has the server's message and request id, and both fingerprints of the key."""


@pytest.mark.off_the_record("mistakes")
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.what)
def test_a_first_mistake(
    cloud: Emulator,
    sdc: DataCenter,
    ssh_keys: KeyRing,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stub: StubServer,
    mistake: Mistake,
) -> None:
    place = Place(cloud, sdc, ssh_keys, tmp_path, monkeypatch, stub)
    ssh_keys.path("ed25519")
    ssh_keys.path("p256")
    started = time.monotonic()
    with pytest.raises(SmartDCError) as caught:
        mistake.make(place)
    text = str(caught.value).replace(str(tmp_path), "/home/me")
    assert time.monotonic() - started < 1
    assert isinstance(caught.value, mistake.error), text
    assert mistake.says in text
    assert len(text) <= (LENGTH_OF_A_401 if mistake.error is AuthenticationError else TWO_LINES), text
    assert text.isprintable()
    assert caught.value.attempts <= 1
    assert "PASSWORT" not in text


def test_the_page_of_first_mistakes_is_this_table() -> None:
    assert len(MISTAKES) >= 40
    assert PAGE.read_text() == page()
