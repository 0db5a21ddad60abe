"""The lowest versions that `pyproject.toml` allows, as pip's constraints: `make lowest` installs these."""

from __future__ import annotations

import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
EXTRAS = ("stream", "emulator", "progress")


def floors() -> list[str]:
    """``name==version`` for each dependency of smartdc and of its extras."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    needed = set(project["dependencies"])
    for extra in EXTRAS:
        needed |= {*project["optional-dependencies"][extra]}
    return sorted(line.replace(">=", "==") for line in needed)


if __name__ == "__main__":
    print("\n".join(floors()))
