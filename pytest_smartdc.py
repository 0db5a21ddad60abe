"""pytest fixtures: an emulated cloud for the tests of a script.

pytest loads this module in every run of an environment that has smartdc, so a test only has to name the
fixture. It stands outside the package, as a module inside would import all of it. Nothing of smartdc is
imported until a test asks for a fixture; the fixtures need the extra ``emulator``.
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
    with _emulator("smartdc_emulator") as cloud:
        yield cloud


@pytest.fixture
def smartdc_cloud() -> Iterator[Emulator]:
    """A new emulator for each test.

    The test fails when it made a client do what would harm a real server, such as an action on a deleted
    machine; empty ``smartdc_cloud.violations`` where that is the point of the test.
    """
    with _emulator("smartdc_cloud") as cloud:
        yield cloud
    if cloud.violations:
        listed = "\n".join(f"  {violation}" for violation in cloud.violations)
        pytest.fail(f"this would have harmed a real server:\n{listed}", pytrace=False)


def _emulator(fixture: str) -> Emulator:
    """Return a new emulator; where the extra is not installed, fail the test that asks for the fixture."""
    try:
        from smartdc.emulator import Emulator
    except ModuleNotFoundError as error:
        raise pytest.fail.Exception(
            f"the fixture {fixture} needs the extra 'emulator' ({error.name} is missing):"
            " pip install 'smartdc[emulator]'",
            pytrace=False,
        ) from None
    return Emulator()
