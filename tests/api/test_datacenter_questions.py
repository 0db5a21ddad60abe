from __future__ import annotations

import pytest

from smartdc import DataCenter, NotAuthorizedError, NotFoundError
from smartdc.emulator import Emulator
from tests.helpers.recorded import call, sent
from tests.helpers.servers import Reply, StubServer


def test_datacenter_url(cloud: Emulator, sdc: DataCenter) -> None:
    # docs/cloudapi/requests.md#datacenter-is-a-redirect: 302, for the current one as well; the
    # redirect is the answer and is not followed.
    for name in ("us-east-1", "us-sw-1"):
        assert sdc.datacenter_url(name) == cloud.url(name)
    assert sent(cloud) == [
        call("GET", "/my/datacenters/us-east-1"),
        call("GET", "/my/datacenters/us-sw-1"),
    ]
    with pytest.raises(NotFoundError, match="mars is not an available datacenter"):
        sdc.datacenter_url("mars")


def test_services(cloud: Emulator, sdc: DataCenter) -> None:
    assert sdc.services()["cloudapi"] == cloud.url("us-sw-1")
    assert sent(cloud) == [call("GET", "/my/services")]


def test_ping_is_unsigned(cloud: Emulator, sdc: DataCenter) -> None:
    answer = sdc.ping()
    assert answer["ping"] == "pong"
    # See docs/cloudapi/versions.md#ping.
    assert answer["cloudapi"]["versions"] == ["7.0.0", "7.1.0", "7.2.0", "7.3.0", "8.0.0", "9.0.0"]
    assert [(got.method, got.path) for got in cloud.calls] == [("GET", "/--ping")]
    assert "authorization" not in cloud.calls[0].headers


def test_ping_without_a_key(cloud: Emulator) -> None:
    with cloud.datacenter(key_id=None, secret=None) as sdc:
        assert sdc.ping()["ping"] == "pong"


def test_foreign_datacenters_need_a_token(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.raises(NotAuthorizedError, match="delegated authorization"):
        sdc.foreign_datacenters()
    with pytest.raises(NotAuthorizedError, match="delegated authorization"):
        sdc.add_foreign_datacenter("elsewhere", "https://elsewhere.example.com")
    body = {"name": "elsewhere", "url": "https://elsewhere.example.com"}
    assert sent(cloud) == [
        call("GET", "/my/foreigndatacenters"),
        call("POST", "/my/foreigndatacenters", body=body),
    ]


def test_foreign_datacenters_with_a_token(stub: StubServer) -> None:
    # datacenters.js; the emulator does not issue tokens.
    known = {"elsewhere": "https://elsewhere.example.com"}
    stub.answer(Reply(known), Reply(known))
    with DataCenter(stub.url, login="bob", headers={"X-Auth-Token": "token"}) as sdc:
        assert sdc.foreign_datacenters() == known
        assert sdc.add_foreign_datacenter("elsewhere", known["elsewhere"]) == known
    assert [(asked.method, asked.target) for asked in stub.asked] == [
        ("GET", "/bob/foreigndatacenters"),
        ("POST", "/bob/foreigndatacenters"),
    ]
    assert stub.asked[1].body == {"name": "elsewhere", "url": known["elsewhere"]}
    assert {asked.headers["x-auth-token"] for asked in stub.asked} == {"token"}
