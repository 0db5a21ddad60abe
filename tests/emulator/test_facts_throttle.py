"""Facts of docs/cloudapi/throttle.md: the throttle, the read-only mode, and when a server checks them."""

from email.utils import parsedate_to_datetime

from tests.emulator.facts import fact
from tests.helpers.raw_requests import UNKNOWN, Raw


@fact("throttle.md#burst-and-rate")
def test_burst(fresh: Raw) -> None:
    fresh.cloud.throttle()
    assert {fresh.get("/my/machines").status for _ in range(30)} == {200}
    answer = fresh.get("/my/machines")
    answer.refused(429, "TooManyRequestsError", "You have exceeded your request rate of 10 r/s.")
    assert answer.headers["Retry-After"] is None


@fact("throttle.md#one-bucket-for-machines")
def test_one_bucket(fresh: Raw) -> None:
    tags = f"/my/machines/{fresh.site.add_machine().uuid}/tags"
    fresh.cloud.throttle(burst=3)
    assert [fresh.get(path).status for path in ("/my/machines", tags, "/my/fwrules")] == [200] * 3
    assert [fresh.get(path).status for path in ("/my/machines", tags, "/my/fwrules")] == [429] * 3


@fact("throttle.md#throttled-before-the-handler")
def test_a_404_is_not_counted(fresh: Raw) -> None:
    fresh.cloud.throttle(burst=1)
    assert {fresh.get(f"/my/machines/{UNKNOWN}").status for _ in range(5)} == {404}
    assert fresh.get("/my/machines").status == 200
    assert fresh.get("/my/machines").status == 429


@fact("throttle.md#head-is-throttled")
def test_head_is_throttled(fresh: Raw) -> None:
    fresh.cloud.throttle(burst=1)
    assert [fresh.head("/my/machines").status for _ in range(2)] == [200, 429]


@fact("throttle.md#read-only-mode")
def test_read_only(fresh: Raw) -> None:
    fresh.cloud.read_only(until=3600)
    for answer in (fresh.post("/my/machines", {}), fresh.put("/my/config", {}), fresh.delete("/my/keys/x")):
        answer.refused(503, "ServiceUnavailableError", "This Triton data center is being upgraded")
        wait = parsedate_to_datetime(answer.headers["Retry-After"])
        assert wait > parsedate_to_datetime(answer.headers["Date"])
    assert fresh.get("/my/machines").status == 200


@fact("throttle.md#read-only-mode-is-checked-late")
def test_read_only_comes_late(fresh: Raw) -> None:
    fresh.cloud.read_only()
    fresh.delete(f"/my/machines/{UNKNOWN}").refused(404, "ResourceNotFound")
