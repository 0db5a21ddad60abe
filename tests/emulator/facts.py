"""Which facts of docs/cloudapi a test stands for.

A fact is named by its page and the anchor of its heading. `test_facts.py` looks every name up; the conftest
counts the facts whose tests passed.
"""

from collections.abc import Callable
from typing import Any, TypeVar

Test = TypeVar("Test", bound=Callable[..., None])

TESTED: dict[Any, tuple[str, ...]] = {}
"""The facts of each test."""


def fact(*names: str) -> Callable[[Test], Test]:
    """Say which facts the decorated test stands for."""

    def record(test: Test) -> Test:
        TESTED[test] = names
        return test

    return record
