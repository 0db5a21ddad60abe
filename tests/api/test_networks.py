from __future__ import annotations

from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, NotFoundError
from smartdc.emulator import Emulator
from tests.recorded import call, sent

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"


def test_networks_lists_them(cloud: Emulator, sdc: DataCenter) -> None:
    networks = sdc.networks()
    assert {network["public"] for network in networks} == {True, False}
    assert sent(cloud) == [call("GET", "/my/networks")]


def test_networks_are_searched_here_by_name(cloud: Emulator, sdc: DataCenter) -> None:
    # py-smartdc's default was fields=('name,'): a slip of the pen that made it find nothing.
    name = sdc.networks()[0]["name"]
    assert [network["name"] for network in sdc.networks(f"^{name.upper()}$")] == [name]
    assert sdc.networks("^$") == []
    assert sent(cloud) == [call("GET", "/my/networks")] * 3


def test_network_by_id_or_dict(cloud: Emulator, sdc: DataCenter) -> None:
    listed = sdc.networks()[0]
    assert sdc.network(listed["id"]) == listed
    assert sdc.network(listed) == listed
    assert sent(cloud)[1:] == [call("GET", f"/my/networks/{listed['id']}")] * 2


def test_network_that_does_not_exist(sdc: DataCenter) -> None:
    with pytest.raises(NotFoundError, match=f"{UNKNOWN} not found"):
        sdc.network(UNKNOWN)


@pytest.mark.parametrize("nothing", ["", None, {}, {"name": "external"}])
def test_network_by_what_names_none(cloud: Emulator, sdc: DataCenter, nothing: Any) -> None:
    with pytest.raises(ConfigurationError, match="names no network"):
        sdc.network(nothing)
    assert sent(cloud) == []
