"""pytest fixtures: an emulated cloud for the tests of a script.

pytest loads this module in every run of an environment that has smartdc, so a test only has to name the
fixture. It stands outside the package, as a module inside would import all of it. Nothing of smartdc is
imported until a test asks for a fixture; the fixtures need the extra ``emulator``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from smartdc.emulator import Emulator


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        'smartdc(ssh_port=None, unsupported="fail"): how smartdc_cloud is made, and whether ("ignore": not)'
        " it fails a test whose machines were asked for what only real ones know",
    )


@pytest.fixture(scope="session")
def smartdc_emulator() -> Iterator[Emulator]:
    """One emulator for the whole session: quick, but its state goes on from test to test."""
    with _emulator("smartdc_emulator") as cloud:
        yield cloud


@pytest.fixture
def smartdc_cloud(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """A new emulator for each test; ``@pytest.mark.smartdc(ssh_port=0)`` gives its machines SSH servers.

    The test fails when it made a client do what would harm a real server, such as an action on a deleted
    machine; empty ``smartdc_cloud.violations`` where that is the point of the test. It also fails when a
    machine was asked, by its boot script or a login, for what only a real one knows, unless it is marked
    with ``@pytest.mark.smartdc(unsupported="ignore")``.
    """
    marked = _marked(request)
    with _emulator("smartdc_cloud", ssh_port=marked.get("ssh_port")) as cloud:
        yield cloud
    if cloud.violations:
        pytest.fail(f"this would have harmed a real server:\n{_listed(cloud.violations)}", pytrace=False)
    if cloud.unsupported and marked.get("unsupported") != "ignore":
        pytest.fail(
            f"emulated machines do not know this:\n{_listed(cloud.unsupported)}\n"
            'if the test does not depend on it, mark it with @pytest.mark.smartdc(unsupported="ignore")',
            pytrace=False,
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say of a test that failed what it called, and what of that would have harmed a real server."""
    report = yield
    if report.failed and report.when != "setup":
        for fixture in ("smartdc_cloud", "smartdc_emulator"):
            cloud = getattr(item, "funcargs", {}).get(fixture)
            if cloud is not None and cloud.calls:
                report.sections.append((f"Calls of {fixture}", cloud.report()))
    return report


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the arguments of the test's markers; the nearest one wins."""
    marked: dict[str, Any] = {}
    for mark in request.node.iter_markers("smartdc"):
        unknown = [*map(repr, mark.args), *(mark.kwargs.keys() - {"ssh_port", "unsupported"})]
        if unknown or mark.kwargs.get("unsupported", "fail") not in ("fail", "ignore"):
            pytest.fail(
                'the marker smartdc takes ssh_port= and unsupported="ignore" or "fail", nothing else',
                pytrace=False,
            )
        marked = {**mark.kwargs, **marked}
    return marked


def _listed(texts: list[str]) -> str:
    return "\n".join(f"  {text}" for text in texts)


def _emulator(fixture: str, **options: Any) -> Emulator:
    """Return a new emulator; where the extra is not installed, fail the test that asks for the fixture."""
    try:
        from smartdc.emulator import Emulator
    except ModuleNotFoundError as error:
        raise pytest.fail.Exception(
            f"the fixture {fixture} needs the extra 'emulator' ({error.name} is missing):"
            " pip install 'smartdc[emulator]'",
            pytrace=False,
        ) from None
    return Emulator(**options)
