"""Facts of docs/cloudapi/hazards.md: the emulator answers what breaks a real server, and fails the test.

A lost backend is not caused by the client, so it is a fault, not a violation.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time
from wsgiref.handlers import format_date_time

import pytest

from smartdc.emulator.faults import BACKEND_LOST
from tests.emulator.facts import fact
from tests.helpers.raw_requests import SIGNATURE, Raw

TESTS_OF_A_USER = """
from tests.helpers.raw_requests import Raw

def test_harmless(smartdc_cloud):
    assert Raw(smartdc_cloud).get("/my/machines").ok() == []

def test_harmful(smartdc_cloud):
    gone = smartdc_cloud.site("us-sw-1").add_machine(state="destroyed")
    assert Raw(smartdc_cloud).post(f"/my/machines/{gone.uuid}?action=start").status == 410
"""


@contextmanager
def violation(raw: Raw, *words: str) -> Iterator[None]:
    """Expect one more violation, which contains these words."""
    before = len(raw.cloud.violations)
    yield
    (found,) = raw.cloud.violations[before:]
    assert [word for word in words if word not in found] == []


@fact("hazards.md#action-on-a-deleted-machine", "actions.md#actions-on-a-deleted-machine")
@pytest.mark.parametrize(
    "action", ["start", "stop", "reboot", "resize", "rename", "enable_firewall", "disable_firewall"]
)
def test_action_on_a_deleted_machine(raw: Raw, action: str) -> None:
    machine = raw.site.add_machine(state="destroyed")
    with violation(raw, "hazards.md#action-on-a-deleted-machine", action):
        body = {"action": action, "name": "new", "package": "g4"}
        gone = raw.post(f"/my/machines/{machine.uuid}", body).ok(410)
    assert (gone["id"], gone["state"]) == (machine.uuid, "deleted")


@fact("hazards.md#x-date-breaks-all-requests")
@pytest.mark.parametrize(
    ("authorization", "signed"),
    [(SIGNATURE, "(request-target) date"), ("Signature nonsense", "date")],
)
def test_x_date(raw: Raw, authorization: str, signed: str) -> None:
    with violation(raw, "hazards.md#x-date-breaks-all-requests", "X-Date"):
        answer = raw.get(
            "/my", headers={"X-Date": format_date_time(time())}, authorization=authorization, signed=signed
        )
        answer.refused(400, "InvalidHeader", early=True)
    assert raw.get("/my").status == 200


@fact("hazards.md#keys-with-a-space")
@pytest.mark.parametrize(("verb", "area"), [("GET", "metadata"), ("DELETE", "metadata"), ("GET", "tags")])
def test_key_with_a_space(raw: Raw, verb: str, area: str) -> None:
    machine = raw.site.add_machine(tags={"a b": "c"}, metadata={"a b": "c"})
    with violation(raw, "hazards.md#keys-with-a-space", area):
        assert raw.ask(verb, f"/my/machines/{machine.uuid}/{area}/a%20b").status == 500


@fact("hazards.md#keys-with-a-space")
def test_tag_with_a_space(fresh: Raw) -> None:
    machine = fresh.site.add_machine(tags={"a b": "c"})
    fresh.delete(f"/my/machines/{machine.uuid}/tags/a%20b").empty(204)
    fresh.cloud.clock.advance(3)
    assert fresh.get(f"/my/machines/{machine.uuid}/tags").ok() == {}
    assert fresh.cloud.violations == []


@fact("tags-and-metadata.md#keys-with-a-slash")
def test_tag_with_a_slash(raw: Raw) -> None:
    machine = raw.site.add_machine(tags={"a/b": "c"})
    path = f"/my/machines/{machine.uuid}/tags/a%2Fb"
    raw.get(path).refused(404, "ResourceNotFound")
    raw.delete(path).empty(204)
    raw.cloud.clock.advance(3)
    assert raw.get(f"/my/machines/{machine.uuid}/tags").ok() == {}


@fact("hazards.md#invalid-volumes-on-create", "storage.md#errors-of-volumes-may-be-a-list")
@pytest.mark.parametrize(
    "volume", [{"name": "data", "mountpoint": "relative"}, {"name": "data", "mountpoint": "/d", "mode": "x"}]
)
def test_invalid_volume(raw: Raw, volume: dict[str, str]) -> None:
    """The emulator answers, where a real server never does."""
    before = raw.names()
    image = next(found["id"] for found in raw.get("/my/images").ok() if found["type"] == "zone-dataset")
    package = next(found["id"] for found in raw.get("/my/packages").ok() if "brand" not in found)
    with violation(raw, "hazards.md#invalid-volumes-on-create", "volumes"):
        answer = raw.post("/my/machines", {"image": image, "package": package, "volumes": [volume]})
        assert answer.status == 500
    assert raw.names() == before


@fact("errors.md#backend-connection-lost")
def test_backend_lost(fresh: Raw) -> None:
    fresh.cloud.faults.add("ListMachines", BACKEND_LOST, times=1)
    answer = fresh.get("/my/machines")
    assert (answer.status, answer.json, answer.type) == (500, {}, "application/json")
    assert fresh.get("/my/machines").ok() == []
    assert fresh.cloud.violations == []


@fact("hazards.md#urls-of-more-than-8-kb")
def test_long_url(raw: Raw) -> None:
    with violation(raw, "hazards.md#urls-of-more-than-8-kb"):
        assert raw.get("/my/machines?name=" + "x" * 9000).status >= 400


@fact("hazards.md#empty-machine-id")
@pytest.mark.parametrize("account", ["test", "my"])
def test_empty_id(raw: Raw, account: str) -> None:
    with violation(raw, "hazards.md#empty-machine-id"):
        assert raw.get(f"/{account}/machines/").status == 500


@fact("hazards.md#post-to-ping")
def test_post_to_ping(raw: Raw) -> None:
    with violation(raw, "hazards.md#post-to-ping"):
        assert raw.post("/--ping", {}, authorization=None).status == 500


@fact("requests.md#ping-with-a-trailing-slash")
def test_ping_with_a_slash(raw: Raw) -> None:
    answer = raw.get("/--ping/", authorization=None)
    answer.refused(405, "MethodNotAllowedError", early=True)


def test_a_hazard_fails_the_test_that_caused_it(tmp_path: Path) -> None:
    (tmp_path / "test_user.py").write_text(TESTS_OF_A_USER)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rfEp", "-p", "no:cacheprovider", "test_user.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    summary = ran.stdout.partition("short test summary info")[2]
    assert "PASSED test_user.py::test_harmless" in summary
    assert re.search("^(ERROR|FAILED) test_user.py::test_harmful", summary, re.MULTILINE)
    assert not re.search("^(ERROR|FAILED) test_user.py::test_harmless", summary, re.MULTILINE)
    assert "hazards.md#action-on-a-deleted-machine" in ran.stdout
