from __future__ import annotations

import pwd

import pytest

from tests.helpers.triton_home import TritonHome


@pytest.fixture
def homeless(triton: TritonHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOME, and a user whom the system does not know, as in many containers."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)  # a KeyError, as for an unknown user
