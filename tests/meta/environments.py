"""Virtual environments with the wheel of smartdc, pytest, and the extras that a test names."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterable
from functools import cache
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def linked(folder: Path, wheel: Path, extras: Iterable[str], more: Iterable[str] = ()) -> Path:
    """Make an environment in 0.1 s: its packages are links into the environment of this process.

    smartdc itself is unpacked once, and so compiled once.

    It has the distributions that pip would install with these extras and `more`, and no other, with their
    metadata and entry points.

    Returns:
        The path of its Python.
    """
    venv.create(folder, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    for path in _unpacked(wheel).iterdir():
        (site / path.name).symlink_to(path)
    (smartdc,) = distributions(path=[str(site)])
    required: dict[tuple[str, ...], Distribution] = {}
    _require(required, smartdc.requires or [], extras)
    _require(required, ["pytest", *more], ())
    for found in {found.name: found for found in required.values()}.values():
        for name in {file.parts[0] for file in found.files or []} - {"..", "__pycache__"}:
            (site / name).symlink_to(str(found.locate_file(name)))
    return folder / "bin" / "python"


@cache
def _unpacked(wheel: Path) -> Path:
    folder = wheel.with_name("unpacked")
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder)
    return folder


def _require(
    required: dict[tuple[str, ...], Distribution], lines: Iterable[str], extras: Iterable[str]
) -> None:
    """Add to `required` the distributions of these requirements, with all that these require in turn."""
    for requirement in map(Requirement, lines):
        marker = requirement.marker
        applies = marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))
        key = (canonicalize_name(requirement.name), *sorted(requirement.extras))
        if applies and key not in required:
            required[key] = distribution(requirement.name)
            _require(required, required[key].requires or [], requirement.extras)


def installed(folder: Path, wheel: Path, extras: Iterable[str], environment: dict[str, str]) -> Path:
    """Make an environment with pip, from the package index that pip is configured for.

    Returns:
        The path of its Python.

    Raises:
        subprocess.CalledProcessError: pip failed; `stderr` has its message.
    """
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    smartdc = f"smartdc[{','.join(extras)}] @ {wheel.as_uri()}"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", smartdc, "pytest"]
    subprocess.run(pip, env=environment, capture_output=True, text=True, check=True)
    return python
