"""The messages of calls that are refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smartdc import ConfigurationError

__all__ = ["refusal"]


def refusal(call: Callable[[], object], error: type[Exception] = ConfigurationError) -> str:
    """The message of the error that a call raises."""
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)
