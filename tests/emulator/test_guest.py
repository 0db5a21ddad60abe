"""The inside of an emulated machine: its shell, its commands, and its file system."""

import json
from typing import Any

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.guest.inside import Guest
from smartdc.emulator.guest.metadata import machine_facts
from smartdc.emulator.guest.shell import Shell, boot


class Machine:
    """A guest whose metadata a test may change, and one login to it."""

    def __init__(self, **metadata: Any) -> None:
        self.metadata = metadata
        self.guest = Guest("web0", lambda: self.metadata)
        self.shell = Shell(self.guest, "admin")

    def out(self, script: str) -> str:
        """Run a script that must succeed with nothing on standard error; return its output."""
        out, errors, status = self.shell.run(script)
        assert (errors, status) == ("", 0)
        return out

    def fails(self, script: str) -> tuple[str, int]:
        """Run a script that must write no output; return its errors and status."""
        out, errors, status = self.shell.run(script)
        assert out == ""
        return errors, status


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_user_machine_and_directory(machine: Machine) -> None:
    assert machine.out("whoami; hostname; uname; pwd") == "admin\nweb0\nSunOS\n/home/admin\n"
    assert Shell(machine.guest, "root").run("pwd && whoami") == ("/root\nroot\n", "", 0)


def test_files(machine: Machine) -> None:
    assert machine.out("ls") == ""
    assert machine.out("touch b a .hidden; ls") == "a\nb\n"
    assert machine.out("ls -a") == ".\n..\n.hidden\na\nb\n"
    assert machine.out("echo one > a; echo two >> a; echo three >b; cat a b") == "one\ntwo\nthree\n"
    assert machine.out("touch a; cat a") == "one\ntwo\n"
    assert machine.out("echo one > a; cat /home/admin/a ~/b") == "one\nthree\n"
    assert machine.out("ls a; rm a; rm -f a; ls") == "a\nb\n"
    assert machine.guest.files.files == {"/home/admin/b": b"three\n", "/home/admin/.hidden": b""}


def test_directories(machine: Machine) -> None:
    assert machine.out("mkdir one; cd one; pwd; cd ..; pwd; cd /; pwd") == "/home/admin/one\n/home/admin\n/\n"
    assert machine.out("cd; pwd; cd ~/one; pwd") == "/home/admin\n/home/admin/one\n"
    assert machine.out("mkdir -p /opt/a/b /opt/a; ls /opt/a /opt/a/b") == "/opt/a:\nb\n\n/opt/a/b:\n"
    assert machine.out("echo x >> /opt/a/f; cat /opt/a/f; rm -r /opt/a; ls -d /opt") == "x\n/opt\n"
    assert machine.out("echo x >> /var/log/app; ls -d /var/log/app; rm /var/log/app") == "/var/log/app\n"
    assert machine.out("cd /tmp; touch here; ls") == "here\n"


@pytest.mark.parametrize(
    ("command", "message", "status"),
    [
        ("nonsense -x", "-bash: nonsense: command not found", 127),
        ("ls gone", "ls: cannot access 'gone': No such file or directory", 2),
        ("cat gone", "cat: gone: No such file or directory", 1),
        ("rm gone", "rm: cannot remove 'gone': No such file or directory", 1),
        ("cd gone", "cd: gone: No such file or directory", 2),
        ("touch /tmp/gone/x", "touch: cannot touch '/tmp/gone/x': No such file or directory", 1),
        ("mkdir a/b", "mkdir: cannot create directory 'a/b': No such file or directory", 1),
        ("echo x > /gone/y", "-bash: /gone/y: No such file or directory", 2),
        ("mdata-get nothing", "No metadata for 'nothing'", 1),
        ("mdata-get", "Usage: mdata-get KEY", 3),
        ("mdata-put", "Usage: mdata-put KEY [VALUE]", 3),
        ("echo 'open", "-bash: syntax error: unterminated quoted string", 2),
    ],
)
def test_errors_of_commands(machine: Machine, command: str, message: str, status: int) -> None:
    assert machine.fails(command) == (f"{message}\n", status)
    assert machine.guest.files.files == {}


def test_a_script_goes_on_after_a_failure_and_ends_at_bad_syntax(machine: Machine) -> None:
    out, errors, status = machine.shell.run("#!/bin/sh\n\n# comment\necho 1\ncat gone\necho 2\n")
    assert (out, status) == ("1\n2\n", 0)
    assert errors.count("\n") == 1
    assert machine.shell.run("echo 1\necho 'open\necho 2")[::2] == ("1\n", 2)


