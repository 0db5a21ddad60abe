"""The cache of signatures: equal texts are signed once; logins and failures are not cached."""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from smartdc.errors import KeyLoadError
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature import signature_reuse as once
from smartdc.http_signature.keys import PublicKey
from smartdc.http_signature.signature_reuse import OnceSigner
from tests.helpers.keys import KeyRing
from tests.http_signature.checks import prepared


class Counting:
    """A signer that records what it signs, and calls `first` before each signature."""

    def __init__(self, first: Callable[[], object] = lambda: None) -> None:
        self.public_key = PublicKey(b"")
        self.source = "a test"
        self.signed: list[bytes] = []
        self.first = first

    def sign(self, data: bytes) -> tuple[str, bytes]:
        self.signed.append(data)
        self.first()
        return "test", data[::-1]

    def sign_ssh(self, data: bytes, algorithm: str) -> tuple[str, bytes]:
        self.signed.append(data)
        return algorithm, data


def test_signs_a_text_once() -> None:
    counting = Counting()
    signer = OnceSigner(counting)
    assert [signer.sign(b"one"), signer.sign(b"two"), signer.sign(b"one")] == [
        ("test", b"eno"),
        ("test", b"owt"),
        ("test", b"eno"),
    ]
    assert counting.signed == [b"one", b"two"]
    assert (signer.public_key, signer.source) == (counting.public_key, counting.source)


def test_a_signer_as_text() -> None:
    counting = Counting()
    assert repr(OnceSigner(counting)) == f"<OnceSigner {counting}>"
    assert repr(object.__new__(OnceSigner)) == "<OnceSigner >"


def test_signs_for_each_login() -> None:
    counting = Counting()
    signer = OnceSigner(counting)
    assert [signer.sign_ssh(b"one", "ssh-ed25519") for _ in range(2)] == [("ssh-ed25519", b"one")] * 2
    assert counting.signed == [b"one", b"one"]


def test_keeps_a_limited_number() -> None:
    counting = Counting()
    signer = OnceSigner(counting)
    for number in range(once._KEPT + 1):
        signer.sign(b"%d" % number)
    assert len(signer._signings) == once._KEPT
    signer.sign(b"%d" % once._KEPT)
    assert len(counting.signed) == once._KEPT + 1
    signer.sign(b"0")  # the oldest was dropped
    assert len(counting.signed) == once._KEPT + 2


def slow(fails: bool) -> tuple[Counting, threading.Event]:
    """A signer that signs or fails as soon as the event is set."""
    go = threading.Event()

    def first() -> None:
        assert go.wait(10)
        if fails:
            raise KeyLoadError("denied")

    return Counting(first), go


def waiting(signer: OnceSigner, count: int, results: list[object]) -> list[threading.Thread]:
    """Start threads that ask for the same signature."""

    def ask() -> None:
        try:
            results.append(signer.sign(b"data"))
        except KeyLoadError as error:
            results.append(error)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def is_waiting(thread: threading.Thread) -> bool:
    """Whether the thread has found that another one is signing its text."""
    frame = sys._current_frames().get(thread.ident or 0)
    is_there = frame is not None and frame.f_code is OnceSigner.sign.__code__
    return is_there and frame is not None and frame.f_locals.get("signing") is not None


@pytest.mark.parametrize("fails", [False, True])
def test_threads_wait_for_one_signature(fails: bool) -> None:
    counting, go = slow(fails)
    signer = OnceSigner(counting)
    results: list[object] = []
    threads = waiting(signer, 32, results)
    while sum(map(is_waiting, threads)) != 31:
        time.sleep(0.001)
    go.set()
    for thread in threads:
        thread.join()
    assert len(results) == 32
    assert counting.signed == [b"data"]
    if not fails:
        assert set(map(str, results)) == {str(("test", b"atad"))}
        return
    assert {str(error) for error in results} == {"denied"}
    assert len({id(error) for error in results}) == 32
    # A failure is not cached: a later call signs again.
    counting.first = lambda: None
    assert signer.sign(b"data") == ("test", b"atad")


class Asked(bytes):
    """A text that tells when it is looked up, and how often."""

    def __init__(self, _: bytes) -> None:
        self.looked_up = threading.Semaphore(0)
        self.lookups = 0

    def __hash__(self) -> int:
        self.lookups += 1
        self.looked_up.release()
        return super().__hash__()


