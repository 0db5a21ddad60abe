"""Facts of docs/cloudapi/actions.md: actions on a machine, and its deletion."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from tests.emulator.facts import fact
from tests.helpers.raw_requests import UNKNOWN, Answer, Raw

ACTIONS = ["start", "stop", "reboot", "enable_firewall", "disable_firewall"]
PROTECTION = ["enable_deletion_protection", "disable_deletion_protection"]


def act(raw: Raw, machine: Any, action: str, **body: Any) -> Answer:
    return raw.post(f"/my/machines/{machine.uuid}", {"action": action} | body)


@fact("requests.md#empty-answers")
def test_empty_answers_have_no_content_type(fresh: Raw) -> None:
    machine = fresh.site.add_machine(name="web0")
    act(fresh, machine, "stop").empty(202)
    fresh.cloud.clock.advance(6)
    fresh.delete(f"/my/machines/{machine.uuid}").empty(204)


@fact("requests.md#empty-answers")
def test_chunked(raw: Raw) -> None:
    """The 302 of a NIC is in test_facts_nics."""
    answer = act(raw, raw.site.add_machine(name="chunked"), "reboot")
    assert (answer.status, answer.body) == (202, b"")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in answer.headers


@fact("actions.md#where-the-action-is")
def test_the_action_in_the_query_and_in_the_body(raw: Raw) -> None:
    machine = raw.site.add_machine(name="where")
    path = f"/my/machines/{machine.uuid}"
    raw.post(f"{path}?action=bogus", {"action": "stop"}).empty(202)
    answer = raw.post(f"{path}?action=start", {"action": "bogus"})
    answer.refused(409, "InvalidArgument", "bogus is not a valid action")
    raw.post(f"{path}?action=start").empty(202)
    answer = raw.post(f"{path}?action=Start")
    answer.refused(409, "InvalidArgument", "Start is not a valid action")
    raw.post(path).refused(409, "MissingParameter", "action is required")  # machines.js


@fact("actions.md#two-actions")
def test_two_actions(raw: Raw) -> None:
    machine = raw.site.add_machine(name="two")
    answer = raw.post(f"/my/machines/{machine.uuid}?action=start&action=stop")
    answer.refused(409, "InvalidArgument", "start,stop is not a valid action")


@fact("actions.md#actions-are-accepted-without-a-check")
@pytest.mark.parametrize(
    ("state", "action"),
    [("running", "start"), ("stopped", "stop"), ("stopped", "reboot")]
    + [(state, action) for state in ("failed", "unreachable") for action in ACTIONS],
)
def test_actions_that_do_not_fit_the_state_are_accepted(fresh: Raw, state: str, action: str) -> None:
    machine = fresh.site.add_machine(name="senseless", state=state)
    act(fresh, machine, action).empty(202)


@fact("actions.md#actions-on-a-machine-that-is-being-made")
@pytest.mark.parametrize("action", ["start", "stop", "reboot", "rename", "enable_deletion_protection"])
def test_actions_on_a_machine_that_is_being_provisioned(raw: Raw, action: str) -> None:
    machine = raw.site.add_machine(state="provisioning")
    act(raw, machine, action, name="renamed").refused(409, "UnallocatedVM")


@fact("actions.md#protection-of-a-deleted-machine")
@pytest.mark.parametrize("action", PROTECTION)
def test_protection_of_a_deleted_machine(raw: Raw, action: str) -> None:
    machine = raw.site.add_machine(state="destroyed")
    act(raw, machine, action).empty(202)


@fact("actions.md#missing-and-unknown-actions")
def test_no_action_on_a_deleted_machine(raw: Raw) -> None:
    machine = raw.site.add_machine(state="destroyed")
    answer = act(raw, machine, "bogus")
    answer.refused(409, "InvalidArgument", "bogus is not a valid action")
    answer = raw.post(f"/my/machines/{machine.uuid}")
    answer.refused(409, "MissingParameter", "action is required")  # machines.js


@fact("actions.md#rename")
def test_rename(raw: Raw) -> None:
    machine = raw.site.add_machine(name="mine")
    raw.site.add_machine(name="dup")
    for name in ("a b", "a/b", "_a", "dup", "mine"):
        answer = act(raw, machine, "rename", name=name)
        answer.refused(409, "ValidationFailed", "Invalid VM update parameters", field="alias")
    answer = act(raw, machine, "rename", name="x" * 190)
    answer.refused(409, "InvalidArgument", "Name cannot be longer than 189 characters.")  # machines.js
    act(raw, machine, "rename").refused(409, "MissingParameter")  # machines.js
    act(raw, machine, "rename", name="x" * 189).empty(202)
    raw.cloud.clock.advance(3)
    assert raw.get(f"/my/machines/{machine.uuid}").ok()["name"] == "x" * 189


@fact("actions.md#resize")
def test_resize(fresh: Raw) -> None:
    """Without a default package, because the server resizes to it when the request names no package."""
    packages = fresh.site.packages
    for package in packages.values():
        package.default = False
    machine, kvm = fresh.site.add_machine(name="web0"), fresh.site.add_machine(brand="kvm")
    same = packages[machine.billing_id or ""]
    bigger = replace(same, uuid=str(uuid4()), name="bigger", memory=2 * same.memory)
    off = replace(same, uuid=str(uuid4()), name="off", active=False)
    packages.update({bigger.uuid: bigger, off.uuid: off})
    # The texts are those of machines.js.
    answer = act(fresh, kvm, "resize", package="bigger")
    answer.refused(409, "InvalidArgument", "resize is not supported for KVM virtualmachines")
    answer = act(fresh, machine, "resize")
    answer.refused(409, "MissingParameter", "package must be specified")
    for name in ("g9", "off"):
        answer = act(fresh, machine, "resize", package=name)
        answer.refused(409, "InvalidArgument", f"{name} is not a valid package")
    answer = act(fresh, machine, "resize", package=off.uuid)
    message = f"{off.uuid} is inactive. Must use an active package"
    answer.refused(409, "InvalidArgument", message)
    act(fresh, machine, "resize", package=UNKNOWN).refused(404, "ResourceNotFound")
    for name, resized in (("bigger", bigger), (same.uuid, same)):
        act(fresh, machine, "resize", package=name).empty(202)
        fresh.cloud.clock.advance(3)
        found = fresh.get(f"/my/machines/{machine.uuid}").ok()
        assert (found["package"], found["memory"]) == (resized.name, resized.memory)


@fact("actions.md#image-in-the-body-of-an-action")
@pytest.mark.parametrize("action", [*ACTIONS, *PROTECTION, "rename", "bogus"])
def test_image_in_an_action(raw: Raw, action: str) -> None:
    machine = raw.site.add_machine()
    answer = act(raw, machine, action, name="other", image=UNKNOWN)
    answer.refused(404, "ResourceNotFound", "image not found")


@fact("actions.md#answers-of-a-deletion")
def test_delete(fresh: Raw) -> None:
    machine = fresh.site.add_machine(name="web0")
    path = f"/my/machines/{machine.uuid}"
    fresh.delete(path).empty(204)
    fresh.delete(path).empty(204)
    assert fresh.get(path).status == 200
    fresh.cloud.clock.advance(5.5)
    assert fresh.delete(path).ok(410) == machine.uuid
    fresh.cloud.clock.advance(1)
    for answer in (fresh.delete(path), fresh.get(path)):
        gone = answer.ok(410)
        assert (gone["id"], gone["state"], gone["name"]) == (machine.uuid, "deleted", "web0")


@fact("actions.md#deletion-protection")
def test_delete_protected(fresh: Raw) -> None:
    machine = fresh.site.add_machine(name="web0")
    path = f"/my/machines/{machine.uuid}"
    act(fresh, machine, "enable_deletion_protection").empty(202)
    fresh.cloud.clock.advance(3)
    assert fresh.get(path).ok()["deletion_protection"] is True
    message = 'Instance has "deletion_protection" enabled, preventing deletion'  # machines.js
    fresh.delete(path).refused(409, "CannotDestroyMachineError", message)
    act(fresh, machine, "disable_deletion_protection").empty(202)
    fresh.cloud.clock.advance(3)
    fresh.delete(path).empty(204)


@fact("actions.md#deletion-without-a-server")
def test_delete_of_a_machine_without_a_server(raw: Raw) -> None:
    machine = raw.site.add_machine(state="failed")
    machine.server_uuid = None
    answer = raw.delete(f"/my/machines/{machine.uuid}")
    answer.refused(409, "ConflictError", "Cannot delete a VM with no server_uuid")
