"""Facts of docs/cloudapi/versions.md, and the routes that need no signature."""

from typing import Any

import pytest

from tests.emulator.facts import fact
from tests.helpers.raw_requests import SIGNATURE, Raw

VERSIONS = ["7.0.0", "7.1.0", "7.2.0", "7.3.0", "8.0.0", "9.0.0"]


@fact("versions.md#ranges-that-are-accepted")
@pytest.mark.parametrize(
    "version",
    [None, "*", "", "~9||~8", "~9 || ~8", "~9", "~8", "~7.3", "~7.2", "~7.1", "~7.0", "9", ">=8"],
)
def test_versions_accepted(raw: Raw, version: str | None) -> None:
    assert raw.get("/my", headers={"Accept-Version": version}).ok()["login"] == "test"


@fact("versions.md#ranges-that-are-refused")
@pytest.mark.parametrize("version", ["9.20.0", "~10", "6.5", "nonsense"])
def test_versions_refused(raw: Raw, version: str) -> None:
    answer = raw.get("/test", headers={"Accept-Version": version})
    message = f"{version} is not supported by GET /test"
    answer.refused(400, "InvalidVersion", message, early=True)


@fact("versions.md#other-headers-that-name-a-version")
def test_other_headers_that_name_a_version(raw: Raw) -> None:
    answer = raw.get("/my", headers={"X-Api-Version": "~10"})
    answer.refused(400, "InvalidVersion", "~10 is not supported by GET /my", early=True)
    raw.get("/my", headers={"X-Api-Version": "~8"}).ok()
    raw.get("/my", headers={"X-Api-Version": "~10", "Accept-Version": "~9"}).ok()
    answer = raw.get("/my", headers={"X-Api-Version": "~9", "Accept-Version": "~10"})
    answer.refused(400, "InvalidVersion", early=True)
    raw.get("/my", headers={"Api-Version": "~10"}).ok()


@fact("versions.md#api-version-of-the-answer")
@pytest.mark.parametrize("version", [None, "~9", "~8", "~7.0"])
def test_version_of_the_reply(raw: Raw, version: str | None) -> None:
    for target in ("/my", "/my/machines/nonsense"):
        answer = raw.get(target, headers={"Accept-Version": version})
        assert answer.headers["Api-Version"] == "9.0.0"


@fact("versions.md#ping")
@pytest.mark.parametrize("authorization", [None, SIGNATURE, "Bearer dGVzdA"])
def test_ping(raw: Raw, authorization: str | None) -> None:
    answer = raw.get("/--ping", authorization=authorization)
    assert answer.ok() == {"ping": "pong", "cloudapi": {"versions": VERSIONS}}
    # docs/cloudapi/requests.md#triton-datacenter-name-header
    assert answer.headers["Triton-Datacenter-Name"] == "us-sw-1"
    head = raw.head("/--ping", authorization=authorization)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(answer.body))


@fact("versions.md#ping-can-be-refused")
@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("InvalidVersion", {"headers": {"Accept-Version": "~10"}, "authorization": None}),
        ("InvalidHeader", {"authorization": "Signature nonsense"}),
        ("InvalidHeader", {"algorithm": "rsa-md5"}),
    ],
)
def test_ping_refused(raw: Raw, code: str, how: dict[str, Any]) -> None:
    raw.get("/--ping", **how).refused(400, code, early=True)


@fact("versions.md#documentation-redirects")
@pytest.mark.parametrize("target", ["/", "/docs", "/docs/"])
def test_documentation(raw: Raw, target: str) -> None:
    answer = raw.get(target, authorization=None)
    assert (answer.status, answer.body) == (302, b"")
    assert answer.headers["Location"].startswith("http")


@fact("versions.md#what-came-with-which-version")
def test_users_at_7_1(raw: Raw) -> None:
    assert raw.get("/my/users", headers={"Accept-Version": "~7.1"}).ok() == []
