"""Refusals and answers of small operations, in addition to the facts of docs/cloudapi."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from smartdc.emulator.http.incoming import Incoming
from tests.helpers.raw_requests import UNKNOWN, Raw


def test_account(raw: Raw) -> None:
    account = raw.get("/my").ok()
    assert not {"companyName", "phone"} & account.keys()
    changed = raw.post(
        "/my", {"companyName": "Acme", "phone": "1", "email": "", "triton_cns_enabled": "true"}
    )
    assert changed.ok()["companyName"] == "Acme"
    assert raw.get("/my").ok()["email"] == account["email"]
    message = 'triton_cns_enabled must be either "true" or "false"'
    raw.post("/my", {"triton_cns_enabled": "yes"}).refused(409, "InvalidArgument", message)
    assert (
        raw.post("/my", {"triton_cns_enabled": False, "email": "a@example.com"}).ok()["email"]
        == "a@example.com"
    )
    assert raw.get("/my/limits").ok() == []


def test_datacenters(raw: Raw) -> None:
    message = "mars-1 is not an available datacenter"
    raw.get("/my/datacenters/mars-1").refused(404, "ResourceNotFound", message)
    for method in ("GET", "POST"):
        answer = raw.ask(method, "/my/foreigndatacenters")
        message = "method requires HTTP signature auth token delegated authorization"
        answer.refused(403, "Forbidden", message)
    assert raw.get("/my/services").ok() == {"cloudapi": raw.cloud.url("us-sw-1")}


@pytest.mark.parametrize(
    ("path", "location"),
    [("/docs/index.html", "cloudapi/"), ("/docs", "cloudapi/"), ("/favicon.ico", "/favicon.ico")],
)
def test_redirects_for_browsers(raw: Raw, path: str, location: str) -> None:
    answer = raw.get(path, authorization=None)
    assert (answer.status, answer.body) == (302, b"")
    assert answer.headers["Location"].endswith(location)


def test_keys(raw: Raw) -> None:
    raw.post("/my/keys", {"key": ["ssh-rsa"]}).refused(409, "InvalidArgument", "key must be a String")


def test_role_tags(raw: Raw) -> None:
    raw.put("/my/shoes").refused(404, "ResourceNotFound", "shoes is not a valid resource")
    raw.put("/my/users/bob").refused(404, "ResourceNotFound", "bob does not exist")


def test_images(raw: Raw) -> None:
    known = next(iter(raw.site.images.values()))
    gone = replace(known, uuid=str(uuid4()), state="destroyed")
    raw.site.images[gone.uuid] = gone
    raw.get(f"/my/machines?image={gone.uuid}").refused(404, "ResourceNotFound", f"{gone.uuid} not found")
    raw.get(f"/my/images/{UNKNOWN}").refused(404, "ResourceNotFound")


def test_networks(raw: Raw) -> None:
    network = next(network for network in raw.site.networks.values() if network.kind == "internal")
    assert "description" in raw.get(f"/my/networks/{network.uuid}").ok()
    network.description = None
    assert raw.get(f"/my/networks/{network.uuid}").ok().keys() == {"id", "name", "public"}


def test_metadata_that_make_the_deletion_of_all_fail(raw: Raw) -> None:
    vm = raw.site.add_machine(metadata={"administrator_pw": "secret", "other": "x"})
    answer = raw.delete(f"/my/machines/{vm.uuid}/metadata")
    answer.refused(409, "ValidationFailed", field="customer_metadata.administrator_pw")
    assert vm.customer_metadata.keys() == {"administrator_pw", "other"}


def test_machines_with_unusual_fields(raw: Raw) -> None:
    docker = raw.site.add_machine(docker=True, dns_names=["a.example.com"])
    shown = raw.get(f"/my/machines/{docker.uuid}").ok()
    assert (shown["docker"], shown["dns_names"]) == (True, ["a.example.com"])
    bare = raw.site.add_machine(brand="kvm", disks=[])
    shown = raw.get(f"/my/machines/{bare.uuid}?credentials=true").ok()
    assert (shown["disk"], "credentials" in shown["metadata"]) == (10240, False)


def test_filters_must_be_text(raw: Raw) -> None:
    for name, field in (("name", "alias"), ("memory", "ram")):
        answer = raw.get(f"/my/machines?{name}=1&{name}=2")
        answer.refused(409, "ValidationFailed", field=field, detail="Not a valid string")


def test_tags_of_a_machine_that_is_deleted_before_the_job(raw: Raw) -> None:
    vm = raw.site.add_machine(tags={"a": "b"}, state="stopped")
    raw.delete(f"/my/machines/{vm.uuid}").empty(204)
    raw.post(f"/my/machines/{vm.uuid}/tags", {"c": "d"}).ok()
    raw.cloud.clock.advance(20)
    assert vm.tags == {"a": "b"}
    assert [(job.action, job.execution) for job in vm.jobs] == [
        ("destroy", "succeeded"),
        ("set_tags", "failed"),
    ]


def test_escapes_must_be_utf8(raw: Raw) -> None:
    raw.get("/my/keys/%ff").refused(400, "BadRequestError", "URI malformed", early=True)


def test_account_and_machine_must_be_loaded_before_use() -> None:
    request = Incoming("GET", "/my", "/my", "", {}, b"", "127.0.0.1", "1")
    with pytest.raises(LookupError, match="the account is not loaded yet"):
        _ = request.account
    with pytest.raises(LookupError, match="the machine is not loaded"):
        _ = request.vm


def test_a_client_that_asks_to_close_the_connection(raw: Raw) -> None:
    answer = raw.get("/my", headers={"Connection": "close"})
    assert (answer.status, answer.headers["Connection"]) == (200, "close")
