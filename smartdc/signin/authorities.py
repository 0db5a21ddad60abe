"""Certificate authorities to trust: the argument `verify` where it is a path."""

from __future__ import annotations

from os import PathLike, fsdecode

from smartdc._files import expanded
from smartdc._secrets import may_be_secret, shown
from smartdc.errors import ConfigurationError

__all__ = ["authorities_path"]


def authorities_path(verify: str | PathLike[str]) -> str:
    """Return the path of a file of authorities; refuse the text of a certificate or a key."""
    if not isinstance(verify, str | PathLike):
        kind = type(verify).__name__
        raise ConfigurationError(f"verify is True, False or the path of a file of certificates, not {kind}")
    try:
        path = expanded(fsdecode(verify))
        is_other_text = verify == "" or (may_be_secret(str(verify)) and not path.exists())
        problem = "is not the path of a file" if is_other_text else None
    except OSError as error:  # no home directory, or a name that no file can have
        problem = f"cannot be found: {error.strerror}"
    except ValueError:  # the path has a NUL
        problem = "is not the path of a file"
    if problem is not None:
        raise ConfigurationError(
            f"verify={shown(str(verify))!r} {problem}; give the path of a file of certificates"
        )
    return str(path)
