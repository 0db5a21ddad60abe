"""Scripts in an emulated machine and in this system's sh have the same files, output and exit status.

The emulated machine refuses by name what it does not support, so that nothing is silently different.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smartdc.emulator.guest.inside import Guest
from smartdc.emulator.guest.shell import Shell

HOME = "/home/admin"
COMPLAINT = re.compile(rb"^(-bash|\S*sh: \d+): .*$", re.MULTILINE)
DATA = Path(__file__).parents[1] / "data"
SH = shutil.which("dash") or shutil.which("sh")

pytestmark = pytest.mark.skipif(SH is None, reason="not tested: there is no sh to compare with")


@dataclass
class Outcome:
    """The outcome of a script; `failed` says whether it wrote any errors."""

    out: bytes
    status: int
    files: dict[str, bytes]
    directories: set[str]
    failed: bool
    refused: list[str] = field(default_factory=list, compare=False)


def comparable(data: bytes, home: Path = Path(HOME)) -> bytes:
    """Output without the name of the home directory and the wording of the shell's own messages."""
    return COMPLAINT.sub(b"the shell complains", data.replace(bytes(home), HOME.encode()))


def in_guest(script: str, stdin: bytes = b"") -> Outcome:
    guest = Guest("web0", dict)
    out, errors, status = Shell(guest, "admin").run(script, stdin)
    inside = f"{HOME}/"
    return Outcome(
        comparable(out.encode(errors="surrogateescape")),
        status,
        {path.removeprefix(inside): comparable(bytes(data)) for path, data in guest.files.files.items()},
        {path.removeprefix(inside) for path in guest.files.directories if path.startswith(inside)},
        bool(errors),
        guest.unsupported,
    )


def in_sh(script: str, home: Path, stdin: bytes = b"") -> Outcome:
    home.mkdir()
    assert SH is not None
    done = subprocess.run(
        [SH, "-c", script],
        cwd=home,
        env={"HOME": str(home), "PATH": os.defpath, "LC_ALL": "C"},
        input=stdin,
        capture_output=True,
        timeout=30,
    )
    found = sorted(home.rglob("*"))
    return Outcome(
        comparable(done.stdout, home),
        done.returncode,
        {
            str(path.relative_to(home)): comparable(path.read_bytes(), home)
            for path in found
            if path.is_file()
        },
        {str(path.relative_to(home)) for path in found if path.is_dir()},
        bool(done.stderr),
    )


def scripts(name: str) -> list[tuple[str, str]]:
    """The scripts of a file, each with its title."""
    blocks = (DATA / name).read_text().split("=== ")[1:]
    return [(title, script) for title, _, script in (block.partition("\n") for block in blocks)]


@pytest.mark.parametrize(("about", "script"), scripts("guest_scripts.txt"), ids=lambda text: text[:30])
def test_the_same_as_in_sh(about: str, script: str, tmp_path: Path) -> None:
    stdin = b"a b\nb\nno newline"
    inside = in_guest(script, stdin)
    assert inside.refused == []
    assert inside == in_sh(script, tmp_path / "home", stdin)


@pytest.mark.parametrize(("what", "script"), scripts("guest_refused.txt"), ids=lambda text: text[:30])
def test_refused_by_name(what: str, script: str) -> None:
    guest = Guest("web0", dict)
    _, errors, status = Shell(guest, "admin").run(script)
    assert status == 127
    assert guest.unsupported
    assert what in guest.unsupported[0]
    assert guest.unsupported[0].startswith("machine web0: ")
    assert guest.unsupported[0].removeprefix("machine web0: ") in errors
    assert "/home/admin/x" not in guest.files.files
