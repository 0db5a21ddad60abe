"""Files of contents: what they add to an emulator, and the errors about them."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from smartdc import DataCenter, NotAuthorizedError
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Drop

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUzA2bhE8PjGZGwiGtn4kqLZFZWc0DyBDXGuVZhZhxk laptop"

GOOD = f"""
account = "acme"

[[accounts]]
login = "acme"
email = "ops@acme.example"
companyName = "Acme"
triton_cns_enabled = true
keys = [
  "{KEY}",
]

[[accounts.users]]
login = "bob"

[[accounts.users]]
login = "eve"
keys = []
allowed = true

[[accounts.policies]]
name = "reading"
rules = ["CAN listmachines and getmachine"]

[[accounts.roles]]
name = "readers"
policies = ["reading"]
default_members = ["bob"]
members = ["eve"]
resources = ["machines"]

[[accounts]]
login = "partner"

[[datacenters]]
name = "north"
services = {{docker = "tcp://docker.example:2376", cmon = "https://cmon.example"}}

[[datacenters.images]]
name = "app"
version = "2.1.0"
account = "partner"
acl = ["acme"]
uuid = "0f1d2b3c-0000-4000-8000-000000000001"

[[datacenters.images]]
name = "appliance"
brand = "bhyve"
tags = {{role = "os"}}

[[datacenters.packages]]
name = "tiny"
memory = 128
disk = 1024

[[datacenters.networks]]
name = "lab"
subnet = "10.50.0.0/24"
kind = "fabric"
account = "acme"
vlan_id = 7

[[datacenters.volumes]]
name = "data"
size = 20480
tags = {{use = "db"}}

[[datacenters.quotas]]
value = 100

[[datacenters.machines]]
name = "web0"
image = "app"
package = "tiny"
tags = {{role = "web", number = 3}}
metadata = {{note = "hi"}}
networks = ["lab", "external"]
uuid = "0f1d2b3c-0000-4000-8000-000000000002"
deletion_protection = true
role_tags = ["readers"]

[[datacenters.machines]]
name = "their"
account = "partner"
state = "stopped"

[[datacenters]]
name = "south"
volumes_enabled = false
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(text)
    return path


def test_a_file_with_all_fields_is_loaded(tmp_path: Path) -> None:
    with Emulator(contents=written(tmp_path, GOOD)) as cloud, cloud.datacenter() as sdc:
        assert list(sdc.datacenters()) == ["north", "south"]
        account = sdc.account()
        assert (account["login"], account["email"]) == ("acme", "ops@acme.example")
        assert account["companyName"] == "Acme"
        assert sdc.keys()[-1]["name"] == "test_key"
        assert sdc.services() == {
            "cloudapi": cloud.url(),
            "docker": "tcp://docker.example:2376",
            "cmon": "https://cmon.example",
        }
        assert sdc.image("0f1d2b3c-0000-4000-8000-000000000001")["version"] == "2.1.0"
        (appliance,) = sdc.images(name="appliance")
        assert (appliance["type"], appliance["os"]) == ("zvol", "linux")
        assert appliance["requirements"] == {"brand": "bhyve"}
        assert sdc.package("tiny")["memory"] == 128
        (lab,) = [network for network in sdc.networks() if network["name"] == "lab"]
        assert (lab["vlan_id"], lab["fabric"], lab["gateway"]) == (7, True, "10.50.0.1")
        assert [vlan["vlan_id"] for vlan in sdc.fabric_vlans()] == [2, 7]
        (volume,) = sdc.volumes()
        assert (volume["name"], volume["size"], volume["state"]) == ("data", 20480, "ready")
        assert volume["tags"] == {"use": "db"}
        (machine,) = sdc.machines()
        assert (machine.id, machine.state) == ("0f1d2b3c-0000-4000-8000-000000000002", "running")
        assert machine.tags == {"role": "web", "number": 3}
        assert machine.metadata["note"] == "hi"
        assert machine.raw["deletion_protection"] is True
        assert lab["id"] in machine.networks
        assert [nic["network"] for nic in machine.get_nics()] == machine.networks
        assert sdc.limits() == [{"value": 100, "used": 1}]
        assert sdc.datacenter("south").machines() == []


