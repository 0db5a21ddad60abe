from __future__ import annotations

from collections.abc import Iterator

import pytest

from smartdc import KNOWN_LOCATIONS, ConfigurationError, DataCenter, LegacyDataCenter
from smartdc.emulator import Emulator
from tests.helpers.recorded import call, sent
from tests.helpers.servers import Reply, StubServer


def test_datacenters_lists_and_remembers_them(cloud: Emulator, sdc: DataCenter) -> None:
    found = sdc.datacenters()
    assert {"us-sw-1", "us-east-1"} <= found.keys()
    assert found["us-east-1"] == cloud.url("us-east-1")
    assert sdc.known_locations.items() >= found.items()
    assert sent(cloud) == [call("GET", "/my/datacenters")]


def test_datacenters_learned_by_one_object_are_not_known_to_others(cloud: Emulator) -> None:
    with cloud.datacenter(location="here", known_locations={"here": cloud.url("us-sw-1")}) as one:
        before, shipped = one.known_locations, dict(KNOWN_LOCATIONS)
        with DataCenter("us-sw-1") as other:
            one.datacenters()
            assert before == {"here": cloud.url("us-sw-1")}
            assert other.known_locations == shipped == KNOWN_LOCATIONS


def test_datacenter_connects_to_another_with_the_same_settings(cloud: Emulator) -> None:
    with (
        cloud.datacenter(headers={"X-Mine": "1"}, timeout=7.0, pool_size=3, login="test") as sdc,
        sdc.datacenter("us-east-1") as east,
    ):
        assert type(east) is DataCenter
        assert east.location == "us-east-1"
        assert (east.auth, east.login, east.verify) == (sdc.auth, "test", sdc.verify)
        assert (east.timeout, east.clock, east.verbose) == (7.0, sdc.clock, sdc.verbose)
        assert east != sdc
        east.keys()
    last = cloud.calls[-1]
    assert (last.datacenter, last.path, last.headers["x-mine"]) == ("us-east-1", "/test/keys", "1")


def test_datacenter_that_is_known_costs_no_request(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.datacenters()
    with sdc.datacenter("us-east-1") as east:
        assert east.base_url == cloud.url("us-east-1")
    with sdc.datacenter(cloud.url("us-east-1")) as same:
        assert same == east
    assert sent(cloud) == [call("GET", "/my/datacenters")]


def test_datacenter_that_is_not_known_is_looked_for_once(cloud: Emulator) -> None:
    with cloud.datacenter(location="here", known_locations={"here": cloud.url("us-sw-1")}) as sdc:
        with sdc.datacenter("us-east-1") as east:
            assert east.base_url == cloud.url("us-east-1")
        with sdc.datacenter("us-east-1"):
            pass
    assert sent(cloud) == [call("GET", "/my/datacenters")]


@pytest.fixture
def at_a_default(stub: StubServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataCenter]:
    """A data center at `stub`, whose location and that of ``there`` are known from the library."""
    monkeypatch.setitem(KNOWN_LOCATIONS, "here", stub.url)
    monkeypatch.setitem(KNOWN_LOCATIONS, "there", "https://there.example")
    with DataCenter("here", login="bob") as sdc:
        yield sdc


@pytest.mark.parametrize("url", ["https://moved.example", "https://there.example"])
def test_a_data_center_of_the_library_is_asked_for_once(
    stub: StubServer, at_a_default: DataCenter, url: str
) -> None:
    stub.answer(Reply({"here": "https://other.example", "there": url}))
    for _ in range(2):
        with at_a_default.datacenter("there") as there:
            assert there.base_url == url
    assert [asked.target for asked in stub.asked] == ["/bob/datacenters"]
    assert at_a_default.base_url == stub.url  # its own does not change


def test_a_location_that_the_caller_sets_is_not_asked_for(stub: StubServer, at_a_default: DataCenter) -> None:
    at_a_default.known_locations["there"] = "https://mine.example"
    with at_a_default.datacenter("there") as there:
        assert there.base_url == "https://mine.example"
    assert stub.asked == []
    stub.otherwise = Reply({"there": "https://moved.example"})
    at_a_default.datacenters()
    assert at_a_default.known_locations["there"] == "https://mine.example"


def test_a_location_that_the_caller_removes_is_learned_again(
    stub: StubServer, at_a_default: DataCenter
) -> None:
    stub.otherwise = Reply({"there": "https://moved.example"})
    at_a_default.datacenters()
    del at_a_default.known_locations["there"]
    at_a_default.datacenters()
    assert at_a_default.known_locations["there"] == "https://moved.example"


@pytest.mark.parametrize("name", ["atlantis", ""])
def test_datacenter_that_does_not_exist(cloud: Emulator, sdc: DataCenter, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"no data center '{name}' here; known are .*us-east-1"):
        sdc.datacenter(name)
    assert sent(cloud) == [call("GET", "/my/datacenters")]


def test_datacenter_of_a_legacy_data_center_is_legacy(stub: StubServer) -> None:
    with LegacyDataCenter(stub.url, login="bob") as old, old.datacenter("localhost:1") as other:
        assert type(other) is LegacyDataCenter
        assert other.default_headers["X-Api-Version"] == "~6.5"
        assert "Accept-Version" not in other.default_headers


def test_api_asks_the_root_unsigned_and_warns_of_deprecation(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.warns(DeprecationWarning, match="^servers since API 7 do not describe themselves$") as caught:
        # A redirect to the documentation (docs/cloudapi/versions.md#documentation-redirects), which is not
        # followed.
        assert sdc.api() is None
    assert caught[0].filename == __file__
    assert sent(cloud) == [call("GET", "/")]
    assert "authorization" not in cloud.calls[0].headers


def test_api_of_an_old_server(stub: StubServer) -> None:
    stub.answer(Reply({"keys": {"ListKeys": "GET /:account/keys"}}))
    with DataCenter(stub.url) as sdc, pytest.warns(DeprecationWarning, match="do not describe"):
        assert sdc.api() == {"keys": {"ListKeys": "GET /:account/keys"}}
    assert stub.asked[0].target == "/"
