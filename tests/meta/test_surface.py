"""The house rules that a test can check in the code."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import smartdc
import smartdc.api
import smartdc.machine
from smartdc import DataCenter, LegacyDataCenter, Machine, Snapshot
from smartdc._http.connection import Connection
from smartdc.machine.endpoint import MachineEndpoint

PACKAGE = Path(smartdc.__file__).parent
TESTS = Path(__file__).parents[1]
# Modules that do something when they are imported.
PROGRAMS = ("__main__",)
# The modules that the areas of a machine use, and those that combine the areas.
NO_AREAS = {
    f"smartdc.machine.{name}"
    for name in ("endpoint", "fields", "host_keys", "machine", "ssh", "ssh_client", "ssh_options", "waits")
}
REQUESTS = {
    "_get",
    "_list",
    "_value",
    "_head",
    "_count",
    "_post",
    "_put",
    "_delete",
    "_answer",
    "_call",
    "_exchange",
    "request",
    "_open_websocket",
    "_open_lines",
}
VERB_AND_PATH = re.compile(r"``(GET|HEAD|POST|PUT|DELETE) /\S*``")


def modules(package: ModuleType) -> Iterator[ModuleType]:
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if found.name.rpartition(".")[2] not in PROGRAMS:
            yield importlib.import_module(found.name)


AREA_MODULES = [
    module
    for package in (smartdc.api, smartdc.machine)
    for module in modules(package)
    if module is not package and module.__name__ not in NO_AREAS
]


def areas(kind: type) -> list[type]:
    """The classes of operations that derive from `kind`, in smartdc/api and smartdc/machine."""
    return [
        value
        for module in AREA_MODULES
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, kind) and value.__module__ == module.__name__
    ]


ALL_MODULES = list(modules(smartdc))
AREAS = [*areas(Connection), *areas(MachineEndpoint)]
OBJECTS = [DataCenter, LegacyDataCenter, Machine, Snapshot]


def public(owner: type) -> list[str]:
    """Names of the methods and properties that a class defines itself."""
    kinds = (property, staticmethod, classmethod)
    return [
        name
        for name, value in vars(owner).items()
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, kinds))
    ]


def parsed(owner: type) -> ast.ClassDef:
    """The syntax tree of a class."""
    tree = ast.parse(Path(inspect.getfile(owner)).read_text(encoding="utf-8"))
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner.__name__)
    return found


def isort_style(name: str) -> tuple[int, str]:
    """Constants, classes, functions: the order that ruff's RUF022 keeps."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


@pytest.mark.parametrize("module", ALL_MODULES, ids=lambda module: module.__name__)
def test_all_is_sorted_unique_and_importable(module: ModuleType) -> None:
    names = getattr(module, "__all__", [])
    assert sorted(set(names), key=isort_style) == names
    for name in names:
        assert hasattr(module, name), name


def test_the_package_exports_all_that_is_public_in_it() -> None:
    here = {
        name
        for name, value in vars(smartdc).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    } - {"TYPE_CHECKING"}
    # A module that is used by its name, and names that are imported on first use.
    assert here | {"LegacyDataCenter", "Profile", "Table", "fleet"} == set(smartdc.__all__)
    assert set(smartdc.__all__) <= set(dir(smartdc))
    assert re.fullmatch(r"\d+\.\d+\.\d+(a|b|rc)?\d*", smartdc.__version__)


@pytest.mark.parametrize(("kind", "owner"), [(Connection, DataCenter), (MachineEndpoint, Machine)])
def test_a_public_name_is_defined_once(kind: type, owner: type) -> None:
    # The names of `kind` are not counted: areas may define what it leaves open.
    counted = Counter(name for area in [*areas(kind), owner] for name in public(area))
    assert [name for name, count in counted.items() if count > 1] == []
    assert set(areas(kind)) <= set(owner.__mro__), "an area that its object does not have"


def test_there_are_areas_and_each_module_is_one() -> None:
    assert Counter(area.__module__ for area in AREAS) == {module.__name__: 1 for module in AREA_MODULES}
    assert len(areas(Connection)) >= 15
    assert len(areas(MachineEndpoint)) >= 9


@pytest.mark.parametrize("module", AREA_MODULES, ids=lambda module: module.__name__)
def test_an_area_has_the_same_name_everywhere(module: ModuleType) -> None:
    _, room, area = module.__name__.split(".")
    places = [
        f"smartdc/emulator/operations/{area}.py",
        f"tests/contract/{area}.py",
        f"tests/{room}/test_{area}.py",
        f"docs/api/{area}.md",
    ]
    assert [place for place in places if not (PACKAGE.parent / place).exists()] == []


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.__name__)
def test_areas_hold_no_state_and_do_not_import_each_other(area: type) -> None:
    assert "__init__" not in vars(area)
    assert "__slots__" not in vars(area)
    tree = ast.parse(Path(inspect.getfile(area)).read_text(encoding="utf-8"))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            imported |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
    assert imported & {module.__name__ for module in AREA_MODULES} == set()


@pytest.mark.parametrize("owner", [*OBJECTS, *AREAS, Connection], ids=lambda owner: owner.__name__)
def test_everything_public_has_a_docstring(owner: type) -> None:
    for name in public(owner):
        text = inspect.getdoc(getattr(owner, name))
        assert text, name
        assert text.splitlines()[0].endswith((".", ":", ";")), f"{name}: the first line must be a sentence"
    assert inspect.getdoc(owner)


def requesting(owner: type) -> set[str]:
    """Names of the methods of a class that make a request, directly or through each other."""
    calls = {
        node.name: {
            part.attr  # called here, or passed on to be called
            for part in ast.walk(node)
            if isinstance(part, ast.Attribute)
            and isinstance(part.value, ast.Name) and part.value.id == "self"
        }
        for node in parsed(owner).body
        if isinstance(node, ast.FunctionDef)
    }  # fmt: skip
    found: set[str] = set()
    while True:
        more = {name for name, called in calls.items() if called & (REQUESTS | found)}
        if more <= found:
            return found
        found |= more


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.__name__)
def test_methods_that_make_requests_name_verb_and_path(area: type) -> None:
    asking = [name for name in requesting(area) if not name.startswith("_")]
    assert asking
    assert [name for name in asking if not VERB_AND_PATH.search(getattr(area, name).__doc__ or "")] == []


def test_every_public_method_is_used_by_a_test() -> None:
    # The rows of the contract are calls as well.
    files = {*TESTS.rglob("test_*.py"), *TESTS.glob("contract/*.py")} - {Path(__file__)}
    texts = [path.read_text(encoding="utf-8") for path in files]
    used = set(re.findall(r"\.(\w+)", "\n".join(texts)))
    # Tests go through getattr and methodcaller as well.
    used |= set(re.findall(r"[\"'](\w+)[\"']", "\n".join(texts)))
    names = {name for owner in [*OBJECTS, *AREAS, Connection] for name in public(owner)}
    assert sorted(names - used) == []


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_every_file_says_what_belongs_in_it(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_no_module_has_a_catch_all_name() -> None:
    # CONTRIBUTING.md, "Rules".
    assert not {"utils", "common", "helpers", "misc", "base"} & {path.stem for path in PACKAGE.rglob("*")}
