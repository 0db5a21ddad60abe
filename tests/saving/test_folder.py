"""A state directory is intact or refused with a reason, and belongs to one emulator at a time."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.__main__ import main


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The directory of a stopped emulator with one machine."""
    path = tmp_path / "state"
    with Emulator(state_dir=path, datacenters=["one"]) as cloud:
        cloud.site().add_machine("web0")
    return path


def _edited(change: Callable[[dict[str, object]], object]) -> Callable[[bytes], bytes]:
    def edit(data: bytes) -> bytes:
        state = json.loads(data)
        change(state)
        return json.dumps(state).encode()

    return edit


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[: len(data) // 2], r"damaged \(it is not JSON: "),
        (lambda data: b"", r"damaged \(it is not JSON: "),
        (lambda data: b"\x00" * len(data), r"damaged \(it is not JSON: "),
        (lambda data: b"[" * 100_000, r"damaged \(it is not JSON: "),
        (lambda data: b"[]", r"damaged \(it is not the state of an emulator\)"),
        (lambda data: data.replace(b'"web0"', b'"web1"'), r"damaged \(its content does not match"),
        (lambda data: data.replace(b'"sha256"', b'"sha255"'), r"damaged \(its content does not match"),
        (_edited(lambda state: state.pop("accounts")), r"damaged \(a part of it is missing\)"),
        (_edited(lambda state: state.update(version=2)), r"is of version 2, and this emulator reads"),
        (_edited(lambda state: state.pop("version")), r"is of version None, and this emulator"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_and_not_changed(
    directory: Path, damage: Callable[[bytes], bytes], reason: str
) -> None:
    path = directory / "state.json"
    good = path.read_bytes()
    bad = damage(good)
    path.write_bytes(bad)
    for _ in range(2):  # the first attempt releases the lock
        with pytest.raises(ValueError, match=rf"^{path} (is )?{reason}"):
            Emulator(state_dir=directory)
    assert path.read_bytes() == bad
    path.write_bytes(good)
    with Emulator(state_dir=directory) as cloud:
        assert [vm.alias for vm in cloud.site().machines.values()] == ["web0"]


def test_every_damaged_byte_is_noticed(directory: Path) -> None:
    path = directory / "state.json"
    good = path.read_bytes()
    for place in range(0, len(good) - 1, len(good) // 100):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(ValueError, match=r"damaged|is of version"):
            Emulator(state_dir=directory)


def test_two_at_once(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Emulator(state_dir=directory) as cloud:
        with pytest.raises(ValueError, match=rf"^{directory} is used by another emulator: stop that one, or"):
            Emulator(state_dir=directory)
        assert main(["--state-dir", str(directory)]) == 1
        assert f"{directory} is used by another emulator" in capsys.readouterr().err
        code = "import sys; from smartdc.emulator import Emulator; Emulator(state_dir=sys.argv[1])"
        other = subprocess.run(
            [sys.executable, "-c", code, str(directory)], capture_output=True, text=True, check=False
        )
        assert "is used by another emulator" in other.stderr
        cloud.site().add_machine("web1")
    with Emulator(state_dir=directory) as cloud:
        assert len(cloud.site().machines) == 2


def test_a_second_start_after_another_emulator(directory: Path) -> None:
    first = Emulator(state_dir=directory)
    first.start().stop()
    first.start().stop()  # no other emulator has used the directory
    with Emulator(state_dir=directory) as second:
        with pytest.raises(ValueError, match="is used by another emulator"):
            first.start()
        second.site().add_machine("web1")
    with pytest.raises(ValueError, match="meanwhile: make a new Emulator, which reads it"):
        first.start()
    with Emulator(state_dir=directory) as cloud:
        assert len(cloud.site().machines) == 2


def test_other_arguments_than_before(directory: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has the account test, not acme: leave it out, or name another"):
        Emulator(state_dir=directory, account="acme")
    with pytest.raises(ValueError, match="has the data centers one, not two, three: leave it out"):
        Emulator(state_dir=directory, datacenters=["two", "three"])
    with pytest.raises(ValueError, match="has a key of the kind ed25519, not rsa"):
        Emulator(state_dir=directory, key_kind="rsa")
    with pytest.raises(ValueError, match="no addresses to log in at: leave the SSH port out"):
        Emulator(state_dir=directory, ssh_port=0)
    contents = tmp_path / "site.toml"
    contents.write_text('[[datacenters]]\nname = "one"\n[[datacenters.machines]]\nname = "from-contents"\n')
    with Emulator(state_dir=directory, contents=contents, random_seed=7) as cloud:
        assert [vm.alias for vm in cloud.site().machines.values()] == ["web0"]
        cloud.reset()  # back to the contents, as without a state
        assert [vm.alias for vm in cloud.site().machines.values()] == ["from-contents"]
    with Emulator(state_dir=directory) as cloud:
        assert [vm.alias for vm in cloud.site().machines.values()] == ["from-contents"]


def test_a_key_that_is_missing(directory: Path) -> None:
    (directory / "id_ed25519").unlink()
    with pytest.raises(ValueError, match=r"id_ed25519 is missing: put it back, or use"):
        Emulator(state_dir=directory).start()
    assert not (directory / "id_ed25519").exists()


def test_a_damaged_authority(directory: Path) -> None:
    (directory / "ca-key.pem").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"ca-key\.pem is damaged"):
        Emulator(state_dir=directory).start()
    assert (directory / "ca-key.pem").read_bytes() == b"nothing"


def test_key_certificate_and_ports_stay(directory: Path) -> None:
    with Emulator(state_dir=directory) as cloud, cloud.datacenter() as sdc:
        urls, key, trusted = dict(cloud.urls), cloud.key_file.read_bytes(), cloud.ca_file.read_bytes()
        now = cloud.clock.now()
        sdc.machines()
    with Emulator(state_dir=directory) as cloud:
        assert dict(cloud.urls) == urls
        assert (cloud.key_file.read_bytes(), cloud.ca_file.read_bytes()) == (key, trusted)
        assert cloud.clock.now() == now
        with cloud.datacenter() as second:
            assert [machine.name for machine in second.machines()] == ["web0"]
    for name in ("state.json", "ca-key.pem", "id_ed25519", "lock"):
        assert (directory / name).stat().st_mode & 0o777 == 0o600


def test_no_connection_takes_the_ports_before_a_restart(tmp_path: Path) -> None:
    # Linux gives outgoing connections ports from 32768 up (ip_local_port_range), macOS from 49152 up.
    with Emulator(state_dir=tmp_path / "new", datacenters=["one", "two", "three"]) as cloud:
        ports = {int(url.rpartition(":")[2]) for url in cloud.urls.values()}
    assert len(ports) == 3
    assert max(ports) < 32768


def test_the_time_is_saved_without_other_changes(directory: Path) -> None:
    path = directory / "state.json"
    before = path.read_bytes()
    with Emulator(state_dir=directory) as cloud:
        cloud.clock.advance(3600)
        now = cloud.clock.now()
    assert path.read_bytes() == before
    with Emulator(state_dir=directory) as cloud:
        assert cloud.clock.now() == now
    (directory / "clock.json").write_text("{}")
    with pytest.raises(ValueError, match=r"clock\.json is damaged"):
        Emulator(state_dir=directory)


def test_directories_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"the state cannot be kept in \S+ \(.+\): name"):
        Emulator(state_dir=tmp_path / "file")
    with pytest.raises(OSError, match="the state cannot be kept in /proc/nothing"):
        Emulator(state_dir="/proc/nothing")


def test_symbolic_links(directory: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    # A leftover of a killed emulator is removed, not followed.
    (directory / "state.json.new").symlink_to(victim)
    link = tmp_path / "link"
    link.symlink_to(directory, target_is_directory=True)
    with Emulator(state_dir=link) as cloud:
        cloud.site().add_machine("web1")
    assert victim.read_text() == "untouched"
    (directory / "state.json").rename(tmp_path / "moved.json")
    (directory / "state.json").symlink_to(tmp_path / "moved.json")
    with pytest.raises(ValueError, match=r"state\.json is a symbolic link"):
        Emulator(state_dir=directory)
    (directory / "state.json").unlink()
    (directory / "lock").unlink()
    (directory / "lock").symlink_to(victim)
    with pytest.raises(OSError, match="the state cannot be kept in"):
        Emulator(state_dir=directory)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a limit on the size of files")
def test_a_full_disk(directory: Path) -> None:
    # A limit on the size of files fails in the middle of a file, like a full disk.
    code = """
import resource, signal, sys
from smartdc.emulator import Emulator
cloud = Emulator(state_dir=sys.argv[1]).start()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
cloud.site().add_machine("lost")
try:
    cloud.stop()
except OSError as error:
    print(error.errno, cloud.is_running)
"""
    before = (directory / "state.json").read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", code, str(directory)], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{errno.EFBIG} False\n"
    assert (directory / "state.json").read_bytes() == before
    assert not (directory / "state.json.new").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_leaves_the_state_alone(directory: Path) -> None:
    cloud = Emulator(state_dir=directory).start()
    child = os.fork()
    if child == 0:
        cloud.site().add_machine("of-the-child")
        cloud.stop()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    with pytest.raises(ValueError, match="is used by another emulator"):
        Emulator(state_dir=directory)
    cloud.stop()
    with Emulator(state_dir=directory) as second:
        assert [vm.alias for vm in second.site().machines.values()] == ["web0"]


def test_machines_keep_their_host_keys(tmp_path: Path) -> None:
    keys: list[tuple[int | None, str]] = []
    for _ in range(2):
        with Emulator(state_dir=tmp_path, ssh_port=0, datacenters=["one"]) as cloud:
            if not keys:
                cloud.site().add_machine("web0")
            (vm,) = cloud.site().machines.values()
            with socket.create_connection((vm.nics[0].ip, cloud.ssh_port or 0)) as connection:
                transport = paramiko.Transport(connection)
                transport.start_client(timeout=10)
                keys.append((cloud.ssh_port, transport.get_remote_server_key().get_base64()))
                transport.close()
    assert keys[0] == keys[1]


def test_a_relative_directory_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "own.pub").write_text(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUzA2bhE8PjGZGwiGtn4kqLZFZWc0DyBDXGuVZhZhxk laptop\n"
    )
    (tmp_path / "site.toml").write_text('[[accounts]]\nlogin = "acme"\nkeys = ["own.pub"]\n')
    monkeypatch.chdir(tmp_path)
    with Emulator(state_dir="state", contents="site.toml") as cloud:
        monkeypatch.chdir(tmp_path / "elsewhere")
        environment = cloud.environment()
        for name in ("SDC_KEY_MATERIAL", "SMARTDC_CA_FILE"):
            assert Path(environment[name]).is_relative_to(tmp_path / "state")
        assert Path(environment["SMARTDC_KNOWN_HOSTS"]).parent == tmp_path / "state"
        with cloud.datacenter() as sdc:
            assert list(sdc.machines()) == []
        cloud.reset()  # reads the key in the contents again
        cloud.site().add_machine("web0")
    with Emulator(state_dir=tmp_path / "state") as second:
        assert [vm.alias for vm in second.site().machines.values()] == ["web0"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_empty_paths(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="state_dir must be a directory such as 'cloud', not ''"):
        Emulator(state_dir="")
    with pytest.raises(ValueError, match="contents is the path of a TOML file; it cannot be empty"):
        Emulator(contents="")
    assert main(["--state-dir", ""]) == 1
    assert "state_dir must be a directory" in capsys.readouterr().err
