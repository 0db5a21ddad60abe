from __future__ import annotations

import pickle
import textwrap
from typing import Any

import pytest
import requests

from smartdc import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ConnectionFailed,
    DataCenter,
    GoneError,
    InUseError,
    InvalidArgumentError,
    InvalidResponse,
    InvalidStateError,
    KeyFileMissing,
    KeyLoadError,
    LoginFailed,
    MissingParameterError,
    NotAuthorizedError,
    NotFoundError,
    OutcomeUnknown,
    RequestTimeout,
    ServerError,
    ServiceUnavailableError,
    SmartDCError,
    ThrottledError,
    TLSError,
    TransportError,
    ValidationFailedError,
    VersionError,
    WaitError,
    WaitFailed,
    WaitTimeout,
    errors,
)
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.servers import Reply, StubServer

UNKNOWN = "00000000-dead-4bad-8bad-000000000000"

BY_CODE: dict[str, type[APIError]] = {
    "BadRequest": BadRequestError,
    "InvalidHeader": BadRequestError,
    "InvalidContent": BadRequestError,
    "RequestExpired": BadRequestError,
    "InvalidCredentials": AuthenticationError,
    "NotAuthorized": NotAuthorizedError,
    "Forbidden": NotAuthorizedError,
    "ImageNotShared": NotAuthorizedError,
    "NotImageOwner": NotAuthorizedError,
    "NotMantaPathOwner": NotAuthorizedError,
    "Unauthorized": NotAuthorizedError,
    "ResourceNotFound": NotFoundError,
    "VolumeNotFound": NotFoundError,
    "InvalidArgument": InvalidArgumentError,
    "InvalidNetworks": InvalidArgumentError,
    "MissingParameter": MissingParameterError,
    "ValidationFailed": ValidationFailedError,
    "Validation": ValidationFailedError,
    "InvalidParameters": ValidationFailedError,
    "InvalidState": InvalidStateError,
    "UnallocatedVM": InvalidStateError,
    "KeyRequired": InvalidStateError,
    "BrandNotSupported": InvalidStateError,
    "CannotDestroyMachine": InvalidStateError,
    "MachineStopped": InvalidStateError,
    "PreconditionFailed": InvalidStateError,
    "VmNotStopped": InvalidStateError,
    "VmWithoutFlexibleDiskSize": InvalidStateError,
    "InUse": InUseError,
    "ImageHasDependentImages": InUseError,
    "VolumeInUse": InUseError,
    "InvalidVersion": VersionError,
    "RequestThrottled": ThrottledError,
    "TooManyRequests": ThrottledError,
    "ServiceUnavailable": ServiceUnavailableError,
}
BY_STATUS: dict[int, type[APIError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: NotAuthorizedError,
    404: NotFoundError,
    405: BadRequestError,
    406: BadRequestError,
    409: ConflictError,
    410: GoneError,
    413: BadRequestError,
    415: BadRequestError,
    420: ThrottledError,
    422: ValidationFailedError,
    429: ThrottledError,
    449: VersionError,
    500: ServerError,
    501: ServerError,
    503: ServiceUnavailableError,
    507: ServerError,
    599: ServerError,
}


def provoke(stub: StubServer, reply: Reply, method: str = "GET") -> APIError:
    """The error that this answer becomes."""
    stub.answer(reply)
    with DataCenter(stub.url, login="bob", retry="none") as sdc, pytest.raises(APIError) as caught:
        sdc.request(method, "/machines/x", params={"a": "b c"})
    return caught.value


@pytest.mark.parametrize("suffix", ["", "Error"])
@pytest.mark.parametrize(("code", "kind"), BY_CODE.items())
def test_an_error_is_chosen_by_its_code(
    stub: StubServer, code: str, kind: type[APIError], suffix: str
) -> None:
    # The server uses both spellings (docs/cloudapi/errors.md#codes-that-end-in-error). The status alone would
    # say ServerError.
    error = provoke(stub, Reply({"code": code + suffix, "message": "why"}, 599))
    assert type(error) is kind
    assert (error.code, error.message, error.status) == (code + suffix, "why", 599)


@pytest.mark.parametrize(("status", "kind"), BY_STATUS.items())
def test_an_error_without_a_known_code_is_chosen_by_its_status(
    stub: StubServer, status: int, kind: type[APIError]
) -> None:
    assert type(provoke(stub, Reply({"code": "Novelty", "message": "why"}, status))) is kind
    assert type(provoke(stub, Reply(None, status))) is kind


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"<html>\n <h1>Bad   gateway</h1>\n</html>", "text/html", "<html> <h1>Bad gateway</h1> </html>"),
        (b"<html>", "application/json", "<html>"),
        ("just text", "application/json", "text"),
        (["a", "list"], "application/json", "a list"),
        ({"message": "no code"}, "application/json", "no code"),
        ({}, "application/json", "an empty object"),
        ({"code": 7, "message": ["x"]}, "application/json", "an object with code, message"),
        (b"\xff\xfe\x00binary", "application/octet-stream", "��\x00binary"),
        (b"x" * 5000, "text/plain", "x" * 200),
        (b"", "text/plain", ""),
        (None, None, ""),
    ],
    ids=lambda value: str(value)[:20],
)
def test_bodies_that_are_not_from_cloudapi(
    stub: StubServer, body: Any, content_type: str | None, message: str
) -> None:
    error = provoke(stub, Reply(body, 502, content_type))
    assert type(error) is ServerError
    assert (error.code, error.message, error.errors, error.request_id) == (None, message, [], None)
    suffix_text = f": {message}" if message else ""
    assert str(error) == f"GET /bob/machines/x?a=b+c: 502 Bad Gateway{suffix_text}".replace("\0", "?")


