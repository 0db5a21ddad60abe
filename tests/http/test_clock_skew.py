"""A wrong clock is detected from an answer, corrected once, and remembered for that server alone."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from time import time

import pytest

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.errors import BadRequestError, InvalidArgumentError
from tests.helpers.keys import KeyRing
from tests.helpers.servers import Reply, StubServer, reply

SKEW = "Authorization header invalid: clock skew of 400.2s was greater than 300s"
REFUSED = {"code": "InvalidHeader", "message": SKEW}


def statuses(cloud: Emulator) -> list[int]:
    return [call.status for call in cloud.calls]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(("skew", "word"), [(400.0, "behind"), (-400.0, "ahead of"), (86400.0, "behind")])
def test_corrected_once_and_remembered(
    skew: float, word: str, cloud: Emulator, sdc: DataCenter, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.clock.skew = skew
    assert sdc.account()["login"] == "test"
    assert statuses(cloud) == [400, 200]
    sdc.account()
    sdc.packages()
    assert statuses(cloud) == [400, 200, 200, 200]
    (line,) = warnings(caplog)
    assert f"seconds {word} that of {cloud.url()}" in line
    assert abs(int(line.split()[4]) - abs(skew)) <= 1
    cloud.clock.skew = 0.0  # the machine's clock is set right, or the server's
    sdc.account()
    assert statuses(cloud) == [400, 200, 200, 200, 400, 200]
    assert len(warnings(caplog)) == 2


def test_a_body_is_sent_again(cloud: Emulator, sdc: DataCenter) -> None:
    cloud.clock.skew = 1000.0
    machine = sdc.create_machine("web", package="g4-highcpu-1G", image=sdc.images(name="base64")[0])
    cloud.clock.skew = -1000.0
    machine.add_tags(role="web")
    assert [call.status for call in cloud.calls if call.method == "POST"] == [201, 400, 200]
    assert len(cloud.site().machines) == 1


def test_each_server_has_its_own_offset(cloud: Emulator, sdc: DataCenter, stub: StubServer) -> None:
    cloud.clock.skew = 400.0
    sdc.account()
    stub.answer(Reply([]))
    with DataCenter(stub.url) as other:
        other.auth = sdc.auth
        before = time()
        other.packages()
    assert stub.asked[0].headers["date"] in {formatdate(before + late, usegmt=True) for late in range(3)}
    # A sister data center shares the key, not the offset; a view in other roles is the same server.
    cloud.calls.clear()
    with sdc.datacenter("us-east-1") as sister:
        sister.packages()
    sdc.as_role("ops").packages()
    assert [(call.datacenter, call.status) for call in cloud.calls if call.path.endswith("packages")] == [
        ("us-east-1", 400),
        ("us-east-1", 200),
        ("us-sw-1", 200),
    ]


def test_threads_warn_once(cloud: Emulator, sdc: DataCenter, caplog: pytest.LogCaptureFixture) -> None:
    cloud.clock.skew = 400.0
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: sdc.account(), range(64)))
    assert len(warnings(caplog)) == 1
    assert statuses(cloud).count(200) == 64
    assert statuses(cloud).count(400) <= 16


def test_an_offset_of_the_caller_is_kept_and_added(cloud: Emulator, sdc: DataCenter) -> None:
    assert sdc.auth is not None
    sdc.auth.clock_offset = 1000.0
    sdc.account()
    assert sdc.auth.clock_offset == 1000.0
    assert statuses(cloud) == [400, 200]


def test_a_pickle_may_go_to_a_machine_with_another_clock(cloud: Emulator, sdc: DataCenter) -> None:
    cloud.clock.skew = 400.0
    sdc.account()
    with pickle.loads(pickle.dumps(sdc)) as again:  # noqa: S301 - our own
        again.account()
    assert statuses(cloud) == [400, 200, 400, 200]


@pytest.fixture
def signed(stub: StubServer, ssh_keys: KeyRing) -> DataCenter:
    return DataCenter(stub.url, "/bob/keys/k", ssh_keys.path("ed25519"))


def dated(ahead: float, body: object = REFUSED, status: int = 400) -> Reply:
    return Reply(body, status, dates=(formatdate(time() + ahead, usegmt=True),))


def test_a_second_refusal_is_raised(
    signed: DataCenter, stub: StubServer, caplog: pytest.LogCaptureFixture
) -> None:
    stub.answer(dated(400), dated(800), dated(0, [], 200))
    with (
        signed,
        pytest.raises(BadRequestError, match=r"clock skew of 400\.2s was greater than 300s") as caught,
    ):
        signed.packages()
    assert (caught.value.status, caught.value.code) == (400, "InvalidHeader")
    assert len(stub.asked) == 2
    assert warnings(caplog) == []
    before = time()
    signed.packages()  # and nothing was remembered
    assert stub.asked[2].headers["date"] in {formatdate(before + late, usegmt=True) for late in range(3)}


@pytest.mark.parametrize("date", ["", "yesterday", "now"])
def test_a_refusal_that_the_date_does_not_explain_is_raised(
    date: str, signed: DataCenter, stub: StubServer
) -> None:
    # A date has whole seconds: now is rounded, as a difference of one second would explain the refusal.
    dates = {"": (), "now": (formatdate(time() + 0.5, usegmt=True),)}.get(date, (date,))
    stub.answer(Reply(REFUSED, 400, dates=dates))
    with signed, pytest.raises(BadRequestError, match=r"clock skew of 400\.2s"):
        signed.packages()
    assert len(stub.asked) == 1


def test_a_request_that_began_before_a_correction_does_not_undo_it(
    signed: DataCenter, stub: StubServer
) -> None:
    def slow() -> Iterator[bytes]:
        signed.packages()  # of another thread
        yield from reply(b"[]", "Content-Type: application/json")

    stub.answer(slow(), dated(400), dated(400, [], 200), Reply([]))
    with signed:
        signed.packages()
        before = time()
        signed.packages()
    late = {formatdate(before + 400 + later, usegmt=True) for later in range(-1, 3)}
    assert stub.asked[-1].headers["date"] in late
    assert len(stub.asked) == 4


def test_request_expired_is_corrected(signed: DataCenter, stub: StubServer) -> None:
    expired = {"code": "RequestExpired", "message": "Date header ... is too old"}
    stub.answer(dated(4000, expired), dated(4000, [], 200))
    with signed:
        assert signed.packages() == []
    assert len(stub.asked) == 2


def test_other_refusals_are_not_about_the_clock(signed: DataCenter, stub: StubServer) -> None:
    other = {"code": "InvalidHeader", "message": "Authorization header invalid: bad param format"}
    stub.answer(dated(4000, other))
    with signed, pytest.raises(BadRequestError, match="bad param format"):
        signed.packages()
    assert len(stub.asked) == 1


def test_the_date_is_this_machine_s_until_a_server_refuses_it(
    signed: DataCenter, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.answer(Reply([], dates=(formatdate(0, usegmt=True),)))
    with signed, monkeypatch.context() as clock:
        clock.setattr("time.time", lambda: 1795428000.9)
        signed.packages()
    assert stub.asked[0].headers["date"] == "Mon, 23 Nov 2026 10:00:00 GMT"


def test_unsigned_requests_have_no_date(stub: StubServer) -> None:
    stub.answer(dated(4000))
    with DataCenter(stub.url) as sdc, pytest.raises(BadRequestError, match="clock skew"):
        sdc.packages()
    assert len(stub.asked) == 1


def test_a_count_is_corrected_although_its_refusal_has_no_body(cloud: Emulator, sdc: DataCenter) -> None:
    cloud.clock.skew = -4000
    assert sdc.num_machines() == 0
    assert [got.status for got in cloud.calls] == [400, 200]


# docs/cloudapi/signing.md#clock-skew-limit: the server takes what differs by 300 s.
@pytest.mark.parametrize("ahead", [310, -310])
def test_a_count_whose_refusal_shows_a_wrong_clock(
    signed: DataCenter, stub: StubServer, ahead: float
) -> None:
    stub.answer(dated(ahead, None), Reply(headers={"x-resource-count": "0"}))
    with signed:
        assert signed.num_machines() == 0
    assert len(stub.asked) == 2


@pytest.mark.parametrize("ahead", [2, 290, -290])
def test_a_count_that_is_refused_for_something_else(
    signed: DataCenter, stub: StubServer, ahead: float
) -> None:
    stub.answer(dated(ahead, None))
    with signed, pytest.raises(BadRequestError):
        signed.num_machines()
    assert len(stub.asked) == 1


def test_a_refused_count_without_a_date(signed: DataCenter, stub: StubServer) -> None:
    stub.answer(Reply(None, 400, dates=()))
    with signed, pytest.raises(BadRequestError, match=r"^HEAD "):
        signed.num_machines()
    assert len(stub.asked) == 1


def test_another_error_that_mentions_the_clock(signed: DataCenter, stub: StubServer) -> None:
    stub.answer(dated(4000, {"code": "InvalidArgument", "message": SKEW}))
    with signed, pytest.raises(InvalidArgumentError, match="clock skew of"):
        signed.packages()
    assert len(stub.asked) == 1
