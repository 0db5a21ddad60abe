"""The log of requests keeps a limited number of requests, and a limited size of bodies."""

from __future__ import annotations

import pytest

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.emulator.http.calls import FORGOTTEN, Call, CallLog


def call(number: int, size: int) -> Call:
    body = {"number": number}
    return Call("POST", f"/{number}", f"/{number}", {}, {}, body, None, "here", 200, "answer", size=size)


def test_the_oldest_requests_are_forgotten() -> None:
    with Emulator(datacenters=["here"], keep_calls=3) as cloud, cloud.datacenter() as sdc:
        for path in ("keys", "packages", "images", "networks"):
            sdc.request("GET", path)
        assert [call.path for call in cloud.calls] == ["/my/packages", "/my/images", "/my/networks"]
        assert cloud.calls[-1].response == sdc.networks()


def test_a_log_that_keeps_nothing() -> None:
    with Emulator(datacenters=["here"], keep_calls=0) as cloud, cloud.datacenter() as sdc:
        sdc.packages()
        assert cloud.calls == []
    with pytest.raises(ValueError, match="keep_calls must be a whole number, 0 or more: -1"):
        Emulator(keep_calls=-1)


def test_the_bodies_of_the_oldest_requests_are_dropped_first() -> None:
    log = CallLog(kept=4, kept_bytes=100)
    for number in range(3):
        log.note(call(number, 40))
    assert [(each.target, each.body, each.response) for each in log] == [
        ("/0", FORGOTTEN, FORGOTTEN),
        ("/1", {"number": 1}, "answer"),
        ("/2", {"number": 2}, "answer"),
    ]
    log.note(call(3, 101))  # more than the limit for all bodies
    log.note(call(4, 0))
    assert [each.target for each in log] == ["/1", "/2", "/3", "/4"]
    assert [each.body == FORGOTTEN for each in log] == [True, True, True, False]
    log.note(call(5, 100))
    assert [each.body == FORGOTTEN for each in log] == [True, True, False, False]


def test_a_cleared_log_starts_again_from_zero() -> None:
    log = CallLog(kept=4, kept_bytes=100)
    for number in range(3):
        log.note(call(number, 60))
    log.clear()
    assert log == []
    for number in range(3):
        log.note(call(number, 30))
    assert [each.body for each in log] == [{"number": number} for number in range(3)]


def test_a_logged_list_has_the_machines_as_they_were(cloud: Emulator, sdc: DataCenter) -> None:
    vm = cloud.site().add_machine("web")
    shown = sdc.request("GET", "/machines")[0]
    vm.alias = "db"
    assert cloud.calls[-1].response == shown
    assert shown[0]["name"] == "web"
