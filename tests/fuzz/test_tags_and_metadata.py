"""Tags and metadata come back as the server keeps them, with their types, or are not sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartdc import APIError, ConfigurationError, DataCenter, Machine
from smartdc.emulator import Emulator
from smartdc.emulator.state.vm import VM
from tests.helpers import odd_values as odd
from tests.helpers.sizes import in_two_sizes

pytestmark = pytest.mark.stress

NAMES = ["role", "a", "b c", "a/b", "action", "with.dot", "__proto__", "0", "a%2e%2e", "x" * 100, "aö😀"]
VALUES = [
    "web", "", " ", "true", "5", "null", "ö", "😀", "\0", "\r\n", True, False, 0, -1, 2.5, 1e22, 2**53, -0.0,
]  # fmt: skip
ODD: list[Any] = [
    "\ud800", 10**30, None, [], {}, [1], {"a": "b"}, float("nan"), float("inf"), b"bytes", 10**5000,
]  # fmt: skip

fit: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(NAMES), st.sampled_from(VALUES) | st.text(max_size=6), min_size=1, max_size=3
)
unfit = st.tuples(fit, odd.words, st.sampled_from([*ODD, *VALUES])).map(
    lambda drawn: {**drawn[0], drawn[1]: drawn[2]}
)
entries = fit | unfit


@pytest.fixture(scope="module")
def vm(cloud: Emulator) -> VM:
    """The emulator's record of the machine that is written to."""
    return cloud.site().add_machine()


@pytest.fixture(scope="module")
def machine(sdc: DataCenter, vm: VM) -> Machine:
    """The client's object for `vm`."""
    return sdc.machine(vm.uuid, lazy=True)


@in_two_sizes(sample=100, whole=300)
def test_tags_come_back(cloud: Emulator, machine: Machine, vm: VM, examples: Counter[str], size: int) -> None:
    @settings(max_examples=size)
    @given(entries)
    def each(entries: dict[str, Any]) -> None:
        examples["tags"] += 1
        cloud.calls.clear()
        vm.tags = {}
        try:
            predicted = machine.add_tags(entries)
        except ConfigurationError:
            assert cloud.calls == []
        except APIError as error:
            assert error.status == 409, error  # noqa: PT017 - only the server knows that it is not valid
            assert vm.tags == {}
        else:
            cloud.clock.advance(20)
            stored = {as_text(name): as_tag(value) for name, value in doubles(entries).items()}
            assert typed(predicted) == typed(doubles(entries))
            assert typed(machine.get_tags()) == typed(stored) == typed(vm.tags)
            for name, value in list(stored.items())[:1]:
                # The server loses a slash (docs/cloudapi/tags-and-metadata.md#keys-with-a-slash)
                if not {*"/%"} & {*name} and name not in (".", ".."):
                    assert typed({name: machine.get_tag(name)}) == typed({name: value})
        assert cloud.violations == []

    each()


@in_two_sizes(sample=80, whole=250)
def test_metadata_comes_back(
    cloud: Emulator, machine: Machine, vm: VM, examples: Counter[str], size: int
) -> None:
    @settings(max_examples=size)
    @given(entries)
    def each(entries: dict[str, Any]) -> None:
        examples["metadata"] += 1
        cloud.calls.clear()
        vm.customer_metadata = {}
        try:
            predicted = machine.update_metadata(entries)
        except ConfigurationError:
            assert cloud.calls == []
        except APIError as error:
            assert error.status == 409, error  # noqa: PT017 - as above
            assert vm.customer_metadata == {}
        else:
            cloud.clock.advance(20)
            stored = doubles(entries)
            assert typed(predicted) == typed(machine.get_metadata()) == typed(stored)
            assert typed(machine.get_metadata()) == typed(vm.customer_metadata)
            for name, value in list(stored.items())[:1]:
                if not {*"/%"} & {*name} and name not in (".", ".."):
                    assert typed({name: machine.get_metadata_at_key(name)}) == typed({name: value})
        assert cloud.violations == []

    each()


def doubles(entries: dict[str, Any]) -> dict[str, Any]:
    """As JavaScript reads them: numbers are doubles, whole ones without a point; `__proto__` gets lost.

    See docs/cloudapi/requests.md#numbers-beyond-2-to-the-53 and
    docs/cloudapi/tags-and-metadata.md#tags-named-like-properties-of-objects.
    """
    return {name: as_double(value) for name, value in entries.items() if name != "__proto__"}


def as_double(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


def as_tag(value: Any) -> Any:
    """As it comes back from the text form of the store: numbers with an exponent remain text.

    See docs/cloudapi/tags-and-metadata.md#tags-are-stored-as-text.
    """
    if isinstance(value, float) and "e" in repr(value):
        return f"%n{{{value!r}}}"
    return as_text(value) if isinstance(value, str) else value


def as_text(text: str) -> str:
    return text.replace("%2D", "-").replace("%3D", "=")


def typed(entries: Mapping[str, Any]) -> dict[str, tuple[type, str]]:
    """With the type of each value: otherwise 1, 1.0 and True would be equal, and -0.0 and 0.0."""
    return {name: (type(value), repr(value)) for name, value in entries.items()}
