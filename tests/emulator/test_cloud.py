"""`Emulator`: its arguments, its files, starting and stopping, and the settings that it gives to clients."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from smartdc import NotAuthorizedError
from smartdc.emulator import Emulator
from smartdc.emulator.state.clock import Clock, timestamp
from smartdc.emulator.state.resources import SubnetFull

LOGIN_RULE = "use 3 to 32 letters, digits, '_', '.' and '@', and begin with a letter"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"datacenters": []}, "datacenters must be different names, at least one: []"),
        ({"datacenters": ["a", "a"]}, "datacenters must be different names, at least one: ['a', 'a']"),
        ({"datacenters": ["a"], "ports": [1, 2]}, "1 data centers need as many ports, not 2"),
        ({"datacenters": ["a"], "ports": [65536]}, "ports[0] must be a port, from 0 to 65535, not 65536"),
        ({"ssh_port": -1}, "ssh_port must be a port, from 0 to 65535, not -1"),
        ({"account": "a/b"}, f"account must be a login, not 'a/b'; {LOGIN_RULE}"),
        ({"account": ""}, f"account must be a login, not ''; {LOGIN_RULE}"),
        ({"account": "my"}, f"account must be a login, not 'my'; {LOGIN_RULE}"),
        ({"rate": -1}, "rate must be a number from 0 to 1000000: -1"),
        ({"rate": float("nan")}, "rate must be a number from 0 to 1000000: nan"),
        ({"keep_calls": None}, "keep_calls must be a whole number, 0 or more: None"),
        ({"keep_calls": 1.5}, "keep_calls must be a whole number, 0 or more: 1.5"),
        ({"random_seed": 1.5}, "random_seed must be a whole number or a text: 1.5"),
        ({"rate": float("inf")}, "rate must be a number from 0 to 1000000: inf"),
    ],
)
def test_invalid_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Emulator(**arguments)  # type: ignore[arg-type]


def test_before_the_start() -> None:
    cloud = Emulator(account="bob", datacenters=["one", "two"])
    assert repr(cloud) == "<Emulator bob: one, two, stopped>"
    assert cloud.key_id == "/bob/keys/test_key"
    with pytest.raises(RuntimeError, match="has not been started"):
        _ = cloud.key_file
    cloud.stop()
    assert repr(cloud.site()) == "<Site one: 0 machines>"


def test_starting_and_stopping_twice() -> None:
    cloud = Emulator()
    assert cloud.start() is cloud
    url, directory, public = cloud.url(), cloud.key_file.parent, cloud.account.keys[0].openssh
    assert cloud.start() is cloud
    assert (cloud.url(), cloud.key_file.parent) == (url, directory)
    with cloud.datacenter() as sdc:
        sdc.update_account(company_name="Acme")
    cloud.stop()
    assert not directory.exists()
    cloud.stop()
    assert "stopped" in repr(cloud)
    with cloud:  # the same cloud again, with its key
        assert "running" in repr(cloud)
        assert cloud.account.keys[0].openssh == public
        assert len(cloud.account.keys) == 1
        with cloud.datacenter() as sdc:
            assert sdc.account()["companyName"] == "Acme"


def test_two_at_once() -> None:
    with Emulator() as one, Emulator(datacenters=["far", "near"]) as two:
        assert one.key_file != two.key_file
        assert one.url() != two.url() != two.url("near")
        one.site().add_machine(name="web0")
        with one.datacenter() as first, two.datacenter() as second:
            assert [machine.name for machine in first.machines()] == ["web0"]
            assert second.machines() == []
        assert (len(one.calls), len(two.calls)) == (1, 1)
        one.clock.advance(5)
        assert one.clock.monotonic() == 5
        assert two.clock.monotonic() == 0


def test_emulators_do_not_share_default_objects() -> None:
    for _ in range(2):
        site = Emulator().site()
        image = next(image for image in site.images.values() if image.name == "base-64-lts")
        package = next(package for package in site.packages.values() if package.disks)
        assert "changed" not in image.tags
        assert {} in (package.disks or ())
        image.tags["changed"] = True
        (package.disks or [])[0]["size"] = 1


def test_names_of_data_centers() -> None:
    with Emulator(datacenters=["one", "two"]) as cloud:
        assert cloud.url() == cloud.url("one") != cloud.url("two")
        assert cloud.site("two").url == cloud.url("two")
        with pytest.raises(ValueError, match=r"^there is no data center 'three', only one, two$"):
            cloud.datacenter("three")
        with cloud.datacenter("two") as two, two.datacenter("one") as one:
            assert (two.base_url, one.base_url) == (cloud.url("two"), cloud.url("one"))


def test_other_accounts() -> None:
    with Emulator() as cloud:
        bob = cloud.add_account("bob", email="bob@example.org", companyName="Acme", approved=False)
        with cloud.datacenter(login="bob") as sdc, pytest.raises(NotAuthorizedError):
            sdc.machines()
        assert (bob.email, bob.approved, bob.details) == ("bob@example.org", False, {"companyName": "Acme"})
        with pytest.raises(ValueError, match="there is an account 'bob' already"):
            cloud.add_account("bob")


def test_a_state_directory(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "state"
    with Emulator(state_dir=directory) as cloud:
        assert cloud.key_file == directory / "id_ed25519"
        assert stat.S_IMODE(cloud.key_file.stat().st_mode) == 0o600
        key, certificate = cloud.key_file.read_bytes(), cloud.ca_file.read_bytes()
        assert (directory / "id_ed25519.pub").read_text() == f"{cloud.account.keys[0].openssh}\n"
    assert cloud.key_file.read_bytes() == key
    with Emulator(state_dir=directory) as cloud, cloud.datacenter() as sdc:
        assert cloud.key_file.read_bytes() == key
        assert sdc.account()["login"] == "test"
    assert certificate.startswith(b"-----BEGIN CERTIFICATE-----")


def test_a_state_directory_with_another_kind_of_key(tmp_path: Path) -> None:
    private = rsa.generate_private_key(65537, 2048)
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.OpenSSH
    path = tmp_path / "id_ed25519"
    path.write_bytes(private.private_bytes(serialization.Encoding.PEM, form, plain))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="id_ed25519 is no Ed25519 key"):
        Emulator(state_dir=tmp_path).start()
    assert path.read_bytes() == before


def test_ports_in_the_arguments() -> None:
    with Emulator(datacenters=["a"]) as first:
        port = int(first.url().rpartition(":")[2])
        second = Emulator(datacenters=["b", "a"], ports=[0, port])
        with pytest.raises(OSError, match=rf"^\[Errno \d+\] cannot listen at 127\.0\.0\.1:{port} \("):
            second.start()
        with pytest.raises(RuntimeError, match="has not been started"):
            _ = second.key_file  # its files are removed
    with second, second.datacenter("a") as sdc:
        assert sdc.base_url == f"https://127.0.0.1:{port}"
        assert sdc.account()["login"] == "test"


def test_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("not tested: an emulator at ::1 (this system has no IPv6)")
    with Emulator(host="::1") as cloud, cloud.datacenter() as sdc:
        assert cloud.url().startswith("https://[::1]:")
        assert sdc.account()["login"] == "test"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8")
def test_logins_keep_host_keys_in_the_emulators_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also where the user has no home directory, and for every client that comes from the first one."""
    for name in ("SMARTDC_KNOWN_HOSTS", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    with Emulator(ssh_port=0) as cloud, cloud.datacenter() as sdc:
        kept = cloud.ca_file.with_name("known_hosts")
        vm = cloud.site().add_machine("web0")
        with sdc.as_role() as view, pickle.loads(pickle.dumps(sdc)) as unpickled:  # noqa: S301 - our own
            for client in (sdc, view, unpickled):
                client.machine(vm.uuid).connect_ssh().close()
                assert kept.read_text().startswith(vm.uuid)
                kept.unlink()
        monkeypatch.setenv("SMARTDC_KNOWN_HOSTS", str(tmp_path / "shell's"))
        sdc.machine(vm.uuid).connect_ssh().close()
        sdc.machine(vm.uuid).connect_ssh(known_hosts=tmp_path / "given").close()
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == ["given"]


def test_environment() -> None:
    with Emulator(account="bob") as cloud:
        east = cloud.environment("us-east-1")
        assert east["TRITON_URL"] == cloud.url("us-east-1") != cloud.environment()["TRITON_URL"]
        assert cloud.environment() == {
            "TRITON_URL": cloud.url(),
            "TRITON_ACCOUNT": "bob",
            "TRITON_KEY_ID": cloud.account.keys[0].fingerprint,
            "TRITON_KEY_MATERIAL": str(cloud.key_file),
            "SDC_URL": cloud.url(),
            "SDC_ACCOUNT": "bob",
            "SDC_KEY_ID": cloud.account.keys[0].fingerprint,
            "SDC_KEY_MATERIAL": str(cloud.key_file),
            "TRITON_PROFILE": "env",
            "SMARTDC_CA_FILE": str(cloud.ca_file),
            "SMARTDC_KNOWN_HOSTS": str(cloud.ca_file.with_name("known_hosts")),
            "SSL_CERT_FILE": str(cloud.ca_file),
            "REQUESTS_CA_BUNDLE": str(cloud.ca_file),
            "NODE_EXTRA_CA_CERTS": str(cloud.ca_file),
        }


def test_another_client_with_this_environment() -> None:
    if shutil.which("curl") is None:
        pytest.skip("not tested: curl with Emulator.environment() (curl is not installed)")
    with Emulator() as cloud:
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--noproxy", "*", f"{cloud.url()}/--ping"],
            env={"PATH": os.environ["PATH"], **cloud.environment()},
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    assert done.stdout.startswith('{"ping":"pong"')


def test_an_emulator_that_is_never_stopped_removes_its_directory(tmp_path: Path) -> None:
    script = "from smartdc.emulator import Emulator; print(Emulator().start().key_file.parent)"
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    directory = Path(done.stdout.strip())
    assert directory.is_absolute()
    assert not directory.exists()


def test_the_next_start_removes_the_directory_of_a_killed_emulator(tmp_path: Path) -> None:
    script = (
        "import os, signal; from smartdc.emulator import Emulator; cloud = Emulator().start();"
        " print(cloud.key_file.parent, flush=True); os.kill(os.getpid(), signal.{})"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}

    def run(signal_name: str) -> Path:
        command = [sys.executable, "-W", "error", "-c", script.format(signal_name)]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        return Path(done.stdout.strip())

    (tmp_path / "smartdc-emulator-foreign").mkdir()  # without a pid: left alone
    alive = tmp_path / "smartdc-emulator-alive"
    alive.mkdir()
    (alive / "pid").write_text(str(os.getpid()))
    left = run("SIGKILL")
    assert (left / "id_ed25519").exists()
    next_one = run("SIGKILL")
    assert not left.exists()
    assert next_one.exists()
    assert {path.name for path in tmp_path.iterdir()} == {
        "smartdc-emulator-foreign",
        alive.name,
        next_one.name,
    }


def test_a_clock_that_does_not_run() -> None:
    clock, told = Clock(), []
    clock.on_advance(lambda: told.append(clock.monotonic()))
    start = clock.now()
    clock.sleep(3)
    clock.advance(2.5)
    clock.sleep(0)
    clock.sleep(-1)
    assert clock.monotonic() == 5.5
    assert clock.now() == start + 5.5
    assert told == [3, 5.5]
    with pytest.raises(ValueError, match=r"^advance must be a number from 0 to 3153600000: -0\.1$"):
        clock.advance(-0.1)


def test_a_clock_that_runs() -> None:
    clock = Clock(rate=1000)
    before = clock.monotonic()
    clock.sleep(20)
    passed = clock.monotonic() - before
    assert 20 <= passed < 20_000
    clock.advance(1e6)
    assert clock.monotonic() > 1e6


def test_the_servers_own_clock() -> None:
    with Emulator() as cloud, cloud.datacenter() as sdc:
        cloud.clock.advance(100_000)  # does not make signatures expire
        assert sdc.account()["login"] == "test"
        cloud.clock.skew = -3600
        assert cloud.clock.wall() < cloud.clock.now() - 3600


def test_machines_start_while_the_clock_runs() -> None:
    with Emulator(rate=2000) as cloud, cloud.datacenter() as sdc:
        machine = sdc.create_machine(package="g3-highcpu-1-smartos", image=sdc.images(name="base64")[0])
        machine.poll_until("running", interval=2, timeout=600)
        assert len(machine.public_ips) == 1


def test_timestamps() -> None:
    assert timestamp(0.0019) == "1970-01-01T00:00:00.001Z"


def test_added_machines() -> None:
    cloud = Emulator()
    cloud.add_account("bob")
    site = cloud.site()
    private = next(network for network in site.networks.values() if network.kind == "internal")
    vm = site.add_machine(
        "web0", account="bob", image="base", package="sample-512M", networks=[private.uuid], docker=True
    )
    assert (vm.alias, vm.docker, [nic.network_uuid for nic in vm.nics]) == ("web0", True, [private.uuid])
    assert site.images[vm.image_uuid].name == "base"
    assert site.add_machine(state="offline").state == "unreachable"
    assert site.add_machine(brand="lx").brand == "lx"
    flexible = site.add_machine(brand="bhyve", package="g4-bhyve-2G-flex")
    assert (flexible.flexible_disk_size, flexible.free_space) == (51200, 0)
    kvm = site.add_machine(brand="kvm", account=cloud.account)
    assert [disk.size for disk in kvm.disks] == [10240, site.packages[kvm.billing_id or ""].disk]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"colour": "red"}, TypeError, "a machine has no field 'colour'"),
        ({"account": "nobody"}, ValueError, "there is no account 'nobody'"),
        ({"image": "nothing"}, ValueError, "there is no image 'nothing' in us-sw-1"),
        ({"package": "nothing"}, ValueError, "there is no package 'nothing' in us-sw-1"),
    ],
)
def test_invalid_arguments_of_add_machine(
    arguments: dict[str, str], error: type[Exception], message: str
) -> None:
    site = Emulator().site()
    with pytest.raises(error, match=rf"^{message}(; there are .+)?$"):
        site.add_machine(**arguments)  # type: ignore[arg-type]
    assert site.machines == {}


def test_more_machines_than_addresses() -> None:
    cloud = Emulator()
    site = cloud.site()
    public, *others = site.networks.values()
    public.provision_end_ip = public.provision_start_ip
    first, second = site.add_machine(), site.add_machine()
    assert (len(first.nics), len(second.nics)) == (2, 1)  # a full default network is left out
    with pytest.raises(SubnetFull, match=r"^no more free IPs on external$"):
        site.add_machine(networks=[public.uuid])
    del site.networks[others[0].uuid]
    site.add_machine(state="destroyed")
    site.release(first.nics)
    assert site.add_machine(networks=[public.uuid]).nics[0].ip == first.nics[0].ip
