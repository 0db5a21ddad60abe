"""Values that could be saved but not loaded at the next start, or outside the directory, are refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.__main__ import main


def test_steps_of_the_clock(tmp_path: Path) -> None:
    with Emulator(state_dir=tmp_path) as cloud:
        for seconds in (-1, math.nan, math.inf, 1e18, 3153600001, True):
            with pytest.raises(ValueError, match=r"^advance must be a number from 0 to 3153600000: "):
                cloud.clock.advance(seconds)
        cloud.clock.advance(3153600000)
        for _ in range(78):
            cloud.clock.advance(3153600000)
        with pytest.raises(ValueError, match="must not lead beyond the year 9998"):
            cloud.clock.advance(3153600000)
        cloud.site().add_machine("web0")
    with Emulator(state_dir=tmp_path) as second, second.datacenter() as sdc:
        assert [machine.name for machine in sdc.machines()] == ["web0"]


def test_rates() -> None:
    for rate in (-1, math.nan, math.inf, 1e300, True):
        with pytest.raises(ValueError, match=r"^rate must be a number from 0 to 1000000: "):
            Emulator(rate=rate)
        with pytest.raises(ValueError, match=r"^rate must be a number from 0 to 1000000: "):
            Emulator().activate(rate=rate)


def test_values_that_are_not_json_are_not_saved(tmp_path: Path) -> None:
    cloud = Emulator(state_dir=tmp_path).start()
    good = (tmp_path / "state.json").read_bytes()
    cloud.site().add_machine("web0", metadata={"load": math.nan})
    with pytest.raises(ValueError, match="not JSON compliant"):
        cloud.stop()
    assert (tmp_path / "state.json").read_bytes() == good


BAD = ("../../x", "a/b", ".", "..", ".a", "a.", "-a", "a b", "a" * 64, "a\n", "")


@pytest.mark.parametrize("name", BAD)
def test_invalid_names_of_data_centers(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        ValueError, match=r"^datacenters\[0\] must be the name of a data center, not .*; use up to 63 letters"
    ):
        Emulator(datacenters=[name])
    with pytest.raises(ValueError, match="cannot be the name of a profile"):
        Emulator().activate(profiles=[name])
    assert main([f"--datacenter={name}"]) == 1
    assert "datacenters[0] must be the name of a data center" in capsys.readouterr().err
    path = tmp_path / "site.toml"
    path.write_text(f"[[datacenters]]\nname = '''{name}'''\n")
    with pytest.raises(ValueError, match=r"site\.toml:2: datacenters\[0\]\.name (cannot|must) be "):
        Emulator(contents=path)


def test_names_of_data_centers() -> None:
    names = ["us-sw-1", "eu_1", "a", "one.two", "a" * 63]
    assert list(Emulator(datacenters=names).urls) == []
    assert [Emulator(datacenters=names).site(name).name for name in names] == names
