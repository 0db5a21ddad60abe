"""Which requests a scope counts, and which it refuses once it is cancelled."""

from __future__ import annotations

import threading

import pytest

from smartdc._http.cancellation import Cancelled, CancelScope, before_request, before_turn
from tests.helpers.servers import Reply, StubServer, datacenter_at


def test_a_scope_counts_the_requests_of_its_thread_while_it_runs(stub: StubServer) -> None:
    stub.otherwise = Reply([])
    scope = CancelScope(threading.Event())
    with datacenter_at(stub.url) as sdc:
        sdc.keys()
        with scope.running():
            assert (scope.attempts, scope.is_queued) == (0, False)
            sdc.keys()
            sdc.keys()
            thread = threading.Thread(target=sdc.keys)  # of no scope
            thread.start()
            thread.join()
        sdc.keys()
    assert (scope.attempts, scope.is_queued, len(stub.asked)) == (2, True, 5)


def test_a_cancelled_scope_makes_no_more_requests(stub: StubServer) -> None:
    stub.otherwise = Reply([])
    cancelled = threading.Event()
    scope = CancelScope(cancelled)
    with datacenter_at(stub.url) as sdc:
        with scope.running():
            sdc.keys()
            cancelled.set()
            with pytest.raises(Cancelled):
                sdc.keys()
        sdc.keys()
    assert (scope.attempts, len(stub.asked)) == (1, 2)


def test_a_scope_within_another_ends_before_it() -> None:
    outer, inner = CancelScope(threading.Event()), CancelScope(threading.Event())
    with outer.running():
        with inner.running():
            before_turn()
            before_request()
        assert (outer.is_queued, outer.attempts) == (False, 0)
        before_turn()
        before_request()
    before_request()
    for scope in (outer, inner):
        assert (scope.is_queued, scope.attempts) == (True, 1)


def test_a_scope_ends_with_an_error() -> None:
    scope = CancelScope(threading.Event())
    with pytest.raises(KeyError), scope.running():
        raise KeyError
    before_request()
    assert scope.attempts == 0