@pytest.mark.parametrize("fails", [False, True])
def test_a_thread_that_comes_while_another_one_signs_asks_once_and_waits(fails: bool) -> None:
    """One refused confirmation of a key is not followed by another prompt."""
    counting, go = slow(fails)
    signer = OnceSigner(counting)
    late = Asked(b"data")
    with ThreadPoolExecutor(2) as pool:
        signing = pool.submit(signer.sign, b"data")
        while not counting.signed:
            time.sleep(0.001)
        waits = pool.submit(signer.sign, late)
        assert late.looked_up.acquire(timeout=10)
        time.sleep(0.01)  # a thread that does not wait looks again
        with signer._lock:
            go.set()
        if fails:
            errors = [signing.exception(10), waits.exception(10)]
            assert [str(error) for error in errors] == ["denied", "denied"]
            assert errors[0] is not errors[1]
        else:
            assert signing.result(10) == waits.result(10) == ("test", b"atad")
    assert (counting.signed, late.lookups) == ([b"data"], 1)


def test_an_interrupted_signature_is_made_by_the_next() -> None:
    counting = Counting()

    def interrupt() -> None:
        counting.first = lambda: None
        raise KeyboardInterrupt

    counting.first = interrupt
    signer = OnceSigner(counting)
    with pytest.raises(KeyboardInterrupt):
        signer.sign(b"data")
    assert signer.sign(b"data") == ("test", b"atad")


def test_waiting_threads_do_not_get_the_interruption() -> None:
    go = threading.Event()
    counting = Counting()
    signer = OnceSigner(counting)

    def interrupt() -> None:
        counting.first = lambda: None
        assert go.wait(10)
        raise KeyboardInterrupt

    counting.first = interrupt
    with ThreadPoolExecutor(1) as pool:
        interrupted = pool.submit(signer.sign, b"data")
        while not counting.signed:
            time.sleep(0.001)
        results: list[object] = []
        threads = waiting(signer, 4, results)
        go.set()
        assert isinstance(interrupted.exception(), KeyboardInterrupt)
        for thread in threads:
            thread.join()
    assert results == [("test", b"atad")] * 4


def test_a_forked_child_does_not_wait_for_its_parents_signature() -> None:
    started, go = threading.Event(), threading.Event()

    def first() -> None:
        started.set()
        assert go.wait(10)

    counting = Counting(first)
    signer = OnceSigner(counting)
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(signer.sign, b"data")
        assert started.wait(10)
        counting.first = lambda: None
        with signer._lock:  # as if yet another thread held it
            child = os.fork()
            if child == 0:
                os._exit(0 if signer.sign(b"data") == ("test", b"atad") else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        go.set()
        assert pending.result() == ("test", b"atad")


def test_the_cache_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(OnceSigner(Counting()))


def test_the_date_alone_costs_one_signature_a_second(
    ssh_keys: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = HTTPSignatureAuth("/b/keys/k", ssh_keys.path("rsa2048"), signed_headers="date")
    counting = Counting()
    monkeypatch.setattr(auth.signer, "signer", counting)
    moment = 1795428000.0
    monkeypatch.setattr("time.time", lambda: moment)
    for number in range(10):
        prepared(auth, f"https://h/my/machines/{number}")
    assert len(counting.signed) == 1
    moment += 0.9
    prepared(auth)
    assert len(counting.signed) == 1
    moment += 0.2
    prepared(auth)
    auth.clock_offset = -2.0  # another Date
    prepared(auth)
    assert len(counting.signed) == 3
    assert [data.rpartition(b" ")[0][-8:] for data in counting.signed] == [
        b"10:00:00",
        b"10:00:01",
        b"09:59:59",
    ]


def test_each_path_costs_a_signature(ssh_keys: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    auth = HTTPSignatureAuth("/b/keys/k", ssh_keys.path("rsa2048"))
    counting = Counting()
    monkeypatch.setattr(auth.signer, "signer", counting)
    monkeypatch.setattr("time.time", lambda: 1795428000.0)
    for path in ("one", "two", "one"):
        prepared(auth, f"https://h/my/machines/{path}")
    assert len(counting.signed) == 2
