"""The Python of docs/ssh.md runs unchanged, and prints the output that is on the page."""

from __future__ import annotations

import re
import sys
from io import StringIO
from pathlib import Path

import pytest

from smartdc import DataCenter, LoginFailed
from smartdc.emulator import Emulator

PAGE = (Path(__file__).parents[2] / "docs" / "ssh.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```python\n(.*?)^```\n\n```\n(.*?)^```$", PAGE, re.M | re.S)

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8"),
    pytest.mark.smartdc(ssh_port=0),
    pytest.mark.usefixtures("home"),
]


def names(sdc: DataCenter) -> dict[str, object]:
    return {"sdc": sdc, "image": sdc.images(name="base64")[0], "LoginFailed": LoginFailed}


def test_the_page_runs(cloud: Emulator, sdc: DataCenter, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(BLOCKS) == PAGE.count("```python\n") == 5
    known = names(sdc)
    for block, output in BLOCKS:
        if "fabric import" not in block:
            exec(block, known)  # noqa: S102 - the docs' own
            assert_like(capsys.readouterr().out, output)


def test_fabric(
    cloud: Emulator,
    sdc: DataCenter,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("fabric", reason="not tested: docs/ssh.md with Fabric (fabric is not installed)")
    monkeypatch.setattr(sys, "stdin", StringIO())  # pytest's own refuses to be read, and Fabric does read
    known = names(sdc) | {"machine": sdc.machine(cloud.site().add_machine("web0").uuid)}
    ((block, output),) = [found for found in BLOCKS if "fabric import" in found[0]]
    exec(block, known)  # noqa: S102 - the docs' own
    assert_like(capsys.readouterr().out, output)


def assert_like(printed: str, output: str) -> None:
    """Compare two outputs, but for what the page shortens."""
    pattern = re.sub(r"[0-9a-f\\-]*\\\.\\\.\\\.", ".+", re.escape(output.strip()))
    assert re.fullmatch(pattern, printed.strip())
