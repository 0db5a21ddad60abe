"""Times as CloudAPI writes them: ISO 8601 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["parse_time"]


def parse_time(text: str | None) -> datetime | None:
    """The time, aware of its zone; None where the server gave none, or not a time."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
