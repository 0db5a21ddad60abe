"""Calls with the required arguments only: what is not passed is not sent."""

from __future__ import annotations

import pytest

from tests.api.plain_calls import PLAIN_CALLS, plain_calls


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_sent_with_the_required_arguments_only() -> None:
    assert plain_calls() == PLAIN_CALLS.read_text(), "read the changes; python -m tests.api.plain_calls"
