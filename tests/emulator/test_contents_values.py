"""Files of contents: values that TOML allows but no field can have, and the encoding of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartdc.emulator import Emulator
from tests.emulator.test_contents import written


def test_numbers_that_are_not_finite_or_too_long(tmp_path: Path) -> None:
    begin = '[[datacenters]]\nname = "one"\n'
    machine = f"{begin}[[datacenters.machines]]\nname = 'web0'\n"
    for text, place in (
        (f"{machine}tags = {{a = nan}}", r"5: datacenters\[0\]\.machines\[0\]\.tags\.a"),
        (f"{machine}metadata = {{a = -inf}}", r"5: datacenters\[0\]\.machines\[0\]\.metadata\.a"),
        (
            f"{begin}[[datacenters.images]]\nname = 'app'\nrequirements = {{min_ram = inf}}",
            r"5: datacenters\[0\]\.images\[0\]\.requirements\.min_ram",
        ),
    ):
        with pytest.raises(ValueError, match=rf"site\.toml:{place} must be a finite number$"):
            Emulator(contents=written(tmp_path, text))
    text = f"{begin}[[datacenters.packages]]\nname = 'p'\nmemory = {'9' * 5000}"
    with pytest.raises(ValueError, match=r"site\.toml:5: has a number that is too long$"):
        Emulator(contents=written(tmp_path, text))


def test_a_machine_on_a_server(tmp_path: Path) -> None:
    machine = '[[datacenters]]\nname = "one"\n[[datacenters.machines]]\nserver_uuid = "{}"\n'
    server = "44454c4c-5300-1057-8050-b7c04f533532"
    with Emulator(contents=written(tmp_path, machine.format(server))) as cloud, cloud.datacenter() as sdc:
        assert sdc.machines()[0].raw["compute_node"] == server
    with pytest.raises(ValueError, match=r"toml:4: \S+server_uuid must be a uuid, not 'nope'"):
        Emulator(contents=written(tmp_path, machine.format("nope")))


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_bytes(b'\xef\xbb\xbf[[datacenters]]\nname = "one"\n')
    assert Emulator(contents=path).site().name == "one"
