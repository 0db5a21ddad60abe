"""Migrations and their progress."""

from __future__ import annotations

from typing import Literal, Required, TypedDict

__all__ = [
    "Migration",
    "MigrationEstimate",
    "MigrationEvent",
    "MigrationPhase",
    "MigrationState",
]

MigrationPhase = Literal["begin", "sync", "switch", "pause", "abort"]
"""The phases of migrations."""

MigrationState = Literal["running", "paused", "successful", "failed"]
"""The states of migrations."""


class MigrationEstimate(TypedDict, total=False):
    """What a migration would take: `size` in bytes, `duration` in seconds."""

    size: Required[int]
    duration: int


class MigrationEvent(TypedDict, total=False):
    """Progress in one phase of a migration (`type` is ``progress``), or its end (``end``).

    In a sync `current_progress` and `total_progress` are bytes, otherwise per cent. Times are ISO 8601, UTC.
    """

    type: str
    phase: Required[str]
    state: Required[str]
    current_progress: int
    total_progress: int
    message: str
    error: str
    started_timestamp: str
    finished_timestamp: str
    duration_ms: int
    eta_ms: int
    transfer_bytes_second: int


class Migration(TypedDict, total=False):
    """A machine's move to another server. Times are ISO 8601 in UTC.

    `phase` is ``begin``, ``sync``, ``switch``, ``pause`` or ``abort``, the last that was started; `state` is
    ``running``, ``paused``, ``successful`` or ``failed``.
    """

    machine: Required[str]
    automatic: bool
    created_timestamp: Required[str]
    scheduled_timestamp: str
    finished_timestamp: str
    phase: Required[MigrationPhase | str]
    state: Required[MigrationState | str]
    progress_history: list[MigrationEvent]
    duration_ms: int
    error: str
