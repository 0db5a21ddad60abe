"""The commands ``sh`` and ``bash``, which run a script in a new shell."""

from __future__ import annotations

from smartdc.emulator.guest.inside import Login, Process, Source, lines_of
from smartdc.emulator.guest.refusals import Unsupported

__all__ = ["sh"]


def sh(process: Process) -> int:
    """Run a script: the text after ``-c``, a file, or standard input."""
    operands, letters = list(process.arguments), ""
    while operands and operands[0].startswith("-") and operands[0] != "-":
        letters += operands.pop(0)[1:]
    if not set(letters) <= set("ceus"):
        raise _refused(process)
    match "c" in letters, operands:
        case True, [text] if "s" not in letters:
            source = Source(lambda: text.encode(errors="surrogateescape"))
        case False, []:
            source = process.streams.input
        case False, [name] if name != "-" and "s" not in letters:
            source = _file(process, name)
        case _:
            raise _refused(process)
    if any(source.file is written for written in process.streams.written):
        raise Unsupported(f"{process.name} of the file that it writes to")
    return process.run(process.guest, _new_login(process.login, letters), lines_of(source), process.streams)


def _file(process: Process, name: str) -> Source:
    try:
        file = process.guest.files.read(process.path(name))
    except OSError:  # shells exit with different statuses
        raise Unsupported(f"{process.name} of a file that cannot be read") from None
    return Source(lambda: bytes(file), file)


def _new_login(login: Login, letters: str) -> Login:
    """The login of a new shell: it inherits the directory and the exported variables."""
    variables = {name: value for name, value in login.variables.items() if name in login.exported}
    return Login(login.user, login.directory, variables, set(variables), set(letters) & set("eu"))


def _refused(process: Process) -> Unsupported:
    return Unsupported(f"{process.name} {' '.join(process.arguments)[:40]}: these arguments")
