"""Boot scripts: read from the files that the caller names."""

from __future__ import annotations

import os

from smartdc._files import NotRegularError, TooLargeError, expanded, read_small_file
from smartdc._secrets import shown
from smartdc.errors import ConfigurationError

__all__ = ["script_text"]

_MAX_FILE = 100_000  # a larger body is refused (docs/cloudapi/requests.md#body-limit)


def script_text(path: str | os.PathLike[str]) -> str:
    """Read the text of a script.

    Raises:
        ConfigurationError: It is not the path of a text file of at most 100,000 bytes.
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise ConfigurationError(
            f"a boot script is given as the path of its file, not as {type(path).__name__}"
        )
    try:
        return read_small_file(expanded(path), _MAX_FILE).decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        problem = "is not UTF-8; convert it"
    except NotRegularError as error:
        problem = f"{error}; give the path of the script itself"
    except TooLargeError:
        problem = f"has more than the {_MAX_FILE} bytes that the server takes; let the script fetch the rest"
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); give the path of the script, not its text"
    except ValueError:  # the path has a NUL
        problem = "cannot be read; give the path of the script, not its text"
    raise ConfigurationError(f"the boot script {shown(os.fspath(path))!r} {problem}")
