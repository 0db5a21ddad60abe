"""The examples when something goes wrong: interrupts, mistakes in a file or on the command line."""

from __future__ import annotations

import importlib
import io
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from smartdc import Machine
from smartdc.emulator import Emulator
from smartdc.emulator.http.fault_kinds import Status
from smartdc.signin.profile_files import profile_path
from tests.docs.blocks import ROOT, blocks, pages
from tests.docs.scripts import EXAMPLES, Run

SCRIPTS = sorted(path for path in EXAMPLES.glob("*.py") if path.name != "cloud.py")


def interrupt(cloud: Emulator, patch: pytest.MonkeyPatch, number: int, *, wait: int = 1) -> None:
    """Send a signal to this process when it waits by the emulator's clock for the `wait`-th time."""
    real, waits = cloud.clock.sleep, [wait]

    def sleep(seconds: float) -> None:
        waits[0] -= 1
        if waits[0] == 0:
            signal.raise_signal(number)
        real(seconds)

    patch.setattr(cloud.clock, "sleep", sleep)


def vms(cloud: Emulator) -> list[str]:
    with cloud.datacenter() as sdc:
        return [f"{machine.name} {machine.state}" for machine in sdc.machines()]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_can_be_started_as_a_program(path: Path) -> None:
    # Ansible wants this of an inventory: docs.ansible.com, "Inventory script conventions".
    assert path.read_text(encoding="utf-8").startswith("#!/usr/bin/env python3\n")
    assert path.stat().st_mode & 0o111 or sys.platform == "win32"


