"""IPython's prompt: names that were shown are completed within quotes, and errors are short."""

from __future__ import annotations

import sys
from typing import Any

from smartdc.console.completion import SeenNames, quoted_part
from smartdc.console.failures import brief, keep
from smartdc.errors import SmartDCError

__all__ = ["load_ipython_extension"]


def load_ipython_extension(shell: Any) -> None:
    """Complete the names in earlier results, and shorten errors. IPython calls this function."""
    seen = SeenNames()

    def note(result: Any) -> None:
        seen.note(result.result)

    def matches(text: str) -> list[str]:
        # IPython passes the text after the last delimiter, and replaces that.
        quoted = quoted_part(shell.Completer.text_until_cursor)
        if quoted is None:
            return []
        return [text + name[len(quoted) :] for name in seen.starting_with(quoted)]

    def shorten(
        _shell: Any, _kind: Any, error: SmartDCError | KeyboardInterrupt, _trace: Any, **_: Any
    ) -> None:
        keep(error)
        sys.stderr.write(brief(error, "%tb"))

    shell.set_custom_exc((SmartDCError, KeyboardInterrupt), shorten)
    shell.events.register("post_run_cell", note)
    shell.Completer.custom_matchers.append(matches)
