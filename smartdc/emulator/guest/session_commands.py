"""Commands about the login: its directory, its variables, its output, and the names of user and machine."""

from __future__ import annotations

from smartdc.emulator.guest.inside import Process
from smartdc.emulator.guest.options import options
from smartdc.emulator.guest.refusals import Exit, Unsupported
from smartdc.emulator.guest.words import is_name

__all__ = [
    "cd",
    "echo",
    "env",
    "exit_",
    "export",
    "hostname",
    "pkgin",
    "printf",
    "pwd",
    "set_",
    "uname",
    "unset",
    "whoami",
]

_PACKAGES = {
    "bash-5.2.15": "The GNU Bourne Again Shell",
    "curl-8.4.0": "Client that groks URLs",
    "openssl-3.1.4": "Secure Socket Layer and cryptographic library",
    "pkgin-23.8.1": "Apt / yum like tool for managing pkgsrc binary packages",
}
_ESCAPES = {"\\": "\\", "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def cd(process: Process) -> int:
    """Change the directory."""
    login, files = process.login, process.guest.files
    if len(process.arguments) > 1 or process.arguments[:1] in ([""], ["-"]):
        raise Unsupported("cd with several arguments, an empty one, or -")
    _, operands = options(process, "")
    name = operands[0] if operands else login.variables.get("HOME", "")
    if not name or name.startswith("//"):
        raise Unsupported("cd without HOME, or to //")
    try:
        path = process.path(name)
        if not files.is_directory(path):
            files.read(path)
            process.complain(f"{name}: Not a directory")
            return 2
    except OSError as error:
        if ".." in name.split("/"):  # some shells check only the resulting path
            raise Unsupported("cd through .. where there is no directory") from None
        process.complain(f"{name}: {error.strerror}")
        return 2
    login.variables["OLDPWD"], login.directory = login.directory, path
    login.variables["PWD"] = path
    return 0


def pwd(process: Process) -> None:
    """Write the current directory."""
    if process.arguments:
        raise Unsupported("pwd with arguments")
    process.write(f"{process.login.directory}\n")


def echo(process: Process) -> None:
    """Write the arguments; backslashes and options but ``-n`` are refused, because shells differ in them."""
    arguments = process.arguments
    ends = arguments[:1] != ["-n"]
    rest = arguments if ends else arguments[1:]
    if any("\\" in argument for argument in rest):
        raise Unsupported("echo of a backslash; printf writes one")
    if any(
        len(argument) > 1 and argument[0] == "-" and set(argument[1:]) <= set("neE") for argument in rest[:1]
    ):
        raise Unsupported(f"echo {rest[0][:40]}: this option")
    process.write(" ".join(rest) + ("\n" if ends else ""))


def printf(process: Process) -> None:
    """Write a format with ``%s`` and ``%d``, and repeat it until all arguments are used."""
    if not process.arguments or process.arguments[0].startswith("-"):
        raise Unsupported("printf without a format, or with options")
    pieces = _pieces(process.arguments[0])
    rest = process.arguments[1:]
    written = ""
    while True:
        used = False
        for kind, text in pieces:
            if kind == "text":
                written += text
            else:
                used = True
                argument = rest.pop(0) if rest else ""
                written += argument if kind == "s" else _number(argument)
        if not rest or not used:
            break
    process.write(written)


def _pieces(template: str) -> list[tuple[str, str]]:
    pieces: list[tuple[str, str]] = []
    rest = template
    while rest:
        character, following, after = rest[0], rest[1:2], rest[2:]
        if character == "%" and following and following in "sd":
            pieces.append((following, ""))
            rest = after
        elif character == "%" and following == "%":
            pieces.append(("text", "%"))
            rest = after
        elif character == "\\" and following in _ESCAPES:
            pieces.append(("text", _ESCAPES[following]))
            rest = after
        elif character in "%\\":
            raise Unsupported(f"printf with {character}{following}")
        else:
            pieces.append(("text", character))
            rest = rest[1:]
    return pieces


def _number(text: str) -> str:
    digits = text.removeprefix("-")
    if text and (
        not digits.isascii() or not digits.isdigit() or len(digits) > 18 or digits[0] == "0" != digits
    ):
        raise Unsupported("printf %d of text that is not a plain number")
    return str(int(text or "0"))


def exit_(process: Process) -> int:
    """End the script."""
    if len(process.arguments) > 1:
        raise Unsupported("exit with several arguments")
    if not process.arguments:
        raise Exit(process.login.status)
    status = process.arguments[0]
    if not (status.isascii() and status.isdigit()):
        process.complain(f"Illegal number: {status[:40]}")
        raise Exit(2)
    raise Exit(int(status) % 256)


def export(process: Process) -> None:
    """Export variables to programs."""
    if not process.arguments or process.arguments[0].startswith("-"):
        raise Unsupported("export without names, or with options")
    for argument in process.arguments:
        name, equals, value = argument.partition("=")
        _check_name(process, name)
        if value.startswith("~") or ":~" in value:
            raise Unsupported("export with ~")
        if equals:
            process.login.set(name, value)
        process.login.exported.add(name)


def unset(process: Process) -> None:
    """Forget variables."""
    for name in process.arguments:
        if name.startswith("-") or name == "HOME":
            raise Unsupported(f"unset {name[:40]}")
        _check_name(process, name)
        process.login.variables.pop(name, None)
        process.login.exported.discard(name)


def set_(process: Process) -> None:
    """Switch ``-e`` and ``-u`` on or off."""
    options = process.login.options
    for argument in process.arguments or [""]:
        if argument[:1] not in ("-", "+") or not argument[1:] or not set(argument[1:]) <= set("eu"):
            raise Unsupported(f"set {argument[:40]}: this option")
    for argument in process.arguments:
        change = options.update if argument[0] == "-" else options.difference_update
        change(argument[1:])


def env(process: Process) -> None:
    """Write the exported variables."""
    if process.arguments:
        raise Unsupported("env with arguments")
    login = process.login
    for name, value in login.variables.items():
        if name in login.exported:
            process.write(f"{name}={value}\n")


def hostname(process: Process) -> None:
    """Write the machine's name."""
    if process.arguments:
        raise Unsupported("hostname with arguments")
    process.write(f"{process.guest.hostname}\n")


def uname(process: Process) -> None:
    """Write the system's name, or with ``-n`` the machine's."""
    if process.arguments not in ([], ["-s"], ["-n"]):
        raise Unsupported("uname with options other than -n or -s")
    process.write(f"{process.guest.hostname if '-n' in process.arguments else 'SunOS'}\n")


def whoami(process: Process) -> None:
    """Write the user's name."""
    if process.arguments:
        raise Unsupported("whoami with arguments")
    process.write(f"{process.login.user}\n")


def pkgin(process: Process) -> None:
    """List a few packages."""
    if process.arguments not in (["ls"], ["list"]):
        raise Unsupported("pkgin with anything but ls")
    process.write("".join(f"{name:<20} {about}\n" for name, about in _PACKAGES.items()))


def _check_name(process: Process, name: str) -> None:
    if not is_name(name):
        process.complain(f"{name[:40]}: bad variable name")
        raise Exit(2)