def test_programs_by_their_path(machine: Machine) -> None:
    assert machine.out("/usr/bin/touch x; /bin/ls") == "x\n"


def test_packages(machine: Machine) -> None:
    lines = machine.out("pkgin ls").splitlines()
    assert dict(line.split(None, 1) for line in lines)["curl-8.4.0"] == "Client that groks URLs"
    assert machine.out("pkgin list").splitlines() == lines


def test_metadata_are_current(machine: Machine) -> None:
    assert machine.out("mdata-list") == ""
    machine.metadata |= {"role": "web", "count": 3}
    assert machine.out("mdata-list") == "role\ncount\n"
    assert machine.out("mdata-get role; mdata-get count") == "web\n3\n"


# PUT and DELETE of https://eng.tritondatacenter.com/mdata/protocol.html change what CloudAPI shows.
def test_metadata_that_the_machine_writes(machine: Machine) -> None:
    assert machine.out("mdata-put state ready; printf 'a\\nb' | mdata-put text; mdata-get text") == "a\nb\n"
    assert machine.metadata == {"state": "ready", "text": "a\nb"}
    # mdata-get adds a newline to a value that has none (TritonDataCenter/mdata-client, mdata_get.c).
    assert machine.out("echo v2 | mdata-put k2; mdata-get k2; mdata-delete k2") == "v2\n"
    assert machine.out("mdata-put k3 ''; mdata-get k3; mdata-delete k3") == "\n"
    assert machine.out("mdata-delete state; mdata-delete state; mdata-list") == "text\n"
    assert machine.fails("mdata-get state") == ("No metadata for 'state'\n", 1)
    assert machine.fails("mdata-put sdc:uuid x")[1] == 127
    assert machine.metadata == {"text": "a\nb"}


def test_boot_script() -> None:
    machine = Machine(**{"user-script": "#!/bin/sh\ntouch /home/admin/FTW\nwhoami\nnonsense\n"})
    assert machine.out("ls") == ""
    boot(machine.guest)
    assert machine.out("ls") == "FTW\n"
    assert machine.out("cat /var/log/user-script.log") == "root\n-bash: nonsense: command not found\n"
    assert machine.guest.unsupported == ["machine web0: nonsense: command not found"]
    machine.metadata["user-script"] = "echo again"
    boot(machine.guest)
    assert machine.out("cat /var/log/user-script.log") == "again\n"


def test_a_boot_script_that_is_refused_says_so_in_the_log() -> None:
    machine = Machine(**{"user-script": "echo on\nif false; then touch x; fi\necho never"})
    boot(machine.guest)
    refusal = "if: compound commands"
    assert machine.out("cat /var/log/user-script.log") == (
        f"on\n-bash: {refusal}: not supported on an emulated machine\n"
    )
    assert machine.guest.unsupported == [f"machine web0: {refusal}"]


@pytest.mark.parametrize("script", [None, 7])
def test_no_boot_script(script: object) -> None:
    machine = Machine(**({} if script is None else {"user-script": script}))
    boot(machine.guest)
    assert machine.guest.files.files == {}


def test_a_boot_script_runs_at_each_boot_and_not_before() -> None:
    with Emulator() as cloud, cloud.datacenter() as sdc:
        vm = cloud.site().add_machine(metadata={"user-script": "mdata-put uuid $(uuid)"})
        vm.customer_metadata = {"user-script": "mdata-get sdc:uuid | mdata-put uuid"}
        machine = sdc.machine(vm.uuid)
        assert "uuid" not in machine.get_metadata()
        machine.stop()
        machine.poll_until("stopped")
        machine.start()
        machine.poll_until("running")
        assert machine.get_metadata()["uuid"] == f"{vm.uuid}\n"
        assert cloud.unsupported == [f"machine {vm.alias}: $(: command substitution"]


def test_facts_about_the_machine() -> None:
    with Emulator() as cloud:
        site = cloud.site()
        script = "mdata-get sdc:alias; mdata-get sdc:datacenter_name; mdata-get sdc:nics"
        vm = site.add_machine(name="db0")
        guest = Guest("db0", lambda: dict(vm.customer_metadata), facts=lambda: machine_facts(vm, site.name))
        alias, datacenter, nics = Shell(guest, "root").run(script)[0].splitlines()
        assert (alias, datacenter) == ("db0", "us-sw-1")
        assert json.loads(nics)[0]["ip"] == vm.nics[0].ip
