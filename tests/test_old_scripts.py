"""Scripts in py-smartdc's idioms run unchanged and print the expected output.

The scripts are in ``tests/old_scripts.py``, the list of idioms in docs/migrating.md.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from smartdc import DataCenter
from smartdc.emulator import Emulator
from tests.old_scripts import SCRIPTS

CONNECT = "sdc = DataCenter(location='us-sw-1', key_id='/test/keys/test_key')"
ANOTHER_KEY = Path(__file__).parent / "data/keys/TEST_ONLY_rsa.pub"


@pytest.fixture
def names(cloud: Emulator, home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The globals of a script, with its key and three machines; `DataCenter` connects to the emulator."""
    ssh = home / ".ssh"
    ssh.mkdir()
    (ssh / "id_rsa").write_bytes(cloud.key_file.read_bytes())
    (ssh / "id_rsa").chmod(0o600)
    monkeypatch.chdir(home)
    for machine, role in (("web0", "web"), ("web1", "web"), ("db0", "db")):
        cloud.site().add_machine(machine, tags={"role": role})
    emulated: dict[str, Any] = {
        "known_locations": {place: cloud.url(place) for place in ("us-sw-1", "us-east-1")},
        "verify": cloud.ca_file,
        "clock": cloud.clock,
    }
    return {
        "DataCenter": lambda *args, **kwargs: DataCenter(*args, **(emulated | kwargs)),
        "TELEFONICA_LOCATIONS": {"eu-mad-1": cloud.url()},
        "HOST": cloud.url().removeprefix("https://"),
        "ANOTHER_KEY": ANOTHER_KEY.read_text().strip(),
        "sleep": cloud.clock.advance,
    }


@pytest.mark.filterwarnings(r"ignore:me\(\) is account\(\) now:DeprecationWarning")
@pytest.mark.parametrize("name", SCRIPTS)
def test_an_old_script_prints_the_expected_output(
    name: str, names: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    script, printed = textwrap.dedent(SCRIPTS[name]).split("---\n")
    if "DataCenter(" not in script:
        script = f"{CONNECT}\n{script}"
    exec(compile(script, name, "exec"), names)  # noqa: S102 - run as text, as a user's script is
    assert capsys.readouterr() == (printed, "")
