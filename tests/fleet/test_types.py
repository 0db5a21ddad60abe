"""The types that checkers infer: mypy checks this file, and the tests run it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_type

import pytest

from smartdc import DataCenter, Machine, fleet
from smartdc.emulator.state.site import Site


def memory_of(machine: Machine) -> int:
    return machine.memory or 0


def test_values_and_errors_have_types(sdc: DataCenter, site: Site) -> None:
    for number in range(3):
        site.add_machine(f"web{number}")
    machines = sdc.machines()
    result = fleet.run(machines, Machine.stop, fleet.until("stopped"), memory_of)
    assert_type(result, fleet.Result[Machine, int])
    assert_type(result.values, list[int | None])
    assert_type(result.errors, dict[Machine, Exception])
    assert_type(result.keys, list[Machine])
    assert all(isinstance(value, int) for value in result.values)
    stopped = fleet.run(machines, Machine.start, fleet.until("running"), Machine.stop, fleet.until("stopped"))
    assert_type(stopped, fleet.Result[Machine, None])
    assert_type(fleet.run(machines, Machine.status).values, list[str | None])
    assert_type(fleet.create(sdc, []), list[Machine])


def test_errors_have_types(sdc: DataCenter) -> None:
    gone = sdc.machine("10000000-0000-4000-8000-000000000000", lazy=True)
    with pytest.raises(fleet.FleetError) as caught:
        fleet.wait([gone], "running", timeout=0)
    assert_type(caught.value.errors, Mapping[Machine | int, Exception])
    assert_type(caught.value.machines, list[Machine])
    assert [*caught.value.errors] == [gone]
