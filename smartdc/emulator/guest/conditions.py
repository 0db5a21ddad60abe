"""``test``, also called ``[``: conditions about files, texts and numbers.

https://pubs.opengroup.org/onlinepubs/9699919799/utilities/test.html has the rules, which depend on the number
of arguments.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

from smartdc.emulator.guest.filesystem import FileSystem
from smartdc.emulator.guest.inside import Process
from smartdc.emulator.guest.refusals import Unsupported

__all__ = ["test"]

_OF_FILES: dict[str, Callable[[FileSystem, str], bool]] = {
    "-d": FileSystem.is_directory,
    "-e": FileSystem.exists,
    "-f": FileSystem.is_file,
    "-s": lambda files, path: bool(files.is_directory(path) or (files.is_file(path) and files.read(path))),
}
_OF_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": operator.eq,
    "-ge": operator.ge,
    "-gt": operator.gt,
    "-le": operator.le,
    "-lt": operator.lt,
    "-ne": operator.ne,
}
_BINARY = ("=", "!=", *_OF_NUMBERS)
_KNOWN = {"-n", "-z", *_OF_FILES, *_OF_NUMBERS}


class _NotANumber(Exception):
    """An argument should be a number and is not."""


def test(process: Process) -> int:
    """Return 0 when the condition holds, 1 when it does not, 2 for an error."""
    arguments = process.arguments
    if process.name == "[":
        if arguments[-1:] != ["]"]:
            process.complain("missing ]")
            return 2
        arguments = arguments[:-1]
    try:
        return int(not _holds(process, arguments))
    except _NotANumber as problem:
        process.complain(f"Illegal number: {problem}")
        return 2


def _holds(process: Process, arguments: list[str]) -> bool:
    match arguments:
        case []:
            return False
        case [text]:
            return text != ""
        case [left, kind, right] if kind in _BINARY:
            return _compare(left, kind, right)
        case ["!", *rest] if len(rest) < 4:
            return not _holds(process, rest)
        case ["-n" | "-z" as kind, text]:
            return (text == "") == (kind == "-z")
        case [kind, name] if kind in _OF_FILES:
            try:
                return _OF_FILES[kind](process.guest.files, process.path(name))
            except OSError:
                return False
        case _:
            unknown = [kind for kind in arguments if kind.startswith("-") and kind not in _KNOWN]
            raise Unsupported(f"test {unknown[0][:20] if unknown else 'of this'}: this condition")


def _compare(left: str, kind: str, right: str) -> bool:
    if kind in _OF_NUMBERS:
        return _OF_NUMBERS[kind](_number(left), _number(right))
    return (left == right) == (kind == "=")


def _number(text: str) -> int:
    stripped = text.strip(" \t\n")
    digits = stripped.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise _NotANumber(text[:40])
    return int(stripped)
