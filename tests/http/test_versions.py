from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from smartdc import (
    APIError,
    BadRequestError,
    DataCenter,
    NotFoundError,
    RetryPolicy,
    SmartDCError,
    VersionError,
)
from smartdc._http.request import Request
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent
from tests.helpers.servers import Reply, StubServer
from tests.operations import OPERATIONS

NOT_ALLOWED = Reply({"code": "MethodNotAllowedError", "message": "GET is not allowed"}, 405)


@pytest.mark.off_the_record("the description knows the types of images since API 8 only")
def test_a_version_for_one_request(cloud: Emulator, sdc: DataCenter) -> None:
    def types(**how: Any) -> set[str]:
        return {image["type"] for image in sdc.request("GET", "/images", **how)[0]}

    # docs, 8.0.0: images had other types before.
    assert types(api_version="~7.1") == {"smartmachine", "virtualmachine"}
    assert "zone-dataset" in types()
    assert [got.headers["accept-version"] for got in cloud.calls] == ["~7.1", "~9||~8"]
    types(headers={"accept-version": "~8"}, api_version="~7.2")
    assert cloud.calls[-1].headers["accept-version"] == "~7.2"


def test_a_version_for_a_data_center(cloud: Emulator) -> None:
    with cloud.datacenter(api_version="~8") as sdc:
        sdc.account()
        sdc.datacenter("us-east-1").account()
    assert [got.headers["accept-version"] for got in cloud.calls] == ["~8", "~8"]


def test_a_version_that_the_server_does_not_have(sdc: DataCenter) -> None:
    with pytest.raises(VersionError, match="~10 is not supported by GET /my/images") as caught:
        sdc.request("GET", "/images", api_version="~10")
    assert (caught.value.status, caught.value.code, caught.value.needs) == (400, "InvalidVersion", None)


def test_an_operation_that_is_newer_than_the_version_asked_for(cloud: Emulator, site: Site) -> None:
    # docs/cloudapi/versions.md#what-came-with-which-version: nics below 7.2 are refused with 400.
    vm = site.add_machine()
    with cloud.datacenter(api_version="~7.1") as sdc:
        machine = sdc.machine(vm.uuid, lazy=True)
        with pytest.raises(VersionError, match=r"400 InvalidVersion: .*; this needs API 7.2, and") as caught:
            machine.get_nics()
        assert caught.value.needs == "7.2"
        with pytest.raises(VersionError, match=r"needs API 7\.3"):
            sdc.fabric_vlans()
        assert sdc.num_machines() == 1


@pytest.mark.parametrize(
    ("ask", "target", "needs"),
    [
        (lambda sdc: sdc.limits(), "/bob/limits", "9.8"),
        (lambda sdc: sdc.config(), "/bob/config", "7.3"),
        (lambda sdc: sdc.users(), "/bob/users", "7.2"),
        (lambda sdc: sdc.migrations(), "/bob/migrations", "9.6.0"),
        (lambda sdc: sdc.access_keys(), "/bob/accesskeys", "9.11"),
    ],
)
def test_a_server_that_is_too_old(
    stub: StubServer, ask: Callable[[DataCenter], Any], target: str, needs: str
) -> None:
    # Role-tag routes make unknown collections 405, not 404
    # (docs/cloudapi/requests.md#unknown-collections-are-not-allowed).
    stub.answer(NOT_ALLOWED)
    with DataCenter(stub.url, login="bob") as sdc, pytest.raises(VersionError) as caught:
        ask(sdc)
    assert str(caught.value) == (
        f"GET {target}: 405 MethodNotAllowedError: GET is not allowed; "
        f"this needs API {needs}, and must be enabled in the data center"
    )


def test_a_path_that_an_old_server_does_not_have(stub: StubServer) -> None:
    path = "/bob/machines/m/nics"
    stub.answer(
        Reply({"code": "ResourceNotFound", "message": f"{path} does not exist"}, 404), Reply(status=404)
    )
    with DataCenter(stub.url, login="bob") as sdc:
        machine = sdc.machine({"id": "m"}, lazy=True)
        with pytest.raises(VersionError, match=r"does not exist; this needs API 7\.2"):
            machine.get_nics()
        with pytest.raises(VersionError, match=r"404 Not Found; this needs API 7\.2"):
            machine.num_nics()


