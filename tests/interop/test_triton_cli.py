"""The ``triton`` command itself (node-triton, from npm) doing its everyday work in the emulator.

Each scenario is what a user might type in an afternoon, in order. They run side by side in the same account,
because the command waits for machines. What the command reads is compared with what our client reads.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from smartdc import GoneError
from smartdc.emulator import Emulator
from tests.contract.exchanges import DESCRIPTION, Tally
from tests.interop.npm import install
from tests.interop.triton_command import Triton

PACKAGE = "triton"
VERSION = "7.17.0"
NOT_VERIFIED = f"not verified: that {PACKAGE} {VERSION} from npm does its everyday work in the emulator"

RATE = 10.0
"""Emulated seconds per second, so that the command has to wait for machines."""

AT_ONCE = 4
LINUX = sys.platform == "linux"
"""Only Linux answers on all of 127.0.0.0/8, which machines with SSH need."""


Scenario = Callable[[Triton], None]


def looking_around(triton: Triton) -> None:
    """Everything that exists from the start."""
    sdc = triton.sdc
    account = triton.json("account", "get", "-j")
    assert account == dict(sdc.account())
    assert _by("name", triton.lines("keys", "-j")) == _by("name", sdc.keys())
    assert triton.json("datacenters", "-j") == sdc.datacenters()
    assert triton.json("services", "-j") == {"cloudapi": sdc.base_url}
    images = _by("id", triton.lines("images", "-j"))
    assert images == _by("id", sdc.images())
    assert _by("id", triton.lines("packages", "-j")) == _by("id", sdc.packages())
    assert triton.json("package", "get", "g4-general-4G") == sdc.package("g4-general-4G")
    assert triton.json("image", "get", "debian-11")["requirements"] == {"brand": "lx"}


def networks(triton: Triton) -> None:
    """VLANs, networks on them, and their addresses."""
    seen = _by("id", triton.lines("network", "list", "-j"))
    assert seen == _by("id", triton.sdc.networks())
    triton("vlan", "create", "-n", "lab", "7")
    assert [each["vlan_id"] for each in triton.lines("vlan", "list", "-j")] == [2, 7]
    arguments = ["--subnet=10.50.1.0/24", "--start-ip=10.50.1.5", "--end-ip=10.50.1.20", "-x"]
    triton("network", "create", "-n", "lab-net", *arguments, "7")
    made = triton.json("network", "get", "lab-net")
    assert made == triton.sdc.network(made["id"])
    assert [each["name"] for each in triton.lines("vlan", "networks", "-j", "7")] == ["lab-net"]
    triton("network", "ip", "update", "lab-net", "10.50.1.9", "reserved=true")
    address = triton.json("network", "ip", "get", "lab-net", "10.50.1.9")
    assert (address["ip"], address["reserved"]) == ("10.50.1.9", True)
    triton("network", "set-default", "lab-net")
    assert triton.json("network", "get-default", "-j")["id"] == made["id"]
    assert "cannot delete default network" in triton.refused("network", "delete", "lab-net")
    triton("network", "set-default", "My-Fabric-Network")
    triton("network", "delete", "lab-net")
    triton("vlan", "delete", "7")
    assert triton.json("vlan", "get", "-j", "2")["name"] == "My-Fabric-VLAN"


def tags_and_metadata(triton: Triton) -> None:
    """Tags and metadata of a machine; both clients read the same."""
    options = ["-t", "role=web", "-t", "number=3", "-m", "note=hi", "--firewall"]
    triton("instance", "create", "-w", "-n", "tagged", *options, "base-64-lts", "g4-highcpu-1G")
    tagged = triton.json("instance", "get", "-j", "tagged")
    assert tagged == triton.sdc.raw_machine_data(tagged["id"])
    assert (tagged["state"], tagged["firewall_enabled"]) == ("running", True)
    port = {"tritoncli.ssh.port": triton.cloud.ssh_port} if LINUX else {}  # the emulator's own tag
    assert triton.json("instance", "tag", "list", "tagged") == {"role": "web", "number": 3} | port
    triton("instance", "tag", "set", "-w", "tagged", "ready=true")
    assert triton("instance", "tag", "get", "tagged", "ready").strip() == "true"
    triton("instance", "tag", "delete", "-w", "tagged", "number")
    machine = triton.sdc.machine(tagged["id"])
    assert triton.json("instance", "tag", "list", "tagged") == {"role": "web", "ready": True} | port
    assert machine.get_tags() == {"role": "web", "ready": True} | port
    triton("instance", "metadata", "set", "-w", "tagged", "colour=blue")
    assert triton("instance", "metadata", "get", "tagged", "colour").strip() == "blue"
    triton("instance", "metadata", "delete", "-w", "-f", "tagged", "note")
    assert triton.json("instance", "metadata", "list", "tagged") == machine.get_metadata()
    assert "note" not in machine.metadata
    rule = 'FROM any TO tag "role" = "web" ALLOW tcp PORT 22'
    triton("fwrule", "create", "-D", "ssh", rule)
    found = triton.lines("instance", "fwrules", "-j", "tagged")
    ours = next(each for each in found if each["rule"] == rule)
    assert (ours["enabled"], ours["description"]) == (True, "ssh")
    triton("fwrule", "disable", ours["id"])
    assert triton.json("fwrule", "get", "-j", ours["id"])["enabled"] is False
    assert [each["name"] for each in triton.lines("fwrule", "instances", "-j", ours["id"])] == ["tagged"]
    triton("fwrule", "delete", "-f", ours["id"])
    triton("instance", "delete", "-w", "-f", "tagged")


def life_of_a_machine(triton: Triton) -> None:
    """Stopping, starting, snapshots, protection, deletion."""
    triton("instance", "create", "-w", "-n", "lived", "base-64-lts", "g4-highcpu-1G")
    ident = triton.json("instance", "get", "-j", "lived")["id"]
    machine = triton.sdc.machine(ident, lazy=True)
    triton("instance", "stop", "-w", "lived")
    assert machine.status() == "stopped"
    triton("instance", "start", "-w", "lived")
    triton("instance", "reboot", "-w", "lived")
    triton("instance", "snapshot", "create", "-w", "-n", "before", "lived")
    snapshot = triton.json("instance", "snapshot", "get", "-j", "lived", "before")
    assert snapshot == machine.raw_snapshot_data("before")
    triton("instance", "snapshot", "delete", "-w", "-f", "lived", "before")
    triton("instance", "enable-deletion-protection", "-w", "lived")
    assert "deletion_protection" in triton.refused("instance", "delete", "-f", "lived")
    triton("instance", "disable-deletion-protection", "-w", "lived")
    triton("instance", "delete", "-w", "-f", "lived")
    with pytest.raises(GoneError):
        machine.refresh()


def changes_of_size(triton: Triton) -> None:
    """Another name, package and NIC; and what the audit says about it."""
    triton("instance", "create", "-w", "-n", "small", "-N", "external", "base-64-lts", "g4-highcpu-1G")
    triton("instance", "rename", "-w", "small", "large")
    triton("instance", "resize", "-w", "large", "g4-general-4G")
    triton("instance", "nic", "create", "-w", "large", "private")
    large = triton.json("instance", "get", "-j", "large")
    machine = triton.sdc.machine(large["id"])
    assert large == machine.raw
    assert (large["memory"], len(large["nics"])) == (4096, 2)
    nics = triton.lines("instance", "nic", "list", "-j", "large")
    assert sorted(nic["mac"] for nic in nics) == sorted(nic["mac"] for nic in machine.nics)
    added = next(nic["mac"] for nic in nics if not nic["primary"])
    triton("instance", "nic", "delete", "-f", "large", added)
    audit = triton.lines("instance", "audit", "-j", "large")
    assert {entry["success"] for entry in audit} == {"yes"}
    assert {"provision", "rename", "resize", "add_nics"} <= {entry["action"] for entry in audit}
    assert triton("instance", "ip", "large").strip() == machine.primary_ip
    triton("instance", "delete", "-w", "-f", "large")


def disks(triton: Triton) -> None:
    """A bhyve machine whose space is divided by hand."""
    parts = ["--disk", '{"size": 10240}', "--disk", '{"size": 20480}']
    image, package = "ubuntu-certified-22.04", "g4-bhyve-4G-flex"
    triton("instance", "create", "-w", "-n", "divided", *parts, image, package)
    triton("instance", "stop", "-w", "divided")
    # With a block size the server crashes (docs/cloudapi/hazards.md#disk-on-a-machine-with-an-image).
    triton.boot_disk_without_block_size("divided")
    triton("instance", "disk", "add", "-w", "divided", "1024")
    listed = triton.lines("instance", "disk", "list", "-j", "divided")
    assert sorted(disk["size"] for disk in listed) == [1024, 10240, 20480]
    small = next(disk["id"] for disk in listed if disk["size"] == 1024)
    triton("instance", "disk", "resize", "-w", "divided", small, "2048")
    disk = triton.json("instance", "disk", "get", "divided", small)
    machine = triton.sdc.machine(triton.json("instance", "get", "-j", "divided")["id"])
    # The command leaves the state out.
    assert disk == {key: value for key, value in machine.get_disk(small).items() if key != "state"}
    triton("instance", "disk", "delete", "-w", "divided", small)
    assert len(triton.lines("instance", "disk", "list", "-j", "divided")) == 2
    triton("instance", "delete", "-w", "-f", "divided")


def volumes(triton: Triton) -> None:
    """A volume."""
    sizes = [each["size"] for each in triton.lines("volume", "sizes", "-j")]
    assert sizes == [each["size"] for each in triton.sdc.volume_sizes()]
    triton("volume", "create", "-w", "-n", "data", "-s", "20G")
    data = triton.json("volume", "get", "data")
    assert data == triton.sdc.volume(data["id"])
    assert (data["size"], data["state"]) == (20480, "ready")
    assert [each["name"] for each in triton.lines("volume", "list", "-j")] == ["data"]
    triton("volume", "delete", "-w", "-y", "data")


def rbac(triton: Triton) -> None:
    """Users, policies, roles, and what is tagged with them."""
    user = {"login": "bob", "password": "secret123", "email": "bob@example.com"}
    triton("rbac", "user", "-a", triton.file("user.json", user))
    policy = {"name": "reading", "rules": ["CAN getmachine"]}
    triton("rbac", "policy", "-a", triton.file("policy.json", policy))
    role = {
        "name": "readers",
        "policies": [{"name": "reading"}],
        "members": [{"type": "subuser", "login": "bob"}],
    }
    triton("rbac", "role", "-a", triton.file("role.json", role))
    (bob,) = triton.lines("rbac", "users", "-j")
    assert bob == triton.sdc.user("bob")
    assert [each["name"] for each in triton.lines("rbac", "policies", "-j")] == ["reading"]
    (readers,) = triton.lines("rbac", "roles", "-j")
    assert readers["name"] == "readers"
    assert "readers" in triton("rbac", "info")
    triton("rbac", "role-tags", "-a", "readers", "/my/images")
    assert triton("rbac", "role-tags", "/my/images").strip() == "readers"
    triton("rbac", "role", "-d", "-y", "readers")
    triton("rbac", "policy", "-d", "-y", "reading")
    triton("rbac", "user", "-d", "-y", "bob")
    assert triton.sdc.users() == []


def placement(triton: Triton) -> None:
    """Machines near to and far from each other."""
    create = ["instance", "create", "-w", "base-64-lts", "g4-highcpu-1G", "-n"]
    triton(*create, "first", "-t", "group=db")
    triton(*create, "near", "-a", "instance==first")
    triton(*create, "far", "-a", "group!=db", "-a", "instance!=near")
    first, near, far = (triton.json("instance", "get", "-j", name) for name in ("first", "near", "far"))
    assert first["compute_node"] == near["compute_node"] != far["compute_node"]
    assert "failed" in triton.refused(*create, "nowhere", "-a", "instance==nosuch")
    for name in ("first", "near", "far"):
        triton("instance", "delete", "-f", name)


def image_to_another_data_center(triton: Triton) -> None:
    """An image of a machine, copied to another data center."""
    vm = triton.cloud.site().add_machine("imaged", state="stopped", image="base-64-lts")
    triton("image", "create", "-w", "imaged", "copied", "1.0.0")
    (image,) = triton.sdc.images(name="copied")
    triton("image", "copy", image["id"], "us-east-1")
    (copy,) = triton.sdc.datacenter("us-east-1").images(name="copied")
    assert (copy["id"], copy["origin"]) == (image["id"], vm.image_uuid)
    triton("image", "delete", "-f", image["id"])


def names_in_dns(triton: Triton) -> None:
    """Names of a machine where CNS is on."""
    triton("account", "update", "triton_cns_enabled=true")
    triton(
        "instance",
        "create",
        "-w",
        "-n",
        "named",
        "-t",
        "triton.cns.services=www",
        "base-64-lts",
        "g4-highcpu-1G",
    )
    names = triton.json("instance", "get", "-j", "named")["dns_names"]
    assert any(name.startswith("named.inst.") for name in names)
    assert any(name.startswith("www.svc.") for name in names)
    triton("instance", "delete", "-w", "-f", "named")


def logins(triton: Triton) -> None:
    """SSH as the image's user, and through a bastion to a machine without a public address."""
    site = triton.cloud.site()
    fabric = next(net.uuid for net in site.networks.values() if net.kind == "fabric")
    # The command reads the port in the tag that each machine has; where there is none it asks for 22.
    site.add_machine("bastion", image="base-64-lts")
    site.add_machine("linux", brand="bhyve", image="ubuntu-certified-22.04", package="g4-bhyve-2G-flex")
    site.add_machine("hidden", networks=[fabric], tags={"tritoncli.ssh.proxy": "bastion"})
    config = f"""Port {triton.cloud.ssh_port}
IdentityFile {triton.cloud.key_file}
IdentitiesOnly yes
StrictHostKeyChecking no
UserKnownHostsFile /dev/null
LogLevel ERROR
"""
    options = ["-F", triton.file("ssh_config", config)]
    assert triton("ssh", "linux", *options, "whoami").strip() == "ubuntu"
    assert triton("ssh", "bastion", *options, "hostname").strip() == "bastion"
    assert triton("ssh", "hidden", *options, "hostname").strip() == "hidden"
    with triton.cloud.datacenter() as sdc:
        for name, user in (("linux", "ubuntu"), ("bastion", "root"), ("hidden", "root")):
            (machine,) = sdc.machines(name=name)
            with machine.connect_ssh(known_hosts=False) as ssh:
                output = ssh.exec_command("hostname; whoami", timeout=10)[1].read()
            assert output.decode().split() == [name, user]