def test_a_5xx_is_an_error_and_not_data(stub: StubServer) -> None:
    for status in (499, 500, 503):
        stub.answer(Reply({"message": "broken"}, status))
    with DataCenter(stub.url, login="bob", retry="none") as sdc:
        for kind in (BadRequestError, ServerError, ServiceUnavailableError):
            with pytest.raises(kind, match="broken"):
                sdc.machines()


def test_a_status_that_has_no_name(stub: StubServer) -> None:
    assert str(provoke(stub, Reply(None, 499))) == "GET /bob/machines/x?a=b+c: 499 error"


def test_field_errors_are_listed(stub: StubServer) -> None:
    fields = [
        {"field": "alias", "code": "Invalid", "message": "no"},
        {"field": "ram"},
        "nonsense",
        {},
    ]
    error = provoke(stub, Reply({"code": "ValidationFailed", "message": "bad", "errors": fields}, 409))
    assert error.errors == [fields[0], fields[1], {}]
    assert str(error).endswith("409 ValidationFailed: bad [alias Invalid no; ram]")
    error = provoke(stub, Reply({"code": "ValidationFailed", "message": "bad", "errors": "nonsense"}, 409))
    assert error.errors == []


def test_an_error_from_the_emulator_shows_everything(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    site.add_machine("taken")
    image = sdc.images(name="base64")[0]
    with pytest.raises(requests.HTTPError) as caught:
        sdc.create_machine("taken", "sample-512M", image=image)
    error = caught.value
    assert isinstance(error, ValidationFailedError)
    assert (error.method, error.path) == ("POST", "/my/machines")
    assert (error.status, error.code) == (409, "ValidationFailed")
    assert error.errors[0]["field"] == "alias"
    assert error.response is not None
    assert error.request_id == error.response.headers["Request-Id"]
    assert error.message == cloud.calls[-1].response["message"]
    assert str(error) == (
        f"POST /my/machines: 409 ValidationFailed: {error.message} "
        f"[alias Duplicate {error.errors[0]['message']}] (request {error.request_id}); "
        "another machine has this name, or one that is still being deleted"
    )


def test_a_refusal_says_what_to_do(sdc: DataCenter, site: Site) -> None:
    # docs/cloudapi/create.md#duplicate-name, #package-by-name; docs/cloudapi/actions.md#deletion-protection
    vm = site.add_machine("web", indestructible_zoneroot=True)
    machine, image = sdc.machine("web"), sdc.images()[0]
    with pytest.raises(
        InvalidStateError, match=r"; call disable_deletion_protection\(\) first, and"
    ) as caught:
        machine.delete()
    assert caught.value.message == 'Instance has "deletion_protection" enabled, preventing deletion'
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301 - our own
    with pytest.raises(ValidationFailedError, match="; another machine has this name"):
        sdc.create_machine("web", package="sample-512M", image=image)
    for refused in (lambda: machine.resize("none"), lambda: sdc.create_machine(package="none", image=image)):
        with pytest.raises(
            InvalidArgumentError, match=r"is not a valid package .*; sdc.packages\(\) lists all"
        ):
            refused()
    vm.state = "provisioning"
    vm.server_uuid = None
    with pytest.raises(InvalidStateError, match=r"; it is not provisioned yet: wait with poll_while"):
        machine.stop()


def test_gone_carries_the_machine(sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine("web", state="deleted", tags={"role": "web"})
    with pytest.raises(GoneError) as caught:
        sdc.raw_machine_data(vm.uuid)
    error = caught.value
    assert error.machine is not None
    assert error.machine["tags"] == {"role": "web"}
    assert (error.code, error.message) == (None, f"machine {vm.uuid} is deleted")
    assert str(error) == (
        f"GET /my/machines/{vm.uuid}: 410 Gone: machine {vm.uuid} is deleted (request {error.request_id})"
    )


def test_gone_has_no_passwords(sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine(state="deleted", metadata={"a": "b"}, internal_metadata={"root_pw": "secret77"})
    with pytest.raises(GoneError) as caught:
        sdc.raw_machine_data(vm.uuid, credentials=True)
    assert caught.value.machine is not None
    assert caught.value.machine["metadata"] == {"a": "b"}
    assert b"secret77" not in pickle.dumps(caught.value)


def test_gone_without_the_machine(stub: StubServer) -> None:
    bare = provoke(stub, Reply(UNKNOWN, 410), "DELETE")
    assert isinstance(bare, GoneError)
    assert (bare.machine, bare.message) == (None, f"machine {UNKNOWN} is deleted")
    coded = provoke(stub, Reply({"code": "Gone", "message": "over"}, 410))
    assert isinstance(coded, GoneError)
    assert (coded.machine, coded.code, coded.message) == (None, "Gone", "over")
    # Whatever code it has: with a 404 it may only be not found yet.
    assert type(provoke(stub, Reply({"code": "ResourceNotFound", "message": "no"}, 410))) is GoneError


def test_a_lazy_machine_that_is_gone_without_a_body_is_still_deleted(stub: StubServer) -> None:
    stub.answer(Reply(None, 410), Reply({"id": UNKNOWN, "state": "running", "name": "back"}))
    with DataCenter(stub.url, login="bob") as sdc:
        machine = sdc.machine(UNKNOWN, lazy=True)
        with pytest.raises(GoneError):
            machine.refresh()
        assert (machine.state, machine.name) == ("deleted", "")
        assert machine.status() == "running"


@pytest.mark.parametrize("version", ["9.20.0", "~10", "nonsense"])
def test_a_version_that_the_server_does_not_speak(cloud: Emulator, version: str) -> None:
    # See docs/cloudapi/versions.md#ranges-that-are-refused.
    with cloud.datacenter(api_version=version) as sdc, pytest.raises(VersionError) as caught:
        sdc.account()
    assert (caught.value.status, caught.value.code) == (400, "InvalidVersion")


def test_the_tree_is_as_documented() -> None:
    tree = textwrap.dedent("""
    SmartDCError
      ConfigurationError ValueError
        KeyLoadError
          KeyFileMissing FileNotFoundError
      TransportError requests.RequestException
        ConnectionFailed requests.ConnectionError
          TLSError requests.exceptions.SSLError
        RequestTimeout requests.Timeout
        InvalidResponse
        OutcomeUnknown
      APIError requests.HTTPError
        BadRequestError
        AuthenticationError
        NotAuthorizedError
        NotFoundError
          GoneError
        ConflictError
          InvalidArgumentError
          MissingParameterError
          InvalidStateError
          InUseError
          ValidationFailedError
        VersionError
        ThrottledError
        ServerError
          ServiceUnavailableError
      LoginFailed
      WaitError
        WaitTimeout TimeoutError
        WaitFailed
    """)
    parents: dict[int, type[BaseException]] = {0: Exception}
    listed = set()
    for line in filter(str.strip, tree.splitlines()):
        name, *also = line.split()
        depth = len(line) - len(line.lstrip())
        kind = getattr(errors, name)
        assert kind.__bases__[0] is parents[depth]
        assert name in (errors.__doc__ or "")
        for other in also:
            assert issubclass(kind, eval(other)), (name, other)  # noqa: S307 - the names above
        parents[depth + 2] = kind
        listed.add(name)
    assert listed == set(errors.__all__)


def some_of_each(stub: StubServer) -> list[SmartDCError]:
    """One exception of every class; those of the API are made from answers."""
    kinds: dict[type[APIError], str] = {kind: code for code, kind in BY_CODE.items()}
    found: list[SmartDCError] = [
        provoke(stub, Reply({"code": code, "message": "why"}, 418, headers={"Request-Id": "r-1"}))
        for code in kinds.values()
    ]
    found += [provoke(stub, Reply({"message": "why"}, status)) for status in (409, 500)]
    found.append(provoke(stub, Reply({"id": UNKNOWN, "name": "web", "state": "deleted"}, 410)))
    found += [
        SmartDCError("a"),
        LoginFailed("a"),
        ConfigurationError("a"),
        KeyLoadError("a"),
        KeyFileMissing("a", "/b"),
    ]
    for transport in (TransportError, ConnectionFailed, TLSError, RequestTimeout, InvalidResponse):
        found.append(transport("a", method="GET", path="/x"))
    found.append(OutcomeUnknown("a", what="machine", wanted={"name": "web"}, candidates=[{"id": UNKNOWN}]))
    found.append(APIError(found[0].response))  # type: ignore[attr-defined]
    return [*found, *(wait("a", state="failed") for wait in (WaitError, WaitTimeout, WaitFailed))]


def test_an_error_of_an_answer_without_its_request() -> None:
    # As scripts make them in tests of their own.
    response = requests.Response()
    response.status_code, response._content = 409, b"taken"
    error = ConflictError(response)
    assert (error.method, error.path) == ("?", "?")
    assert str(error) == "? ?: 409 Conflict: taken"


def test_what_errors_know_besides_their_text() -> None:
    missing = KeyFileMissing("no key", "/b")
    assert (missing.errno, missing.strerror, missing.filename) == (2, "No such file or directory", "/b")
    assert str(missing) == "no key"
    wanted, candidate = {"name": "web"}, {"id": UNKNOWN}
    unknown = OutcomeUnknown("lost", what="machine", wanted=wanted, candidates=[candidate])
    assert (unknown.what, unknown.wanted, unknown.candidates) == ("machine", wanted, [candidate])
    assert (unknown.method, unknown.path, unknown.sent, unknown.lasting) == (None, None, True, False)
    assert unknown.wanted is not wanted
    assert unknown.candidates[0] is not candidate
    known = OutcomeUnknown("lost", what="machine", wanted={}, method="POST", path="/x")
    assert (known.candidates, known.method, known.path) == ([], "POST", "/x")
    failed = ConnectionFailed("no", method="GET", path="/x", sent=False, lasting=True)
    assert (failed.method, failed.path, failed.sent, failed.lasting) == ("GET", "/x", False, True)
    assert (failed.response, failed.attempts) == (None, 0)
    assert WaitFailed("a", state="failed").state == "failed"
    assert WaitTimeout("a").state is None


def test_every_exception_survives_pickling(stub: StubServer) -> None:
    found = some_of_each(stub)
    assert {type(error).__name__ for error in found} == set(errors.__all__)
    for error in found:
        # The response and request stay behind: they hold the signature.
        left_behind = (
            {"response": None, "request": None} if isinstance(error, requests.RequestException) else {}
        )
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            again = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 - our own
            assert type(again) is type(error)
            assert (str(again), again.args) == (str(error), error.args)
            assert vars(again) == vars(error) | left_behind
