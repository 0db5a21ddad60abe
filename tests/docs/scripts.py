"""What the tests of the example scripts share; conftest has the fixtures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.docs.blocks import ROOT

__all__ = ["EXAMPLES", "Ended", "Run"]

EXAMPLES = ROOT / "examples"


@dataclass
class Ended:
    """How a script has ended."""

    status: object
    out: str
    err: str


Run = Callable[..., Ended]
