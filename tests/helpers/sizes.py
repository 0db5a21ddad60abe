"""Tests that take long have two sizes, by the same code: a sample, and the whole for ``make soak``."""

from __future__ import annotations

import pytest

__all__ = ["SAMPLE", "in_two_sizes"]

SAMPLE = "sample"


def in_two_sizes(*, sample: int, whole: int) -> pytest.MarkDecorator:
    """Give the test an argument ``size``; it runs once for each.

    Args:
        sample: For every run: a few seconds, 20 at most for all tests of a kind.
        whole: For ``make soak``, that is for ``-m soak``.
    """
    sizes = [pytest.param(sample, id=SAMPLE), pytest.param(whole, id="whole", marks=pytest.mark.soak)]
    return pytest.mark.parametrize("size", sizes)
