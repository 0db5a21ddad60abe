"""Many operations by 16 threads, while the server sends 1xx, surplus bytes and broken framing in between."""

from __future__ import annotations

import uuid
from collections import Counter
from multiprocessing.pool import ThreadPool

import pytest

from smartdc import RetryPolicy, TransportError
from tests.helpers.servers import datacenter_at
from tests.helpers.sizes import in_two_sizes
from tests.helpers.unruly import unruly

THREADS = 16


@pytest.mark.stress
@in_two_sizes(sample=2000, whole=10_000)
@pytest.mark.parametrize("connections", [THREADS, 2])
def test_no_answer_reaches_another_request(connections: int, size: int) -> None:
    policy = RetryPolicy(attempts=8, first_pause=0.0)
    done = Counter[str]()

    with unruly(seed=11) as url, datacenter_at(url, pool_size=connections, retry=policy, timeout=20) as sdc:

        def ask(number: int) -> None:
            ident = str(uuid.uuid4())
            try:
                if number % 10 == 0:
                    sdc.request("DELETE", f"/machines/{ident}")
                elif number % 10 == 1:
                    sdc.request("HEAD", f"/machines/{ident}")
                else:
                    # `request` does not check the id of an object: the connections alone must prevent
                    # mistakes.
                    got = sdc.request("GET", f"/machines/{ident}")[0]
                    assert got == {"id": ident, "name": ident}
                done["right"] += 1
            except TransportError as error:
                done[type(error).__name__] += 1

        with ThreadPool(THREADS) as pool:
            pool.map(ask, range(size), chunksize=20)
    print(f"{size} operations, {connections} connections: {dict(done)}")
    assert sum(done.values()) == size
    assert done["right"] >= 0.9 * size
