"""docs/howto/triton-commands.md has every command of the ``triton`` command itself, which is from npm."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from smartdc import DataCenter, Machine
from tests.interop.npm import install
from tests.interop.npm_verifier import VERIFIED
from tests.interop.test_triton_cli import PACKAGE, VERSION

NOT_VERIFIED = f"not verified: that the table of commands has every command of {PACKAGE} {VERSION} from npm"
HERE = Path(__file__)
PAGE = (HERE.parents[2] / "docs" / "howto" / "triton-commands.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([^`]+)` \| (.+) \|$", PAGE, re.MULTILINE)


def test_every_command_is_in_the_table(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> None:
    modules = install(PACKAGE, VERSION, NOT_VERIFIED, tmp_path_factory)
    script, cli = HERE.with_name("list_commands.js"), modules.path / PACKAGE / "lib" / "cli.js"
    listed = subprocess.run(
        [modules.node, script, cli], capture_output=True, text=True, check=True, timeout=60
    )
    commands = listed.stdout.splitlines()
    assert len(commands) > 100
    pytestconfig.stash.setdefault(VERIFIED, []).append(
        f"commands of {PACKAGE} {VERSION} in docs/howto/triton-commands.md: {len(ROWS)} of {len(commands)}"
    )
    assert sorted(f"triton {command}" for command, _ in ROWS) == sorted(commands)


def test_the_calls_of_the_table_exist() -> None:
    calls = [call for _, cell in ROWS for call in re.findall(r"\b(DataCenter|sdc|machine)\.(\w+)", cell)]
    assert len(calls) > 100
    for owner, name in calls:
        assert hasattr(Machine if owner == "machine" else DataCenter, name), f"{owner}.{name}"
