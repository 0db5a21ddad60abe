"""Snapshots, tags and metadata of a machine on a stub server: whole messages, and what is sent."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc import DataCenter, Machine, NotFoundError, OutcomeUnknown, Snapshot, WaitFailed, WaitTimeout
from tests.helpers.clock import Instant
from tests.helpers.refusals import refusal
from tests.helpers.servers import Reply, StubServer
from tests.helpers.stub_machine import ABSENT, ID, RUNNING, clock, machine, requests, sdc

__all__ = ["clock", "machine", "sdc"]


def snapshot(machine: Machine, **data: Any) -> Snapshot:
    return Snapshot(machine, data={"name": "before", **data})


def test_a_snapshot_as_text(machine: Machine) -> None:
    one = snapshot(machine, state="created", size=5)
    assert (str(one), one.path, one.size) == ("before", f"machines/{ID}/snapshots/before", 5)
    assert repr(one) == f"<Snapshot before (created) of machine {ID}>"
    odd = snapshot(machine, state=5, size="5")
    assert (odd.state, odd.size, odd.created, odd.updated) == (None, None, None, None)


def test_requests_of_a_snapshot(stub: StubServer, machine: Machine) -> None:
    stub.otherwise = Reply({"name": "before", "state": "created"})
    assert machine.snapshot("before").status() == "created"
    assert machine.raw_snapshot_data("before")["state"] == "created"
    assert Snapshot(machine, "before").start() is machine
    stub.answer(Reply(None, 204), Reply(None, 204), Reply([{"name": "before"}]))
    machine.delete_snapshot("before")
    snapshot(machine).delete()
    assert [each.name for each in machine.snapshots()] == ["before"]
    get, path = ("GET", "/snapshots/before", None), "/snapshots/before"
    assert requests(stub) == [
        *[get] * 4, ("POST", path, None), *[("DELETE", path, None)] * 2, ("GET", "/snapshots", None)
    ]  # fmt: skip


def test_a_new_snapshot_whose_answer_has_no_name_is_looked_for(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply({"state": "queued"}, 201), Reply({"name": "x", "state": "deleted"}))
    assert machine.create_snapshot().name == "x"
    assert [verb for verb, *_ in requests(stub)] == ["POST", "GET"]


def test_a_new_snapshot_is_found_after_a_lost_answer(stub: StubServer, machine: Machine) -> None:
    """Until it exists, its state is that of one that was deleted earlier."""
    data = {"name": "before", "state": "deleted"}
    stub.answer(Reply(None, 504))
    stub.otherwise = Reply(data)
    assert machine.create_snapshot().state == "deleted"
    stub.answer(Reply(None, 504))
    with pytest.raises(OutcomeUnknown) as caught:
        machine.create_snapshot("before")
    assert str(caught.value).startswith(
        "it is not known whether the snapshot with name 'before' was created: one is found that differs in "
        "state; it is in candidates (POST "
    )
    assert caught.value.candidates == [data]


def test_a_wait_for_a_snapshot(stub: StubServer, clock: Instant, machine: Machine) -> None:
    states = ["queued", "deleted", "", "created", "deleted"]
    stub.answer(*(Reply({"name": "a\tb", "state": state}) for state in states))
    one = Snapshot(machine, data={"name": "a\tb"})
    one.poll_until("created")
    assert clock.slept == [2, 2, 2]
    assert refusal(lambda: one.poll_until("queued"), WaitFailed) == (
        r"snapshot a\tb is deleted: it will not become 'queued'"
    )
    stub.answer(Reply({"name": "before", "state": "failed"}), Reply({"name": "before", "state": "queued"}))
    assert refusal(lambda: snapshot(machine).poll_until("created"), WaitFailed) == (
        "snapshot before is failed: it will not become 'created'"
    )
    assert refusal(lambda: snapshot(machine).poll_until("created", timeout=0), WaitTimeout) == (
        "gave up after 0 s: snapshot before is not yet 'created', now 'queued'"
    )


def test_a_snapshot_whose_deletion_was_requested(stub: StubServer, clock: Instant, machine: Machine) -> None:
    stub.answer(Reply(None, 204), Reply({"name": "before", "state": "deleted"}))
    one = snapshot(machine, state="queued")
    one.delete()
    one.poll_until("deleted")
    assert clock.slept == []


# Tags and metadata


def test_nothing_to_set(machine: Machine) -> None:
    assert refusal(machine.add_tags) == "add_tags needs a tag: add_tags(role='web')"
    assert refusal(lambda: machine.update_metadata({})) == (
        "update_metadata needs an entry: update_metadata(role='web')"
    )


def test_requests_about_tags(stub: StubServer, machine: Machine) -> None:
    stub.answer(*[Reply({"a": "b"})] * 3, *[Reply(None, 204)] * 3)
    assert (
        machine.add_tags({"a": "b"}, c=1) == machine.replace_tags(a="b") == machine.get_tags() == {"a": "b"}
    )
    machine.delete_tag("a")
    machine.delete_all_tags()
    assert machine.replace_tags({}) == {}
    assert requests(stub) == [
        ("POST", "/tags", {"a": "b", "c": 1}),
        ("PUT", "/tags", {"a": "b"}),
        ("GET", "/tags", None),
        ("DELETE", "/tags/a", None),
        *[("DELETE", "/tags", None)] * 2,
    ]


def test_a_change_of_entries_is_repeated(stub: StubServer, machine: Machine) -> None:
    for change in (machine.add_tags, machine.update_metadata, machine.replace_tags):
        stub.answer(Reply(None, 503), Reply({"a": "b"}))
        assert change(a="b") == {"a": "b"}
    assert len(stub.asked) == 6


def test_a_tag_that_the_server_answers_with_an_empty_text(stub: StubServer, machine: Machine) -> None:
    empty = Reply(b"", 200, "text/plain")
    stub.answer(empty, Reply({"size": 5}), empty, Reply({}))
    assert (machine.get_tag("size"), machine.get_tag("size")) == (5, "")
    assert [path for _, path, _ in requests(stub)] == ["/tags/size", "/tags"] * 2


@pytest.mark.parametrize("kind", ["tag", "metadata"])
def test_an_entry_that_is_not_listed(stub: StubServer, machine: Machine, kind: str) -> None:
    get = machine.get_tag if kind == "tag" else machine.get_metadata_at_key
    stub.answer(Reply({"a b": "c"}), Reply({}))
    assert get("a b") == "c"
    assert refusal(lambda: get("a b"), NotFoundError).endswith(
        f"404 ResourceNotFound: machine {ID} has no {kind} 'a b'"
    )


def test_requests_about_metadata(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply({"a": "b"}), Reply(None, 204), Reply({"a": 1}), Reply(None, 204), Reply({}))
    assert machine.update_metadata(a="b") == machine.metadata == {"a": "b"}
    assert machine.delete_metadata_at_key("x/y") == machine.metadata == {"a": 1}
    assert machine.delete_all_metadata() == machine.metadata == {}
    assert requests(stub) == [
        ("POST", "/metadata", {"a": "b"}),
        ("DELETE", "/metadata/x%2Fy", None),
        ("GET", "/metadata", None),
        ("DELETE", "/metadata", None),
        ("GET", "/metadata", None),
    ]


def test_one_entry_of_the_metadata(stub: StubServer, machine: Machine) -> None:
    stub.answer(Reply({"root": "x"}), ABSENT, Reply({"size": 5}), ABSENT, Reply({"size": 5}))
    passwords: Any = machine.get_metadata_at_key("credentials")
    assert passwords == {"root": "x"}
    # The server says that a number is no metadata.
    assert machine.get_metadata_at_key("size") == 5
    refusal(lambda: machine.get_metadata_at_key("none"), NotFoundError)
    paths = ["/credentials", "/size", "", "/none", ""]
    assert [path for _, path, _ in requests(stub)] == [f"/metadata{path}" for path in paths]


def test_the_boot_script_is_deleted(stub: StubServer, sdc: DataCenter) -> None:
    machine = Machine(sdc, data={**RUNNING, "metadata": {"user-script": "true", "a": "b"}})
    stub.answer(Reply(None, 204), Reply(None, 204))
    machine.delete_boot_script()
    assert (machine.boot_script, machine.metadata) == (None, {"a": "b"})
    machine.delete_boot_script()
    assert requests(stub) == [("DELETE", "/metadata/user-script", None)] * 2
