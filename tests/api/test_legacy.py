"""LegacyDataCenter with the answers of API 6.5, from a stub: the emulator does not serve that version."""

from __future__ import annotations

from typing import Any
from unittest.mock import ANY

import pytest

from smartdc import ConfigurationError, LegacyDataCenter
from tests.helpers.servers import Reply, StubServer

ID = "a93fda38-80aa-11e1-b8c1-8b1f33cd9007"
BASE: Any = {
    "id": ID,
    "urn": "sdc:sdc:smartosplus64:3.1.0",
    "name": "smartosplus64",
    "description": "A SmartOS image",
}
OTHER: Any = {"id": ID.replace("a", "b"), "urn": "sdc:sdc:ubuntu:10.04", "name": "ubuntu", "default": True}


def asked(stub: StubServer) -> list[tuple[str, str, Any]]:
    return [(request.method, request.target, request.body) for request in stub.asked]


def test_it_asks_for_api_6_5(stub: StubServer) -> None:
    stub.answer(Reply([]))
    with LegacyDataCenter(stub.url, login="bob") as sdc:
        sdc.keys()
    assert stub.asked[0].headers["x-api-version"] == "~6.5"
    assert "accept-version" not in stub.asked[0].headers


def test_datasets_are_requested_from_their_old_route(stub: StubServer) -> None:
    stub.answer(*[Reply([BASE, OTHER])] * 4)
    with LegacyDataCenter(stub.url, login="bob") as sdc:
        assert sdc.datasets() == [BASE, OTHER]
        assert sdc.datasets("smartOSplus") == [BASE]
        assert sdc.datasets("^ubuntu$", fields=("name",)) == [OTHER]
        assert sdc.default_dataset() == OTHER
    assert asked(stub) == [("GET", "/bob/datasets", None)] * 4


def test_dataset_by_id_urn_or_dict(stub: StubServer) -> None:
    stub.answer(*[Reply(BASE)] * 4)
    with LegacyDataCenter(stub.url, login="bob") as sdc:
        for reference in (ID, BASE, BASE["urn"], {"urn": BASE["urn"]}):
            assert sdc.dataset(reference) == BASE
        with pytest.raises(ConfigurationError, match="names no dataset: give its id or urn"):
            sdc.dataset("")
    by_urn = "/bob/datasets/sdc%3Asdc%3Asmartosplus64%3A3.1.0"
    assert [target for _, target, _ in asked(stub)] == [f"/bob/datasets/{ID}"] * 2 + [by_urn] * 2


def test_machines_are_created_from_a_dataset(stub: StubServer) -> None:
    made = {"id": ID, "name": "web", "state": "provisioning", "dataset": BASE["urn"]}
    stub.answer(*[Reply(made, 201)] * 4)
    with LegacyDataCenter(stub.url, login="bob") as sdc:
        assert sdc.create_machine("web", "regular_128", BASE).dataset == BASE["urn"]
        sdc.create_machine(package="regular_128", dataset=BASE["urn"], tags={"type": "test"})
        sdc.create_machine(image=ID)
        sdc.create_machine()
    assert asked(stub) == [
        ("POST", "/bob/machines", {"name": "web", "package": "regular_128", "dataset": ID}),
        (
            "POST",
            "/bob/machines",
            {"name": ANY, "package": "regular_128", "dataset": BASE["urn"], "tag.type": "test"},
        ),
        ("POST", "/bob/machines", {"name": ANY, "dataset": ID}),
        ("POST", "/bob/machines", {"name": ANY}),
    ]


def test_machines_are_listed_by_dataset(stub: StubServer) -> None:
    stub.answer(Reply([]), Reply(headers={"x-resource-count": "0"}))
    with LegacyDataCenter(stub.url, login="bob") as sdc:
        assert sdc.machines(dataset=BASE) == []
        assert sdc.num_machines(dataset=BASE) == 0
    urn = "sdc%3Asdc%3Asmartosplus64%3A3.1.0"
    assert [target for _, target, _ in asked(stub)] == [f"/bob/machines?dataset={urn}"] * 2


def test_default_package_marked_in_text(stub: StubServer) -> None:
    packages: list[Any] = [{"name": "a", "default": "false"}, {"name": "b", "default": "true"}]
    stub.answer(Reply(packages))
    with LegacyDataCenter(stub.url, login="bob") as sdc:
        assert sdc.default_package() == packages[1]


@pytest.mark.parametrize("name", ["images", "image", "delete_image", "networks", "network"])
def test_methods_of_api_7_are_refused(stub: StubServer, name: str) -> None:
    with LegacyDataCenter(stub.url) as sdc, pytest.raises(RuntimeError, match=r"API 6\.5 has no"):
        getattr(sdc, name)(ID)
    assert stub.asked == []