def test_a_missing_object_is_not_a_version_error(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine().uuid, lazy=True)
    with pytest.raises(NotFoundError) as caught:
        machine.get_nic("ba:ad:d3:4d:b3:3f")
    assert not isinstance(caught.value, VersionError)
    with pytest.raises(NotFoundError, match=r": nobody does not exist"):
        sdc.user("nobody")
    with pytest.raises(BadRequestError, match=r"^HEAD /my/services: 405 "):
        # It is as old as the API; HEAD is just not there (docs/cloudapi/requests.md#head-that-is-missing)
        sdc.exists("services")
    assert sent(cloud)[-1] == call("HEAD", "/my/services")


def test_the_error_pickles_and_says_so(stub: StubServer) -> None:
    stub.answer(NOT_ALLOWED)
    with DataCenter(stub.url, login="bob") as sdc, pytest.raises(VersionError) as caught:
        sdc.limits()
    for twin in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):  # noqa: S301
        assert (type(twin), str(twin), twin.needs) == (VersionError, str(caught.value), "9.8")


UPDATES: list[Callable[[DataCenter], Any]] = [
    lambda sdc: sdc.update_access_key("x", description="y"),
    lambda sdc: sdc.update_user_access_key("u", "x", description="y"),
]


@pytest.mark.parametrize("ask", UPDATES)
def test_an_operation_that_no_server_has_names_no_version(
    stub: StubServer, ask: Callable[[DataCenter], Any]
) -> None:
    # docs/cloudapi/access.md#access-keys-cannot-be-updated: versions go by verb and path.
    stub.answer(NOT_ALLOWED)
    with DataCenter(stub.url, login="bob") as sdc, pytest.raises(VersionError) as caught:
        ask(sdc)
    assert caught.value.needs is None
    assert str(caught.value).endswith(
        "; this operation is in the description of CloudAPI only: no server up to 9.20.0 has it"
    )
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - our own


ODD: list[tuple[Reply, Callable[[DataCenter], Any]]] = [
    (NOT_ALLOWED, lambda sdc: sdc.limits()),
    (Reply([]), lambda sdc: sdc.account()),
    (Reply({}), lambda sdc: sdc.keys()),
    (Reply([5]), lambda sdc: sdc.keys()),
    (Reply(None), lambda sdc: sdc.num_machines()),
    (Reply(b"{"), lambda sdc: sdc.account()),
    (Reply(b"<html>", content_type="text/html"), lambda sdc: sdc.account()),
    (Reply(None, 302), lambda sdc: sdc.account()),
    (Reply({}, headers={"Content-MD5": "x"}), lambda sdc: sdc.account()),
    (Reply(b"x", headers={"Content-Encoding": "gzip"}), lambda sdc: sdc.account()),
]


@pytest.mark.parametrize(("odd", "ask"), ODD)
def test_an_error_made_after_an_answer_counts_its_attempts(
    stub: StubServer, odd: Reply, ask: Callable[[DataCenter], Any]
) -> None:
    stub.answer(Reply(status=503))
    stub.otherwise = odd
    policy = RetryPolicy(attempts=2, first_pause=0)
    with DataCenter(stub.url, login="bob", retry=policy) as sdc, pytest.raises(SmartDCError) as caught:
        ask(sdc)
    assert caught.value.attempts == len(stub.asked) == 2


def test_the_versions_are_those_of_the_contract(stub: StubServer) -> None:
    # Only an operation with another path is seen to be missing: an unknown action or verb is answered
    # otherwise.
    since: dict[str, str] = {}
    for row in OPERATIONS:
        if "/:login/" in row.path and "?" not in row.path and "/:resource" not in row.path:
            since[row.path] = min(since.get(row.path, row.since), row.since, key=_number)
    with DataCenter(stub.url, login="bob") as sdc:
        for path, first in since.items():
            stub.answer(Reply(status=405))
            with pytest.raises(APIError) as caught:
                sdc._call(Request("GET", path.replace(":", "x").removeprefix("/xlogin")))
            needs = getattr(caught.value, "needs", None) or "7.0"
            assert (path, needs.split(".")[:2]) == (path, first.split("."))


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
