"""Requests made as a sub-user or with roles."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, LegacyDataCenter
from smartdc._http.request import Request
from smartdc.emulator import Emulator
from smartdc.emulator.http.calls import Call
from tests.helpers.servers import Reply, StubServer


def role_of(call: Call) -> Any:
    return call.query.get("as-role")


def test_every_request_sends_the_roles_and_signs_them(cloud: Emulator) -> None:
    with cloud.datacenter(roles=["ops", "audit"]) as sdc:
        machine = sdc.create_machine("web", package="g4-highcpu-1G", image=sdc.images(name="base64")[0])
        machine.poll_until("running")
        machine.delete()
        sdc.machines()
        sdc.num_machines()
    # The emulator verifies each signature, and the request target is part of what is signed.
    assert {role_of(call) for call in cloud.calls} == {"ops,audit"}
    assert all("as-role=ops%2Caudit" in call.target for call in cloud.calls)


def test_without_roles_nothing_is_sent(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.machines()
    assert role_of(cloud.calls[-1]) is None


def test_roles_of_a_call_replace_those_of_the_data_center(cloud: Emulator) -> None:
    with cloud.datacenter(roles=["ops"]) as sdc:
        sdc.request("GET", "/machines", params={"as-role": "audit"})
        sdc.request("GET", "/machines", params={"as-role": None})
    assert [role_of(call) for call in cloud.calls] == ["audit", "ops"]


def test_unsigned_requests_have_no_role(stub: StubServer) -> None:
    stub.answer(Reply("hello", content_type="text/plain"))
    with (
        DataCenter(stub.url, login="bob", roles=["ops"]) as sdc,
        pytest.warns(DeprecationWarning, match="API 7"),
    ):
        sdc.api()
    assert stub.asked[0].target == "/"


def test_as_role_needs_names_of_roles() -> None:
    with (
        DataCenter("us-sw-1") as sdc,
        pytest.raises(ConfigurationError, match="cannot be the name of a role"),
    ):
        sdc.as_role("ops,audit")


def test_as_role_leaves_the_original_untouched(cloud: Emulator, sdc: DataCenter) -> None:
    with sdc.as_role("ops") as ops:
        ops.machines()
        sdc.machines()
        with ops.as_role("audit") as audit:
            audit.machines()
        ops.machines()
    sdc.machines()
    assert [role_of(call) for call in cloud.calls] == ["ops", None, "audit", "ops", None]
    ops.default_headers["X-Mine"] = "1"
    ops.known_locations["here"] = "https://here.example"
    assert "X-Mine" not in sdc.default_headers
    assert "here" not in sdc.known_locations


def test_as_role_without_arguments_sends_no_role(cloud: Emulator) -> None:
    with cloud.datacenter(roles=["ops"]) as sdc, sdc.as_role() as plain:
        plain.machines()
        sdc.machines()
    assert [role_of(call) for call in cloud.calls] == [None, "ops"]


def test_as_role_shares_the_key_and_the_pool(sdc: DataCenter) -> None:
    ops = sdc.as_role("ops")
    assert ops.auth is sdc.auth
    assert ops._transport is sdc._transport
    assert (ops, hash(ops), type(ops), repr(ops)) == (sdc, hash(sdc), type(sdc), repr(sdc))
    with LegacyDataCenter("us-sw-1") as legacy:
        assert type(legacy.as_role("ops")) is LegacyDataCenter


def test_as_role_does_not_close_the_pool_of_the_original(
    sdc: DataCenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(sdc._transport, "close", lambda: closed.append("closed"))
    with sdc.as_role("ops"):
        pass
    assert closed == []
    sdc.close()
    assert closed == ["closed"]
    monkeypatch.undo()


def test_as_role_under_threads(cloud: Emulator, sdc: DataCenter) -> None:
    failures: list[str] = []

    def work(role: str) -> None:
        for _ in range(10):
            with sdc.as_role(role) as view:
                view.request("GET", "/machines", params={"name": role})
            sdc.request("GET", "/machines", params={"name": "none"})
            if sdc.active_roles:
                failures.append(role)

    threads = [threading.Thread(target=work, args=(f"role{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(cloud.calls) == 160
    for call in cloud.calls:
        assert role_of(call) == (None if call.query["name"] == "none" else call.query["name"])


def test_other_data_centers_and_pickles_keep_the_roles(cloud: Emulator, sdc: DataCenter) -> None:
    with sdc.as_role("ops") as ops, ops.datacenter("us-east-1") as east:
        east.machines()
        copied = pickle.loads(pickle.dumps(ops))  # noqa: S301 - our own
    assert role_of(cloud.calls[-1]) == "ops"
    with copied:
        copied.machines()
    assert role_of(cloud.calls[-1]) == "ops"
    assert copied._transport is not ops._transport


def test_machines_keep_the_roles_of_their_data_center(cloud: Emulator, sdc: DataCenter) -> None:
    machine = sdc.create_machine("web", package="g4-highcpu-1G", image=sdc.images(name="base64")[0])
    with sdc.as_role("ops") as ops:
        ops.machine(machine.id, lazy=True).refresh()
    machine.refresh()
    assert [role_of(call) for call in cloud.calls[-2:]] == ["ops", None]


def test_tags_and_metadata_are_not_written_with_roles(cloud: Emulator, sdc: DataCenter) -> None:
    machine = sdc.create_machine("web", package="g4-highcpu-1G", image=sdc.images(name="base64")[0])
    machine.poll_until("running")
    before = len(cloud.calls)
    with sdc.as_role("ops") as ops:
        refused = ops.machine(machine.id, lazy=True)
        for write in (refused.add_tags, refused.replace_tags, refused.update_metadata):
            with pytest.raises(ConfigurationError, match=r"store 'as-role' among the (tags|metadata)"):
                write(color="red")
        with pytest.raises(ConfigurationError, match=r"sdc\.as_role\(\)\.machine"):
            sdc.request("put", f"{machine.path}/tags", params={"as-role": "ops"}, data={"a": "b"})
        assert len(cloud.calls) == before
        ops.as_role().machine(machine.id, lazy=True).add_tags(color="red")
        refused.delete_all_tags()
        refused.get_metadata()
    assert [role_of(call) for call in cloud.calls[before:]] == [None, "ops", "ops"]


def test_the_server_would_store_the_role(cloud: Emulator, sdc: DataCenter) -> None:
    # The reason for the refusal: the same request without the client's check.
    machine = sdc.create_machine("web", package="g4-highcpu-1G", image=sdc.images(name="base64")[0])
    machine.poll_until("running")
    tags = f"/{machine.path}/tags"
    answer, _ = sdc._exchange(Request("POST", tags, {"as-role": "ops"}, {"color": "red"}))
    assert answer == {"color": "red", "as-role": "ops"}


def sent_key_id(stub: StubServer, **arguments: Any) -> str:
    stub.answer(Reply([]))
    with DataCenter(stub.url, **arguments) as sdc:
        sdc.packages()
    authorization = stub.asked[-1].headers["authorization"]
    return authorization.split('"')[1]


@pytest.mark.parametrize("name", ["laptop", "aa:bb:cc:dd"])
@pytest.mark.parametrize("owner", ["/test", "/test/users/sub"])
def test_user_turns_the_key_id_into_one_of_the_sub_user(
    cloud: Emulator, stub: StubServer, name: str, owner: str
) -> None:
    sent = sent_key_id(stub, key_id=f"{owner}/keys/{name}", secret=cloud.key_file, user="sub")
    assert sent == f"/test/users/sub/keys/{name}"


def test_user_with_a_sha256_fingerprint(cloud: Emulator, stub: StubServer) -> None:
    with cloud.datacenter() as sdc:
        assert sdc.auth is not None
        public = sdc.auth.signer.public_key
    sent = sent_key_id(stub, key_id=f"/test/keys/{public.sha256}", secret=cloud.key_file, user="sub")
    assert sent == f"/test/users/sub/keys/{public.md5}"


def test_user_in_authenticate(cloud: Emulator) -> None:
    with DataCenter("us-sw-1") as sdc:
        sdc.authenticate("/test/keys/laptop", cloud.key_file, user="sub")
        assert sdc.auth is not None
        assert sdc.auth.key_id == "/test/users/sub/keys/laptop"


@pytest.mark.parametrize(
    ("key_id", "user", "problem"),
    [
        (
            "/test/users/one/keys/laptop",
            "two",
            "user='two', but key_id '/test/users/one/keys/laptop' belongs to 'one'",
        ),
        (None, "sub", "user='sub' needs key_id"),
        ("/test/keys/laptop", "", "'' cannot be a sub-user"),
        ("/test/keys/laptop", "test/sub", "'test/sub' cannot be a sub-user: give the login"),
        ("laptop", "sub", "key_id 'laptop' is not of the form"),
    ],
)
def test_invalid_users(cloud: Emulator, key_id: str | None, user: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DataCenter("us-sw-1", key_id, cloud.key_file, user=user)
    assert str(caught.value).startswith(problem)
