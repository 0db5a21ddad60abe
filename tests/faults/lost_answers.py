"""What happens to each operation that changes something if its answer is lost.

``python -m tests.faults.lost_answers`` writes docs/lost-answers.md, which `test_lost_answers` checks.
"""

from __future__ import annotations

from pathlib import Path

from tests.contract.row import AGAIN, DELETED, SAME, Operation
from tests.operations import OPERATIONS

PAGE = Path(__file__).parents[2] / "docs" / "lost-answers.md"

_HEAD = """\
# When the answer is lost

What happens to each operation that changes something, if it was carried out but no answer came back.
Operations that only read are repeated. *Repeated*: as often as the retry policy permits. *Looked for*: what
was to be created is looked for, and must have everything that was requested; it is created (again) only if it
is not found for the policy's `settling` seconds, and if the server refuses a second one
([how](retries.md#creating-once)).

| operation | method | when the answer is lost | |
| --- | --- | --- | --- |
"""


def expected(row: Operation) -> tuple[str, str]:
    """The outcome, and why."""
    if row.verb == "DELETE":
        return AGAIN, DELETED
    if row.verb == "PUT":
        return AGAIN, SAME
    assert row.lost, f"the row of {row.name} must say what happens if the answer is lost"
    return row.lost


def page() -> str:
    """The page."""
    rows = {(row.name, row.method): expected(row) for row in OPERATIONS if row.verb not in ("GET", "HEAD")}
    return _HEAD + "".join(
        f"| {name} | `{method}` | {word} | {why} |\n" for (name, method), (word, why) in sorted(rows.items())
    )


if __name__ == "__main__":
    PAGE.write_text(page())
