"""Tests of the emulator with raw requests: the facts of docs/cloudapi, and what they leave open."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.raw")