def changefeed(triton: Triton) -> None:
    """Changes of a machine while they happen."""
    vm = triton.cloud.site().add_machine("watched")
    machine = triton.sdc.machine(vm.uuid, lazy=True)
    with triton.running("changefeed", "-j", f"--instances={vm.uuid}") as feed:
        assert feed.stdout is not None
        _until(lambda: any(call.operation == "changefeed" for call in triton.cloud.calls))
        machine.rename("seen")
        change = json.loads(feed.stdout.readline())
    assert change["changedResourceId"] == vm.uuid
    assert change["changeKind"]["resource"] == "vm"


def _until(there: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    for _ in range(200):
        if there():
            return
        time.sleep(0.05)
    pytest.fail("nothing came within ten seconds")


def _by(key: str, things: Any) -> dict[str, Any]:
    return {thing[key]: dict(thing) for thing in things}


SCENARIOS: list[Scenario] = [
    # The longest first, so that the last to end are short.
    tags_and_metadata,
    life_of_a_machine,
    networks,
    changes_of_size,
    rbac,
    disks,
    placement,
    image_to_another_data_center,
    *([logins] if LINUX else []),
    looking_around,
    volumes,
    names_in_dns,
    changefeed,
]


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    modules = install(PACKAGE, VERSION, NOT_VERIFIED, tmp_path_factory)
    home = tmp_path_factory.mktemp("triton")
    with Emulator(rate=RATE, ssh_port=0 if LINUX else None) as cloud, cloud.datacenter() as sdc:
        (home / ".ssh").mkdir()
        for name in ("id_ed25519", "id_ed25519.pub"):
            path = home / ".ssh" / name
            path.write_bytes((cloud.key_file.parent / name).read_bytes())
            path.chmod(0o600)
        triton = Triton(modules, cloud, sdc, home)
        yield triton
        triton.close()


@pytest.fixture(scope="module")
def runs(triton: Triton) -> Iterator[dict[Scenario, Future[None]]]:
    """All scenarios, while they run."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {scenario: pool.submit(scenario, triton) for scenario in SCENARIOS}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_triton(scenario: Scenario, runs: dict[Scenario, Future[None]]) -> None:
    runs[scenario].result()


def test_nothing_was_harmful_or_undescribed(
    triton: Triton, runs: dict[Scenario, Future[None]], tally: Tally
) -> None:
    for run in runs.values():
        run.exception()
    assert triton.cloud.violations == []
    # The command sends the parameters of the path in the query as well: only the answers are looked at.
    assert tally.check(DESCRIPTION, triton.cloud.calls, answers_only=True) == []
