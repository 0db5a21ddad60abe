"""Values in answers that no CloudAPI should give: ids, counts, pages, dates, states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from smartdc import (
    BadRequestError,
    DataCenter,
    InvalidResponse,
    Machine,
    WaitTimeout,
)
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer, datacenter_at
from tests.http.odd_answers.conftest import ID, NETWORK, OTHER


def test_entries_without_the_id_that_they_are_known_by(
    stub: StubServer, sdc: DataCenter, machine: Machine
) -> None:
    asking: list[Callable[[], Any]] = [
        sdc.machines,
        lambda: sdc.firewall_rule_machines(OTHER),
        lambda: sdc.network_ips(NETWORK),
        machine.snapshots,
    ]
    entries: list[dict[str, Any]] = [{}, {"id": 5, "ip": None, "name": []}, {"id": "", "ip": "", "name": ""}]
    for entry in entries:
        for ask in asking:
            stub.answer(Reply([entry]))
            with pytest.raises(InvalidResponse, match=r"with an object that has no '(id|ip|name)'"):
                ask()


@pytest.mark.parametrize("count", [None, "", "many", "-1", "1.5", "1_000", "\xb2", "9" * 5000])
def test_a_count_that_is_not_valid(
    stub: StubServer, sdc: DataCenter, machine: Machine, count: str | None
) -> None:
    asking: list[Callable[[], Any]] = [
        sdc.num_machines,
        lambda: sdc.num_firewall_rule_machines(OTHER),
        lambda: sdc.num_network_ips(NETWORK),
        machine.num_nics,
        machine.num_disks,
    ]
    for ask in asking:
        stub.answer(Reply(headers={} if count is None else {"x-resource-count": count}))
        with pytest.raises(InvalidResponse, match="as its x-resource-count"):
            ask()


@pytest.mark.parametrize("location", [None, "", "/"])
def test_a_location_without_an_id(
    stub: StubServer, sdc: DataCenter, machine: Machine, location: str | None
) -> None:
    reply = Reply(None, 302, None, headers={} if location is None else {"Location": location})
    stub.answer(reply, reply)
    with pytest.raises(InvalidResponse, match="as its Location"):
        sdc.datacenter_url("us-sw-1")
    with pytest.raises(InvalidResponse, match="as its Location"):
        machine.add_nic(NETWORK)


@pytest.mark.parametrize("value", ["2.5", "", None])
def test_values_of_tags_and_metadata(stub: StubServer, machine: Machine, value: str | None) -> None:
    # If the value is empty, the list of tags is read.
    stub.answer(Reply(value), *([] if value else [Reply({"a": value})]), Reply(value))
    assert machine.get_tag("a") == value
    assert machine.get_metadata_at_key("a") == (value or "")


@pytest.mark.parametrize("login", [5, None, "", "..", ["x"], "\ud800"])
def test_a_login_that_cannot_be_one(stub: StubServer, login: Any) -> None:
    stub.answer(Reply({"login": login}), Reply([]))
    with datacenter_at(stub.url, login="my") as sdc:
        assert sdc.account() == {"login": login}
        assert sdc.keys() == []
    assert [asked.target for asked in stub.asked] == ["/my", "/my/keys"]


def test_data_centers_without_a_url(stub: StubServer) -> None:
    found = {"here": "nonsense", "a": None, "b": 5, "c": "https://c.example.com"}
    stub.answer(Reply(found), Reply([]))
    with datacenter_at("here", known_locations={"here": stub.url}) as sdc:
        assert sdc.datacenters() == found
        # The URL of this data center is kept.
        assert sdc.known_locations == {"here": stub.url, "c": "https://c.example.com"}
        assert sdc.keys() == []


def test_a_list_that_is_nested_too_deep(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply(b"[" * 200_000, content_type="application/json"))
    with pytest.raises(InvalidResponse) as caught:
        sdc.keys()
    assert str(caught.value) == (
        "GET /bob/keys: 200 with a body that is broken JSON: it is nested too deep (200000 bytes). "
        f"Is {stub.url}/bob/keys the URL of a CloudAPI?"
    )


def test_an_acl_that_is_not_valid_is_not_sent_back(stub: StubServer, sdc: DataCenter) -> None:
    for acl in ("abc", 5, {"a": "b"}, [5]):
        stub.answer(Reply({"id": ID, "acl": acl}), Reply({"id": ID, "acl": acl}))
        for change in (sdc.share_image, sdc.unshare_image):
            with pytest.raises(InvalidResponse) as caught:
                change(ID, OTHER)
            assert str(caught.value) == (
                f"GET /bob/images/{ID}: 200 with something else where a list of texts was expected"
            )
    assert {asked.method for asked in stub.asked} == {"GET"}


def test_images_without_name_and_version(stub: StubServer, sdc: DataCenter) -> None:
    found = [{"id": ID, "urn": None, "published_at": 5}, {"id": OTHER, "name": None, "published_at": "x"}]
    stub.answer(*[Reply(found)] * 2)
    assert [image["urn"] for image in sdc.datasets()] == ["sdc:sdc::", "sdc:sdc:None:"]
    assert sdc.dataset("sdc")["id"] == OTHER


def test_a_wait_goes_on_in_an_unknown_state(stub: StubServer) -> None:
    states = ["provisioning", "hibernating", "unknown", "running"]
    stub.answer(*(Reply({"id": ID, "state": state}) for state in states))
    stub.answer(*[Reply({"id": ID, "state": "unknown"})] * 3)
    with datacenter_at(stub.url, clock=Instant()) as sdc:
        machine = sdc.machine(ID, lazy=True)
        machine.poll_until("running")
        assert len(stub.asked) == len(states)
        with pytest.raises(WaitTimeout) as caught:
            machine.poll_until("running", timeout=3)
        assert caught.value.state == "unknown"
        stub.answer(*[Reply([])] * 3)
        with pytest.raises(WaitTimeout) as caught:
            machine.poll_while("unknown", timeout=3)
        assert isinstance(caught.value.__cause__, InvalidResponse)


def page(first: int, count: int) -> list[dict[str, str]]:
    """A page of `count` machines or addresses."""
    return [{"id": f"00000000-0000-4000-8000-{n:012}", "ip": str(n)} for n in range(first, first + count)]


def asked_for(stub: StubServer, offsets: list[int]) -> bool:
    """Whether these pages of the machines were asked for, in this order."""
    wanted = [f"/bob/machines?offset={offset}" if offset else "/bob/machines" for offset in offsets]
    return [asked.target for asked in stub.asked] == wanted


def test_the_same_page_again_and_again(stub: StubServer, sdc: DataCenter) -> None:
    stub.otherwise = Reply(page(0, 1000))
    assert len(sdc.machines()) == 1000
    # A repeated page may be chance if 999 machines were made meanwhile; a second one is not.
    assert len(stub.asked) == 3
    assert len(sdc.network_ips(NETWORK)) == 1000
    assert len(stub.asked) == 5


def test_a_page_that_begins_like_the_list_but_has_something_new_is_not_the_last(
    stub: StubServer, sdc: DataCenter
) -> None:
    # 999 machines were made meanwhile, and one of the first page was deleted.
    every = page(0, 1002)
    stub.answer(Reply(every[:1000]), Reply(every[:500] + every[501:1001]), Reply(every[1000:]))
    assert [machine.id for machine in sdc.machines()] == [machine["id"] for machine in every]
    assert asked_for(stub, [0, 999, 1998])


def test_a_page_without_news_is_not_the_last_if_it_does_not_begin_like_the_list(
    stub: StubServer, sdc: DataCenter
) -> None:
    # 1000 machines were made meanwhile: the list steps back until it knows where it is.
    every = page(5000, 1000) + page(0, 1002)
    offsets = [0, 999, 967, 711, 0, 999, 1998]
    stub.answer(Reply(page(0, 1000)), *(Reply(every[offset : offset + 1000]) for offset in offsets[1:]))
    assert sorted(machine.id for machine in sdc.machines()) == sorted(machine["id"] for machine in every)
    assert asked_for(stub, offsets)


def test_a_list_that_stepped_back_to_its_beginning_goes_on(stub: StubServer, sdc: DataCenter) -> None:
    # A server that shows nothing for a while; after that the first page has no news.
    every = page(0, 1002)
    shown = [every, [], [], [], every, every]
    offsets = [0, 999, 967, 711, 0, 999]
    stub.answer(
        *(Reply(machines[offset : offset + 1000]) for machines, offset in zip(shown, offsets, strict=True))
    )
    assert [machine.id for machine in sdc.machines()] == [machine["id"] for machine in every]
    assert asked_for(stub, offsets)


def test_pages_that_are_longer_than_asked(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply(page(0, 9)), Reply(page(0, 1200)), Reply(page(0, 1200)))
    assert len(sdc.machines(limit=5)) == 5
    assert len(sdc.machines()) == 1200
    assert len(sdc.machines(limit=1100)) == 1100


def test_pages_without_end(stub: StubServer, sdc: DataCenter, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("_http.paging", "api.networks"):
        monkeypatch.setattr(f"smartdc.{module}.MOST_PAGES", 3)
    stub.answer(*[Reply(headers={"x-resource-count": "1000"})] * 3)
    with pytest.raises(InvalidResponse, match=f"HEAD /networks/{NETWORK}/ips: there is always another page"):
        sdc.num_network_ips(NETWORK)
    for count in (sdc.machines, sdc.num_machines, lambda: sdc.machine("web")):
        if count == sdc.num_machines:
            stub.answer(Reply(headers={"x-resource-count": "1000"}))
        stub.answer(*(Reply(page(n * 999, 1000)) for n in range(3)))
        with pytest.raises(InvalidResponse, match=r"^GET /machines: there is always another page"):
            count()
    # Machines that are always at another place: no step back finds a known one.
    stub.answer(*(Reply(page(n * 5000, 1000)) for n in range(3)))
    with pytest.raises(InvalidResponse, match=r"^GET /machines: there is always another page"):
        sdc.machines()
    # One page again and again, which is not the first: what comes after it is not known.
    stub.answer(Reply(page(0, 1000)), *[Reply(page(999, 1000))] * 2)
    with pytest.raises(InvalidResponse, match=r"^GET /machines: there is always another page"):
        sdc.machines()
    stub.answer(*(Reply(page(n * 1000, 1000)) for n in range(3)))
    with pytest.raises(InvalidResponse, match="ips: there is always another page"):
        sdc.network_ips(NETWORK)


@pytest.mark.parametrize(
    ("date", "attempts"),
    [
        ("garbage", 1),
        ("", 1),
        ("Mon, 99999999999999999999 Nov 2026 10:00:00 GMT", 1),
        ("0" * 5000, 1),
        ("Mon, 23 Nov 2026 10:00:00 +999999", 1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 2),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 2),
    ],
)
def test_a_date_that_is_not_valid(stub: StubServer, date: str, attempts: int) -> None:
    reply = Reply({"code": "InvalidHeader", "message": "clock skew of 301s"}, 400, dates=(date,))
    stub.answer(*[reply] * 4)
    key = Ed25519PrivateKey.generate()
    with datacenter_at(stub.url, key_id="/bob/keys/k", secret=key) as sdc, pytest.raises(BadRequestError):
        sdc.keys()
    assert len(stub.asked) == attempts
