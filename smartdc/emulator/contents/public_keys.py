"""Public keys as arguments: the line of a ``.pub`` file, or its path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from smartdc._files import NoHomeError, NotRegularError, TooLargeError, expanded, read_small_file
from smartdc._secrets import is_key_text, shown
from smartdc.emulator.state.directory import KeyRefused, read_key

_LONGEST = 64 * 1024


def public_line(key: str | os.PathLike[str], directory: Path | None = None) -> str:
    """Return a public key as a line of OpenSSH.

    Args:
        key: The line, or the path of a file with the line.
        directory: The directory of a relative path; by default the current one.

    Raises:
        ValueError: `key` is neither.
    """
    if not isinstance(key, str | os.PathLike):
        raise ValueError(f"a public key is a line or a path, not {type(key).__name__}")
    if isinstance(key, str) and key.lstrip().startswith(("ssh-", "ecdsa-")):
        return _checked(key.strip(), "the public key")
    path = _path(key, directory)
    name = repr(shown(str(path)))
    try:
        text = read_small_file(path, _LONGEST).decode().strip()
    except (NotRegularError, TooLargeError) as error:
        raise ValueError(f"{name} {error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not the file of a public key") from None
    except OSError as error:
        raise ValueError(f"{name} cannot be read ({error.strerror})") from None
    if "PRIVATE KEY" in text:
        raise ValueError(f"{name} is a private key; use its .pub file")
    return _checked(text, name)


def public_lines(keys: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Return a list of public keys as lines of OpenSSH.

    Raises:
        ValueError: One of them is neither a key nor a file with one, or this is no list.
    """
    if not isinstance(keys, list | tuple):
        found = "one text" if isinstance(keys, str) else type(keys).__name__
        raise ValueError(f"keys must be a list of public keys, lines or paths, not {found}")
    return [public_line(key) for key in keys]


def _path(key: str | os.PathLike[str], directory: Path | None) -> Path:
    if is_key_text(os.fspath(key)):
        raise ValueError("the text is a private key, but a public key is needed")
    try:
        path = expanded(key)
    except NoHomeError as error:
        raise ValueError(str(error.strerror)) from None
    return path if directory is None else directory / path


def _checked(line: str, name: str) -> str:
    try:
        read_key(None, line)
    except KeyRefused as error:
        raise ValueError(f"{name} cannot be used: {error}") from None
    return line
