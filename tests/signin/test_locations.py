"""Names of data centers: which URL a name means, which names are refused, and which places are closed."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, LegacyDataCenter
from smartdc.emulator import Emulator
from smartdc.signin.locations import DEFAULT_LOCATION, KNOWN_LOCATIONS, TELEFONICA_LOCATIONS, base_url_of
from tests.helpers.recorded import call, sent
from tests.helpers.servers import Reply, StubServer


@pytest.mark.parametrize(
    ("name", "likely"),
    [("us-centrl-1", "us-central-1"), ("us-central1", "us-central-1"), ("us_sw_1", "us-sw-1")],
)
def test_an_unknown_bare_name_is_refused_with_the_likely_one(name: str, likely: str) -> None:
    for kind in (DataCenter, LegacyDataCenter):
        with pytest.raises(ConfigurationError) as caught:
            kind(name)
        message = str(caught.value)
        assert message.startswith(f"'{name}' is not a location (did you mean {likely}?): give a URL")
        assert all(known in message for known in KNOWN_LOCATIONS)
        assert "\n" not in message


@pytest.mark.parametrize("name", ["nowhere", "us-nowhere-9", "cloudapi", "London"])
def test_an_unknown_bare_name_without_a_similar_one(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'{name}' is not a location.*us-central-1"):
        DataCenter(name)


def test_the_error_lists_the_names_of_a_private_cloud() -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean lab-1.*or one of lab-1, lab-2$"):
        DataCenter("lab1", known_locations={"lab-1": "https://a.example", "lab-2": "https://b.example"})


def forbid_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **_: Any) -> None:
        raise AssertionError(f"a connection to {arguments}")

    monkeypatch.setattr("socket.create_connection", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.setattr("urllib3.util.connection.create_connection", refuse)


@pytest.mark.parametrize("location", [None, *(set(KNOWN_LOCATIONS) - {"us-central-1"})])
@pytest.mark.parametrize("kind", [DataCenter, LegacyDataCenter])
def test_a_closed_data_center_says_so_at_the_first_request(
    monkeypatch: pytest.MonkeyPatch, location: str | None, kind: type[DataCenter]
) -> None:
    forbid_network(monkeypatch)
    with kind(location) as sdc, pickle.loads(pickle.dumps(sdc)) as again:  # noqa: S301 - our own
        actions = [sdc.account, sdc.ping, sdc.machines, sdc.changefeed, again.account, sdc.as_role("x").keys]
        for action in actions:
            with pytest.raises(ConfigurationError) as caught:
                action()
            assert f"{location or DEFAULT_LOCATION}" in str(caught.value)
            assert "closed in 2019: give the location, such as us-central-1 or a URL" in str(caught.value)
        assert (location in (None, DEFAULT_LOCATION)) == ("the default location" in str(caught.value))


def test_the_constants_stay() -> None:
    assert DEFAULT_LOCATION == "us-west-1"
    assert KNOWN_LOCATIONS["us-west-1"] == "https://us-west-1.api.joyentcloud.com"
    assert len(KNOWN_LOCATIONS) == 7
    london, madrid = (f"https://api-eu-{city}-1.instantservers.telefonica.com" for city in ("lon", "mad"))
    assert {
        "London": london,
        "eu-lon-1": london,
        "Madrid": madrid,
        "eu-mad-1": madrid,
    } == TELEFONICA_LOCATIONS


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("localhost", "https://localhost"),
        ("a.example", "https://a.example"),
        ("cloudapi:443", "https://cloudapi:443"),
        ("a", "https://a.example"),
        ("https://a.example/x//", "https://a.example/x"),
    ],
)
def test_the_url_of_a_location(location: str, url: str) -> None:
    assert base_url_of(location, {"a": "https://a.example/"}) == url


def test_a_former_name_of_joyent_is_used_for_another_cloud(cloud: Emulator) -> None:
    with cloud.datacenter("us-east-1") as sdc:
        assert sdc.account()["login"] == "test"
    assert cloud.calls[-1].datacenter == "us-east-1"


def test_an_explicit_closed_host_is_contacted(monkeypatch: pytest.MonkeyPatch) -> None:
    forbid_network(monkeypatch)
    for location in ("us-west-1.api.joyentcloud.com", "https://us-west-1.api.joyentcloud.com"):
        with DataCenter(location) as sdc, pytest.raises(AssertionError, match="a connection to"):
            sdc.account()


def test_locations_of_the_caller_win_over_those_of_the_server(cloud: Emulator, stub: StubServer) -> None:
    mine = {"here": cloud.url("us-sw-1"), "us-east-1": stub.url}
    with cloud.datacenter(location="here", known_locations=mine, headers={"X-Mine": "1"}) as sdc:
        found = sdc.datacenters()
        assert found["us-east-1"] == cloud.url("us-east-1") != stub.url
        assert sdc.known_locations["us-east-1"] == stub.url
        assert sdc.known_locations["eu-ams-1"] == found["eu-ams-1"]
        stub.answer(Reply({"login": "mine"}))
        with sdc.datacenter("us-east-1") as east:
            assert east.account()["login"] == "mine"
        # Locations that are set later win as well, also in views and copies.
        sdc.known_locations["eu-ams-1"] = stub.url
        for view in (sdc, sdc.as_role("x"), pickle.loads(pickle.dumps(sdc))):  # noqa: S301 - our own
            view.datacenters()
            assert view.known_locations["eu-ams-1"] == stub.url
            assert view.known_locations["us-east-1"] == stub.url


def test_a_location_of_the_caller_wins_although_the_library_has_the_same(stub: StubServer) -> None:
    same = {"us-central-1": KNOWN_LOCATIONS["us-central-1"]}
    with DataCenter("here", login="bob", known_locations={"here": stub.url, **same}) as sdc:
        with sdc.datacenter("us-central-1") as central:
            assert central.base_url == same["us-central-1"]
        assert stub.asked == []
        stub.answer(Reply({"us-central-1": "https://other.example"}))
        sdc.datacenters()
        assert sdc.known_locations["us-central-1"] == same["us-central-1"]


def test_locations_of_the_server_win_over_those_of_the_library(cloud: Emulator) -> None:
    with cloud.datacenter(location="us-central-1", known_locations=None) as sdc:
        sdc.known_locations["us-central-1"] = cloud.url("us-sw-1")
        sdc._open()
        assert sdc.known_locations["us-east-1"] == KNOWN_LOCATIONS["us-east-1"]
        with sdc.datacenter("us-east-1") as east:  # the server is asked first
            assert east.base_url == cloud.url("us-east-1")
            assert east.account()["login"] == "test"
        with sdc.datacenter("eu-ams-1") as ams:
            assert ams.base_url == cloud.url("eu-ams-1")
        assert sent(cloud)[0] == call("GET", "/my/datacenters")
        assert sum(got.path == "/my/datacenters" for got in cloud.calls) == 1
        assert KNOWN_LOCATIONS["us-east-1"].endswith(".joyentcloud.com")
        # A closed data center that this cloud does not have.
        with pytest.raises(ConfigurationError, match="no data center 'us-west-1' here") as caught:
            sdc.datacenter("us-west-1")
        assert "us-west-1" not in str(caught.value).partition("known are")[2]


def test_a_server_that_moves_a_data_center(stub: StubServer) -> None:
    with DataCenter(stub.url, login="bob") as sdc:
        for host in ("a", "b"):
            stub.answer(Reply({"x": f"https://{host}.example"}))
            sdc.datacenters()
            assert sdc.datacenter("x").base_url == f"https://{host}.example"


def test_the_hash_stays_when_the_login_is_learned(cloud: Emulator, sdc: DataCenter) -> None:
    ident = sdc.account()["id"]
    key_id = cloud.key_id.replace("/test/", f"/{ident}/")
    with cloud.datacenter(key_id=key_id) as one, cloud.datacenter(key_id=key_id) as other:
        kept = {one: "x"}
        before = hash(one)
        assert one == other
        assert one.account()["login"] == one.login == "test"
        assert hash(one) == before
        assert kept[one] == "x"
        assert one == other
        one.login = "other"
        assert one != other
        assert kept[one] == "x"


def test_the_login_is_fixed_once_it_is_known(stub: StubServer) -> None:
    with DataCenter(stub.url) as sdc:
        for login in ("bob", "eve"):
            stub.answer(Reply({"login": login}))
            sdc.account()
            assert sdc.login == "bob"
