"""How connections share their transport: views, copies, and what was unpickled with equal settings."""

from __future__ import annotations

import copy
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from smartdc import DataCenter
from smartdc._http.clocks import OUT_OF_REACH
from tests.helpers.clock import Instant, Standing
from tests.helpers.keys import KeyRing

URL = "https://cloud.example.com"


def again(sdc: DataCenter) -> DataCenter:
    return pickle.loads(pickle.dumps(sdc))  # type: ignore[no-any-return]  # noqa: S301 - our own


def made(**settings: Any) -> DataCenter:
    return again(DataCenter(URL, **{"login": "bob", **settings}))


DIFFERENT: dict[str, dict[str, Any]] = {
    "login": {"login": "eve"},
    "pool": {"pool_size": 3},
    "size": {"max_response": 10_000_000},
    "time": {"answer_timeout": 200.0},
    "rate": {"rate": 5.0},
    "verify": {"verify": False},
}


@pytest.mark.filterwarnings("ignore")  # of verify=False
@pytest.mark.parametrize("different", DIFFERENT.values(), ids=DIFFERENT)
def test_what_was_unpickled_with_equal_settings_shares_a_transport(different: dict[str, Any]) -> None:
    one, two, other = made(), made(), made(**different)
    assert one._transport is two._transport
    assert one._limiters is two._limiters
    assert other._transport is not one._transport
    assert other._limiters is not one._limiters
    for name in ("_pool_size", "max_response", "answer_timeout", "login", "verify"):
        assert getattr(other, name) == getattr(DataCenter(URL, **{"login": "bob", **different}), name)


def test_another_key_has_another_transport(ssh_keys: KeyRing) -> None:
    secret = ssh_keys.path("ed25519")
    one = made(key_id="/bob/keys/a", secret=secret)
    assert made(key_id="/bob/keys/a", secret=secret)._transport is one._transport
    assert made(key_id="/bob/keys/b", secret=secret)._transport is not one._transport
    assert made()._transport is not one._transport


def test_authorities_that_change_have_another_transport(tmp_path: Path, ssh_keys: KeyRing) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("first")
    one = made(verify=str(file))
    assert made(verify=str(file))._transport is one._transport
    file.write_text("the second")
    assert made(verify=str(file))._transport is not one._transport


def test_the_account_that_signs(ssh_keys: KeyRing) -> None:
    assert DataCenter(URL, login="bob")._signing_account == "bob"
    signing = DataCenter(URL, login="bob", key_id="/eve/users/ann/keys/k", secret=ssh_keys.path("ed25519"))
    assert signing._signing_account == "eve"


class Closing:
    """Stands for a transport; notes whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def closes(sdc: DataCenter, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether `close` closes the pooled connections."""
    transport = Closing()
    monkeypatch.setattr(sdc, "_transport", transport)
    sdc.close()
    return transport.closed


def test_only_the_last_owner_closes_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    sdc = DataCenter(URL, login="bob", headers={"X-Only": "here"})
    assert closes(sdc, monkeypatch)
    assert not closes(sdc.as_role("ops"), monkeypatch)
    assert not closes(sdc._with(), monkeypatch)
    assert closes(copy.copy(sdc), monkeypatch)
    one, two = again(sdc), again(sdc)
    assert not closes(one, monkeypatch)
    assert closes(two, monkeypatch)


def test_a_view_has_the_transport_and_headers_of_its_own() -> None:
    sdc = DataCenter(URL, login="bob", rate=5)
    view = sdc._with()
    view.default_headers["X-Mine"] = "1"
    assert "X-Mine" not in sdc.default_headers
    assert (type(view), view._transport, view._limiters) == (DataCenter, sdc._transport, sdc._limiters)
    on_send = list[int]().clear
    look = sdc._with(on_send=on_send)
    assert (look._on_send, look._deadline, look._created_at) == (on_send, None, None)


def test_a_copy_has_a_pool_and_headers_of_its_own() -> None:
    sdc = DataCenter(URL, login="bob", rate=5)
    twin = copy.copy(sdc)
    twin.default_headers["X-Mine"] = "1"
    assert "X-Mine" not in sdc.default_headers
    assert twin._transport is not sdc._transport
    assert twin._limiters is sdc._limiters
    assert (type(twin), twin.login) == (DataCenter, "bob")


def test_what_is_pickled() -> None:
    sdc = DataCenter(URL, login="bob", clock=Instant(), verbose=sys.stderr)
    state = sdc.__getstate__()
    assert not state.keys() & {"_transport", "_hold", "clock", "clock_stands_still"}
    assert state["verbose"] is True
    assert DataCenter(URL, login="bob").__getstate__()["verbose"] is False
    assert again(sdc).clock is time
    assert DataCenter(URL, clock=Standing()).__getstate__()["clock_stands_still"] is True


def test_a_clock_that_only_another_process_moves() -> None:
    twin = again(DataCenter(URL, login="bob", clock=Standing()))
    assert twin.clock is OUT_OF_REACH
    assert "clock_stands_still" not in vars(twin)
    assert again(DataCenter(URL, login="bob", clock=Instant())).clock is not OUT_OF_REACH
