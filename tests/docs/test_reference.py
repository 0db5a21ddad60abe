"""The reference in the built documentation has every public name once, as people type it."""

from __future__ import annotations

import importlib
import inspect
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import pytest

# docs/stability.md says what is public: what these modules list, and what such classes can do.
MODULES = (
    "smartdc",
    "smartdc.errors",
    "smartdc.fleet",
    "smartdc.types",
    "smartdc.http_signature",
    "smartdc.emulator",
    "smartdc.emulator.faults",
)
# The emulator's parts call each other by names without an underscore: of what it holds the fields are public,
# and of these classes all but the following.
FIELDS_ONLY = {"VM", "Call", "Clock", "Image", "Key", "Network", "Package"}
INSIDE = {
    "smartdc.emulator.Emulator": "lock renew switches ticking",
    "smartdc.emulator.Site": "add_vm default_networks free_uuid network new_nic new_uuid new_vm nic nics_of "
    "owner pick_server release restore settle stable_uuid start_job unsettled_machines",
    "smartdc.emulator.faults.Delay": "wait",
    "smartdc.emulator.faults.Fault": "answer logged",
    "smartdc.emulator.faults.Faults": "choose copy",
}
# Of two classes each, which have no public base.
OF_TWO = {"exists", "add_key", "find_key"}


@pytest.fixture(scope="module")
def inventory(built: Path) -> list[str]:
    """The names of Python objects that other projects can refer to, without those that are aliases."""
    packed = (built / "objects.inv").read_bytes().split(b"\n", 4)[4]
    lines = [line.split(" ") for line in zlib.decompress(packed).decode().splitlines()]
    return [name for name, kind, priority, *_ in lines if kind.startswith("py:") and priority != "-1"]


def public() -> Iterator[str]:
    """Each public name, by the first of the modules that has it."""
    exported: dict[str, object] = {}
    for module in MODULES:
        for name in importlib.import_module(module).__all__:
            value = getattr(importlib.import_module(module), name)
            if not any(value is known and inspect.isclass(value) for known in exported.values()):
                exported[f"{module}.{name}"] = value
    classes = {name: value for name, value in exported.items() if inspect.isclass(value)}
    yield from exported
    for path, value in classes.items():
        module, _, kind = path.rpartition(".")
        if module == "smartdc.types" or (module == "smartdc.emulator" and kind in FIELDS_ONLY):
            continue
        names = set(dir(value)).difference(INSIDE.get(path, "").split())
        for base in value.__mro__[1:]:
            if base in classes.values() or not base.__module__.startswith("smartdc"):
                names.difference_update(dir(base))  # described there
        for name in names:
            member = inspect.getattr_static(value, name)
            if not name.startswith("_") and (inspect.isroutine(member) or isinstance(member, property)):
                yield f"{path}.{name}"


def test_every_public_name_is_there(inventory: list[str], record_count: Callable[[str, int], None]) -> None:
    names = set(public())
    record_count("public names in the reference", len(names))
    assert {"smartdc.DataCenter.create_machine", "smartdc.Machine.stop", "smartdc.fleet.run"} <= names
    assert {"smartdc.Table", "smartdc.emulator.Emulator.site", "smartdc.emulator.Site.add_machine"} <= names
    assert sorted(names - set(inventory)) == []


def test_no_private_module_is_named_in_it(inventory: list[str], built: Path) -> None:
    """docs/stability.md says that names with an underscore are not public."""
    assert [name for name in inventory if re.match(r"smartdc\.(\w+\.)*_[a-z]", name)] == []
    pages = list(built.rglob("*.html"))
    linked = {
        name for page in pages for name in re.findall(r'title="(smartdc\._[a-z][^"]*)"', page.read_text())
    }
    assert pages
    assert linked == set()


def test_none_is_there_twice(inventory: list[str]) -> None:
    functions: Counter[object] = Counter()
    for path in inventory:
        value = described(path)
        if inspect.isfunction(value) and value.__name__ not in OF_TWO:
            functions[value] += 1
    assert len(functions) > 200
    assert [value for value, count in functions.items() if count > 1] == []
    # Nobody needs to know in which modules DataCenter and Machine are written.
    places = re.compile(r"smartdc\.(api|machine|_(?!http\.waiting\.Clock\b)\w+)\.")
    assert [path for path in inventory if places.match(path)] == []


def described(path: str) -> object:
    """What an entry of the inventory describes; None for an attribute that objects get when they are made."""
    parts = path.split(".")
    value: object = importlib.import_module(parts[0])
    for count, name in enumerate(parts[1:], start=2):
        if inspect.ismodule(value) and not hasattr(value, name):
            value = importlib.import_module(".".join(parts[:count]))
        else:
            value = getattr(value, name, None)
    return inspect.unwrap(getattr(value, "__func__", value)) if callable(value) else value


@pytest.mark.parametrize(
    ("page", "name", "shown"),
    [
        ("api/machines", "smartdc.DataCenter.create_machine", "DataCenter.create_machine("),
        ("api/lifecycle", "smartdc.Machine.stop", "Machine.stop("),
        ("api/datacenter", "smartdc.DataCenter.login", "DataCenter.login"),
        ("fleets", "smartdc.fleet.run", "fleet.run("),
        ("api/errors", "smartdc.NotFoundError", "exception NotFoundError("),
        ("emulator-reference", "smartdc.emulator.Emulator", "class Emulator("),
    ],
)
def test_headings_show_what_people_type(built: Path, page: str, name: str, shown: str) -> None:
    text = (built / f"{page}.html").read_text(encoding="utf-8")
    heading = re.search(rf'<dt class="sig[^>]* id="{re.escape(name)}">(.*?)</dt>', text, re.DOTALL)
    assert heading, name
    assert unescape(re.sub(r"<[^>]*>", "", heading[1])).strip().startswith(shown)
