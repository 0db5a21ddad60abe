"""The inside of an emulated machine: its shell, its few commands, and its file system."""

from typing import Any

import pytest

from smartdc.emulator.guest.shell import Guest, Shell


class Machine:
    """A guest whose metadata a test may change, and one login to it."""

    def __init__(self, **metadata: Any) -> None:
        self.metadata = metadata
        self.guest = Guest("web0", lambda: self.metadata)
        self.shell = Shell(self.guest, "admin")

    def out(self, script: str) -> str:
        """Run what must succeed without a word on standard error."""
        out, errors, status = self.shell.run(script)
        assert (errors, status) == ("", 0)
        return out

    def fails(self, script: str) -> tuple[str, int]:
        """Run what must fail without output."""
        out, errors, status = self.shell.run(script)
        assert out == ""
        return errors, status


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_who_and_where(machine: Machine) -> None:
    assert machine.out("whoami; hostname; uname -a; pwd") == "admin\nweb0\nSunOS\n/home/admin\n"
    assert Shell(machine.guest, "root").run("pwd && whoami") == ("/root\nroot\n", "", 0)


def test_files(machine: Machine) -> None:
    assert machine.out("ls") == ""
    assert machine.out("touch b a .hidden; ls") == "a\nb\n"
    assert machine.out("ls -a") == ".hidden\na\nb\n"
    assert machine.out("echo one > a; echo two >> a; echo three >b; cat a b") == "one\ntwo\nthree\n"
    assert machine.out("touch a; cat a") == "one\ntwo\n"
    assert machine.out("echo one > a; cat /home/admin/a ~/b") == "one\nthree\n"
    assert machine.out("ls a; rm a; rm -f a; ls") == "a\nb\n"
    assert machine.guest.files == {"/home/admin/b": "three\n", "/home/admin/.hidden": ""}


def test_directories(machine: Machine) -> None:
    assert machine.out("mkdir one; cd one; pwd; cd ..; pwd; cd /; pwd") == "/home/admin/one\n/home/admin\n/\n"
    assert machine.out("cd; pwd; cd ~/one; pwd") == "/home/admin\n/home/admin/one\n"
    assert machine.out("mkdir -p /opt/a/b /opt/a; ls /opt /opt/a") == "a\nb\n"
    assert machine.out("ls /") == "home\nopt\nroot\ntmp\nvar\n"
    assert machine.out("cd /tmp; touch here; ls") == "here\n"


@pytest.mark.parametrize(
    ("command", "said", "status"),
    [
        ("nonsense -x", "nonsense: command not found", 127),
        ("ls gone", "ls: gone: No such file or directory", 2),
        ("cat gone", "cat: gone: No such file or directory", 1),
        ("rm gone", "rm: gone: No such file or directory", 1),
        ("cd gone", "cd: gone: No such file or directory", 1),
        ("touch /gone/x", "touch: cannot create /gone/x: No such file or directory", 1),
        ("mkdir a/b", "mkdir: a/b: No such file or directory", 1),
        ("echo x > /gone/y", "/gone/y: No such file or directory", 1),
        ("pkgin install nginx", "pkgin: only 'ls' works on an emulated machine", 1),
        ("mdata-get nothing", "No metadata for 'nothing'", 1),
        ("mdata-get", "No metadata for ''", 1),
        ("echo 'open", "syntax error: No closing quotation", 2),
    ],
)
def test_what_fails(machine: Machine, command: str, said: str, status: int) -> None:
    assert machine.fails(command) == (f"-bash: {said}\n", status)
    assert machine.guest.files == {}


def test_separators(machine: Machine) -> None:
    assert machine.out("true && echo yes || echo no") == "yes\n"
    assert machine.shell.run("cat gone && echo yes || echo no")[0] == "no\n"
    assert machine.shell.run("cat gone; echo on") == (
        "on\n",
        "-bash: cat: gone: No such file or directory\n",
        0,
    )
    assert machine.out(" ; true ; ") == ""
    assert machine.out("echo 'a;b' \"c && d\"") == "a;b c && d\n"


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


def test_metadata_as_it_is_now(machine: Machine) -> None:
    assert machine.out("mdata-list") == ""
    machine.metadata |= {"role": "web", "count": 3}
    assert machine.out("mdata-list") == "role\ncount\n"
    assert machine.out("mdata-get role; mdata-get count") == "web\n3\n"


def test_boot_script() -> None:
    machine = Machine(**{"user-script": "#!/bin/sh\ntouch /home/admin/FTW\nwhoami\nnonsense\n"})
    assert machine.out("ls") == ""
    machine.guest.boot()
    assert machine.out("ls") == "FTW\n"
    assert machine.out("cat /var/log/user-script.log") == "root\n-bash: nonsense: command not found\n"
    machine.metadata["user-script"] = "echo again"
    machine.guest.boot()
    assert machine.out("cat /var/log/user-script.log") == "again\n"


@pytest.mark.parametrize("script", [None, 7])
def test_no_boot_script(script: object) -> None:
    machine = Machine(**({} if script is None else {"user-script": script}))
    machine.guest.boot()
    assert machine.guest.files == {}
