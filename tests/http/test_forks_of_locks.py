"""What a forked child does not share: locks that a thread of the parent holds."""

from __future__ import annotations

import os
import threading
import time

from smartdc._forks import RenewedLock, importing, renew_in_children
from tests.http.test_processes import in_child


def is_free(lock: RenewedLock) -> bool:
    taken = lock.current.acquire(blocking=False)
    if taken:
        lock.current.release()
    return taken


def test_a_lock_that_is_held_at_the_fork_is_free_in_the_child() -> None:
    lock = RenewedLock()
    with lock.current:
        assert in_child(lambda: is_free(lock)) is True
        assert not is_free(lock)
    assert is_free(lock)


class Renewed:
    """Notes in which processes it was renewed."""

    def __init__(self) -> None:
        self.pids: list[int] = []

    def renew(self) -> None:
        self.pids.append(os.getpid())


def test_what_asks_for_it_is_renewed_in_each_child() -> None:
    thing, other = Renewed(), Renewed()
    renew_in_children(thing)
    assert in_child(lambda: [thing.pids == [os.getpid()], other.pids]) == [True, []]
    assert thing.pids == []


def can_import() -> bool:
    """Whether another thread could import."""
    found: list[bool] = []

    def take() -> None:
        if importing.acquire(timeout=0.2):
            importing.release()
            found.append(True)

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    return found == [True]


def test_after_a_fork_both_may_import() -> None:
    assert in_child(can_import) is True
    assert can_import()
    with importing:
        assert in_child(lambda: importing.acquire(timeout=0.2)) is True
        assert not can_import()
    assert can_import()


def test_a_fork_waits_for_a_thread_that_imports() -> None:
    begun = threading.Event()

    def work() -> None:
        with importing:
            begun.set()
            time.sleep(0.05)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(10)
    assert in_child(lambda: importing.acquire(timeout=0.2)) is True
    thread.join()
