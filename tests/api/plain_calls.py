"""What each public method sends if only its required arguments are given.

``python -m tests.api.plain_calls`` writes tests/data/plain_calls.txt, which `test_plain_calls` checks.
"""

from __future__ import annotations

import inspect
import json
import re
import warnings
from pathlib import Path

from smartdc import APIError, ConfigurationError, DataCenter, Machine, WaitFailed
from tests.helpers.clock import Instant
from tests.helpers.every_argument import APART, call
from tests.helpers.odd_values import ID
from tests.helpers.servers import Asked, Reply, StubServer

PLAIN_CALLS = Path(__file__).parents[1] / "data" / "plain_calls.txt"

_WITHOUT_REQUEST = (*APART, "as_role", "authenticate", "exists", "request")
_CHOSEN_NAME = r"\d{8}T\d{6}Z-[0-9a-f]{4}|\b([0-9a-f]{8}|[0-9a-f]{32})\b(?!-)"


def plain_calls() -> str:
    """A line for each method: its first request to a server that finds nothing, and how many there are."""
    lines: list[str] = []
    with StubServer() as server, DataCenter(server.url, login="bob", retry="none", clock=Instant()) as sdc:
        server.otherwise = Reply({"code": "ResourceNotFound", "message": "no"}, 404)
        for owner in (sdc, sdc.machine(ID, lazy=True)):
            for name, _ in inspect.getmembers(type(owner), callable):
                if not name.startswith("_") and name not in _WITHOUT_REQUEST:
                    server.asked.clear()
                    refusal = _refusal(owner, name)
                    lines.append(f"{type(owner).__name__}.{name}: {refusal or _written(server.asked)}\n")
    return re.sub(_CHOSEN_NAME, "CHOSEN", "".join(lines).replace(ID, "ID"))


def _refusal(owner: DataCenter | Machine, name: str) -> str | None:
    """Call a method; return the message if the call is refused without a request."""
    args, more = call(type(owner), name)
    try:
        getattr(owner, name)(*args, **more)
    except ConfigurationError as error:
        return str(error)
    except (APIError, WaitFailed):
        pass
    return None


def _written(asked: list[Asked]) -> str:
    if not asked:
        return "nothing yet"
    first = asked[0]
    parts = [first.method, first.target, *([] if first.body is None else [json.dumps(first.body)])]
    return " ".join(parts) + (f", {len(asked)} requests" if len(asked) > 1 else "")


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    PLAIN_CALLS.write_text(plain_calls())
