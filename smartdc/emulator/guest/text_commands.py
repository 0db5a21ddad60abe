"""Commands that read files, or standard input when they have no operands."""

from __future__ import annotations

import re
from collections.abc import Callable

from smartdc.emulator.guest.inside import Process
from smartdc.emulator.guest.options import options
from smartdc.emulator.guest.refusals import Unsupported

__all__ = ["cat", "grep", "head", "wc"]

_COUNTS: dict[str, Callable[[bytes], int]] = {
    "c": len,
    "l": lambda data: data.count(b"\n"),
    "w": lambda data: len(data.split()),
}
#: Special characters of basic and of extended regular expressions, which are refused.
_BASIC, _EXTENDED = "\\[*", "\\[*+?{|()"


def cat(process: Process) -> int:
    """Write files one after the other."""
    _, operands = options(process, "u")
    status = 0
    for name in operands or ["-"]:
        data = _read(process, name, "{name}: {error}")
        status |= data is None
        process.streams.out(data or b"")
    return int(status)


def head(process: Process) -> int:
    """Write the first lines."""
    first = process.arguments[:1]
    if first and first[0][:1] == "-" and first[0][1:].isascii() and first[0][1:].isdigit():
        process.arguments[:1] = ["-n", first[0][1:]]
    flags, operands = options(process, "", valued="n")
    count, *more = flags.get("n", ["10"])
    if more:
        raise Unsupported("head -n several times")
    if not (count.isascii() and count.isdigit()):
        raise Unsupported(f"head -n {count[:40]}")
    if len(operands) > 1:
        raise Unsupported("head of several files")
    data = _read(process, (operands or ["-"])[0], "cannot open '{name}' for reading: {error}")
    if data is None:
        return 1
    lines = data.split(b"\n")
    process.streams.out(
        data if len(lines) <= int(count) else b"".join(line + b"\n" for line in lines[: int(count)])
    )
    return 0


def wc(process: Process) -> int:
    """Count lines, words or bytes."""
    flags, operands = options(process, "clw")
    if len(flags) != 1 or len(operands) > 1:
        raise Unsupported("wc without exactly one of -c, -l, -w, or of several files")
    data = _read(process, (operands or ["-"])[0], "{name}: {error}")
    if data is None:
        return 1
    (letter,) = flags
    process.write(" ".join([str(_COUNTS[letter](data)), *operands]) + "\n")
    return 0


def grep(process: Process) -> int:
    """Write the lines that match a pattern."""
    flags, operands = options(process, "EFcinqvx", valued="e")
    if "e" not in flags:
        if not operands:
            process.complain("a pattern is missing")
            return 2
        flags["e"] = [operands.pop(0)]
    patterns = set("\n".join(flags["e"]).split("\n"))
    if patterns == {""} and "v" in flags and "x" not in flags:
        return 1  # GNU grep returns this without reading its input
    matches = _matcher(patterns, set(flags))
    has_match, status = False, 1
    for name in operands or ["-"]:
        data = _read(process, name, "{name}: {error}")
        if data is None:
            status = 2
            continue
        prefix = f"{name}:" if len(operands) > 1 else ""
        count = 0
        for number, line in enumerate(_lines(data), 1):
            if matches(line) == ("v" in flags):
                continue
            has_match, count = True, count + 1
            if "q" in flags:
                return 0
            if "c" not in flags:
                process.write(f"{prefix}{f'{number}:' if 'n' in flags else ''}{line}\n")
        if "c" in flags and "q" not in flags:
            process.write(f"{prefix}{count}\n")
    return 0 if has_match and status == 1 else status


def _lines(data: bytes) -> list[str]:
    """The lines of a text; other data are refused, because grep treats them differently."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Unsupported("grep in data that are not UTF-8") from None
    if "\0" in text:
        raise Unsupported("grep in data with NUL bytes")
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def _matcher(patterns: set[str], letters: set[str]) -> Callable[[str], bool]:
    """Return a function that tests whether a line matches any of the patterns, with these options of grep."""
    if {"E", "F"} <= letters:
        raise Unsupported("grep with several kinds of patterns")
    if "i" in letters and not all(pattern.isascii() for pattern in patterns):
        raise Unsupported("grep -i with letters that are not ASCII")
    special = _EXTENDED if "E" in letters else _BASIC
    every = [re.escape(pattern) if "F" in letters else _translated(pattern, special) for pattern in patterns]
    translated = "|".join(every)
    if "x" in letters:
        translated = rf"\A(?:{translated})\Z"
    return lambda line: bool(re.search(translated, line, re.ASCII | (re.IGNORECASE if "i" in letters else 0)))


def _translated(pattern: str, special: str) -> str:
    """Translate a pattern for Python: text, ``.``, ``^`` at the start, ``$`` at the end, escapes."""
    translated, rest = "", pattern
    if rest.startswith("^"):
        translated, rest = r"\A", rest[1:]
    ends = rest.endswith("$") and not rest.endswith("\\$")
    rest = rest[:-1] if ends else rest
    while rest:
        character, rest = rest[0], rest[1:]
        if character == "\\" and rest[:1] in tuple(".*[]^$\\/"):
            character, rest = rest[0], rest[1:]
            translated += re.escape(character)
        elif character in special or character in "^$":
            raise Unsupported(f"grep with {character} in a pattern; -F searches for it as text")
        else:
            translated += "." if character == "." else re.escape(character)
    return translated + (r"\Z" if ends else "")


def _read(process: Process, name: str, complaint: str) -> bytes | None:
    """Read a file, or standard input for ``-``; complain and return None when that fails."""
    streams = process.streams
    try:
        if name == "-":
            file = streams.input.file
            data = streams.input.read()
        else:
            file = process.guest.files.read(process.path(name))
            data = bytes(file)
    except OSError as error:
        if isinstance(error, IsADirectoryError) and process.name == "grep":
            raise Unsupported("grep of a directory") from None
        process.complain(complaint.format(name=name, error=error.strerror))
        return None
    always = name != "-" or process.name == "grep"
    if (data or always) and any(file is written for written in streams.written):
        raise Unsupported(f"{process.name} of the file that it writes to")
    return data
