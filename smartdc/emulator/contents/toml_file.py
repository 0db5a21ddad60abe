"""TOML files that users write for the emulator: checks of their fields, and errors with the line."""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, Protocol

from smartdc._files import NotRegularError, TooLargeError, read_small_file
from smartdc.emulator.state.kinds import Kind

Place = tuple[str | int, ...]
"""The path of a field: ``("datacenters", 0, "name")``."""

#: An integer with more digits than Python converts.
_LONG_INTEGER = re.compile(r"[0-9_]{4301}")
_MAX_FILE = 16 * 1024 * 1024


class Source(Protocol):
    """The file or object that a table is part of."""

    def refuse(self, place: Place, problem: str) -> NoReturn:
        """Raise the error about a field."""


class JsonObject:
    """The content of such a file, sent as a JSON object.

    Args:
        content: The object.
    """

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content

    @property
    def table(self) -> Table:
        """The whole object."""
        return Table(self, self._content, ())

    def refuse(self, place: Place, problem: str) -> NoReturn:
        """Raise the error about a field."""
        raise ValueError(f"{_written(place, 'the object')} {problem}")


class TomlFile:
    """A TOML file.

    Args:
        path: The file's path.
        data: The file's content, if it has been read already.

    Raises:
        ValueError: The file cannot be read, or is not TOML; the message has path and line.
    """

    def __init__(self, path: str | os.PathLike[str], data: bytes | None = None) -> None:
        if not isinstance(path, str | os.PathLike):
            raise ValueError(f"path is the path of a TOML file, not {type(path).__name__}")
        if not os.fspath(path):
            raise ValueError("path is the path of a TOML file; it cannot be empty")
        self.path: Path = Path(path)
        content = data or b""
        try:
            if data is None:
                content = read_small_file(self.path, _MAX_FILE)
            self._lines = content.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
            self.content: dict[str, Any] = tomllib.loads("\n".join(self._lines))
        except (NotRegularError, TooLargeError) as error:
            raise ValueError(f"{self.path}: cannot be read: {error}") from None
        except OSError as error:
            raise ValueError(f"{self.path}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise ValueError(f"{self.path}:{line}: is not UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"at line (\d+)", str(error))  # or "at end of document"
            line = int(place[1]) if place else len(self._lines)
            raise ValueError(f"{self.path}:{line}: is not TOML: {error}") from None
        except ValueError as error:  # an integer that Python does not read
            numbers = (line for line, text in enumerate(self._lines, 1) if _LONG_INTEGER.search(text))
            raise ValueError(f"{self.path}:{next(numbers, 1)}: has a number that is too long") from error
        except RecursionError:
            raise ValueError(f"{self.path}: is nested too deeply") from None

    @property
    def table(self) -> Table:
        """The whole file."""
        return Table(self, self.content, ())

    def refuse(self, place: Place, problem: str) -> NoReturn:
        """Raise the error about a field."""
        raise ValueError(f"{self.path}:{self._line_of(place)}: {_written(place)} {problem}")

    def _line_of(self, place: Place) -> int:
        """The line where a field begins, which tomllib does not report.

        It finds the largest number of first lines that parse and do not have the field: the field is in
        the next line. First lines that do not parse end in the middle of a value.
        """
        without, within = 0, len(self._lines)
        while within - without > 1:
            middle = (without + within) // 2
            if self._has(middle, place):
                within = middle
            else:
                without = middle
        while without and self._read(without) is None:
            without -= 1
        return without + 1

    def _has(self, count: int, place: Place) -> bool:
        """Whether the first lines have the field, as far as they can be parsed."""
        while (found := self._read(count)) is None:
            count -= 1
        for step in place:
            try:
                found = found[step]
            except (KeyError, IndexError, TypeError):
                return False
        return True

    def _read(self, count: int) -> Any:
        try:
            return tomllib.loads("\n".join(self._lines[:count]))
        except tomllib.TOMLDecodeError:
            return None


class Table:
    """A table of the file, and its place."""

    def __init__(self, file: Source, content: dict[str, Any], place: Place) -> None:
        self._file = file
        self._content = content
        self._place = place

    def fields(self, kinds: Mapping[str, Kind], required: Iterable[str] = ()) -> dict[str, Any]:
        """Check the fields and return them.

        Args:
            kinds: The fields that the table may have, and their kinds.
            required: The fields that it must have.

        Raises:
            ValueError: A field is unknown, of another kind, or missing.
        """
        for name, value in self._content.items():
            if name not in kinds:
                near = get_close_matches(name, kinds, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(kinds)}"
                self.refuse(name, f"is not known; {hint}")
            path = _path_to_non_finite(value)
            if path is not None:
                self._file.refuse((*self._place, name, *path), "must be a finite number")
            problem = kinds[name].problem(value)
            if problem is not None:
                self.refuse(name, problem)
        for name in required:
            if name not in self._content:
                self.refuse(None, f"needs {name}")
        return dict(self._content)

    def get(self, name: str) -> Any:
        """The value of a field; None if the table does not have it."""
        return self._content.get(name)

    def tables(self, name: str) -> list[Table]:
        """The tables in a field that `fields` has checked to be a list of tables."""
        return [
            Table(self._file, content, (*self._place, name, number))
            for number, content in enumerate(self._content.get(name, ()))
        ]

    def refuse(self, name: str | None, problem: str) -> NoReturn:
        """Raise the error about one of its fields, or about the whole table."""
        has_field = name is not None and name in self._content
        place = (*self._place, name) if name is not None and has_field else self._place
        self._file.refuse(place, problem if name is None or has_field else f"{name} {problem}")


def _path_to_non_finite(value: Any) -> Place | None:
    """The path of the first NaN or infinity in a value; None if there is none."""
    if isinstance(value, float):
        return None if math.isfinite(value) else ()
    steps: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        steps = value.items()
    elif isinstance(value, list):
        steps = enumerate(value)
    for step, inner in steps:
        path = _path_to_non_finite(inner)
        if path is not None:
            return (step, *path)
    return None


def _written(place: Place, whole: str = "the file") -> str:
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return written.removeprefix(".") or whole
