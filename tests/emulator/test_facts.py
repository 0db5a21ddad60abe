"""The facts that tests name exist in docs/cloudapi."""

import importlib
from pathlib import Path

import pytest

from tests.emulator.facts import TESTED
from tests.helpers.cloudapi_pages import FACTS


@pytest.fixture(scope="module", autouse=True)
def every_test() -> None:
    """Import the modules whose tests name facts, so that one file alone can be run."""
    for path in sorted(Path(__file__).parent.glob("test_facts_*.py")):
        importlib.import_module(f".{path.stem}", __package__)


def test_every_fact_that_a_test_names_is_on_its_page() -> None:
    unknown = {test.__name__: names for test, names in TESTED.items() if not set(names) <= set(FACTS)}
    assert unknown == {}


def test_no_test_of_a_fact_was_lost() -> None:
    assert len(TESTED) >= 174
    assert all(TESTED.values())
