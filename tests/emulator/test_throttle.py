"""The throttle: restify's token buckets, on emulated time."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from smartdc.emulator.app import TABLE
from smartdc.emulator.gate.throttle import Throttle
from tests.helpers.raw_requests import UNKNOWN, Key, Raw

MESSAGE = "You have exceeded your request rate of 10 r/s."


def let_through(raw: Raw, target: str, method: str = "GET", **how: Any) -> int:
    """How many requests pass before the first that is throttled."""
    for count in range(100):
        if raw.ask(method, target, **how).status == 429:
            return count
    raise AssertionError(f"{target} is not throttled")


def test_nothing_is_throttled_by_default(fresh: Raw) -> None:
    assert {fresh.get("/my").status for _ in range(40)} == {200}
    fresh.cloud.throttle(burst=1)
    assert let_through(fresh, "/my") == 1
    fresh.cloud.throttle(None)
    assert {fresh.get("/my").status for _ in range(3)} == {200}


def test_the_default_throttle(fresh: Raw) -> None:
    fresh.cloud.throttle()
    assert let_through(fresh, "/my/machines") == 30
    answer = fresh.get("/my/machines")
    answer.refused(429, "TooManyRequestsError", MESSAGE)
    assert answer.headers["Retry-After"] is None
    assert (fresh.cloud.calls[-1].operation, fresh.cloud.calls[-1].status) == ("ListMachines", 429)


def test_tokens_refill_with_emulated_time(fresh: Raw) -> None:
    fresh.cloud.throttle(rate=2, burst=3)
    assert let_through(fresh, "/my") == 3
    fresh.cloud.clock.advance(0.4)
    fresh.get("/my").refused(429, "TooManyRequestsError", "You have exceeded your request rate of 2 r/s.")
    fresh.cloud.clock.advance(0.1)
    assert let_through(fresh, "/my") == 1
    fresh.cloud.clock.advance(1)
    assert let_through(fresh, "/my") == 2
    fresh.cloud.clock.advance(3600)
    assert let_through(fresh, "/my") == 3


def test_a_client_that_keeps_to_the_rate_is_never_refused() -> None:
    """Rounding of a thousand steps of 0.1 seconds loses no token."""
    now = [0.0]
    throttle = Throttle(lambda: now[0], rate=10, burst=1)
    for _ in range(1000):
        throttle.take_token("a", "test", "machines")
        now[0] += 0.1


def test_machines_and_their_parts_share_a_bucket(fresh: Raw) -> None:
    path = f"/my/machines/{fresh.site.add_machine().uuid}"
    shared = [
        "/my/machines",
        path,
        f"{path}/tags",
        f"{path}/metadata",
        f"{path}/snapshots",
        f"{path}/disks",
        f"{path}/audit",
        f"{path}/fwrules",
        "/my/fwrules",
        "/my/migrations",
    ]
    fresh.cloud.throttle(burst=len(shared))
    assert {fresh.get(target).status for target in shared} == {200}
    for target in shared:
        fresh.get(target).refused(429, "TooManyRequestsError", MESSAGE)
    # NICs are parts of machines as well, but they have their own bucket.
    assert let_through(fresh, f"{path}/nics") == len(shared)
    assert let_through(fresh, "/my/networks") == len(shared)


def test_every_group_of_operations_has_its_own_bucket() -> None:
    operations = defaultdict(set)
    for route in TABLE.routes:
        operations[route.group].add(route.name)
    assert operations[None] == {"getroot", "getdocs", "getfavicon"}
    some = {
        "datasets": {"ListImages", "CreateImageFromMachine"},
        "packages": {"ListPackages"},
        "networks": {"ListNetworks", "UpdateNetworkIP", "CreateFabricVLAN", "ListFabricNetworks"},
        "account": {"GetAccount", "UpdateAccount", "GetProvisioningLimits"},
        "datacenter": {"ListDatacenters", "ListForeignDatacenters"},
        "services": {"ListServices"},
        "keys": {"CreateKey", "CreateUserKey"},
        "machines": {"CreateMachine", "UpdateMachine", "ListFirewallRuleMachines", "ConnectMachineVNC"},
        "changefeed": {"changefeed"},
        "users": {"CreateUser", "ChangeUserPassword"},
        "policies": {"CreatePolicy"},
        "roles": {"CreateRole"},
        "nics": {"AddNic", "ListNics"},
        "config": {"GetConfig", "UpdateConfig"},
        "resources": {"ReplaceAccountRoleTags", "ReplaceMachineRoleTags"},
        "volumes": {"ListVolumes", "ListVolumeSizes"},
        "accesskeys": {"ListAccessKeys", "CreateUserAccessKey"},
    }
    assert set(operations) == {None, *some}
    assert {
        group: names - operations[group] for group, names in some.items() if names - operations[group]
    } == {}


def test_each_data_center_and_account_has_its_own_buckets(fresh: Raw) -> None:
    key = Key.new("ed25519")
    fresh.cloud.add_account("other").add_key("k", key.openssh)
    east = Raw(fresh.cloud, "us-east-1")
    fresh.cloud.throttle(burst=2)
    assert let_through(fresh, "/my") == 2
    assert let_through(east, "/my") == 2
    assert let_through(fresh, "/my", key=key, key_id="/other/keys/k") == 2


def test_a_sub_user_shares_the_bucket_of_its_account(fresh: Raw) -> None:
    key = Key.new("ed25519")
    fresh.cloud.account.add_user("bob", allowed=True).add_key("k", key.openssh)
    fresh.cloud.throttle(burst=3)
    assert fresh.get("/my", key=key, key_id="/test/users/bob/keys/k").status == 200
    assert let_through(fresh, "/my") == 2
    assert let_through(fresh, "/my", key=key, key_id="/test/users/bob/keys/k") == 0


def test_a_request_refused_before_the_handler_costs_nothing(fresh: Raw) -> None:
    fresh.cloud.throttle(burst=2)
    for _ in range(3):
        assert fresh.get(f"/my/machines/{UNKNOWN}").status == 404
        assert fresh.get("/my/machines", authorization=None).status == 401
        assert fresh.get("/nobody/machines").status == 404
    # A request that the handler refuses costs a token.
    assert fresh.get("/my/machines?state=bogus").status == 409
    assert let_through(fresh, "/my/machines") == 1
    assert fresh.get(f"/my/machines/{UNKNOWN}").status == 404


def test_a_throttled_request_changes_nothing(fresh: Raw) -> None:
    machine = fresh.site.add_machine()
    fresh.cloud.throttle(burst=1)
    fresh.get("/my/machines").ok()
    assert fresh.delete(f"/my/machines/{machine.uuid}").status == 429
    fresh.cloud.clock.advance(60)
    assert machine.state == "running"


def test_head_is_throttled(fresh: Raw) -> None:
    fresh.cloud.throttle(burst=1)
    assert let_through(fresh, "/my/machines", "HEAD") == 1
    answer = fresh.head("/my/machines")
    assert (answer.status, answer.body) == (429, b"")


def test_a_ping_counts_for_the_account_or_for_anonymous_clients(fresh: Raw) -> None:
    """A ping is handled as the account route; restify counts all unsigned requests as `anonymous`."""
    fresh.cloud.throttle(burst=2)
    assert let_through(fresh, "/--ping", authorization=None) == 2
    assert fresh.get("/--ping").status == 200
    assert let_through(fresh, "/my") == 1
    assert {fresh.get("/", authorization=None).status for _ in range(4)} == {302}


def test_read_only_mode_comes_first(fresh: Raw) -> None:
    fresh.cloud.throttle(burst=1)
    fresh.cloud.read_only()
    assert [fresh.post("/my/machines", {}).status for _ in range(3)] == [503] * 3
    assert let_through(fresh, "/my/machines") == 1


@pytest.mark.parametrize(
    ("rate", "burst", "message"),
    [
        (0, 30, "rate must be a number above 0: 0"),
        (-1, 30, "rate must"),
        (float("nan"), 30, "rate must"),
        (float("inf"), 30, "rate must"),
        (10, 0.5, "burst must be 1 or more, or no request would ever pass: 0.5"),
    ],
)
def test_invalid_rates(fresh: Raw, rate: float, burst: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fresh.cloud.throttle(rate, burst)
    assert fresh.get("/my").status == 200
