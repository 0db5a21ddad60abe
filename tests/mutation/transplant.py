"""Changes a module in place: existing references to its functions, classes and values see the change."""

from __future__ import annotations

import functools
import re
import sys
from types import CellType, FunctionType, ModuleType
from typing import Any

__all__ = ["transplant"]

_PLAIN = (int, float, str, bytes, tuple, list, set, frozenset, dict, re.Pattern, type(None))
_UNCHANGED = object()


def transplant(module: ModuleType, source: str) -> None:
    """Change the module, and all references to it in this process, to what this source defines.

    Args:
        module: A loaded module; other modules may have imported parts of it.
        source: The changed source.

    Raises:
        Exception: Any error that the changed source raises.
    """
    changed = ModuleType(module.__name__)
    vars(changed).update({name: vars(module)[name] for name in ("__file__", "__package__", "__spec__")})
    exec(compile(source, str(module.__file__), "exec"), vars(changed))  # noqa: S102 - a mutant of our own
    users = [vars(each) for name, each in list(sys.modules.items()) if name.partition(".")[0] == "smartdc"]
    for name, new in list(vars(changed).items()):
        if name.startswith("__") or name not in vars(module):
            continue
        old = vars(module)[name]
        value = _taken(old, new, module.__name__, set())
        if value is not _UNCHANGED:
            for namespace in users:
                if namespace.get(name, _UNCHANGED) is old:
                    namespace[name] = value


def _taken(old: Any, new: Any, module: str, seen: set[int]) -> Any:
    """Change `old` in place; return its replacement if that is not possible."""
    if old is new or id(old) in seen:
        return _UNCHANGED
    seen.add(id(old))
    if type(old) is not type(new):
        if _is_of_this_module(old, new, module):
            _take_values(vars(old), vars(new), module, seen)
        return _UNCHANGED
    if isinstance(old, FunctionType):
        _take_function(old, new, module, seen)
    elif isinstance(old, type):
        if old.__module__ == module:
            _take_class(old, new, module, seen)
    elif isinstance(old, staticmethod | classmethod):
        _taken(old.__func__, new.__func__, module, seen)
    elif isinstance(old, property):
        for name in ("fget", "fset"):
            _taken(getattr(old, name), getattr(new, name), module, seen)
    elif isinstance(old, functools.cached_property | functools.partial):
        _taken(old.func, new.func, module, seen)
    elif hasattr(old, "cache_clear"):
        _taken(old.__wrapped__, new.__wrapped__, module, seen)
        old.cache_clear()
    elif isinstance(old, dict) and old.keys() == new.keys():
        for key, value in old.items():
            other = _taken(value, new[key], module, seen)
            if other is not _UNCHANGED:
                old[key] = other
    elif isinstance(old, _PLAIN):
        return new
    return _UNCHANGED


def _is_of_this_module(old: Any, new: Any, module: str) -> bool:
    """Whether both are objects of one class of the module, which was made again for the new one."""
    kinds = type(old), type(new)
    return (
        all(kind.__module__ == module for kind in kinds)
        and kinds[0].__qualname__ == kinds[1].__qualname__
        and hasattr(old, "__dict__")
    )


def _take_values(old: dict[str, Any], new: dict[str, Any], module: str, seen: set[int]) -> None:
    for name in old.keys() - new.keys():
        del old[name]
    for name, value in new.items():
        other = _taken(old[name], value, module, seen) if name in old else value
        if other is not _UNCHANGED:
            old[name] = other


def _take_function(old: FunctionType, new: FunctionType, module: str, seen: set[int]) -> None:
    old.__code__ = new.__code__
    old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__
    for cell, other in zip(old.__closure__ or (), new.__closure__ or (), strict=True):
        _take_cell(cell, other, module, seen)


def _take_cell(cell: CellType, other: CellType, module: str, seen: set[int]) -> None:
    try:
        value = _taken(cell.cell_contents, other.cell_contents, module, seen)
    except ValueError:  # it is empty
        return
    if value is not _UNCHANGED:
        cell.cell_contents = value


def _take_class(old: type, new: type, module: str, seen: set[int]) -> None:
    for name, value in list(vars(new).items()):
        if name in ("__dict__", "__weakref__", "__doc__", "__module__", "__slots__", "__annotations__"):
            continue
        if name not in vars(old):
            setattr(old, name, value)
            continue
        other = _taken(vars(old)[name], value, module, seen)
        if other is not _UNCHANGED:
            setattr(old, name, other)
    for name in set(vars(old)) - set(vars(new)):
        if not name.startswith("_abc"):
            delattr(old, name)
