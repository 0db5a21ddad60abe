"""Files of contents: values that TOML allows but no field can have, and the encoding of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def test_machines_need_images_and_packages(tmp_path: Path) -> None:
    text = "defaults = false\n[[datacenters]]\nname = 'one'\n[[datacenters.machines]]\nname = 'web0'\n"
    image = "[[datacenters.images]]\nname = 'only'\n"
    field = "site\\.toml:4: datacenters\\[0\\]\\.machines\\[0\\]"
    for more, message in (
        (
            "",
            f"{field} image is needed: one has no image of the type zone-dataset; add one, or name another$",
        ),
        (image, f"{field} package is needed: one has no packages; add one$"),
    ):
        with pytest.raises(ValueError, match=message):
            Emulator(contents=written(tmp_path, text + more))


@pytest.mark.parametrize(
    ("table", "method", "fields"),
    [
        ("packages", "add_package", {"name": "tiny", "memory": 0}),
        ("images", "add_image", {"name": "a:b"}),
        ("images", "add_image", {"name": "app", "brand": "docker"}),
        ("images", "add_image", {"name": "app", "state": "activ"}),
        ("networks", "add_network", {"name": "lab", "vlan_id": 99999}),
        ("networks", "add_network", {"name": "lab", "kind": "weird"}),
        ("volumes", "add_volume", {"name": "my data"}),
        ("volumes", "add_volume", {"size": -5}),
        ("machines", "add_machine", {"name": "w w"}),
        ("machines", "add_machine", {"state": "runing"}),
        ("machines", "add_machine", {"brand": "xen"}),
        ("quotas", "add_quota", {"value": -2}),
        ("quotas", "add_quota", {"value": "x"}),
    ],
    ids=str,
)
def test_a_file_and_a_method_refuse_the_same(
    tmp_path: Path, table: str, method: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="must be") as of_method:
        getattr(Emulator().site(), method)(**fields)
    lines = "".join(f"{name} = {value!r}\n" for name, value in fields.items())
    text = f"[[datacenters]]\nname = 'one'\n[[datacenters.{table}]]\n{lines}"
    with pytest.raises(ValueError, match="must be") as of_file:
        Emulator(contents=written(tmp_path, text))
    line = 3 + len(fields)
    assert str(of_file.value).endswith(f"site.toml:{line}: datacenters[0].{table}[0].{of_method.value}")


@pytest.mark.parametrize("login", ["a b", "my", "a", "x" * 33, "ümlaut", "local"])
def test_a_file_and_a_method_refuse_the_same_logins(tmp_path: Path, login: str) -> None:
    calls = (
        lambda: Emulator(account=login),
        lambda: Emulator().add_account(login),
        lambda: Emulator().add_user(login),
        lambda: Emulator().account.add_user(login),
        lambda: Emulator(contents=written(tmp_path, f"[[accounts]]\nlogin = '{login}'")),
        lambda: Emulator(contents=written(tmp_path, f"account = '{login}'")),
    )
    for call in calls:
        with pytest.raises(ValueError, match=f"(login|account) must be a login, not '{login}'; use 3 to 32 "):
            call()
