"""Shows the progress of a run: with a bar, or by calling a function with counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from smartdc.errors import ConfigurationError

__all__ = ["Counts", "Report", "reporter"]

Counts = Mapping[str, int]
"""How many machines are ``untried``, ``under way``, ``waiting``, ``done`` and ``failed``."""

Report = Callable[[Counts], object]


def reporter(progress: bool | Report, total: int) -> tuple[Report | None, Callable[[], None]]:
    """Return the function to call with the counts, and the one to call at the end.

    Args:
        progress: False for no report, True for a bar, or the function to call.
        total: How many machines there are.

    Raises:
        ConfigurationError: `progress` is none of these, or the extra for a bar is not installed.
    """
    if progress is True:
        bar = _bar(total)
        return bar, bar.close
    if progress not in (False, None) and not callable(progress):
        raise ConfigurationError(f"progress is True, False or a function, not {type(progress).__name__}")
    return progress or None, lambda: None


class _Bar:
    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self.close = bar.close

    def __call__(self, counts: Counts) -> None:
        self._bar.set_postfix({name: count for name, count in counts.items() if count}, refresh=False)
        self._bar.update(counts["done"] + counts["failed"] - self._bar.n)


def _bar(total: int) -> _Bar:
    try:
        tqdm = import_module("tqdm.auto").tqdm
    except ImportError as error:
        raise ConfigurationError(
            "progress=True needs the extra 'progress': pip install 'smartdc[progress]'"
        ) from error
    return _Bar(tqdm(total=total, unit="machine"))