def test_the_scripts_need_the_emulator_only_for_an_emulated_cloud() -> None:
    names = [path.stem for path in SCRIPTS if path.stem != "fleet_on_dask"]
    code = (
        f"import sys, {', '.join(names)}\nprint([m for m in sys.modules if m.startswith('smartdc.emulator')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=EXAMPLES, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("page", [page for page in pages() if page.startswith("docs/howto/")])
def test_a_page_links_the_scripts_that_it_runs(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = "".join(block.text for block in blocks(page) if block.language == "console")
    ran = set(re.findall(r"^\$ python examples/(\w+\.py)", shown, re.M))
    for name in ran | ({"cloud.py"} if ran else set()):
        assert f"{{download}}`{name} <../../examples/{name}>`" in text


# A machine that has no server yet cannot be deleted: docs/cloudapi/actions.md#deletion-without-a-server
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    "command", [("ci_machine.py", "true"), ("image_pipeline.py", "--version", "2")], ids=lambda each: each[0]
)
def test_an_interrupt_while_the_machine_provisions_deletes_it(
    cloud: Emulator,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    number: int,
    status: int,
) -> None:
    interrupt(cloud, monkeypatch, number)
    ended = run(*command)
    assert ended.status == status
    assert vms(cloud) == []
    assert "left" not in ended.err
    assert [call.method for call in cloud.calls if call.method in ("POST", "DELETE")] == ["POST", "DELETE"]


def test_a_machine_that_cannot_be_deleted_is_named(cloud: Emulator, run: Run) -> None:
    cloud.site().fail_next_provision = True  # it gets no server
    ended = run("ci_machine.py", "--job", "7", "true")
    assert ended.status == 1
    assert re.search(r"^machine ci-7 \([0-9a-f-]{36}\) may be left: DELETE .* no server_uuid", ended.err)
    assert "is failed" in ended.err.splitlines()[-1]


def test_a_sweep_goes_on_after_a_machine_that_cannot_be_deleted(cloud: Emulator, run: Run) -> None:
    with cloud.datacenter() as sdc:
        for name in ("ci-1", "ci-2", "ci-3"):
            cloud.site().add_machine(name, tags={"purpose": "ci"})
        sdc.machine("ci-2").enable_deletion_protection()
    cloud.clock.advance(7200)
    ended = run("ci_machine.py", "--sweep")
    first, *swept = ended.out.split()
    assert (first, sorted(swept)) == ("swept:", ["ci-1", "ci-3"])
    assert ended.err.startswith("ci-2: DELETE ")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("ci_machine.py",), "give a command, or --sweep"),
        (("ci_machine.py", "--job", "", "true"), "--job must not be empty"),
        (("every_account.py", "--profile", "env"), "unrecognized arguments: --profile env"),
        *(
            ((*command, "--keep", keep), "--keep must be 1 or more")
            for command in (("image_pipeline.py", "--version", "1"), ("rotate_snapshots.py",))
            for keep in ("0", "-1")
        ),
        *(
            (("rotate_snapshots.py", "--tag", tag), "--tag must be NAME=VALUE")
            for tag in ("backup", "=yes", "")
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_command_line_is_refused(
    cloud: Emulator, run: Run, command: tuple[str, ...], message: str
) -> None:
    ended = run(*command)
    assert (ended.status, ended.err.splitlines()[-1]) == (2, f"{command[0]}: error: {message}")
    assert list(cloud.calls) == []


@pytest.mark.skipif(sys.platform != "linux", reason="logins to emulated machines need Linux")
def test_a_command_may_print_much_on_stderr_and_bytes_that_are_no_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    run_command = importlib.import_module("ci_machine").run_command
    with Emulator(ssh_port=0) as cloud, cloud.datacenter() as sdc:
        machine = sdc.machine(cloud.site().add_machine("ci-1").uuid)
        with machine.connect_ssh(known_hosts=False) as ssh, ssh.open_sftp() as files:
            # More than a channel takes before somebody reads it: paramiko's window is 2 MiB.
            files.putfo(io.BytesIO(b"x" * 3_000_000), "much")
            files.putfo(io.BytesIO(b"ok \xff \xc3\xa9"), "odd")
        assert run_command(machine, ["sh", "-c", "cat much >&2; cat odd; exit 3"]) == 3
    said = capsys.readouterr()
    assert (said.out, len(said.err)) == ("ok \ufffd \xe9", 3_000_000)


# `begin` and `switch` cannot be aborted while they run, `sync` only after a pause.
@pytest.mark.parametrize("wait", [1, 3, 5, 8])
def test_a_migration_that_is_interrupted_is_aborted_and_can_begin_again(
    cloud: Emulator, run: Run, monkeypatch: pytest.MonkeyPatch, wait: int
) -> None:
    cloud.site().add_machine("web0")
    interrupt(cloud, monkeypatch, signal.SIGINT, wait=wait)
    ended = run("move_machine.py", "web0")
    assert ended.status == 130
    assert "left" not in ended.err
    again = run("move_machine.py", "web0")
    assert again.status == 0, again.err
    assert again.out.splitlines()[-1] == "web0 is running on another server"


@pytest.mark.parametrize("done", [["begin"], ["begin", "sync"], ["begin", "sync", "switch"]])
@pytest.mark.parametrize("over", [True, False])
def test_a_migration_of_a_killed_run_is_continued(
    cloud: Emulator, run: Run, done: list[str], over: bool
) -> None:
    cloud.site().add_machine("web0")
    with cloud.datacenter() as sdc:
        machine: Machine = sdc.machine("web0")
        for phase in done:
            machine.migrate(phase)
            if over or phase != done[-1]:
                machine.poll_migration()
    ended = run("move_machine.py", "web0")
    assert ended.status == 0, ended.err
    assert ended.out.startswith(f"web0: an earlier run did {done[-1]}\n")
    with cloud.datacenter() as sdc:
        assert sdc.migrations() == []


def test_accounts_that_fail_do_not_hide_the_others(cloud: Emulator, run: Run) -> None:
    with cloud.activate(rate=0, profiles=["broken", "keyless"]):
        profile_path("broken").write_text("{")
        keyless = profile_path("keyless")
        keyless.write_text(re.sub(r'"keyId": "[^"]+"', f'"keyId": "{"00:" * 15}00"', keyless.read_text()))
        cloud.faults.add("ListMachines", Status(403), datacenter="us-east-1")
        ended = run("every_account.py")
    assert ended.status == 0
    assert re.search(r"^us-sw-1: us-sw-1: 0 of 0 run", ended.out, re.M)
    assert re.search(r"^us-sw-1: us-east-1: GET .* 403", ended.out, re.M)
    assert re.findall(r"^(\w+): ", ended.err, re.M) == ["broken", "keyless"]


def test_no_account_at_all_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRITON_PROFILE", "TRITON_URL", "SDC_URL", "TRITON_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    ended = run("every_account.py")
    assert ended.status == 1
    assert "no profile can sign in" in ended.err


def test_a_rotation_of_no_machines_is_an_error(cloud: Emulator, run: Run) -> None:
    ended = run("rotate_snapshots.py", "--tag", "backup=never")
    assert (ended.status, ended.err) == (1, "no machines have the tag backup=never\n")


def test_an_image_that_exists_is_refused_before_a_machine_is_created(cloud: Emulator, run: Run) -> None:
    cloud.site().add_image("app", "1.4.0", account="test")
    ended = run("image_pipeline.py", "--version", "1.4.0")
    assert (ended.status, ended.err) == (1, "there is an image app@1.4.0: give another --version\n")
    assert "POST" not in {call.method for call in cloud.calls}


@pytest.mark.parametrize("version", ["x y", "", "1:2"])
def test_a_version_that_no_image_can_have_is_refused_at_once(cloud: Emulator, run: Run, version: str) -> None:
    # https://github.com/TritonDataCenter/node-imgmanifest/blob/master/lib/imgmanifest.js
    ended = run("image_pipeline.py", "--version", version)
    assert ended.status == 2
    assert "--version takes letters, digits, '.', '_', '/', '+' and '-'" in ended.err
    assert not cloud.calls


def test_prices_may_have_dots_and_missing_ones_are_named(cloud: Emulator, run: Run, tmp_path: Path) -> None:
    cloud.site().add_machine("a", package="g3-standard-0.25-smartos", tags={"team": "döner"})
    cloud.site().add_machine("b", package="g4-general-4G", tags={"team": "döner"})
    cloud.clock.advance(3600)
    (tmp_path / "prices.toml").write_text("# für alle\ng3-standard-0.25-smartos = 1\n", encoding="utf-8")
    ended = run("usage_report.py", "--prices", "prices.toml")
    assert re.search(r"^döner +2 +\d+ MiB +[01]\.\d\d ", ended.out, re.M)
    assert "not in the cost: g4-general-4G has no price\n" in ended.out


@pytest.mark.parametrize("price", ['"1"', "true", "-1", "nan", "inf", "[1]"])
def test_a_price_that_is_not_one_is_refused(cloud: Emulator, run: Run, tmp_path: Path, price: str) -> None:
    (tmp_path / "prices.toml").write_text(f"small = {price}\n")
    ended = run("usage_report.py", "--prices", "prices.toml")
    assert ended.status == 1
    assert re.fullmatch(r"the price of small must be a number from 0 on, not .*\n", ended.err)


def test_a_machine_from_the_future_costs_nothing(cloud: Emulator, run: Run) -> None:
    cloud.site().add_machine("a", package="g4-general-4G", created=cloud.clock.time() + 86400)
    assert " 0.00" in run("usage_report.py").out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("move_machine.py", "nothing"), "no machine has the name or short id 'nothing'"),
        (("ansible_inventory.py", "--list", "--profile", "none"), "there is no profile 'none'"),
        (("rbac_as_code.py", "missing.toml"), "missing.toml"),
        (("usage_report.py", "--prices", "latin.toml"), "latin.toml: 'utf-8' codec can't decode"),
        (("usage_report.py", "--svg", "missing/usage.svg"), "missing/usage.svg"),
        (("image_pipeline.py", "--version", "1", "--script", "missing.sh"), "missing.sh"),
        (("tutorial.py", "--key-id", "/me/keys/x", "--secret", "missing"), "missing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_everyday_mistake_ends_with_one_line(
    cloud: Emulator, run: Run, tmp_path: Path, command: tuple[str, ...], said: str
) -> None:
    (tmp_path / "latin.toml").write_bytes(b"# f\xfcr\n")
    ended = run(*command)
    assert ended.status == 1
    assert len(ended.err.splitlines()) == 1
    assert said in ended.err
