"""What becomes of each operation that changes something when its answer is lost.

``python -m tests.faults.lost_answers`` writes docs/lost-answers.md, which `test_lost_answers` holds true.
"""

from __future__ import annotations

from pathlib import Path

from tests.contract.row import Operation
from tests.operations import OPERATIONS

PAGE = Path(__file__).parents[2] / "docs" / "lost-answers.md"

AGAIN = "made again"
FOUND = "looked for, and found"
UNKNOWN = "`OutcomeUnknown`"
ERROR = "the failure is raised"

_SAME = "it sets what it names"
_SECRET = "its secret is lost; keys made meanwhile are its candidates"
_LOOK = "look before you ask for it again"

# Of POSTs; the other verbs are made again. What it comes to, and why or by what.
POSTS = {
    "DataCenter.add_foreign_datacenter": (ERROR, _LOOK),
    "DataCenter.add_key": (FOUND, "by the key itself and its name; the server refuses a key twice"),
    "DataCenter.add_user_key": (FOUND, "by the key itself and its name; the server refuses a key twice"),
    "DataCenter.change_user_password": (ERROR, "the server refuses a password that was used; sign in to see"),
    "DataCenter.clone_image": (UNKNOWN, "a copy is like any other copy; they are its candidates"),
    "DataCenter.create_access_key": (UNKNOWN, "its secret is lost; keys made meanwhile are its candidates"),
    "DataCenter.create_user_access_key": (
        UNKNOWN,
        "its secret is lost; keys made meanwhile are its candidates",
    ),
    "DataCenter.create_fabric_network": (FOUND, "by name and subnet; the server refuses either twice"),
    "DataCenter.create_fabric_vlan": (FOUND, "by number and name; the server refuses a number twice"),
    "DataCenter.create_firewall_rule": (
        UNKNOWN,
        "rules have no time and no name; those that read like it are its candidates",
    ),
    "DataCenter.create_image_from_machine": (
        FOUND,
        "by name and version, being made or published since; if it is not there, `OutcomeUnknown`",
    ),
    "DataCenter.create_machine": (
        FOUND,
        "by name and time, and all else that it shows; the server refuses a name twice. With `{{shortId}}` "
        "in the name: `OutcomeUnknown`, with its candidates",
    ),
    "DataCenter.create_policy": (ERROR, "its name is taken if it is there"),
    "DataCenter.create_role": (ERROR, "its name is taken if it is there"),
    "DataCenter.create_user": (ERROR, "its login is taken if it is there"),
    "DataCenter.create_volume": (FOUND, "by name and time; the server refuses a name twice"),
    "DataCenter.disable_firewall_rule": (AGAIN, _SAME),
    "DataCenter.enable_firewall_rule": (AGAIN, _SAME),
    "DataCenter.export_image": (ERROR, "it takes long: look in Manta"),
    "DataCenter.import_image_from_datacenter": (FOUND, "by its UUID, which it keeps"),
    "DataCenter.share_image": (AGAIN, _SAME),
    "DataCenter.unshare_image": (AGAIN, _SAME),
    "DataCenter.update_access_key": (AGAIN, _SAME),
    "DataCenter.update_account": (AGAIN, _SAME),
    "DataCenter.update_firewall_rule": (AGAIN, _SAME),
    "DataCenter.update_image": (AGAIN, _SAME),
    "DataCenter.update_policy": (AGAIN, _SAME),
    "DataCenter.update_role": (AGAIN, _SAME),
    "DataCenter.update_user": (AGAIN, _SAME),
    "DataCenter.update_user_access_key": (AGAIN, _SAME),
    "DataCenter.update_volume": (AGAIN, "a name that it has already is taken for done"),
    "Machine.add_nic": (AGAIN, "a network has one NIC of a machine at most"),
    "Machine.add_tags": (AGAIN, _SAME),
    "Machine.create_disk": (
        FOUND,
        "being made in its slot; without `pci_slot`, or if it is not there, `OutcomeUnknown`",
    ),
    "Machine.create_snapshot": (FOUND, "by name and time; a machine has no two of a name"),
    "Machine.disable_deletion_protection": (AGAIN, "after a look at the machine"),
    "Machine.disable_firewall": (AGAIN, "after a look at the machine"),
    "Machine.enable_deletion_protection": (AGAIN, "after a look at the machine"),
    "Machine.enable_firewall": (AGAIN, "after a look at the machine"),
    "Machine.migrate": (ERROR, "look at the migration"),
    "Machine.reboot": (AGAIN, "after a look at the machine; it may reboot twice"),
    "Machine.rename": (AGAIN, "after a look at the machine; a name that it has already is taken for done"),
    "Machine.resize": (AGAIN, "after a look at the machine"),
    "Machine.resize_disk": (ERROR, _LOOK),
    "Machine.start": (AGAIN, "after a look at the machine"),
    "Machine.start_from_snapshot": (ERROR, "a second time would undo what was done since"),
    "Machine.stop": (AGAIN, "after a look at the machine"),
    "Machine.update_metadata": (AGAIN, _SAME),
    "Machine.watch_migration": (AGAIN, "it changes nothing"),
}

_HEAD = """\
# When the answer is lost

Whatever changes something, and what becomes of it when it was carried out but no answer came back. All that
only reads is made again. *Made again*: as often as the policy of retries allows. *Looked for*: what was to be
created is looked for, and must show everything that was asked for; it is created (again) only if it is not
there for as long as the policy's `settling`, and the server refuses a second one
([how](retries.md#creating-once)).

| operation | method | when the answer is lost | |
| --- | --- | --- | --- |
"""


def expected(row: Operation) -> tuple[str, str]:
    """What it comes to, and why."""
    if row.verb == "DELETE":
        return AGAIN, "a 410, or a 404 that has settled, then means that it is done"
    return (AGAIN, _SAME) if row.verb == "PUT" else POSTS[row.method]


def page() -> str:
    """The page."""
    rows = {(row.name, row.method): expected(row) for row in OPERATIONS if row.verb not in ("GET", "HEAD")}
    return _HEAD + "".join(
        f"| {name} | `{method}` | {word} | {why} |\n" for (name, method), (word, why) in sorted(rows.items())
    )


if __name__ == "__main__":
    PAGE.write_text(page())
