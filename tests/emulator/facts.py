"""The decorator that names the facts of docs/cloudapi that a test checks.

A fact's name is its page and the anchor of its heading. `test_facts.py` checks that every name exists; the
conftest counts the facts whose tests passed.
"""

from collections.abc import Callable
from typing import Any, TypeVar

Test = TypeVar("Test", bound=Callable[..., None])

TESTED: dict[Any, tuple[str, ...]] = {}
"""The facts of each test."""


def fact(*names: str) -> Callable[[Test], Test]:
    """Record which facts the decorated test checks."""

    def record(test: Test) -> Test:
        TESTED[test] = names
        return test

    return record
