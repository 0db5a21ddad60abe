"""`Emulator.reset` and `add_contents`: their results, and their effect on clients that are connected."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.faults import HAPROXY_503

CONTENTS = """
[[accounts]]
login = "acme"
[[accounts.users]]
login = "bob"
allowed = true

[[datacenters]]
name = "east"
[[datacenters.machines]]
name = "web0"
account = "acme"

[[datacenters]]
name = "west"
"""
MORE = """[[accounts]]
login = "other"
[[datacenters]]
name = "west"
[[datacenters.machines]]
account = "other"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "contents.toml"
    path.write_text(CONTENTS)
    return path


@pytest.fixture
def cloud(file: Path) -> Iterator[Emulator]:
    with Emulator(contents=file, random_seed=7) as cloud:
        yield cloud


def everything(cloud: Emulator) -> dict[str, list[str]]:
    """Ids and names of all objects, by data center."""
    return {
        site.name: [
            *(f"{vm.uuid} {vm.alias} {[nic.ip for nic in vm.nics]}" for vm in site.machines.values()),
            *site.images,
            *site.packages,
            *site.networks,
            *site.firewall_rules,
        ]
        for site in cloud.sites.values()
    }


def test_reset_restores_the_first_state(cloud: Emulator) -> None:
    first, urls, key = everything(cloud), dict(cloud.urls), cloud.key.fingerprint
    with cloud.datacenter() as sdc:
        ids = [sdc.create_machine(name="web1", package="sample-512M", image="base-64").id]
        cloud.add_account("third")
        cloud.faults.add("*", HAPROXY_503)
        cloud.throttle(1)
        cloud.read_only()
        cloud.violations.append("harm")
        cloud.unsupported.append("svcadm")
        cloud.site().fail_next_provision = True
        now = cloud.clock.now()
        cloud.reset()
        assert everything(cloud) == first
        assert (dict(cloud.urls), cloud.key.fingerprint) == (urls, key)
        assert (cloud.calls, cloud.violations, cloud.unsupported) == ([], [], [])
        assert (cloud.faults.planned, cloud.site().fail_next_provision) == ([], False)
        assert cloud.clock.now() == now
        # The same client still works, and its new machine has the same id as the first time.
        ids.append(sdc.create_machine(name="web1", package="sample-512M", image="base-64").id)
        assert ids[0] == ids[1]
    with pytest.raises(ValueError, match="third"):
        cloud.site().add_machine(account="third")
    for key_id in ("/acme/keys/test_key", "/acme/users/bob/keys/test_key"):
        with cloud.datacenter(key_id=key_id) as client:
            assert client.account()["login"] == "acme"


def test_reset_before_the_start_and_after_the_stop(file: Path) -> None:
    cloud = Emulator(contents=file)
    cloud.site().add_machine("gone")
    cloud.reset()
    with cloud:
        cloud.site().add_machine("gone")
        cloud.reset()
        with cloud.datacenter() as sdc:
            assert [machine.name for machine in sdc.machines()] == ["web0"]
    cloud.reset()
    with cloud, cloud.datacenter() as sdc:
        assert [machine.name for machine in sdc.machines()] == ["web0"]


def test_further_contents(cloud: Emulator, tmp_path: Path) -> None:
    more = tmp_path / "more.toml"
    more.write_text(MORE)
    for put in (cloud.add_contents, cloud.reset):
        put(more)
        with cloud.datacenter("west", key_id="/other/keys/test_key") as other:
            assert other.num_machines() == 1
        with cloud.datacenter("east") as sdc:
            assert [machine.name for machine in sdc.machines()] == ["web0"]
    cloud.reset()
    assert [len(site.machines) for site in cloud.sites.values()] == [1, 0]
    # Both files have the account without keys: it gets the emulator's key, and only once.
    cloud.add_contents(more)
    cloud.add_contents(more)
    assert len(cloud.site("west").owner("other").keys) == 1


def test_contents_with_an_error_change_nothing(cloud: Emulator, tmp_path: Path) -> None:
    more = tmp_path / "more.toml"
    more.write_text(MORE + 'image = "nope"\n')
    before = everything(cloud)
    site = cloud.site()
    with pytest.raises(ValueError, match=r"more.toml:7: datacenters\[0\].machines\[0\].image"):
        cloud.reset(more)
    assert everything(cloud) == before
    assert cloud.site() is site


def test_a_change_feed_is_told_that_machines_are_destroyed(cloud: Emulator) -> None:
    with cloud.datacenter() as sdc, sdc.changefeed() as feed:
        vm = cloud.site().add_machine("web1", account="acme")
        cloud.reset()
        told = [(change["changedResourceId"], change["resourceState"]) for change in feed]
        assert told[-1] == (vm.uuid, "destroyed")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8")
def test_ssh_servers_of_machines_are_closed() -> None:
    with Emulator(ssh_port=0) as cloud:
        vm = cloud.site().add_machine("web0")
        address = (vm.nics[0].ip, cloud.ssh_port or 0)
        socket.create_connection(address, timeout=10).close()
        cloud.reset()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=10)
        cloud.site().add_machine("web1")  # gets the same address
        socket.create_connection(address, timeout=10).close()


def test_the_job_of_a_machine_from_before_the_reset_does_nothing(cloud: Emulator) -> None:
    with cloud.datacenter() as sdc:
        machine = sdc.create_machine(name="web1", package="sample-512M", image="base-64")
        cloud.reset()
        assert [found.name for found in sdc.machines()] == ["web0"]
        cloud.clock.advance(60)  # past the end of the job of the first machine
        assert machine.id not in json.dumps(everything(cloud))
