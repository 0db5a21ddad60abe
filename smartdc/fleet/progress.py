"""Shows the progress of a run: with a bar, or by calling a function with counts."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from smartdc.errors import ConfigurationError
from smartdc.fleet.steps import lazy_kind

__all__ = ["Counts", "Report", "reporter"]

log: logging.Logger = logging.getLogger("smartdc")

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
        tqdm = _tqdm()
        if sys.stderr is None:
            _warn("there is no stderr")
            return None, lambda: None
        # The length follows the width of the terminal, which tqdm finds by itself for sys.stderr only.
        bar = _Bar(tqdm(total=total, unit="machine", file=_Output(sys.stderr), dynamic_ncols=True))
        return bar, bar.close
    if progress not in (False, None) and not callable(progress):
        raise ConfigurationError(f"progress is True, False or a function, not {type(progress).__name__}")
    if callable(progress) and (kind := lazy_kind(progress)):
        raise ConfigurationError(f"progress is a function that runs when it is called, not a {kind}")
    return progress or None, lambda: None


class _Bar:
    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self.close = bar.close

    def __call__(self, counts: Counts) -> None:
        self._bar.set_postfix({name: count for name, count in counts.items() if count}, refresh=False)
        self._bar.update(counts["done"] + counts["failed"] - self._bar.n)


class _Output:
    """A stream for the bar. If it cannot be written to, nothing is written any more, and the run goes on."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._is_broken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> None:
        self._try(lambda: self._stream.write(text))

    def flush(self) -> None:
        self._try(lambda: self._stream.flush())

    def _try(self, act: Callable[[], object]) -> None:
        if self._is_broken:
            return
        try:
            act()
        except Exception as error:
            self._is_broken = True
            _warn(f"stderr cannot be written to: {type(error).__name__}: {error}")


def _warn(problem: str) -> None:
    with suppress(Exception):  # the log may go to the same broken stream
        log.warning("no progress bar is shown from now on, and the run goes on: %s", problem)


def _tqdm() -> Any:
    try:
        return import_module("tqdm.auto").tqdm
    except ImportError as error:
        raise ConfigurationError(
            "progress=True needs the extra 'progress': pip install 'smartdc[progress]'"
        ) from error
