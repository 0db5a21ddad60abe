"""The programs of an emulated machine by name, and where a shell finds them."""

from __future__ import annotations

from collections.abc import Callable

from smartdc.emulator.guest import file_commands as listing
from smartdc.emulator.guest import metadata
from smartdc.emulator.guest import session_commands as session
from smartdc.emulator.guest import text_commands as filters
from smartdc.emulator.guest.conditions import test
from smartdc.emulator.guest.inside import Process
from smartdc.emulator.guest.sh import sh

__all__ = ["BUILT_IN", "SPECIAL", "find"]

Program = Callable[[Process], int | None]

#: POSIX's special built-in commands: their failures end a script, and variables set before them stay.
SPECIAL = frozenset({":", "exit", "export", "set", "unset"})

BUILT_IN: dict[str, Program] = {
    ":": lambda process: 0,
    "[": test,
    "cd": session.cd,
    "echo": session.echo,
    "exit": session.exit_,
    "export": session.export,
    "false": lambda process: 1,
    "printf": session.printf,
    "pwd": session.pwd,
    "set": session.set_,
    "test": test,
    "true": lambda process: 0,
    "unset": session.unset,
}
_PROGRAMS: dict[str, Program] = {
    "[": test,
    "bash": sh,
    "cat": filters.cat,
    "echo": session.echo,
    "env": session.env,
    "false": lambda process: 1,
    "grep": filters.grep,
    "head": filters.head,
    "hostname": session.hostname,
    "ls": listing.ls,
    "mdata-delete": metadata.mdata_delete,
    "mdata-get": metadata.mdata_get,
    "mdata-list": metadata.mdata_list,
    "mdata-put": metadata.mdata_put,
    "mkdir": listing.mkdir,
    "pkgin": session.pkgin,
    "printf": session.printf,
    "pwd": session.pwd,
    "rm": listing.rm,
    "sh": sh,
    "test": test,
    "touch": listing.touch,
    "true": lambda process: 0,
    "uname": session.uname,
    "wc": filters.wc,
    "whoami": session.whoami,
}
_DIRECTORIES = frozenset({"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/opt/local/bin", "/opt/local/sbin"})


def find(name: str, path: str) -> Program | None:
    """Return the program of this name or path.

    Args:
        name: The name or path in the script.
        path: The value of the variable PATH.
    """
    directory, slash, program = name.rpartition("/")
    if slash:
        return _PROGRAMS.get(program) if directory in _DIRECTORIES else None
    if name in BUILT_IN:
        return BUILT_IN[name]
    return _PROGRAMS.get(name) if _DIRECTORIES & set(path.split(":")) else None