def test_accounts_and_sub_users_without_keys_get_the_emulators_key(tmp_path: Path) -> None:
    with Emulator(contents=written(tmp_path, GOOD)) as cloud:
        with cloud.datacenter(key_id="/partner/keys/test_key") as partner:
            assert [machine.name for machine in partner.machines()] == ["their"]
            assert partner.image("0f1d2b3c-0000-4000-8000-000000000001")["owner"] == partner.account()["id"]
        with cloud.datacenter(key_id="/acme/users/bob/keys/test_key") as bob:
            assert bob.machines()[0].status() == "running"
            with pytest.raises(NotAuthorizedError):
                bob.keys()


def test_the_examples_of_the_docs_can_be_read(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "emulator.md"
    contents, faults = re.findall(r"^```toml\n(.+?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    cloud = Emulator(contents=written(tmp_path, contents))
    assert [vm.alias for vm in cloud.site().machines.values()] == ["web0"]
    (tmp_path / "faults.toml").write_text(faults)
    cloud.load_faults(tmp_path / "faults.toml")
    assert cloud.faults.choose("CreateMachine", "us-east-1") == Drop(after_commit=True)


def test_arguments_of_the_emulator_take_precedence(tmp_path: Path) -> None:
    path = written(tmp_path, '[[accounts]]\nlogin = "one"\n[[accounts]]\nlogin = "two"\n')
    assert Emulator(contents=path).account.login == "one"
    cloud = Emulator(contents=path, account="two", datacenters=["east"])
    assert cloud.account.login == "two"
    assert cloud.site().name == "east"
    with pytest.raises(
        ValueError, match=r"site\.toml:2: datacenters\[0\]\.name is not one of the data centers"
    ):
        Emulator(contents=written(tmp_path, '[[datacenters]]\nname = "far"'), datacenters=["east"])


def test_without_the_default_images_and_packages(tmp_path: Path) -> None:
    text = "defaults = false\n[[datacenters]]\nname = 'one'\n[[datacenters.images]]\nname = 'only'\n"
    with Emulator(contents=written(tmp_path, text)) as cloud, cloud.datacenter() as sdc:
        assert [image["name"] for image in sdc.images()] == ["only"]
        assert sdc.packages() == []


def test_keys_may_be_paths_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "laptop.pub").write_text(f"{KEY}\n")
    text = '[[accounts]]\nlogin = "acme"\nkeys = ["laptop.pub"]\n'
    assert [key.openssh for key in Emulator(contents=written(tmp_path, text)).account.keys] == [KEY]


def test_a_large_file_loads_quickly(tmp_path: Path) -> None:
    accounts = "".join(
        f'[[accounts]]\nlogin = "account{number}"\n'
        + "".join(f'[[accounts.users]]\nlogin = "user{user}"\n' for user in range(5))
        for number in range(2)
    )
    sites = "".join(
        f'[[datacenters]]\nname = "dc{number}"\nservices = {{docker = "tcp://docker.example"}}\n'
        + "".join(
            f'[[datacenters.machines]]\nname = "web{machine}"\nimage = "base-64"\ntags = {{role = "web"}}\n'
            f'package = "g4-highcpu-1G"\naccount = "account{machine % 2}"\n'
            for machine in range(25)
        )
        for number in range(2)
    )
    path = written(tmp_path, accounts + sites)
    Emulator(contents=path)
    taken = []
    for _ in range(3):
        started = time.thread_time()
        cloud = Emulator(contents=path)
        taken.append(time.thread_time() - started)
    assert sum(len(cloud.site(name).machines) for name in ("dc0", "dc1")) == 50
    assert min(taken) < 0.2, taken


WRONG = [
    ('account = "acme"', 'account = "nobody"', "account is 'nobody', which is not one of the accounts"),
    ('account = "acme"', 'acount = "acme"', "acount is not known; did you mean account?"),
    ('account = "acme"', "account = acme", "is not TOML"),
    ('login = "acme"', 'login = "a/b"', "accounts[0].login must be a login, not 'a/b'; use"),
    ('[[accounts]]\nlogin = "acme"', "[[accounts]]", "accounts[0] needs login"),
    ("triton_cns_enabled = true", 'triton_cns_enabled = "yes"', "must be true or false, not 'yes'"),
    (f'keys = [\n  "{KEY}"', 'keys = [\n  "ssh-ed25519 AAAA"', "accounts[0].keys cannot be used: key 0: "),
    (f'keys = [\n  "{KEY}"', 'keys = [\n  "gone.pub"', "accounts[0].keys cannot be used: key 0: "),
    ('login = "eve"', 'login = "bob"', "accounts[0].users[1].login is the login of another sub-user"),
    (
        "CAN listmachines and getmachine",
        "MAY do",
        "accounts[0].policies[0].rules cannot be used: rule 0: ",
    ),
    ('policies = ["reading"]', 'policies = ["writing"]', "accounts[0].roles[0].policies has 'writing'"),
    ('default_members = ["bob"]', 'default_members = ["al"]', "roles[0].default_members has 'al'"),
    ('login = "partner"', 'login = "acme"', "accounts[1].login is 'acme', which is there twice"),
    ('docker = "tcp://docker.example:2376"', "docker = 1", "datacenters[0].services must have texts"),
    ('version = "2.1.0"', "version = 2.1", "datacenters[0].images[0].version must be text, not 2.1"),
    ('acl = ["acme"]', 'acl = ["ghost"]', "images[0].acl cannot be used: there is no account 'ghost'"),
    ("000000000001", "00000000000", "datacenters[0].images[0].uuid cannot be used: "),
    ('brand = "bhyve"', 'brand = "xen"', "datacenters[0].images[1].brand must be one of joyent, "),
    ("memory = 128", "memory = 0", "packages[0].memory must be a number of MiB above 0, not 0"),
    ("memory = 128", "memroy = 128", "packages[0].memroy is not known; did you mean memory?"),
    (
        '"10.50.0.0/24"',
        '"10.50.0.1/24"',
        "networks[0].subnet cannot be used: a subnet is written as 10.1.",
    ),
    (
        '"10.50.0.0/24"',
        '"10.50.0.0/33"',
        "networks[0].subnet cannot be used: a subnet is written as 10.1.",
    ),
    ('login = "acme"', 'login = "a b"', "accounts[0].login must be a login, not 'a b'; use 3 to 32 letters"),
    ('login = "bob"', 'login = "bo"', "users[0].login must be a login, not 'bo'; use 3 to 32 letters"),
    ('name = "web0"', 'name = "web 0"', "machines[0].name must be the name of a machine, not 'web 0'; use"),
    (
        'name = "data"',
        'name = "my data"',
        "volumes[0].name must be the name of a volume, not 'my data'; use",
    ),
    ('name = "app"', 'name = "app:1"', "images[0].name must be the name of an image, not 'app:1'; use"),
    ('state = "stopped"', 'state = "stoped"', "not 'stoped'; did you mean stopped?"),
    ('acl = ["acme"]', 'acl = ["acne"]', "there is no account 'acne'; did you mean 'acme'?"),
    ('package = "tiny"', 'package = "tny"', "there is no package 'tny' in north; did you mean 'tiny'?"),
    (
        'kind = "fabric"',
        'kind = "fibre"',
        "datacenters[0].networks[0].kind must be one of external, internal,",
    ),
    (
        'kind = "fabric"',
        'gateway = "10"\nkind = "fabric"',
        "networks[0].gateway is written as 10.1.0.1: ",
    ),
    ("vlan_id = 7", "vlan_id = 5000", "networks[0].vlan_id must be a number from 0 to 4094"),
    ("size = 20480", "size = -1", "volumes[0].size must be a number of MiB above 0"),
    ("[[datacenters.quotas]]\nvalue = 100", "[[datacenters.quotas]]", "datacenters[0].quotas[0] needs value"),
    (
        'image = "app"',
        'image = "ap"',
        "machines[0].image cannot be used: there is no image 'ap' in north",
    ),
    ('package = "tiny"', 'package = "huge"', "machines[0].package cannot be used: there is no package"),
    (
        "number = 3",
        "number = [3]",
        "machines[0].tags must be a table of texts, numbers and flags, not number = a list",
    ),
    (
        '["lab", "external"]',
        '["lab", "mars"]',
        "machines[0].networks cannot be used: there is no network",
    ),
    ("000000000002", "00000000000x", "datacenters[0].machines[0].uuid cannot be used: "),
    (
        'state = "stopped"',
        'state = "asleep"',
        "datacenters[0].machines[1].state must be one of provisioning, ready, running, ",
    ),
    ('name = "south"', 'name = "north"', "datacenters[1].name is 'north', which is there twice"),
    ('name = "their"\naccount = "partner"', 'name = "web0"', "machines[1].name is 'web0', which another"),
    (
        'resources = ["machines"]',
        'resources = ["vms"]',
        "accounts[0].roles[0].resources must be some of machines, ",
    ),
    (
        'role_tags = ["readers"]',
        'role_tags = ["riders"]',
        "machines[0].role_tags has 'riders', which is not one",
    ),
]


@pytest.mark.parametrize(("old", "new", "problem"), WRONG)
def test_an_error_has_line_and_field(tmp_path: Path, old: str, new: str, problem: str) -> None:
    line = GOOD[: GOOD.index(old)].count("\n") + 1
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ValueError, match=r"site\.toml") as caught:
        Emulator(contents=path)
    assert problem in str(caught.value)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"\xff", b'account = "\xff"', b"a = [" * 500, b"\0", b"[[accounts]]\n" * 3])
