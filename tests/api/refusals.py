"""What each argument of every public method says of a value of a wrong kind.

``python -m tests.api.refusals`` writes tests/data/refusals.txt, which `test_wrong_arguments` checks.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

from smartdc import ConfigurationError, DataCenter, NotFoundError
from tests.helpers.clock import Instant
from tests.helpers.every_argument import ARGUMENTS, call
from tests.helpers.odd_values import ID
from tests.helpers.servers import Reply, StubServer

REFUSALS = Path(__file__).parents[1] / "data" / "refusals.txt"

_WRONG: tuple[Any, ...] = (-7077, [5], {"a": [5]})
"""No argument is below 0 or a list of numbers, and few are a dict of lists."""


def refusals() -> str:
    """Each message, and below it the arguments that raise it."""
    places: dict[str, dict[str, None]] = defaultdict(dict)
    with StubServer() as server, DataCenter(server.url, login="bob", retry="none", clock=Instant()) as sdc:
        server.otherwise = Reply({"code": "ResourceNotFound", "message": "no"}, 404)
        for cls, name, argument in ARGUMENTS:
            for wrong in _WRONG:
                message = _refusal(sdc, cls, name, argument, wrong)
                if message is not None:
                    message = message.replace(server.url, "URL").replace(str(wrong), "VALUE")
                    places[message][f"{cls.__name__}.{name}: {argument}"] = None
    return "".join(
        f"{message}\n" + "".join(f"    {place}\n" for place in places[message]) for message in sorted(places)
    )


def _refusal(sdc: DataCenter, cls: type, name: str, argument: str, wrong: Any) -> str | None:
    """The message; None if the argument was sent, or taken."""
    owner = sdc if cls is DataCenter else sdc.machine(ID, lazy=True)
    args, more = call(cls, name, argument, wrong)
    try:
        getattr(owner, name)(*args, **more)
    except ConfigurationError as error:
        return str(error)
    except NotFoundError:
        pass
    return None


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    REFUSALS.write_text(refusals())
