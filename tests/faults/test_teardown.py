"""The teardown of py-smartdc's tutorial, verbatim, of many machines under the server's usual throttle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from multiprocessing.dummy import Pool
from operator import methodcaller

import pytest

from smartdc.emulator import Emulator
from tests.helpers.sizes import in_two_sizes

pytestmark = pytest.mark.stress


@in_two_sizes(sample=60, whole=300)
def test_the_teardown_costs_few_requests(note: Callable[[str], None], size: int) -> None:
    with Emulator(rate=10) as cloud, cloud.datacenter() as east:
        for number in range(size):
            cloud.site().add_machine(f"web{number}", tags={"type": "test"})
        cloud.throttle(rate=10, burst=30)
        began = cloud.clock.monotonic()

        simultaneous = Pool(min(east.num_machines(tags={"type": "test"}), 8))
        test_machines = east.machines(tags={"type": "test"})
        simultaneous.map(methodcaller("stop"), test_machines)
        simultaneous.map(methodcaller("poll_until", "stopped"), test_machines)
        simultaneous.map(methodcaller("status"), test_machines)
        simultaneous.map(methodcaller("delete"), test_machines)
        simultaneous.map(methodcaller("poll_until", "deleted"), test_machines)
        assert east.num_machines(tags={"type": "test"}) == 0

        simultaneous.terminate()
        seconds = cloud.clock.monotonic() - began
        calls = Counter(call.operation for call in cloud.calls)
        assert cloud.violations == []
    note(
        f"teardown of {size} machines by 8 threads: {calls.total()} requests in {seconds:.0f} s; "
        f"{dict(calls)}"
    )
    # Three for the list and the counts; a stop, a delete and a last look for each machine; one list for five
    # machines in `status`; and the lists of the two waits. 990 for 300 machines; 1504 without shared looks.
    assert calls.total() <= 3 + 3 * size + size // 5 + 27
