"""Every public method, each of its arguments of a wrong kind: a short SmartDCError and nothing else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from smartdc import DataCenter, Machine, SmartDCError
from tests.helpers.odd_values import ID
from tests.helpers.servers import Reply, StubServer

WRONG: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "true": lambda: True,
    "minus": lambda: -1,
    "nan": lambda: float("nan"),
    "huge": lambda: 10**400,
    "bytes": lambda: b"web\x00\xff",
    "list": lambda: [{"a": "x" * 1000}] * 100,
    "nested": lambda: [[["x"]]],
    "dict": lambda: {"a": {"b": ["x" * 5000]}},
    "odd keys": lambda: {None: 1, 5: 2},
    "set": lambda: {"a", 5},
    "object": object,
    "class": lambda: dict,
    "generator": lambda: (part for part in ("a", 5)),
    "long": lambda: "x" * 100_000,
    "control": lambda: "a\x1b[2J\r\nb\x00",
    "half": lambda: "a\ud800b",
    "empty": lambda: "",
}

# What else a call needs, by the argument's name.
FITTING: dict[str, Any] = {
    "accounts": ID,
    "action": "begin",
    "disk": ID,
    "expires": 300,
    "interval": 1,
    "ip": "10.0.0.1",
    "method": "GET",
    "name": "web",
    "nic": "90:b8:d0:00:00:01",
    "path": "/keys",
    "provision_end_ip": "10.0.0.9",
    "provision_start_ip": "10.0.0.2",
    "reserved": True,
    "resource": f"machines/{ID}",
    "roles": "ops",
    "size": 1024,
    "state": "running",
    "subnet": "10.0.0.0/24",
    "tag": "role",
    "vlan": 2,
    "vlan_id": 2,
}
# Connects to another place, or makes no request.
APART = ("close", "from_env", "from_profile", "profiles", "datacenter", "create_in_datacenter", "connect_vnc")
KEYWORDS = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def _parameters(cls: type, name: str) -> list[inspect.Parameter]:
    return list(inspect.signature(getattr(cls, name)).parameters.values())[1:]


ARGUMENTS = [
    (cls, name, parameter.name)
    for cls in (DataCenter, Machine)
    for name, member in inspect.getmembers(cls, callable)
    if not name.startswith("_") and name not in APART
    for parameter in _parameters(cls, name)
]


@pytest.fixture(scope="module")
def missing(_bare_module: None) -> Iterator[StubServer]:
    """A server that knows nothing."""
    with StubServer() as stub:
        stub.otherwise = Reply({"code": "ResourceNotFound", "message": "no"}, 404)
        yield stub


@pytest.fixture
def sdc(missing: StubServer, there: DataCenter) -> Iterator[DataCenter]:
    with DataCenter(missing.url, login="bob", retry="none", clock=there.clock) as sdc:
        sdc.auth = there.auth
        yield sdc


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("cls", "name", "argument"), ARGUMENTS, ids=lambda part: getattr(part, "__name__", part)
)
def test_an_argument_of_a_wrong_kind(sdc: DataCenter, cls: type, name: str, argument: str) -> None:
    for kind, make in WRONG.items():
        value = make()
        owner = sdc if cls is DataCenter else sdc.machine(ID, lazy=True)
        args, more = _call(cls, name, argument, value)
        told = f"{cls.__name__}.{name}({argument}={kind})"
        try:
            getattr(owner, name)(*args, **more)
        except SmartDCError as error:
            text = str(error)
            assert len(text) <= 300, f"{told}: {len(text)} characters: {text[:400]}"
            assert text.isprintable(), f"{told}: {text!r}"
        except Exception as error:
            raise AssertionError(f"{told}: {type(error).__name__}: {str(error)[:200]}") from error


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("argument", list(inspect.signature(DataCenter).parameters))
def test_an_argument_of_the_constructor_of_a_wrong_kind(missing: StubServer, argument: str) -> None:
    for kind, make in WRONG.items():
        told = f"DataCenter({argument}={kind})"
        try:
            with DataCenter(**{"location": missing.url, "retry": "none", argument: make()}) as sdc:
                sdc.account()
        except SmartDCError as error:
            text = str(error)
            assert len(text) <= 300, f"{told}: {len(text)} characters: {text[:400]}"
            assert text.isprintable(), f"{told}: {text!r}"
        except Exception as error:
            raise AssertionError(f"{told}: {type(error).__name__}: {str(error)[:200]}") from error


def _call(cls: type, name: str, wrong: str, value: Any) -> tuple[list[Any], dict[str, Any]]:
    """Arguments that fit but for one."""
    args: list[Any] = []
    more: dict[str, Any] = {}
    for parameter in _parameters(cls, name):
        given = value if parameter.name == wrong else FITTING.get(parameter.name, ID)
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            more |= {"x": given} if parameter.name == wrong else {}
        elif parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            if parameter.name == wrong or parameter.default is inspect.Parameter.empty:
                more[parameter.name] = given
        elif parameter.name == wrong or parameter.default is inspect.Parameter.empty:
            args.append(given)
        else:
            args.append(parameter.default)
    return args, more
