"""Which requests a fault hits: by operation, number of times, probability and seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.faults import Delay, Drop, Fault, Faults, Status
from tests.contract.exchanges import DESCRIPTION, Tally
from tests.helpers.raw_requests import Raw, outcome

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def faults() -> Faults:
    """Faults without an emulator."""
    return Faults({"GetMachine", "CreateMachine"}, ("a", "b"))


def drawn(faults: Faults, operation: str, count: int, datacenter: str = "a") -> list[Fault | None]:
    return [faults.choose(operation, datacenter) for _ in range(count)]


def test_times(fresh: Raw) -> None:
    twice = fresh.cloud.faults.add("ListMachines", Status(503), times=2)
    assert [fresh.get("/my/machines").status for _ in range(3)] == [503, 503, 200]
    assert fresh.get("/my").status == 200
    assert twice.applied == 2


def test_a_fault_stays_until_it_is_cleared(fresh: Raw) -> None:
    always = fresh.cloud.faults.add("*", Status(503))
    assert [fresh.get("/my").status, fresh.get("/my/machines").status] == [503, 503]
    fresh.cloud.faults.clear()
    assert fresh.get("/my").status == 200
    assert always.applied == 2


def test_one_data_center(fresh: Raw) -> None:
    fresh.cloud.faults.add("GetAccount", Status(503), datacenter="us-east-1")
    assert fresh.get("/my").status == 200
    east = Raw(fresh.cloud, "us-east-1")
    assert east.get("/my").status == 503


def test_faults_hit_in_the_order_in_which_they_were_added(faults: Faults) -> None:
    later = Delay(1)
    faults.add("CreateMachine", later, probability=1)
    faults.add("*", Status(503), times=2)
    faults.add("CreateMachine", Status(502), times=1)
    assert drawn(faults, "CreateMachine", 4) == [Status(503), Status(503), Status(502), later]


def test_probabilities_add_up(faults: Faults) -> None:
    """Probabilities of 30 % and 20 % leave half of the requests without a fault."""
    some = faults.add("CreateMachine", Status(500), probability=0.3)
    others = faults.add("*", Status(503), probability=0.2)
    found = Counter(drawn_status(fault) for fault in drawn(faults, "CreateMachine", 4000))
    assert 1080 < found[500] < 1320
    assert 680 < found[503] < 920
    assert 1850 < found[None] < 2150
    assert (some.applied, others.applied) == (found[500], found[503])


def drawn_status(fault: Fault | None) -> int | None:
    return fault.status if isinstance(fault, Status) else None


def test_a_probability_and_a_number_of_times(faults: Faults) -> None:
    planned = faults.add("CreateMachine", Status(503), probability=0.5, times=3)
    found = drawn(faults, "CreateMachine", 100)
    assert found.count(Status(503)) == planned.applied == 3
    assert found[:3] != [Status(503)] * 3


def test_the_same_seed_gives_the_same_sequence_for_each_operation(faults: Faults) -> None:
    faults.add("*", Status(503), probability=0.5)
    faults.seed(7)
    first = drawn(faults, "CreateMachine", 50)
    faults.seed(7)
    mixed = []
    for _ in range(50):
        drawn(faults, "GetMachine", 3)
        drawn(faults, "CreateMachine", 1, "b")
        mixed += drawn(faults, "CreateMachine", 1)
    assert mixed == first
    assert drawn(faults, "CreateMachine", 50) != first  # the sequence continues
    faults.seed(8)
    assert drawn(faults, "CreateMachine", 50) != first


def test_two_emulators_with_the_same_seed() -> None:
    sequences = []
    for _ in range(2):
        with Emulator() as cloud:
            raw = Raw(cloud)
            cloud.faults.seed(3)
            cloud.faults.add("GetAccount", Drop(after_commit=False), probability=0.4)
            sequences.append([outcome(partial(raw.get, "/my")) for _ in range(12)])
    assert sequences[0] == sequences[1]
    assert set(sequences[0]) == {200, "RemoteDisconnected"}


@pytest.mark.parametrize(
    ("operation", "how", "message"),
    [
        ("GetMachines", {}, "there is no operation 'GetMachines'; did you mean GetMachine?"),
        ("xyzzy", {}, "there is no operation 'xyzzy'$"),
        ("*", {"datacenter": "c"}, "there is no data center 'c'$"),
        ("*", {"times": 0}, "times must be a number from 1 on, or None: 0"),
        ("*", {"probability": 0}, "probability must be a number above 0, up to 1: 0"),
        ("*", {"probability": 30}, "probability must be a number above 0, up to 1: 30"),
    ],
)
def test_invalid_faults(faults: Faults, operation: str, how: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        faults.add(operation, Status(503), **how)
    assert drawn(faults, "GetMachine", 1) == [None]


def test_every_operation_has_a_name(fresh: Raw) -> None:
    for operation in ("changefeed", "HeadmachineTags", "UpdateMachine", "ConnectMachineVNC", "getroot"):
        fresh.cloud.faults.add(operation, Status(503))
    with pytest.raises(ValueError, match="did you mean CreateMachine"):
        fresh.cloud.faults.add("createMachine", Status(503))


def test_answers_of_a_fault_are_not_checked_against_the_description(fresh: Raw) -> None:
    fresh.cloud.faults.add("GetAccount", Status(299, {"no": "account"}), times=1)
    assert fresh.get("/my").status == 299
    (call,) = fresh.cloud.calls
    assert Tally().check(DESCRIPTION, [call]) == []
    assert Tally().check(DESCRIPTION, [replace(call, fault=None)]) != []


def test_probabilities_that_add_up_to_more_than_one(faults: Faults) -> None:
    for _ in range(10):
        faults.add("CreateMachine", Status(500), probability=0.1)
    faults.add("GetMachine", Status(500), probability=0.8, datacenter="a")
    for operation, probability in (("CreateMachine", 0.1), ("*", 0.3), ("GetMachine", 0.3)):
        with pytest.raises(ValueError, match=r"^probability: those of \w+ would add up to 1\.\d+, above 1$"):
            faults.add(operation, Status(503), probability=probability)
    faults.add("GetMachine", Status(503), probability=0.8, datacenter="b")
    faults.add("CreateMachine", Status(503))
    assert len(faults.planned) == 13


def test_invalid_delays() -> None:
    for seconds in (-1, float("inf"), float("nan"), 1e18):
        with pytest.raises(ValueError, match=r"^seconds must be a number from 0 to 3153600000: "):
            Delay(seconds)
