"""pytest fixtures: an emulated cloud for the tests of a script.

Registered by installing smartdc, so a test only has to name the fixture. Importing this module is cheap; the
emulator is imported when the first test asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from smartdc.emulator import Emulator


@pytest.fixture(scope="session")
def smartdc_emulator() -> Iterator[Emulator]:
    """One emulator for the whole session: quick, but its state goes on from test to test."""
    from smartdc.emulator import Emulator

    with Emulator() as cloud:
        yield cloud


@pytest.fixture
def smartdc_cloud() -> Iterator[Emulator]:
    """An emulator of its own for each test.

    The test fails when it made a client do what would harm a real server, such as an action on a deleted
    machine; empty ``smartdc_cloud.violations`` where that is the point of the test.
    """
    from smartdc.emulator import Emulator

    with Emulator() as cloud:
        yield cloud
    if cloud.violations:
        listed = "\n".join(f"  {violation}" for violation in cloud.violations)
        pytest.fail(f"this would have harmed a real server:\n{listed}", pytrace=False)
