"""Fixtures for raw requests to an emulator, and the count of the covered facts of docs/cloudapi."""

import gc
import logging
import os
import threading
from collections import Counter
from collections.abc import Generator, Iterator

import pytest

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.types import User
from tests.emulator.facts import TESTED
from tests.emulator.fidelity import COLLECT, HOW_TO_UPDATE, Pair, called, listed, write_list
from tests.helpers.cloudapi_pages import FACTS
from tests.helpers.raw_requests import Key, Raw
from tests.helpers.sub_users import PUBLIC, SECRET

SEEN = pytest.StashKey[set[Pair]]()
OUTCOMES = pytest.StashKey[dict[str, bool]]()


@pytest.fixture(scope="module")
def raw() -> Iterator[Raw]:
    """Raw requests to an emulator that the tests of a module share. Its violations fail no test."""
    with Emulator(account="test", rate=0.0) as cloud:
        yield Raw(cloud)


@pytest.fixture
def fresh() -> Iterator[Raw]:
    """Raw requests to an emulator of this test alone. Its violations fail no test."""
    with Emulator(account="test", rate=0.0) as cloud:
        yield Raw(cloud)


@pytest.fixture(scope="module")
def keys(raw: Raw) -> dict[str, Key]:
    """A key of every kind, known to the account under the name of its kind."""
    found = {kind: Key.new(kind) for kind in ("rsa", "p256", "p384", "p521", "ed25519")}
    for slashes, kind in ((False, "no-slash"), (True, "slash")):
        while kind not in found:
            key = Key.new("ed25519")
            if ("/" in key.sha256) is slashes:
                found[kind] = key
    for kind, key in found.items():
        raw.add_key(kind, key)
    return found


@pytest.fixture
def nothing_left(recwarn: pytest.WarningsRecorder, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check that the test leaves no thread and no open socket, and causes no warning."""
    threads = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= threads
    gc.collect()
    assert [str(warning.message) for warning in recwarn] == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Compare the operations that the test of a fact calls with those in docs/emulator-fidelity.md."""
    names = TESTED.get(getattr(item, "function", None), ())
    found = {kind for kind in getattr(item, "funcargs", {}).values() if isinstance(kind, Raw | Emulator)}
    clouds = {kind.cloud if isinstance(kind, Raw) else kind for kind in found}
    with called(clouds, names) as pairs:
        yield
    if COLLECT in os.environ:
        item.config.stash.setdefault(SEEN, set()).update(pairs)
    else:
        assert pairs <= listed(), HOW_TO_UPDATE


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or report.failed:
        outcomes = item.config.stash.setdefault(OUTCOMES, {})
        for name in TESTED.get(getattr(item, "function", None), ()):
            outcomes[name] = outcomes.get(name, True) and report.passed
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    if SEEN in session.config.stash:
        write_list(session.config.stash[SEEN])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    outcomes = config.stash.get(OUTCOMES, {})
    if not outcomes:
        return
    covered = Counter(name.partition(".md#")[0] for name, passed in outcomes.items() if passed)
    pages = ", ".join(f"{page} {count}" for page, count in sorted(covered.items()))
    terminalreporter.write_line(
        f"facts of docs/cloudapi covered: {covered.total()} of {len(FACTS)} ({pages})"
    )


@pytest.fixture
def bob(sdc: DataCenter) -> User:
    user = sdc.create_user("bob", "bob@example.com", "secret123")
    sdc.add_user_key(user, "laptop", PUBLIC)
    return user


@pytest.fixture
def bobs(cloud: Emulator, bob: User) -> Iterator[DataCenter]:
    """A client of the sub-user bob."""
    with cloud.datacenter("us-sw-1", key_id="/test/users/bob/keys/laptop", secret=SECRET) as bobs:
        yield bobs
