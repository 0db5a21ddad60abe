"""Times as CloudAPI writes them: ISO 8601 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["parse_time"]


def parse_time(text: object) -> datetime | None:
    """Return the time, aware of its zone; None if the server sent none, or not a time."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # in year 1 or 9999, the offset of a zone leads out of the range
        return None
