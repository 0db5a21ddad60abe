"""A fleet is stopped and deleted in as many requests and as much time as the server's throttle takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from smartdc import InvalidStateError, Machine, fleet
from smartdc.emulator import Emulator
from tests.helpers.sizes import in_two_sizes

pytestmark = pytest.mark.stress

RATE, BURST = 10, 30
CLOCK = 2
"""Emulated seconds in a real one: few, so that 20 requests a real second are made even on a busy machine."""


@in_two_sizes(sample=40, whole=300)
@pytest.mark.parametrize("push", [False, True])
def test_a_teardown_is_bounded_by_the_throttle(note: Callable[[str], None], size: int, push: bool) -> None:
    with Emulator(rate=CLOCK) as cloud, cloud.datacenter() as sdc:
        for number in range(size):
            cloud.site().add_machine(f"test-{number}", networks=())
        machines = sdc.machines()
        cloud.throttle(RATE, BURST)
        first, began = len(cloud.calls), cloud.clock.monotonic()
        result = fleet.run(machines, Machine.stop, fleet.until("stopped"), Machine.delete, push=push)
        seconds = cloud.clock.monotonic() - began
        calls = cloud.calls[first:]
    result.raise_errors()
    verbs = [call.method for call in calls if call.status in (202, 204)]
    # The first that is stopped is deleted while others still wait to be stopped; a burst stops few at once.
    assert size <= 2 * BURST or verbs.index("DELETE") < len(verbs) - 1 - verbs[::-1].index("POST")
    counted = Counter(call.operation for call in calls)
    refused = sum(call.status == 429 for call in calls)
    bound = (2 * size - BURST) / RATE
    note(
        f"fleet.run(push={push}): {size} machines stopped and deleted in {seconds:.1f} s, "
        f"{seconds / bound:.3f} x the bound of {bound:.1f} s, {len(calls)} requests, {refused} of them "
        f"answered 429; {dict(counted)}"
    )
    if push:
        assert {name: counted[name] for name in ("changefeed", "ListMachines", "GetMachine")} == {
            "changefeed": 1, "ListMachines": 1, "GetMachine": 0
        }  # fmt: skip
    # The first refusals, their rest and the last machine's stop weigh more with few machines.
    assert len(calls) <= 1.05 * 2 * size + (0 if size >= 300 else 10)
    # The clock goes on while a busy machine does not come to make the requests, which are counted above.
    assert seconds <= 1.05 * bound + (0 if size >= 300 else 10)


@in_two_sizes(sample=40, whole=300)
def test_three_protected_machines_keep_no_other_from_being_deleted(
    note: Callable[[str], None], size: int
) -> None:
    with Emulator(rate=20) as cloud, cloud.datacenter() as sdc:
        for number in range(size):
            cloud.site().add_machine(f"test-{number}", networks=())
        machines = sdc.machines()
        guarded = [machines[0], machines[size // 2], machines[-1]]
        for machine in guarded:
            machine.enable_deletion_protection()
        cloud.clock.advance(5)
        cloud.throttle(RATE, BURST)
        result = fleet.run(machines, Machine.stop, fleet.until("stopped"), Machine.delete)
        cloud.clock.advance(60)
        left = {machine.id for machine in sdc.iter_machines()}
        assert cloud.violations == []
    note(f"fleet.run with 3 of {size} machines protected: {result}")
    assert left == {machine.id for machine in guarded}
    assert (len(result.done), result.untried, result.under_way) == (size - 3, [], {})
    assert {*result.errors} == {*guarded}
    for machine, error in result.errors.items():
        assert isinstance(error, InvalidStateError)
        assert machine.id in str(error)
        assert error.__notes__ == [f"with machine {machine.id} ({machine.name})"]
    with pytest.raises(fleet.FleetError) as caught:
        result.raise_errors()
    assert caught.value.errors == result.errors
    assert caught.value.machines == result.done
