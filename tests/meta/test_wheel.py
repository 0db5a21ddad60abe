"""What the wheel installs, and its metadata."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest

import smartdc
from tests.meta.conftest import ROOT


@pytest.fixture(scope="module")
def content(wheel: Path) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(wheel) as content:
        yield content


@pytest.fixture(scope="module")
def metadata(content: zipfile.ZipFile) -> Message:
    (name,) = (name for name in content.namelist() if name.endswith(".dist-info/METADATA"))
    return message_from_string(content.read(name).decode())


def test_the_wheel_has_the_whole_package_and_nothing_else(content: zipfile.ZipFile) -> None:
    here = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "smartdc").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    inside = {name for name in content.namelist() if ".dist-info/" not in name}
    assert inside == {*here, "pytest_smartdc.py"}
    assert "smartdc/py.typed" in inside


def test_the_wheel_has_the_licence_and_the_entry_point(content: zipfile.ZipFile) -> None:
    info = f"smartdc-{smartdc.__version__}.dist-info"
    assert content.read(f"{info}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert b"smartdc = pytest_smartdc" in content.read(f"{info}/entry_points.txt")


def test_the_metadata(metadata: Message) -> None:
    assert metadata["Name"] == "smartdc"
    assert metadata["Version"] == smartdc.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert str(metadata.get_payload()).strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()
    assert set(metadata.get_all("Provides-Extra", [])) == {"stream", "emulator", "progress", "dev"}
    assert metadata["Author"] == "The smartdc authors"
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert {line.split(">")[0] for line in required} == {"requests", "cryptography", "paramiko"}
