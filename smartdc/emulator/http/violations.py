"""What clients did that would have harmed a real server, for their tests to see."""

from __future__ import annotations

from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.state.site import Site

_LONGEST_SHOWN = 300


def note_violation(site: Site, request: Incoming, what: str, hazard: str | None = None) -> None:
    """Note what a request would have done to a real server.

    Args:
        site: Where it was sent.
        request: The request.
        what: What is wrong with it, and what a server makes of it.
        hazard: The heading of docs/cloudapi/hazards.md that describes it.
    """
    target = (
        request.target if len(request.target) <= _LONGEST_SHOWN else request.target[:_LONGEST_SHOWN] + "..."
    )
    source = f" (docs/cloudapi/hazards.md#{hazard})" if hazard else ""
    site.shared.violations.append(f"{request.method} {target}: {what}{source}")
