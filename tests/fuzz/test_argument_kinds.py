"""Arguments that must be booleans, or text: other values are refused, and nothing is sent.

They are read from the annotations of all public methods, so that new arguments are included.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, KeyLoadError
from tests.helpers.every_argument import annotated, call
from tests.helpers.odd_values import ID
from tests.helpers.servers import StubServer

# To Python 'false' and 'no' are true; to the server every value of some parameters switches them on.
NOT_FLAGS: list[Any] = ["false", "no", "", 0, 1, [], {}, b"true", 1.0]
NOT_TEXT: list[Any] = [0, 1, True, b"web", ["web"], {"web": 1}, 1.5, object(), []]


def named(part: Any) -> Any:
    return getattr(part, "__name__", part)


@pytest.fixture
def sdc(at_missing: DataCenter) -> DataCenter:
    return at_missing


def refuse(sdc: DataCenter, missing: StubServer, place: tuple[type, str, str], value: Any) -> None:
    cls, name, argument = place
    owner = sdc if cls is DataCenter else sdc.machine(ID, lazy=True)
    args, more = call(cls, name, argument, value)
    try:
        getattr(owner, name)(*args, **more)
    except ConfigurationError:
        assert missing.asked == [], f"{name}({argument}={value!r}) asked {missing.asked[0].target}"
    else:
        raise AssertionError(f"{name}({argument}={value!r}) was accepted")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("cls", "name", "argument"), annotated(bool), ids=named)
def test_values_that_are_not_booleans(
    sdc: DataCenter, missing: StubServer, cls: type, name: str, argument: str
) -> None:
    for value in NOT_FLAGS:
        refuse(sdc, missing, (cls, name, argument), value)


@pytest.mark.parametrize(("cls", "name", "argument"), annotated(str), ids=named)
def test_values_that_are_not_text(
    sdc: DataCenter, missing: StubServer, cls: type, name: str, argument: str
) -> None:
    required = inspect.signature(getattr(cls, name)).parameters[argument].default is inspect.Parameter.empty
    for value in [*NOT_TEXT, *([None] if required and argument != "key_id" else [])]:
        refuse(sdc, missing, (cls, name, argument), value)


@pytest.mark.parametrize("value", NOT_FLAGS)
@pytest.mark.parametrize("argument", ["allow_agent"])
def test_a_flag_of_the_constructor(sdc: DataCenter, value: Any, argument: str) -> None:
    with pytest.raises(ConfigurationError, match=argument):
        DataCenter("us-central-1", "/bob/keys/x", "/nonexistent", **{argument: value})
    with pytest.raises(ConfigurationError, match=argument):
        sdc.authenticate("/bob/keys/x", "/nonexistent", **{argument: value})


def test_a_list_of_keys_is_not_a_secret() -> None:
    with pytest.raises(KeyLoadError):
        DataCenter("us-central-1", "/bob/keys/x", ["/nonexistent"])  # type: ignore[arg-type]
