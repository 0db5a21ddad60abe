"""Insecure connections: one warning where they are made, and no other."""

from __future__ import annotations

import copy
import pickle
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from urllib3.exceptions import InsecureRequestWarning

from smartdc import DataCenter, LegacyDataCenter
from smartdc.emulator import Emulator
from tests.helpers.servers import Reply, StubServer
from tests.helpers.triton_home import TritonHome

Caught = list[warnings.WarningMessage]


@pytest.fixture
def warned() -> Iterator[Caught]:
    """All warnings, whatever the filters."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield warned


def test_verify_false_warns_once_for_the_line_that_has_it(cloud: Emulator, warned: Caught) -> None:
    with cloud.datacenter(verify=False) as sdc:
        for _ in range(3):
            assert sdc.account()["login"] == "test"
            sdc.close()
        sdc.changefeed().close()
        with sdc.datacenter(cloud.url("us-east-1")) as sister, sdc.as_role("x"), copy.copy(sdc) as same:
            sister.account()
            same.account()
        with pickle.loads(pickle.dumps(sdc)) as again:  # noqa: S301 - our own
            again.account()
    (warning,) = warned
    assert warning.category is InsecureRequestWarning
    assert warning.filename == __file__
    assert str(warning.message) == (
        f"certificates of {cloud.url()} are not verified: anyone on the network path can pose as the "
        "server, and read and change everything; give the certificate authority as verify='/path/to/ca.pem'"
    )


def test_threads_that_do_not_verify(cloud: Emulator, warned: Caught) -> None:
    with cloud.datacenter(verify=False) as sdc:
        threads = [threading.Thread(target=sdc.account) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(warned) == 1
    assert len(cloud.calls) == 8


def test_requests_that_the_program_makes_itself_still_warn(cloud: Emulator, warned: Caught) -> None:
    with cloud.datacenter(verify=False) as sdc:
        sdc.account()
        requests.get(cloud.url(), verify=False, timeout=10, allow_redirects=False)  # noqa: S501 - for the warning
        sdc.account()
    assert [str(one.message).partition(" ")[0] for one in warned] == ["certificates", "Unverified"]


def test_urllib3_warns_if_verify_is_switched_off_later(cloud: Emulator, warned: Caught) -> None:
    with cloud.datacenter() as sdc:
        sdc.verify = False
        sdc.account()
    assert [one.category for one in warned] == [InsecureRequestWarning]


@pytest.mark.parametrize(
    ("filters", "count"), [("ignore", 0), ("once", 1), ("default", 1), ("module", 1), ("always", 3)]
)
def test_filters_for_urllib3_s_warning_work(cloud: Emulator, filters: Any, count: int) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter(filters, InsecureRequestWarning)
        for _ in range(3):
            with cloud.datacenter(verify=False) as sdc:
                sdc.account()
    assert len(warned) == count


def test_a_profile_that_switches_it_off(triton: TritonHome, cloud: Emulator, warned: Caught) -> None:
    triton.profile("lab", **triton.use_key_of(cloud), insecure=True)
    for kind in (DataCenter, LegacyDataCenter):
        kind.from_profile("lab").close()
    assert [one.filename for one in warned] == [__file__] * 2


@pytest.mark.parametrize(
    "make", [lambda url: DataCenter(url), lambda url: DataCenter("x", known_locations={"x": url})]
)
def test_http_to_another_machine_warns(make: Callable[[str], DataCenter], warned: Caught) -> None:
    make("http://cloudapi.invalid:80/x").close()
    make("HTTP://cloudapi.invalid").close()
    assert [one.filename for one in warned] == [__file__] * 2
    assert str(warned[0].message) == (
        "http://cloudapi.invalid:80/x is not https: anyone on the network path can read everything, and "
        "repeat signed requests for 300 seconds"
    )


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "127.1.2.3:80", "[::1]:80"])
def test_http_to_the_loopback_does_not_warn(host: str, warned: Caught) -> None:
    DataCenter(f"http://{host}").close()
    DataCenter(f"http://{host}", verify=False).close()
    assert warned == []


def test_a_server_that_lists_a_data_center_without_tls(stub: StubServer, warned: Caught) -> None:
    places = {"safe": "https://safe.invalid", "bare": "http://bare.invalid"}
    stub.answer(Reply(places))
    with DataCenter(stub.url, login="x", known_locations={"here": stub.url}) as sdc:
        sdc.datacenter("safe").close()
        assert warned == []
        with sdc.datacenter("bare") as bare:
            assert [one.filename for one in warned] == [__file__]
            bare.datacenter("bare").close()
            assert len(warned) == 1


def test_secure_connections_do_not_warn(cloud: Emulator, warned: Caught) -> None:
    with cloud.datacenter() as sdc, sdc.datacenter("us-east-1") as sister:
        sdc.account()
        sister.account()
    assert warned == []


def test_a_sister_has_all_settings_and_shares_none(cloud: Emulator) -> None:
    with (
        cloud.datacenter(timeout=7.0, pool_size=3, headers={"X-Mine": "1"}, verbose=False) as sdc,
        sdc.datacenter(cloud.url("us-east-1")) as sister,
    ):
        for name, value in vars(sdc).items():
            if name not in ("location", "_transport"):
                assert vars(sister)[name] == value, name
        assert sister.clock is sdc.clock
        assert sister.auth is sdc.auth
        assert sister.default_headers is not sdc.default_headers
        assert sister.known_locations is not sdc.known_locations
        assert sister._transport is not sdc._transport
