"""The answer of each operation is lost once: the outcome is that of the page, and nothing is done twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from smartdc import APIError, DataCenter, OutcomeUnknown, TransportError
from smartdc.emulator import Emulator
from smartdc.emulator.http.fault_kinds import Drop
from tests.contract.row import AGAIN, ERROR, FOUND, UNKNOWN, Operation, World
from tests.faults.lost_answers import PAGE, expected, page
from tests.operations import OPERATIONS

pytestmark = pytest.mark.stress

# These call the same operation before: the fault must not hit that call.
_SECOND = {"Machine.watch_migration"}
# Another operation answers: the general route sets the role tags of machines.
_NONE = {("ReplaceMachineRoleTags", "DataCenter.set_role_tags")}

ROWS = [
    row
    for row in OPERATIONS
    if (row.name, row.method) not in _NONE and row.method not in _SECOND and row.status != 405
]


def outcome(row: Operation, cloud: Emulator, sdc: DataCenter) -> str:
    """The outcome in the words of the page."""
    try:
        row.call(sdc, World(cloud, sdc))
    except OutcomeUnknown:
        return UNKNOWN
    except TransportError:
        return ERROR
    except APIError as error:
        assert error.status == row.status  # noqa: PT017 - some rows expect a refusal
    asked = [call for call in cloud.calls if call.operation == row.name]
    return FOUND if asked[-1].fault is not None else AGAIN


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.usefixtures("schema_only")
def test_an_answer_is_lost(row: Operation, cloud: Emulator, sdc: DataCenter) -> None:
    planned = cloud.faults.add(row.name, Drop(after_commit=True), times=1)
    seen = outcome(row, cloud, sdc)
    assert planned.applied == 1
    if row.method == "DataCenter.create_machine":
        assert seen == UNKNOWN  # the row's name has {{shortId}} in it
    elif row.verb in ("GET", "HEAD"):
        assert seen == AGAIN
    else:
        assert seen == expected(row)[0]


def test_the_page_of_lost_answers_is_up_to_date(note: Callable[[str], None]) -> None:
    assert PAGE.read_text() == page(), "write it again: python -m tests.faults.lost_answers"
    counted = Counter(AGAIN if row.verb in ("GET", "HEAD") else expected(row)[0] for row in OPERATIONS)
    note(f"answers lost, by operation: {', '.join(f'{count} {word}' for word, count in counted.items())}")
