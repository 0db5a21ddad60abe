"""Snapshots of one machine: `Snapshot`, with the last known data of one, and the machine's operations."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast, get_args

from smartdc._http import shapes
from smartdc._http.answers import object_of
from smartdc._http.connection import Connection
from smartdc._http.lost_answers import Lookup, create_once
from smartdc._http.request_time import RequestTime
from smartdc._http.waiting import Absence, Deadline, checked_state, poll
from smartdc._times import parse_time
from smartdc.arguments.ids import escaped, is_segment, path_of, shown
from smartdc.arguments.kinds import text_of
from smartdc.arguments.states import ENDED, SnapshotState
from smartdc.errors import ConfigurationError, NotFoundError, WaitFailed
from smartdc.machine.endpoint import MachineEndpoint

if TYPE_CHECKING:
    from smartdc.machine.machine import Machine
    from smartdc.types import SnapshotData

__all__ = ["Snapshot", "Snapshots"]

_STATES = get_args(SnapshotState)
_NAME = r"[A-Za-z0-9_.:%-]{1,64}"


class Snapshot:
    """A snapshot of a machine's disks.

    Args:
        machine: The machine.
        name: Its name; None takes the one in `data`.
        data: Its data from the server; None fetches them.

    Attributes:
        machine: The machine.
        name: Its name.
        state: ``queued``, ``created``, ``failed``, ``deleted``, ... when last seen.
        size: Bytes; None if the server sends none.
        created: When it was taken; None until it exists.
        updated: As `created`.
    """

    state: SnapshotState | str | None
    size: int | None
    created: datetime | None
    updated: datetime | None

    def __init__(
        self, machine: Machine, name: str | None = None, data: Mapping[str, Any] | None = None
    ) -> None:
        self.machine = machine
        known = name or (data or {}).get("name")
        if not known or not isinstance(known, str):
            raise ConfigurationError("a snapshot needs a name, or data with one")
        self.name: str = known
        self._existed = False
        if data:
            self._save(data)
        else:
            self.refresh()

    @property
    def path(self) -> str:
        """Path of this snapshot below the account."""
        return self.machine.path + path_of(("snapshots", self.name))

    def refresh(self) -> None:
        """Fetch this snapshot again.

        ``GET /:login/machines/:machine/snapshots/:name``
        """
        self._save(self._connection._get(*self._place, shape=shapes.SNAPSHOT))

    def status(self) -> str | None:
        """Refresh this snapshot and return its state.

        ``GET /:login/machines/:machine/snapshots/:name``

        The server reports ``deleted`` for a requested snapshot until it exists.
        """
        self.refresh()
        return self.state

    def delete(self) -> None:
        """Delete this snapshot.

        ``DELETE /:login/machines/:machine/snapshots/:name``

        Asynchronous.
        """
        connection = self._connection._with(created_at=self.created)
        connection._delete("machines", self.machine.id, "snapshots", self.name)
        self._existed = True

    def poll_until(
        self,
        state: SnapshotState | str,
        interval: float = 2,
        *,
        timeout: float | None = None,
        any_state: bool = False,
    ) -> None:
        """Wait until this snapshot is in a given state.

        ``GET /:login/machines/:machine/snapshots/:name``

        The server reports ``deleted`` for a snapshot that does not exist yet as well. It counts as deleted
        only if it was seen to exist before, or if this object requested `delete`. It reports ``deleted`` as
        well if the job that should create it failed: that shows in `Machine.audit` only, so give a timeout.
        A look that fails temporarily (no connection, no answer, 5xx) is repeated.

        Args:
            state: ``created`` or ``deleted``.
            interval: Seconds between two looks.
            timeout: Seconds in all, those of the requests included; None waits for ever, 0 looks once.
            any_state: Accept any text as a state, even one that smartdc does not know.

        Raises:
            ConfigurationError: There is no such state.
            WaitFailed: It became ``failed``, or ``deleted`` while another state is awaited.
            WaitTimeout: The time ran out.
        """
        checked_state(state, _STATES, "snapshot", any_state)
        clock = self._connection.clock
        absence = Absence(clock, self._connection.retry.settling)
        what = f"snapshot {escaped(self.name)}"

        def look(deadline: Deadline | None) -> str | None:
            now = self._current_state(deadline, absence)
            if now == "deleted" and not self._existed:
                return now
            if now in ENDED and now != state:
                raise WaitFailed(f"{what} is {now}: it will not become {state!r}", state=now)
            return None if now == state else now

        awaited = f"{what} is not yet {state!r}"
        poll(look, interval=interval, timeout=timeout, clock=clock, awaited=awaited)

    def start(self) -> Machine:
        """Roll the machine back to this snapshot and boot it.

        ``POST /:login/machines/:machine/snapshots/:name``

        Asynchronous: ``poll_action("rollback_snapshot")`` of the machine waits until it is done.

        Returns:
            The machine.
        """
        return self.machine.start_from_snapshot(self.name)

    @property
    def _connection(self) -> Connection:
        return self.machine._connection

    @property
    def _place(self) -> tuple[str, ...]:
        return "machines", self.machine.id, "snapshots", self.name

    def _current_state(self, deadline: Deadline | None, absence: Absence) -> str:
        """Fetch the snapshot, and return its state; ``deleted`` as well if it certainly does not exist."""
        try:
            connection = self._connection._with(deadline=deadline)
            self._save(connection._get_with_state(*self._place, shape=shapes.SNAPSHOT, key="name"))
        except NotFoundError as error:
            if not absence.is_settled(error, self.created):
                raise
            self.state, self._existed = "deleted", True
            return self.state
        absence.end()
        return self.state or "unknown"

    def _save(self, data: Mapping[str, Any]) -> None:
        state, size = data.get("state"), data.get("size")
        self.state = state if isinstance(state, str) else None
        self._existed = self._existed or self.state == "created"
        self.size = size if isinstance(size, int) else None
        self.created = parse_time(data.get("created"))
        self.updated = parse_time(data.get("updated")) or self.created

    def __str__(self) -> str:
        return str(vars(self).get("name", "?"))

    def __repr__(self) -> str:
        if "name" not in vars(self):  # shown in a traceback of the constructor
            return "<Snapshot>"
        return escaped(f"<Snapshot {self.name} ({self.state}) of machine {self.machine.id}>")


class Snapshots(MachineEndpoint):
    """Operations on this machine's snapshots."""

    def snapshots(self) -> list[Snapshot]:
        """List this machine's snapshots, without those that are still being taken.

        ``GET /:login/machines/:machine/snapshots``
        """
        found = self._list("snapshots", shape=shapes.SNAPSHOT)
        return [Snapshot(self._as_machine(), data=data) for data in found]

    def snapshot(self, name: str) -> Snapshot:
        """Get one snapshot.

        ``GET /:login/machines/:machine/snapshots/:name``

        Args:
            name: Its name.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        return Snapshot(self._as_machine(), name)

    def raw_snapshot_data(self, name: str) -> SnapshotData:
        """Get one snapshot as the dict that the server sends.

        ``GET /:login/machines/:machine/snapshots/:name``

        Args:
            name: Its name.
        """
        return self._get("snapshots", name, shape=shapes.SNAPSHOT)

    def create_snapshot(self, name: str | None = None) -> Snapshot:
        """Take a snapshot of this machine.

        ``POST /:login/machines/:machine/snapshots``

        Asynchronous: its state is ``queued``, and it has no times yet. If the answer is lost, the snapshot is
        searched for by its name.

        Args:
            name: Its name: 1 to 64 of the characters ``A-Z a-z 0-9 - _ . : %``; None generates one of the
                time, as the server would, and four random hexadecimal digits. A name that is taken is not
                refused: the job fails later.

        Raises:
            ConfigurationError: No snapshot can have this name.
            ConflictError: ``BrandNotSupported``, ``UnallocatedVM``, ``InvalidArgument`` (bhyve).
            OutcomeUnknown: The answer was lost, and the search failed.
        """
        clock = self._connection.clock
        default_name = f"{datetime.fromtimestamp(clock.time(), UTC):%Y%m%dT%H%M%SZ}-{os.urandom(2).hex()}"
        sent_name = default_name if name in (None, "") else _checked_name(name)
        create = partial(
            self._post,
            "snapshots",
            shape=shapes.SNAPSHOT,
            json={"name": sent_name},
            key="name",
            named=sent_name,
        )
        request_time = RequestTime(clock)

        def differing_fields(data: dict[str, Any]) -> list[str]:
            if data.get("created"):
                return request_time.differing_fields(data)
            # Until it exists, its state is "deleted", as that of one that was deleted earlier.
            return ["state"] if name else []

        lookup = Lookup(
            "snapshot",
            {"name": sent_name},
            partial(self._snapshots_created, sent_name, request_time),
            differing_fields,
        )
        return Snapshot(self._as_machine(), data=create_once(self._connection, create, lookup))

    def _snapshots_created(self, name: str, request_time: RequestTime) -> list[dict[str, Any]]:
        """Return the snapshot of this name, unless it is older; names are unique."""
        answer, response = self._get_answer("snapshots", name)
        data = object_of(answer, response)
        return request_time.created_since([data], response) if data.get("created") else [data]

    def start_from_snapshot(self, name: str) -> Machine:
        """Roll this machine back to a snapshot and boot it.

        ``POST /:login/machines/:machine/snapshots/:name``

        Asynchronous: ``poll_action("rollback_snapshot")`` waits until it is done. The server accepts any
        name; if there is no such snapshot, that wait raises `WaitFailed`.

        Args:
            name: Name of the snapshot.

        Returns:
            This machine.
        """
        self._note_request("rollback_snapshot")
        self._post_action("snapshots", name, shape=shapes.OBJECT)
        return self._as_machine()

    def delete_snapshot(self, name: str) -> None:
        """Delete a snapshot.

        ``DELETE /:login/machines/:machine/snapshots/:name``

        Asynchronous.

        Args:
            name: Its name.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        self._delete("snapshots", name)

    def _as_machine(self) -> Machine:
        return cast("Machine", self)


def _checked_name(name: Any) -> str:
    """Check that a snapshot can have this name; the server takes any, and its job fails.

    See docs/cloudapi/storage.md#create-a-snapshot. ``.`` and ``..`` would lead to another path.

    Raises:
        ConfigurationError: No snapshot can have it.
    """
    checked = text_of("name", name)
    if not re.fullmatch(_NAME, checked) or not is_segment(checked):
        raise ConfigurationError(
            f"name cannot be {shown(checked)}: a snapshot's name has 1 to 64 of A-Z a-z 0-9 - _ . : %"
        )
    return checked
