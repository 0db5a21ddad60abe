"""A create whose answer is lost: the machine is found, or created again, or an error says what is known."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Callable
from email.utils import formatdate
from time import time

import pytest

from smartdc import (
    APIError,
    ConnectionFailed,
    DataCenter,
    LegacyDataCenter,
    NotFoundError,
    OutcomeUnknown,
    RetryPolicy,
    ServerError,
    TransportError,
    ValidationFailedError,
)
from smartdc.emulator import Emulator
from smartdc.emulator.faults import BACKEND_LOST, HTML_502, Drop, Status
from smartdc.emulator.state.clock import timestamp
from smartdc.emulator.state.site import Site
from tests.contract.row import FOUND, World
from tests.faults.lost_answers import expected
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer
from tests.operations import OPERATIONS

PACKAGE = "g3-standard-0.25-smartos"
UNKNOWN = "00000000-dead-4bad-8bad-000000000000"
LOOKS = 6
"""After 0.5, 1.5, 3.5, 7.5, 15.5 and 30 seconds, when the lists must have settled."""
BEFORE, AFTER = Drop(after_commit=False), Drop(after_commit=True)


@pytest.fixture
def image(site: Site) -> str:
    return next(image.uuid for image in site.images.values() if image.name == "base64")


def creates(cloud: Emulator) -> list[int]:
    """The status of each create that was sent."""
    return [call.status for call in cloud.calls if call.operation == "CreateMachine"]


@pytest.mark.parametrize("name", ["web", None])
@pytest.mark.parametrize("by_uuid", [True, False])
def test_a_machine_is_found(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str, name: str | None, by_uuid: bool
) -> None:
    cloud.faults.add("CreateMachine", AFTER, times=1)
    package = next(each for each in site.packages.values() if each.name == PACKAGE)
    machine = sdc.create_machine(name, package.uuid if by_uuid else PACKAGE, image=image, tags={"a": 1})
    assert list(site.machines) == [machine.id]
    assert name in (None, machine.name)
    assert creates(cloud) == [0]
    machine.poll_until("running")
    assert machine.get_tags() == {"a": 1}


def test_a_machine_that_is_absent_is_created_again(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str
) -> None:
    cloud.faults.add("CreateMachine", BEFORE, times=3)
    machine = sdc.create_machine("web", PACKAGE, image=image)
    assert list(site.machines) == [machine.id]
    assert creates(cloud) == [0, 0, 0, 201]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_machine_is_found_after_an_error_of_the_server(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str, status: int
) -> None:
    failed = Status(status, '{"code": "InternalError", "message": "no"}', after_commit=True)
    cloud.faults.add("CreateMachine", failed, times=1)
    machine = sdc.create_machine("web", PACKAGE, image=image)
    assert list(site.machines) == [machine.id]
    assert creates(cloud) == [status]


@pytest.mark.parametrize("status", [408, 502, 503, 504])
def test_a_machine_is_created_again_after_a_status_that_a_proxy_may_send(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str, status: int
) -> None:
    # The code is one of CloudAPI's, but it does not show that the server has finished the request.
    failed = Status(status, '{"code": "InternalError", "message": "no"}')
    cloud.faults.add("CreateMachine", failed, times=1)
    machine = sdc.create_machine("web", PACKAGE, image=image)
    assert list(site.machines) == [machine.id]
    assert creates(cloud) == [status, 201]


def test_a_machine_that_is_listed_late_is_not_created_twice(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str
) -> None:
    cloud.faults.add("CreateMachine", AFTER, times=1)
    cloud.faults.add("ListMachines", Status(200, "[]"), times=5)
    machine = sdc.create_machine("web", PACKAGE, image=image)
    assert creates(cloud) == [0]
    assert list(site.machines) == [machine.id]


def test_a_machine_that_is_listed_only_after_settling_is_found_by_the_refusal(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str
) -> None:
    cloud.faults.add("CreateMachine", AFTER, times=1)
    cloud.faults.add("ListMachines", Status(200, "[]"), times=8)
    machine = sdc.create_machine("web", PACKAGE, image=image)
    # "alias Duplicate" is about the machine of the lost create.
    assert creates(cloud) == [0, 409]
    assert list(site.machines) == [machine.id]


def test_a_machine_that_failed_meanwhile_is_found(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str
) -> None:
    cloud.faults.add("CreateMachine", AFTER, times=1)
    cloud.faults.add("ListMachines", HTML_502, times=4)  # until provisioning has failed
    site.fail_next_provision = "on server"
    with cloud.datacenter(retry=RetryPolicy(first_pause=60, longest_pause=600, deadline=3600)) as patient:
        machine = patient.create_machine("web", PACKAGE, image=image)
    assert (machine.id in site.machines, machine.state) == (True, "failed")
    assert creates(cloud) == [0]


@pytest.mark.parametrize("fault", [BEFORE, AFTER], ids=["before", "after"])
def test_an_older_machine_of_that_name_is_not_taken_for_it(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str, fault: Drop
) -> None:
    other = site.add_machine("web", image=image, package=PACKAGE)
    cloud.clock.advance(400)
    cloud.faults.add("CreateMachine", fault, times=1)
    with pytest.raises(ValidationFailedError, match="alias Duplicate"):
        sdc.create_machine("web", PACKAGE, image=image)
    assert list(site.machines) == [other.uuid]


@pytest.mark.parametrize("differs", [{"image": "minimal-64"}, {"package": "sample-512M"}], ids=str)
def test_a_different_machine_of_that_name_is_not_taken_for_it(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str, differs: dict[str, str]
) -> None:
    other = site.add_machine("web", **({"image": image, "package": PACKAGE} | differs))  # type: ignore[arg-type]
    cloud.faults.add("CreateMachine", BEFORE, times=1)
    (field,) = differs
    with pytest.raises(OutcomeUnknown, match=f"one is found that differs in {field}; ") as caught:
        sdc.create_machine("web", PACKAGE, image=image)
    assert [candidate["id"] for candidate in caught.value.candidates] == [other.uuid]


def test_a_name_that_the_server_completes_cannot_be_told_from_others(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str
) -> None:
    cloud.faults.add("CreateMachine", AFTER, times=1)
    with pytest.raises(OutcomeUnknown, match="the possible ones are in candidates") as caught:
        sdc.create_machine("web-{{shortId}}-a", PACKAGE, image=image)
    (uuid,) = site.machines
    assert [candidate["id"] for candidate in caught.value.candidates] == [uuid]
    cloud.faults.add("CreateMachine", BEFORE, times=1)
    cloud.clock.advance(60)
    with pytest.raises(OutcomeUnknown, match="none is found, but it may still come") as caught:
        sdc.create_machine("web-{{shortId}}-a", PACKAGE, image=image)
    assert (caught.value.candidates, len(site.machines)) == ([], 1)


def test_a_name_that_is_a_prefix_of_more_than_a_page_of_names(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str
) -> None:
    for number in range(1005):
        site.add_machine(f"w{number}")
    cloud.faults.add("CreateMachine", AFTER, times=1)
    machine = sdc.create_machine("w", PACKAGE, image=image)
    assert site.machines[machine.id].alias == "w"


def test_an_error_says_what_is_known(cloud: Emulator, sdc: DataCenter, site: Site, image: str) -> None:
    cloud.faults.add("CreateMachine", BEFORE)
    with pytest.raises(OutcomeUnknown) as caught:
        sdc.create_machine("web", PACKAGE, image=image)
    error = caught.value
    assert str(error).startswith(
        "it is not known whether the machine with name 'web' was created: none is found after 5 attempts "
        "(POST /my/machines: the connection to"
    )
    assert (error.what, error.wanted, error.candidates) == ("machine", {"name": "web"}, [])
    assert (error.method, error.path, error.attempts) == ("POST", "/my/machines", 1)
    assert isinstance(error.__cause__, ConnectionFailed)
    assert isinstance(error, TransportError)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(again), again.wanted) == (str(error), error.wanted)
    assert not site.machines


@pytest.mark.parametrize("absent", ["package", "image"])
def test_a_machine_with_an_empty_field(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str, absent: str
) -> None:
    # docs/cloudapi/machines.md#values-a-client-may-not-expect: `package` may be empty, and `image` of some
    # machines comes from their disks.
    found = {"id": UNKNOWN, "name": "web", "package": PACKAGE, "image": image, "state": "provisioning"}
    found |= {absent: "", "created": timestamp(cloud.clock.now())}
    cloud.faults.add("CreateMachine", BEFORE, times=1)
    cloud.faults.add("ListMachines", Status(200, json.dumps([found])), times=1)
    assert sdc.create_machine("web", PACKAGE, image=image).id == UNKNOWN


def test_an_old_server_may_have_a_name_twice(stub: StubServer) -> None:
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply([])
    with (
        LegacyDataCenter(stub.url, login="bob", clock=Instant()) as sdc,
        pytest.raises(OutcomeUnknown, match="none is found, but it may still come"),
    ):
        sdc.create_machine("web", dataset=UNKNOWN)
    assert [asked.method for asked in stub.asked] == ["POST", *["GET"] * LOOKS]


@pytest.mark.parametrize("failing", [0, 2])
def test_a_slow_request_that_was_carried_out_beside_its_repetition(stub: StubServer, failing: int) -> None:
    """The server checks that a name is free before it takes it: two requests at once may both pass."""
    now = formatdate(time(), usegmt=True)
    made = {"name": "web", "package": PACKAGE, "image": UNKNOWN, "created": timestamp(time())}
    twins = [made | {"id": f"{letter * 8}-dead-4bad-8bad-000000000000"} for letter in "ab"]
    stub.answer(Reply(None, 504), *[Reply([], dates=(now,))] * LOOKS, Reply(twins[1], 201))
    stub.answer(*[Reply(None, 500)] * failing, Reply(twins, dates=(now,)))
    with (
        DataCenter(stub.url, login="bob", clock=Instant()) as sdc,
        pytest.raises(OutcomeUnknown, match="there are 2, which are its candidates") as caught,
    ):
        sdc.create_machine("web", PACKAGE, image=UNKNOWN)
    assert caught.value.candidates == twins[::-1]
    assert [asked.method for asked in stub.asked] == [
        "POST", *["GET"] * LOOKS, "POST", *["GET"] * (failing + 1)
    ]  # fmt: skip


def test_a_machine_that_was_created_again_is_returned_if_looks_are_refused(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str
) -> None:
    cloud.faults.add("CreateMachine", BEFORE, times=1)
    cloud.faults.add("ListMachines", Status(200, "[]"), times=LOOKS)
    cloud.faults.add("ListMachines", Status(403, {"code": "NotAuthorized", "message": "no"}))
    machine = sdc.create_machine("web", PACKAGE, image=image)
    assert list(site.machines) == [machine.id]


def test_if_looks_are_refused_the_outcome_is_unknown(cloud: Emulator, sdc: DataCenter, image: str) -> None:
    cloud.faults.add("CreateMachine", AFTER)
    # A sub-user may be allowed to create machines and not to list them.
    cloud.faults.add("ListMachines", Status(403, {"code": "NotAuthorized", "message": "no"}))
    with pytest.raises(
        OutcomeUnknown, match=r"it could not be looked for: GET /my/machines.*403 NotAuthorized"
    ):
        sdc.create_machine("web", PACKAGE, image=image)


def test_without_retries_it_is_not_looked_for(cloud: Emulator, image: str) -> None:
    cloud.faults.add("CreateMachine", AFTER, times=1)
    with cloud.datacenter(retry="none") as sdc:
        with pytest.raises(OutcomeUnknown, match="not looked for, as retry is 'none'") as caught:
            sdc.create_machine(package=PACKAGE, image=image)
        (found,) = sdc.machines(name=caught.value.wanted["name"])
        cloud.faults.add("CreateMachine", BACKEND_LOST, times=1)
        with pytest.raises(ServerError, match=r"^POST /my/machines: 500 "):
            sdc.create_machine(package=PACKAGE, image=image)
    assert found.package == PACKAGE
    assert [call.operation for call in cloud.calls].count("ListMachines") == 1


def test_a_server_that_created_it_and_could_not_read_it(
    cloud: Emulator, sdc: DataCenter, site: Site, image: str
) -> None:
    # lib/machines.js of sdc-cloudapi: it gets the machine 200 ms after createVm, and passes its errors on.
    gone = Status(404, {"code": "ResourceNotFound", "message": "VM not found"}, after_commit=True)
    cloud.faults.add("CreateMachine", gone, times=1)
    machine = sdc.create_machine("web", PACKAGE, image=image)
    assert list(site.machines) == [machine.id]
    with pytest.raises(NotFoundError, match=r"404 ResourceNotFound: image not found"):
        sdc.create_machine("other", PACKAGE, image=UNKNOWN)
    assert len(site.machines) == 1


@pytest.mark.parametrize(("status", "message"), [(501, "no"), (409, "no"), (404, "no such VM")])
def test_what_the_server_refuses_is_not_looked_for(stub: StubServer, status: int, message: str) -> None:
    stub.answer(Reply({"code": "Novelty", "message": message}, status))
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc, pytest.raises(APIError, match=message):
        sdc.create_machine("web", PACKAGE, image=UNKNOWN)
    assert [asked.method for asked in stub.asked] == ["POST"]


@pytest.mark.parametrize("body", [{"code": "InternalError", "message": "no"}, {"message": "no"}, {}])
def test_what_the_server_has_ended_with_is_looked_for_and_not_made_again(
    stub: StubServer, body: dict[str, str]
) -> None:
    # docs/cloudapi/errors.md#answers-without-a-code
    stub.answer(Reply(body, 500))
    stub.otherwise = Reply([])
    with DataCenter(stub.url, login="bob", clock=Instant()) as sdc, pytest.raises(ServerError, match=": 500"):
        sdc.create_volume("data")
    assert [asked.method for asked in stub.asked] == ["POST", *["GET"] * LOOKS]


def test_a_server_that_is_not_there_yet(stub: StubServer, image: str, free_port: int) -> None:
    """No connection was made, so the request is repeated without a look."""
    late: list[StubServer] = []

    class Starting(Instant):
        def sleep(self, seconds: float, /) -> None:
            super().sleep(seconds)
            if len(self.slept) == 2:
                late.append(StubServer(port=free_port).__enter__())
                late[0].answer(Reply({"id": "a", "name": "web", "state": "provisioning"}, 201))

    with DataCenter(f"http://127.0.0.1:{free_port}", login="bob", clock=Starting()) as sdc:
        assert sdc.create_machine("web", PACKAGE, image=image).id == "a"
    late[0].__exit__()
    assert [asked.method for asked in late[0].asked] == ["POST"]


UNIQUE = {row.method: row for row in OPERATIONS if row.verb == "POST" and expected(row)[0] == FOUND}
NOT_UNIQUE = ("DataCenter.create_machine", "DataCenter.create_image_from_machine", "Machine.create_disk")


@pytest.mark.parametrize("method", [method for method in UNIQUE if method not in NOT_UNIQUE])
def test_what_must_be_unique_is_created_again_if_it_is_absent(
    cloud: Emulator, sdc: DataCenter, method: str
) -> None:
    row = UNIQUE[method]
    cloud.faults.add(row.name, BEFORE, times=2)
    row.call(sdc, World(cloud, sdc))
    assert [call.status for call in cloud.calls if call.operation == row.name] == [0, 0, row.status]


def test_an_image_that_is_not_there_may_still_come(cloud: Emulator, sdc: DataCenter) -> None:
    row = UNIQUE["DataCenter.create_image_from_machine"]
    cloud.faults.add(row.name, BEFORE, times=1)
    with pytest.raises(OutcomeUnknown, match=r"image with name .* none is found, but it may still"):
        row.call(sdc, World(cloud, sdc))


@pytest.mark.parametrize("state", ["creating", "unactivated", "active"])
def test_an_image_that_is_found_counts_once(cloud: Emulator, sdc: DataCenter, state: str) -> None:
    """It may match twice: as one that is being created, and as one that was published since."""
    made = {"id": UNKNOWN, "name": "app", "version": "1.0.0", "state": state}
    made["published_at"] = timestamp(cloud.clock.now())
    older = made | {"id": UNKNOWN[::-1], "state": "active", "published_at": "2020-01-01T00:00:00.000Z"}
    cloud.faults.add("CreateImageFromMachine", AFTER, times=1)
    cloud.faults.add("ListImages", Status(200, json.dumps([older, made])), times=1)
    machine = cloud.site().add_machine(state="stopped").uuid
    assert sdc.create_image_from_machine(machine, "app", "1.0.0")["id"] == UNKNOWN


def test_an_older_volume_is_an_error_although_the_refusal_was_lost(cloud: Emulator, sdc: DataCenter) -> None:
    sdc.create_volume("data")
    cloud.clock.advance(60)
    cloud.faults.add("CreateVolume", AFTER, times=1)
    with pytest.raises(Exception, match="VolumeAlreadyExists"):
        sdc.create_volume("data")
    assert len(sdc.volumes()) == 1


def test_threads_that_create_at_once_get_different_machines(
    cloud: Emulator, sdc: DataCenter, image: str
) -> None:
    cloud.faults.add("CreateMachine", AFTER, times=8)
    found: list[str] = []
    create: Callable[[], None] = lambda: found.append(sdc.create_machine(package=PACKAGE, image=image).id)  # noqa: E731
    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 8
