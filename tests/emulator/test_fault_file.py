"""Files of faults: the faults that they add, and the errors about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.faults import HAPROXY_503, Delay, Drop, Status

GOOD = """
seed = 7

[[faults]]
operation = "CreateMachine"
fault = "Drop"
after_commit = true
times = 1

[[faults]]
operation = "*"
fault = "HAPROXY_503"
probability = 0.25
datacenter = "us-east-1"

[[faults]]
operation = "ListMachines"
fault = "Status"
status = 429
headers = {Retry-After = "3"}
body = {code = "TooManyRequestsError"}

[[faults]]
operation = "GetMachine"
fault = "Delay"
seconds = 0.5
"""


def load(cloud: Emulator, tmp_path: Path, text: str) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(text)
    cloud.load_faults(path)


def test_all_faults_of_a_file_are_added(cloud: Emulator, tmp_path: Path) -> None:
    by_hand = Emulator()
    by_hand.faults.add("CreateMachine", Drop(after_commit=True), times=1)
    by_hand.faults.add("*", HAPROXY_503, probability=0.25, datacenter="us-east-1")
    by_hand.faults.add("ListMachines", Status(429, {"code": "TooManyRequestsError"}, {"Retry-After": "3"}))
    by_hand.faults.add("GetMachine", Delay(0.5))
    by_hand.faults.seed(7)
    load(cloud, tmp_path, GOOD)
    for operation in ("CreateMachine", "ListMachines", "GetMachine", "ListImages"):
        for datacenter in ("us-sw-1", "us-east-1"):
            drawn = [cloud.faults.choose(operation, datacenter) for _ in range(20)]
            assert drawn == [by_hand.faults.choose(operation, datacenter) for _ in range(20)]


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ('"CreateMachine"', '"CreateMachin"', 5, "faults[0].operation cannot be used: there is no operation"),
        ('"Drop"', '"Dropp"', 6, "faults[0].fault must be one of Status, Delay, Drop"),
        ("after_commit = true", "after_comit = true", 7, "did you mean after_commit?"),
        ("after_commit = true", "after_commit = 1", 7, "faults[0].after_commit must be true or false, not 1"),
        ("after_commit = true", "", 4, "faults[0] needs after_commit"),
        ("times = 1", "times = 0", 8, "faults[0].times cannot be used: times must be a number from 1"),
        ("0.25", "1.5", 13, "faults[1].probability cannot be used"),
        ('"us-east-1"', '"mars"', 14, "faults[1].datacenter cannot be used: there is no data center 'mars'"),
        ("429", "42", 19, "faults[2].status must be a number from 200 to 599"),
        ("0.5", "-1", 26, "faults[3].seconds cannot be used: seconds must be a number from 0 to 3153600000"),
        ("0.5", "'soon'", 26, "faults[3].seconds must be a number, not 'soon'"),
        ('operation = "GetMachine"', "", 23, "faults[3] needs operation"),
        ("seed = 7", "sed = 7", 2, "sed is not known; did you mean seed?"),
        ("seed = 7", "seed = ", 2, "is not TOML"),
    ],
)
def test_an_error_has_line_and_field(
    cloud: Emulator, tmp_path: Path, old: str, new: str, line: int, problem: str
) -> None:
    assert old in GOOD
    with pytest.raises(ValueError, match=r"faults\.toml") as caught:
        load(cloud, tmp_path, GOOD.replace(old, new, 1))
    assert str(caught.value).startswith(f"{tmp_path / 'faults.toml'}:{line}: ")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file(cloud: Emulator, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        cloud.load_faults(tmp_path / "none.toml")
    with pytest.raises(ValueError, match="cannot be read: "):
        cloud.load_faults(tmp_path)