def test_a_file_that_cannot_be_parsed(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"site\.toml:\d+: "):
        Emulator(contents=path)


def test_contents_must_be_a_path() -> None:
    with pytest.raises(ValueError, match="contents is the path of a TOML file, not int"):
        Emulator(contents=5)  # type: ignore[arg-type]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        Emulator(contents=tmp_path / "none.toml")


def test_an_error_in_a_value_of_several_lines_has_its_first_line(tmp_path: Path) -> None:
    text = '# first\n\n[[accounts]]\nlogin = "acme"\nkeys = [\n  # none\n  1,\n\n]\nemail = """\n[[x]]\n"""\n'
    with pytest.raises(ValueError, match=r"site\.toml:5: accounts\[0\]\.keys must be a list of texts"):
        Emulator(contents=written(tmp_path, text))
    with pytest.raises(ValueError, match=r"site\.toml:6: accounts\[0\]\.emial is not known"):
        Emulator(
            contents=written(tmp_path, '\r\n[[accounts]]\r\nlogin = "one"\r\n\r\n\r\nemial = """\r\n"""\r\n')
        )


def record(path: Path) -> list[object]:
    """All answers of one run; no request names anything, so that the emulator generates all names."""
    with Emulator(contents=path, random_seed=7) as cloud, cloud.datacenter() as sdc:
        image = sdc.images(name="base64")[0]["id"]
        for _ in range(2):
            body = {"package": "g4-highcpu-1G", "image": image}
            made, _ = sdc.request("POST", "/machines", data=body)
            sdc.machine(made["id"]).poll_until("running")
        sdc.request("POST", "/volumes", data={"type": "tritonnfs"})
        sdc.create_access_key()
        sdc.create_user("alice", "al@example.com", "secret123")
        machine = sdc.machines()[0]
        machine.create_snapshot("one")
        machine.audit()
        sdc.volumes()
        seen = [(call.operation, call.response) for call in cloud.calls]
        return [cloud.key.fingerprint, seen, [vm.uuid for vm in cloud.site().machines.values()]]


def test_two_runs_with_the_same_seed_are_the_same(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    first = record(path)
    assert record(path) == first


def test_another_seed_and_none_give_other_ids() -> None:
    ids = {str(Emulator(random_seed=seed).site().add_machine().uuid) for seed in (1, 2, "1", None, None)}
    assert len(ids) == 5
    assert Emulator(random_seed=1).site().add_machine().uuid in ids


def test_clients_of_a_seeded_emulator_can_sign() -> None:
    with Emulator(random_seed=1) as cloud:
        sdc = DataCenter(cloud.url(), cloud.key_id, cloud.key_file, verify=cloud.ca_file)
        assert sdc.machines() == []
        assert sdc.account()["created"].startswith("2026-01-01T00:00:00")
