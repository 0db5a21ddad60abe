"""What gets installed: the wheel is built and looked into."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest

import smartdc
from tests.conftest import SURROUNDINGS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of a copy of the project, so that nothing is left in the checkout."""
    copy, out = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", "pytest_smartdc.py"):
        shutil.copy(ROOT / name, copy)
    for name in ("smartdc", "tests", "examples", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "_build"))
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(copy)],
        env=SURROUNDINGS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = out.iterdir()
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return message_from_string(wheel.read(name).decode())


def test_all_of_the_package_is_in_it_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    here = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "smartdc").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert inside == {*here, "pytest_smartdc.py"}
    assert "smartdc/py.typed" in inside


def test_the_licence_and_the_entry_point_are_in_it(wheel: zipfile.ZipFile) -> None:
    info = f"smartdc-{smartdc.__version__}.dist-info"
    assert wheel.read(f"{info}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert b"smartdc = pytest_smartdc" in wheel.read(f"{info}/entry_points.txt")


def test_the_metadata(metadata: Message) -> None:
    assert metadata["Name"] == "smartdc"
    assert metadata["Version"] == smartdc.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert str(metadata.get_payload()).strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()
    assert set(metadata.get_all("Provides-Extra", [])) == {"stream", "emulator", "progress", "dev"}
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {line.split(">")[0] for line in required} == {"requests", "cryptography", "paramiko"}
