"""Logins to machines through other machines (``ssh -J``), and as the default user of an image."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import paramiko
import pytest

from smartdc import DataCenter, Machine
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.emulator.state.vm import VM
from tests.emulator.test_ssh import cloud, login, run, sdc

__all__ = ["cloud", "sdc"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8")


def network(site: Site, name: str) -> str:
    return next(net.uuid for net in site.networks.values() if net.name == name)


@pytest.fixture
def bastion(cloud: Emulator) -> VM:
    return cloud.site().add_machine("bastion")


@pytest.fixture
def inner(cloud: Emulator) -> VM:
    """A machine without a public address."""
    site = cloud.site()
    return site.add_machine("inner", networks=[network(site, "My-Fabric-Network")])


def through(client: paramiko.SSHClient, address: str, port: int) -> paramiko.Channel:
    transport = client.get_transport()
    assert transport is not None
    return transport.open_channel("direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=10)


def test_the_default_user_of_an_image_can_log_in(cloud: Emulator, sdc: DataCenter) -> None:
    (image,) = sdc.images(name="ubuntu-certified-22.04")
    machine = sdc.create_machine("vm", package="g4-bhyve-2G-flex", image=image)
    machine.poll_until("running")
    with login(cloud, machine.public_ips[0], "ubuntu") as client:
        assert run(client, "whoami")[0] == "ubuntu\n"
    other = cloud.site().add_machine("other")
    with pytest.raises(paramiko.AuthenticationException), login(cloud, other.nics[0].ip, "ubuntu"):
        pass


@pytest.mark.parametrize("standard_port", [True, False])
def test_a_login_forwards_to_another_machine(
    cloud: Emulator, bastion: VM, inner: VM, standard_port: bool
) -> None:
    port = 22 if standard_port else cloud.ssh_port or 0
    outer = cloud.site().add_machine("outer")
    with login(cloud, bastion.nics[0].ip) as client:
        for vm, address in ((inner, inner.nics[0].ip), (outer, outer.nics[0].ip), (outer, outer.nics[1].ip)):
            with paramiko.SSHClient() as second:
                second.set_missing_host_key_policy(paramiko.AutoAddPolicy())
                second.connect(
                    address,
                    username="root",
                    key_filename=str(cloud.key_file),
                    allow_agent=False,
                    look_for_keys=False,
                    sock=through(client, address, port),
                )
                assert run(second, "hostname")[0] == f"{vm.alias}\n"


def test_a_login_forwards_to_nothing_but_machines(cloud: Emulator, bastion: VM, inner: VM) -> None:
    east = cloud.site("us-east-1")
    neighbours = [east.add_machine(networks=[network(east, "private")]) for _ in range(9)]
    stopped = cloud.site().add_machine("stopped", state="stopped")
    with socket.create_server(("127.0.0.1", 0)) as outside, login(cloud, bastion.nics[0].ip) as client:
        outside.settimeout(0)
        for address, port in (
            outside.getsockname(),
            ("localhost", cloud.ssh_port or 0),
            ("192.0.2.1", 22),
            (inner.nics[0].ip, 80),
            (stopped.nics[0].ip, 22),
            (neighbours[-1].nics[0].ip, 22),
        ):
            with pytest.raises(paramiko.ChannelException):
                through(client, address, port)
        with pytest.raises(BlockingIOError):
            outside.accept()


@pytest.mark.skipif(shutil.which("ssh") is None, reason="needs OpenSSH")
def test_ssh_with_a_jump_host(cloud: Emulator, bastion: VM, inner: VM, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"""Host *
  User root
  Port {cloud.ssh_port}
  IdentityFile {cloud.key_file}
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
"""
    )
    command = ["ssh", "-F", str(config), "-J", bastion.nics[0].ip, inner.nics[0].ip, "hostname"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("inner\n", "", 0)


def test_public_images_have_one_uuid_in_all_data_centers(cloud: Emulator, sdc: DataCenter) -> None:
    everywhere = [
        {image["id"] for image in sdc.datacenter(name).images() if image["public"]}
        for name in sdc.datacenters()
    ]
    assert len(everywhere) == 3
    assert everywhere[0] == everywhere[1] == everywhere[2] != set()


def test_an_image_is_copied_to_another_data_center(cloud: Emulator, sdc: DataCenter) -> None:
    machine = cloud.site().add_machine("web", state="stopped", image="base-64-lts")
    image = sdc.create_image_from_machine(machine.uuid, "mine", "1.0.0")
    cloud.clock.advance(60)
    east = sdc.datacenter("us-east-1")
    before = {found["id"] for found in east.images()}
    copy = east.import_image_from_datacenter("us-sw-1", image["id"])
    assert copy["id"] == image["id"]
    # Only the image is copied: the data center already has its origin.
    assert {found["id"] for found in east.images()} == before | {image["id"]}
    made = east.create_machine("copy", package="g4-highcpu-1G", image=copy)
    made.poll_until("running")


def test_each_machine_has_its_own_host_key(cloud: Emulator, sdc: DataCenter) -> None:
    def host_key(machine: Machine) -> str:
        with login(cloud, machine.public_ips[0]) as client:
            transport = client.get_transport()
            assert transport is not None
            return transport.get_remote_server_key().get_base64()

    machines = [sdc.machine(cloud.site().add_machine(name).uuid) for name in ("web0", "web1")]
    first, second = map(host_key, machines)
    assert first != second
    machines[0].stop()
    machines[0].poll_until("stopped")
    machines[0].start()
    machines[0].poll_until("running")
    assert host_key(machines[0]) == first


def test_a_tag_has_the_ssh_port_of_a_machine(cloud: Emulator, sdc: DataCenter, inner: VM) -> None:
    # `triton ssh` and `Machine.connect_ssh` read this tag; port 22 needs none.
    (image,) = sdc.images(name="base-64-lts", version="20.4.0")
    machine = sdc.create_machine("web", package="g3-highcpu-1-smartos", image=image, tags={"role": "web"})
    machine.poll_until("running")
    assert machine.tags == {"role": "web", "tritoncli.ssh.port": cloud.ssh_port}
    machine.replace_tags({"tritoncli.ssh.port": 2222})
    machine.poll_applied(tags={"tritoncli.ssh.port": 2222})
    machine.stop()
    machine.poll_until("stopped")
    machine.start()
    machine.poll_until("running")
    assert machine.tags == {"tritoncli.ssh.port": 2222}
    assert inner.tags == {}  # it can be reached only through another machine


@pytest.mark.skipif(os.getuid() != 0, reason="not tested: logins at port 22 (ports under 1024 need root)")
def test_machines_have_no_such_tag_with_port_22() -> None:
    with Emulator(ssh_port=22) as cloud:
        assert cloud.site().add_machine("web0").tags == {}
