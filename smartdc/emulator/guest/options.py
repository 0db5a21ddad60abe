"""The options of the commands of an emulated machine."""

from __future__ import annotations

from smartdc.emulator.guest.inside import Process
from smartdc.emulator.guest.refusals import Unsupported

__all__ = ["options"]


def options(process: Process, known: str, valued: str = "") -> tuple[dict[str, list[str]], list[str]]:
    """Split the arguments of a command into options and operands; options may follow operands.

    Args:
        process: The command.
        known: The letters of its options without a value.
        valued: The letters of its options with a value.

    Returns:
        By option, its values, one for each time that it occurs; and the operands.

    Raises:
        Unsupported: The arguments have another option.
    """
    found: dict[str, list[str]] = {}
    operands: list[str] = []
    rest = list(process.arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            operands += rest
            break
        if not argument.startswith("-") or argument == "-":
            operands.append(argument)
            continue
        letters = argument[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in valued and (letters or rest):
                found.setdefault(letter, []).append(letters or rest.pop(0))
                break
            if letter not in known:
                raise Unsupported(f"{process.name} {argument[:40]}: this option")
            found[letter] = []
    return found, operands
