"""The page docs/operations.md, from the rows: ``python -m tests.contract.page`` writes it."""

from __future__ import annotations

from pathlib import Path

from tests.contract.row import Operation
from tests.operations import OPERATIONS

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"

_HEAD = """\
# All operations

Every operation of the OpenAPI description of CloudAPI 9.20, with the method that calls it and the API
version that introduced it. The names are the server's. One method sets the role tags of everything that can
have them, and `exists` makes each `HEAD` that does not count. The description has 186 operations: it counts
role tags once for each kind of resource. This table has a row for each method that calls an operation.

UpdateAccessKey, UpdateUserAccessKey and WatchMigration are in the description, but no server up to 9.20.0 has
them ([updates of access keys](cloudapi/access.md#access-keys-cannot-be-updated)). The client can call them;
the emulator answers as the server does, unless it is made with `Emulator(schema_only=True)`.

| operation | verb and path | method | since |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The text of the page."""
    return _HEAD + "".join(_line(row) for row in sorted(OPERATIONS, key=_place))


def _line(row: Operation) -> str:
    return f"| {row.name} | `{row.verb} {row.path}` | `{row.method}` | {row.since} |\n"


def _place(row: Operation) -> tuple[str, str, str]:
    return row.path, row.verb, row.method


if __name__ == "__main__":
    PAGE.write_text(page())
