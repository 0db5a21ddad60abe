"""Which version of CloudAPI an operation needs, and which answers say that the server lacks it."""

from __future__ import annotations

import pytest

from smartdc import APIError, VersionError
from smartdc._http.error_codes import error_for
from smartdc._http.versions import with_required_version
from tests.helpers.answers import answer

NO_SERVER = "this operation is in the description of CloudAPI only: no server up to 9.20.0 has it"


def answered(method: str, status: int, message: str, **headers: str) -> APIError:
    body = f'{{"code": "Novelty", "message": "{message}"}}'.encode() if message else b""
    return error_for(answer(status, body, method=method, url="https://h/bob/x", **headers))


@pytest.mark.parametrize(
    ("method", "path", "needs"),
    [
        ("GET", "/accesskeys", "9.11"),
        ("GET", "/accesskeys/k", "9.11"),
        ("POST", "/accesskeys", "9.11"),
        ("DELETE", "/accesskeys/k", "9.11"),
        ("GET", "/changefeed", "9.14.0"),
        ("PUT", "/config", "7.3"),
        ("GET", "/fabrics/default/vlans", "7.3"),
        ("GET", "/limits", "9.8"),
        ("GET", "/machines/m/disks", "9.4.1"),
        ("POST", "/machines/m/disks/d", "9.4.1"),
        ("POST", "/machines/m/migrate", "9.6.0"),
        ("DELETE", "/machines/m/nics/n", "7.2"),
        ("GET", "/machines/m/vnc", "8.4.0"),
        ("GET", "/migrations/m", "9.6.0"),
        ("GET", "/networks/n/ips", "8.4"),
        ("PUT", "/networks/n/ips/10.0.0.1", "8.4"),
        ("GET", "/policies", "7.2"),
        ("GET", "/roles/r", "7.2"),
        ("GET", "/users/u/accesskeys", "9.11"),
        ("POST", "/users/u/accesskeys", "9.11"),
        ("GET", "/users/u/keys", "7.2"),
        ("GET", "/users", "7.2"),
    ],
)
def test_what_an_operation_needs(method: str, path: str, needs: str) -> None:
    # docs/cloudapi/versions.md#what-came-with-which-version
    error = with_required_version(answered(method, 405, "not allowed"), path)
    assert isinstance(error, VersionError)
    assert error.needs == needs
    assert str(error) == (
        f"{method} /bob/x: 405 Novelty: not allowed; "
        f"this needs API {needs}, and must be enabled in the data center"
    )


@pytest.mark.parametrize("path", ["/accesskeys/k", "/users/u/accesskeys/k"])
def test_what_no_server_has(path: str) -> None:
    # docs/cloudapi/access.md#access-keys-cannot-be-updated
    error = with_required_version(answered("POST", 405, "not allowed"), path)
    assert isinstance(error, VersionError)
    assert error.needs is None
    assert str(error) == f"POST /bob/x: 405 Novelty: not allowed; {NO_SERVER}"


@pytest.mark.parametrize(
    "path",
    ["", "/machines", "/machines/m", "/machines/m/tags", "/networks", "/networks/n", "/disks"],
)
def test_what_is_as_old_as_the_api(path: str) -> None:
    before = answered("GET", 405, "not allowed")
    assert with_required_version(before, path) is before


@pytest.mark.parametrize(
    ("method", "status", "message", "headers", "is_missing"),
    [
        ("GET", 405, "not allowed", {}, True),
        ("GET", 404, "/bob/x does not exist", {}, True),
        ("GET", 404, "/bob/x does not exist", {"Request-Id": "a"}, False),
        ("GET", 404, "no such user", {}, False),
        ("HEAD", 404, "", {}, True),
        ("HEAD", 404, "", {"Request-Id": "a"}, False),
        ("GET", 404, "", {}, False),
        ("HEAD", 410, "", {}, False),
        ("GET", 409, "/bob/x does not exist", {}, False),
        ("GET", 406, "not acceptable", {}, False),
        ("GET", 449, "the version is not supported", {}, True),
        ("GET", 500, "broken", {}, False),
    ],
)
def test_which_answers_say_that_it_is_missing(
    method: str, status: int, message: str, headers: dict[str, str], is_missing: bool
) -> None:
    before = answered(method, status, message, **headers)
    before.attempts = 3
    error = with_required_version(before, "/users")
    assert (getattr(error, "needs", None) == "7.2") is is_missing
    assert (error is before) is not is_missing
    assert error.attempts == 3
