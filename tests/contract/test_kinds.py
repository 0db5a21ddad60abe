"""Validating one value of each kind is enough, as a wrong value is of another kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from smartdc.emulator import Emulator
from smartdc.emulator.http.calls import Call
from tests.contract.exchanges import DESCRIPTION, Tally
from tests.contract.kinds import IGNORED_KEYWORDS, keywords

# Each makes an entry of the list of machines wrong.
WRONG: dict[str, Callable[[dict[str, Any]], Any]] = {
    "not a UUID": lambda entry: {**entry, "id": "web"},
    "a UUID in upper case": lambda entry: {**entry, "id": entry["id"].upper()},
    "half a UUID": lambda entry: {**entry, "image": entry["image"][:18]},
    "not a time": lambda entry: {**entry, "created": "yesterday"},
    "a time that cannot be": lambda entry: {**entry, "created": "2026-13-01T00:00:00.000Z"},
    "a time without a zone": lambda entry: {**entry, "created": "2026-01-01T00:00:00"},
    "an unknown word": lambda entry: {**entry, "state": "walking"},
    "a word for another field": lambda entry: {**entry, "state": "smartmachine"},
    "a number for a text": lambda entry: {**entry, "name": 5},
    "a text for a number": lambda entry: {**entry, "memory": "1024"},
    "below the least number": lambda entry: {**entry, "memory": -1},
    "a boolean for a number": lambda entry: {**entry, "memory": True},
    "an entry in a list in it": lambda entry: {**entry, "ips": ["10.0.0.1", 5]},
    "a field too many": lambda entry: {**entry, "colour": "red"},
    "a field too few": lambda entry: {name: value for name, value in entry.items() if name != "id"},
    "not an object": lambda entry: "web",
}


@pytest.fixture
def listed(cloud: Emulator) -> Call:
    """The call of a list of machines."""
    with cloud.datacenter("us-sw-1") as sdc:
        for number in range(20):
            cloud.site("us-sw-1").add_machine(f"web{number}")
        sdc.machines()
    return cloud.calls[-1]


def test_the_description_has_no_requirement_that_kinds_ignore() -> None:
    assert not IGNORED_KEYWORDS & {name for name, _ in keywords(DESCRIPTION._raw)}


@pytest.mark.parametrize("spoil", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("place", [0, 9, 19])
def test_one_wrong_entry_among_right_ones_is_found(
    listed: Call, spoil: Callable[[dict[str, Any]], Any], place: int
) -> None:
    tally = Tally()
    assert tally.check(DESCRIPTION, [listed]) == []
    spoiled = [spoil(entry) if number == place else entry for number, entry in enumerate(listed.response)]
    assert tally.check(DESCRIPTION, [replace(listed, answer=spoiled)]) != []


def test_an_answer_that_is_right_in_one_path_is_checked_in_another(listed: Call) -> None:
    tally = Tally()
    assert tally.check(DESCRIPTION, [listed]) == []
    wrong = replace(listed, target="/my/packages", path="/my/packages")
    assert tally.check(DESCRIPTION, [wrong]) != []


def test_exchanges_with_another_query_or_status_are_checked(listed: Call) -> None:
    tally = Tally()
    assert tally.check(DESCRIPTION, [listed]) == []
    assert tally.check(DESCRIPTION, [replace(listed, query={"colour": "red"})]) != []
    assert tally.check(DESCRIPTION, [replace(listed, status=404)]) != []


def test_one_entry_of_each_kind_is_kept() -> None:
    kinds = DESCRIPTION.kinds
    entries = [
        {"id": f"{number:08x}-0000-4000-8000-000000000000", "name": f"web{number}"} for number in range(9)
    ]
    assert len(kinds.one_of_each(entries)) == 1
    assert len(kinds.one_of_each([*entries, {"id": "web", "name": "web"}])) == 2
