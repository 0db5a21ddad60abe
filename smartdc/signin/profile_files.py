"""The files of the ``triton`` command: where they are, how they are read and checked.

`profiles` chooses a profile and makes the arguments of `DataCenter` from it.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any, NoReturn

from smartdc._files import (
    NoHomeError,
    NotRegularError,
    TooLargeError,
    expanded,
    home_directory,
    read_small_file,
)
from smartdc._secrets import shown
from smartdc.errors import ConfigurationError

__all__ = [
    "REQUIRED_FIELDS",
    "config_directory",
    "configured_name",
    "profile_path",
    "profile_paths",
    "read_profile",
    "refuse_field",
]

REQUIRED_FIELDS = {
    "url": "the URL of the data center",
    "account": "the login of the account",
    "keyId": "the fingerprint of your key (ssh-keygen -l -f FILE prints it)",
}
"""The fields that a profile must have, with their meaning; all are text."""

_MAX_FILE = 1024 * 1024
_OPTIONAL = {"insecure": "true or false", "user": "text", "roles": "a list of texts", "actAsAccount": "text"}


def config_directory() -> Path:
    """Return the directory of triton's configuration: the first that is named, even if it is missing.

    Raises:
        NoHomeError: The directory is in the home directory, and there is none.
    """
    if directory := os.environ.get("TRITONTEST_CLI_CONFIG_DIR"):  # triton's own, for its tests
        return expanded(directory)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or home_directory(), "Joyent", "Triton")
    if parent := os.environ.get("XDG_CONFIG_HOME"):
        return Path(parent, "triton")
    return home_directory() / ".triton"


def configured_name() -> str | None:
    """Return the name of the current profile in ``config.json``; None if it names none."""
    try:
        path = config_directory() / "config.json"
        name = _read_object(path).get("profile")
    except (FileNotFoundError, NoHomeError):
        return None
    if name is not None and not isinstance(name, str):
        raise ConfigurationError(
            f'{path}: "profile" must be the name of a profile, not {_json_type(name)}; '
            "set it with: triton profile set-current NAME"
        )
    return name or None


def profile_paths() -> list[Path]:
    """Return the paths of the files whose names are those of profiles.

    Raises:
        ConfigurationError: The directory cannot be read.
    """
    try:
        directory = config_directory() / "profiles.d"
        names = os.listdir(directory)  # noqa: PTH208 - only the names are needed
    except (FileNotFoundError, NotADirectoryError, NoHomeError):
        return []
    except OSError as error:
        raise ConfigurationError(
            f"{directory} cannot be read ({error.strerror}); check its owner and mode, and HOME"
        ) from None
    # A file called ".json" has no suffix, and is not a profile.
    return [directory / name for name in sorted(names) if Path(name).suffix == ".json"]


def profile_path(name: str) -> Path:
    """Return the path of a profile's file, whether it exists or not.

    Raises:
        ConfigurationError: No file can have that name.
    """
    try:
        directory = config_directory() / "profiles.d"
    except NoHomeError as error:
        raise ConfigurationError(f"the profile {shown(name)!r} cannot be found: {error.strerror}") from None
    if re.search(r"[/\\\0]", name):
        raise ConfigurationError(
            f"{shown(name)!r} cannot be a profile: its file in {directory} cannot have this name"
        )
    return directory / f"{name}.json"


def read_profile(name: str) -> dict[str, Any]:
    """Read and check the fields of a profile.

    Raises:
        FileNotFoundError: There is no such file.
        ConfigurationError: The file cannot be read, or a field is not valid.
    """
    path = profile_path(name)
    fields = _read_object(path)
    if fields.pop("name", None):
        refuse_field(name, path, "name", "must not be in the file, whose name is the profile's; delete it")
    for field, meaning in REQUIRED_FIELDS.items():
        value = fields.get(field)
        if value is None or value == "":
            refuse_field(name, path, field, f"is missing; add {meaning}")
        if not isinstance(value, str):
            refuse_field(name, path, field, f"must be text, not {_json_type(value)}; give {meaning}")
    for field, expected in _OPTIONAL.items():
        value = fields.get(field)
        if value is not None and not _has_type(field, value):
            refuse_field(
                name, path, field, f"must be {expected}, {_wrong_type(field, value)}; correct or delete it"
            )
    for field in fields:
        if field not in REQUIRED_FIELDS and field not in _OPTIONAL:
            refuse_field(
                name, path, shown(field), "is not a field of profiles; delete it, or correct its spelling"
            )
    return fields


def refuse_field(name: str, source: str | Path, field: str, problem: str) -> NoReturn:
    """Raise the error about one field of a profile."""
    raise ConfigurationError(f'profile {name!r} ({source}): "{field}" {problem}')


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_small_file(path, _MAX_FILE).decode())
    except FileNotFoundError:
        raise
    except NotRegularError as error:
        raise ConfigurationError(f"{path} {error}; replace it with a regular file") from None
    except TooLargeError:
        raise ConfigurationError(f"{path} has more than {_MAX_FILE} bytes; rewrite it") from None
    except OSError as error:
        raise ConfigurationError(
            f"{shown(str(path))} cannot be read ({error.strerror}); check its owner and mode"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not JSON ({error}); correct it, or rewrite it") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} must hold a JSON object, not {_json_type(content)}; rewrite it")
    return content


def _has_type(field: str, value: Any) -> bool:
    if field == "insecure":
        return isinstance(value, bool)
    if field == "roles":
        return isinstance(value, list) and all(isinstance(role, str) for role in value)
    return isinstance(value, str)


def _wrong_type(field: str, value: Any) -> str:
    """Say which type a value has that it must not have; of a list, which type an entry has."""
    if field == "roles" and isinstance(value, list):
        return f"without {next(_json_type(entry) for entry in value if not isinstance(entry, str))}"
    return f"not {_json_type(value)}"


def _json_type(value: Any) -> str:
    """Return the type of a value; the value itself may be a key that was pasted there."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list"}
    return names.get(type(value), "an object")
