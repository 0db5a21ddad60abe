"""pytest fixtures: an emulated cloud for the tests of a script.

pytest loads this module in every run of an environment that has smartdc, so a test only has to name the
fixture. It is not a module of the package, because loading it would then import the whole package. Nothing of
smartdc is imported until a test asks for a fixture; the fixtures need the extra ``emulator``.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from smartdc.emulator import Emulator

MARKER = {
    "contents": "TOML file that describes what the cloud holds, beside the test's file",
    "faults": "pairs of an operation and a fault, or a TOML file of faults",
    "throttle": "requests a second, or (rate, burst), or True",
    "unsupported": '"ignore": do not fail the test if it asks for what emulated machines cannot do',
    "ssh_port": "port of the machines' SSH servers, 0 for a free one",
    "rate": "for smartdc_environment: emulated seconds per real second, for subprocesses",
    "profiles": "for smartdc_environment: names of more profiles of the cloud",
}
"""The arguments of `@pytest.mark.smartdc`, with their descriptions."""
_ENVIRONMENT = "smartdc_environment"
_CLOUD = pytest.StashKey["Emulator"]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    arguments = "; ".join(f"{name}: {meaning}" for name, meaning in MARKER.items())
    names = "=, ".join(MARKER)
    config.addinivalue_line("markers", f"smartdc({names}=): how smartdc_cloud is made. {arguments}")


@pytest.fixture(scope="session")
def smartdc_emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """One emulator for the whole session: quick, but it keeps its state from test to test."""
    with _emulator("smartdc_emulator") as cloud:
        request.session.stash[_CLOUD] = cloud
        yield cloud


@pytest.fixture
def smartdc_cloud(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """A new emulator for each test, made as ``@pytest.mark.smartdc(...)`` says.

    ``contents="site.toml"`` fills it, ``faults=[("CreateMachine", Drop(after_commit=True))]`` adds faults,
    ``throttle=5`` limits requests, ``ssh_port=0`` gives its machines SSH servers.

    The test fails if a client did what would harm a real server, such as an action on a deleted machine. A
    test that does so on purpose empties ``smartdc_cloud.violations`` at its end. It also fails if a boot
    script or a login asked for something that only a real machine can do, unless the test is marked with
    ``@pytest.mark.smartdc(unsupported="ignore")``.
    """
    marked = _marked(request)
    _check_effect(request)
    with ExitStack() as stack:
        try:
            cloud = stack.enter_context(_marked_emulator(request, marked))
        except (TypeError, ValueError, OSError) as error:
            pytest.fail(f"the marker smartdc cannot be used: {error}", pytrace=False)
        request.node.stash[_CLOUD] = cloud
        yield cloud
    if cloud.violations:
        pytest.fail(f"this would have harmed a real server:\n{_listed(cloud.violations)}", pytrace=False)
    if cloud.unsupported and marked.get("unsupported") != "ignore":
        pytest.fail(
            f"emulated machines cannot do this:\n{_listed(cloud.unsupported)}\n"
            'if the test does not depend on it, mark it with @pytest.mark.smartdc(unsupported="ignore")',
            pytrace=False,
        )


@pytest.fixture
def smartdc_environment(request: pytest.FixtureRequest, smartdc_cloud: Emulator) -> Iterator[Emulator]:
    """`smartdc_cloud`, for scripts that make their own client, and for subprocesses.

    It is activated during the test, as by `Emulator.activate`. ``@pytest.mark.smartdc(profiles=["lab"])``
    adds profiles of these names; with ``rate=0`` only waiting advances the clock.
    """
    marked = _marked(request)
    try:
        activation = smartdc_cloud.activate(rate=marked.get("rate"), profiles=marked.get("profiles", ()))
    except (TypeError, ValueError) as error:
        pytest.fail(f"the marker smartdc cannot be used: {error}", pytrace=False)
    patch = request.getfixturevalue("monkeypatch") if "monkeypatch" in request.fixturenames else None
    with activation as cloud:
        yield cloud
        if patch is not None:
            # Undo the test's own changes first: undone after the activation, they would restore variables
            # that the activation has set.
            patch.undo()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a marker on a test that uses only the emulator of the whole session."""
    fixtures = getattr(item, "fixturenames", ())
    is_marked = any(mark.name == "smartdc" for mark in item.own_markers)
    if is_marked and "smartdc_emulator" in fixtures and "smartdc_cloud" not in fixtures:
        pytest.fail(
            "the marker smartdc has no effect on smartdc_emulator, which all tests share: use smartdc_cloud",
            pytrace=False,
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a failed test its calls, and which of them would have harmed a real server."""
    report = yield
    if report.failed:
        clouds = {"smartdc_cloud": item.stash.get(_CLOUD, None)}
        if "smartdc_emulator" in getattr(item, "fixturenames", ()):
            clouds["smartdc_emulator"] = item.session.stash.get(_CLOUD, None)
        for fixture, cloud in clouds.items():
            if cloud is not None and cloud.calls:
                report.sections.append((f"Calls of {fixture}", cloud.report()))
    if report.when == "teardown" and _CLOUD in item.stash:
        del item.stash[_CLOUD]  # pytest keeps each item to the end, and its cloud would be kept with it
    return report


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the arguments of the test's markers; the nearest one wins."""
    marked: dict[str, Any] = {}
    for mark in request.node.iter_markers("smartdc"):
        if mark.args:
            pytest.fail(f"the marker smartdc takes names with values, not {mark.args[0]!r}", pytrace=False)
        for name in mark.kwargs.keys() - MARKER.keys():
            near = get_close_matches(name, MARKER, n=1)
            hint = f" (did you mean {near[0]}=?)" if near else ""
            known = ", ".join(f"{known}=" for known in MARKER)
            pytest.fail(f"the marker smartdc does not take {name}={hint}; it takes {known}", pytrace=False)
        marked = {**mark.kwargs, **marked}
    if marked.get("unsupported", "fail") not in ("fail", "ignore"):
        pytest.fail(
            f'the marker smartdc takes unsupported="ignore" or "fail", not {marked["unsupported"]!r}',
            pytrace=False,
        )
    return marked


def _check_effect(request: pytest.FixtureRequest) -> None:
    """Fail if the test's own marker has arguments of a fixture that the test does not use."""
    for mark in request.node.own_markers:
        for name in ("rate", "profiles"):
            if mark.name == "smartdc" and name in mark.kwargs and _ENVIRONMENT not in request.fixturenames:
                pytest.fail(
                    f"the marker smartdc takes {name}= for {_ENVIRONMENT}, which the test does not use",
                    pytrace=False,
                )


def _marked_emulator(request: pytest.FixtureRequest, marked: Mapping[str, Any]) -> Emulator:
    contents = marked.get("contents")
    options = {} if contents is None else {"contents": _beside(request, contents)}
    cloud = _emulator("smartdc_cloud", ssh_port=marked.get("ssh_port"), **options)
    faults = marked.get("faults", ())
    if isinstance(faults, str | os.PathLike):
        cloud.load_faults(_beside(request, faults))
    else:
        _add_faults(cloud, faults.items() if isinstance(faults, Mapping) else faults)
    throttle = marked.get("throttle", False)
    if throttle is True:
        cloud.throttle()
    elif isinstance(throttle, tuple | list):
        if len(throttle) != 2:
            raise ValueError(f"throttle must be a rate, (rate, burst) or True, not {throttle!r:.60}")
        cloud.throttle(*throttle)
    elif throttle is not None and throttle is not False:
        cloud.throttle(throttle)
    return cloud


def _add_faults(cloud: Emulator, faults: Any) -> None:
    """Add the faults of a marker.

    Raises:
        ValueError: One of them is not an operation with a fault.
    """
    from smartdc.emulator.faults import Fault

    if not isinstance(faults, Iterable):
        raise ValueError(f"faults are pairs of an operation and a fault, or a file, not {faults!r:.60}")
    for number, item in enumerate(faults):
        is_pair = isinstance(item, list | tuple) and len(item) in (2, 3) and isinstance(item[1], Fault)
        if not is_pair or not all(isinstance(options, Mapping) for options in item[2:]):
            raise ValueError(
                f"faults[{number}] must be an operation and a fault, such as"
                f' ("CreateMachine", Drop(after_commit=True)), not {item!r:.60}'
            )
        operation, fault, *options = item
        cloud.faults.add(operation, fault, **dict(*options))


def _beside(request: pytest.FixtureRequest, name: str | os.PathLike[str]) -> Path:
    """Return the path of a file that a marker names relative to the test's file.

    Raises:
        ValueError: It is not a path.
    """
    if not isinstance(name, str | os.PathLike):
        raise ValueError(f"contents must be the path of a TOML file, not {name!r:.60}")
    return request.path.parent / name


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
