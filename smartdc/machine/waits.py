"""Waits for one machine, with looks that threads share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args

from smartdc._http import shapes
from smartdc._http.looks import UNLISTED, actions
from smartdc._http.named import id_of
from smartdc._http.waiting import Absence, Deadline, checked_state, poll
from smartdc._times import parse_time
from smartdc.arguments.ids import is_uuid, shown, without_none
from smartdc.arguments.kinds import flags, texts
from smartdc.arguments.likeness import differing_fields, fields_not_shown
from smartdc.arguments.names import PACKAGE
from smartdc.arguments.refs import PackageRef
from smartdc.arguments.states import ENDED, MachineState
from smartdc.arguments.values import awaited_entries
from smartdc.errors import ConfigurationError, NotFoundError, WaitFailed
from smartdc.machine.endpoint import MachineEndpoint

if TYPE_CHECKING:
    from smartdc.types import AuditEntry, MachineData

_STATES = get_args(MachineState)


class Waits(MachineEndpoint):
    """The waits for this machine."""

    def poll_until(
        self,
        state: MachineState | str,
        interval: float = 2,
        *,
        timeout: float | None = None,
        any_state: bool = False,
    ) -> None:
        """Wait until this machine is in a given state.

        ``GET /:login/machines/:machine``

        A look that fails temporarily (no connection, no answer, 5xx) is repeated.

        Args:
            state: The state awaited. ``'deleted'`` is reached as well when the server no longer knows it.
            interval: Seconds between two looks.
            timeout: Seconds in all, those of the requests included; None waits for ever, 0 looks once.
            any_state: Accept any text as a state, even one that smartdc does not know.

        Raises:
            ConfigurationError: There is no such state.
            WaitFailed: It became ``failed`` or ``deleted``, from which it cannot reach `state`.
            WaitTimeout: The time ran out.
        """
        checked_state(state, _STATES, "machine", any_state)

        def is_over(now: str) -> bool:
            if now in ENDED and now != state:
                raise WaitFailed(f"machine {self.id} is {now}: it will not become {shown(state)}", state=now)
            return now == state

        self._poll(is_over, interval, timeout, f"machine {self.id} is not yet {shown(state)}")

    def poll_while(
        self,
        state: MachineState | str,
        interval: float = 2,
        *,
        timeout: float | None = None,
        any_state: bool = False,
    ) -> None:
        """Wait as long as this machine is in a given state.

        ``GET /:login/machines/:machine``

        A machine that was deleted has left the state, so the wait ends; only for ``'provisioning'`` that is
        an error. A look that fails temporarily is repeated.

        Args:
            state: The state to wait out.
            interval: Seconds between two looks.
            timeout: Seconds in all, those of the requests included; None waits for ever, 0 looks once.
            any_state: Accept any text as a state, even one that smartdc does not know.

        Raises:
            ConfigurationError: There is no such state.
            WaitFailed: It became ``failed``.
            WaitTimeout: The time ran out.
        """
        checked_state(state, _STATES, "machine", any_state)

        def is_over(now: str) -> bool:
            if now != state and (now == "failed" or (now == "deleted" and state == "provisioning")):
                raise WaitFailed(f"machine {self.id} went from {state!r} to {now!r}", state=now)
            return now != state

        self._poll(is_over, interval, timeout, f"machine {self.id} is still {shown(state)}")

    def poll_applied(
        self,
        interval: float = 2,
        *,
        timeout: float | None = None,
        name: str | None = None,
        package: PackageRef | None = None,
        tags: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        deletion_protection: bool | None = None,
        firewall_enabled: bool | None = None,
    ) -> None:
        """Wait until this machine shows requested changes: name, package, tags, metadata or switches.

        ``GET /:login/machines/:machine``, and ``GET /:login/packages/:package`` for a package by its UUID

        Args:
            interval: Seconds between two looks.
            timeout: Seconds in all; None waits for ever, 0 looks once.
            name: Its name.
            package: UUID, name, short id or dict.
            tags: Tags to wait for; None as a value means that the tag is absent. Other tags do not matter.
            metadata: Metadata entries to wait for; likewise.
            deletion_protection: Whether it is protected from deletion.
            firewall_enabled: Whether its firewall is on.

        Raises:
            ConfigurationError: There is nothing to wait for.
            WaitFailed: It was deleted.
            WaitTimeout: The time ran out; the text says what is not shown.
        """
        wanted_tags = awaited_entries("tags", "tag", tags)
        wanted_metadata = awaited_entries("metadata", "metadata", metadata)
        switches = flags(deletion_protection=deletion_protection, firewall_enabled=firewall_enabled)
        if name is None and package is None and not wanted_tags and not wanted_metadata and not switches:
            raise ConfigurationError("poll_applied needs something to wait for: poll_applied(name='web1')")
        requested = texts(name=name)
        if package is not None:
            requested["package"] = self._package_name(package)

        def is_over(now: str) -> bool:
            if now == "deleted":
                raise WaitFailed(f"machine {self.id} is deleted: it will not change", state=now)
            data: Mapping[str, Any] = self._data or {}
            entries = [(wanted_tags, data.get("tags")), (wanted_metadata, data.get("metadata"))]
            if fields_not_shown(requested, data) or differing_fields(switches, data):
                return False
            return not any(fields_not_shown(new, has or {}) for new, has in entries)

        wanted = ", ".join(map(shown, [*requested, *switches, *wanted_tags, *wanted_metadata]))
        self._poll(is_over, interval, timeout, f"machine {self.id} does not show the new {wanted} yet")

    def poll_action(
        self, action: str = "reboot", interval: float = 2, *, timeout: float | None = None
    ) -> AuditEntry:
        """Wait until an action that this object requested is done: the audit lists it then.

        ``GET /:login/machines/:machine/audit``

        It waits for the action that was requested last. Once that is done, its entry is returned again
        without a request.

        Args:
            action: Its name in the audit: ``reboot``, ``start``, ``stop``, ``resize``, ``rename``,
                ``enable_deletion_protection``, or ``rollback_snapshot`` after `start_from_snapshot`.
            interval: Seconds between two looks.
            timeout: Seconds in all; None waits for ever, 0 looks once.

        Returns:
            The audit's entry.

        Raises:
            ConfigurationError: This object has not requested that action.
            WaitFailed: The action failed.
            WaitTimeout: The time ran out.
        """
        request_time = self._request_times.get(action) if isinstance(action, str) else None
        if request_time is None:
            requested = f"; it has requested {', '.join(self._request_times)}" if self._request_times else ""
            raise ConfigurationError(
                f"there is no {shown(action)} to wait for: this object has not requested it of machine "
                f"{self.id}{requested}"
            )
        done: list[AuditEntry] = []

        def look(deadline: Deadline | None) -> str | None:
            known_time, known = self._audited.get(action, (None, None))
            if known is not None and known_time is request_time:  # maybe found by another thread
                done[:] = [known]
                return None
            connection = self._connection._with(deadline=deadline)
            entries = request_time.created_since(*connection._get_answer("machines", self.id, "audit"))
            # Clocks may differ by seconds: an earlier action that was waited for does not count.
            done[:] = [
                entry
                for entry in entries
                if entry.get("action") == action and (known is None or _time(entry) > _time(known))
            ]
            return None if done else "not listed"

        awaited = f"{action} of machine {self.id} is not done"
        poll(look, interval=interval, timeout=timeout, clock=self._connection.clock, awaited=awaited)
        entry = done[-1]
        self._audited = {**self._audited, action: (request_time, entry)}
        if entry.get("success") == "no":
            raise WaitFailed(f"{action} of machine {self.id} failed, as its audit says", state="failed")
        return entry

    def _package_name(self, package: PackageRef) -> str:
        """Return the name of a package, which machines show."""
        wanted = id_of(self._connection, PACKAGE, package, "name", "id")
        if not is_uuid(wanted):
            return wanted
        return str(self._connection._get("packages", wanted, shape=shapes.PACKAGE)["name"])

    def _poll(
        self, is_over: Callable[[str], bool], interval: float, timeout: float | None, awaited: str
    ) -> None:
        clock = self._connection.clock
        absence = Absence(clock, self._connection.retry.settling)
        after = self._data_order - 1

        def look(deadline: Deadline | None) -> str | None:
            nonlocal after
            try:
                after = self._look(after, interval, deadline)
                absence.end()
            except NotFoundError as error:  # or its subclass GoneError
                if not absence.is_settled(error, self._created_at):
                    raise
                self._deleted = True
            now = self.state
            return None if is_over(now) else now

        with self._connection._looks.waiting():
            poll(look, interval=interval, timeout=timeout, clock=clock, awaited=awaited)

    def _look(self, after: int, interval: float, deadline: Deadline | None) -> int:
        """Refresh the machine, by a list shared with other threads where that is cheaper.

        Args:
            after: The number of the answer that was seen last.
            interval: How many seconds old a list may be; 0 needs one that is sent after this call.
            deadline: When this look must be over.

        Returns:
            The number of the answer that is seen now.
        """

        def page(offset: int, on_send: Callable[[], None]) -> list[MachineData]:
            connection = self._connection._with(deadline=deadline, on_send=on_send)
            query = without_none(offset=offset or None)
            return connection._list("machines", shape=shapes.MACHINE, params=query)

        # A list may lag, and must not revive a machine known to be deleted: an action would do harm.
        looks = None if self._deleted else self._connection._looks
        listed = None if looks is None else looks.listed(self.id, page, after, interval, deadline)
        if listed is None:
            requested = actions.next()
            self._fetch(self._connection._with(deadline=deadline), must_have_state=True)
            return requested
        unlisted = {name: value for name, value in (self._data or {}).items() if name in UNLISTED}
        self._save({**unlisted, **listed.data})
        self._data_order = listed.order
        return listed.order


def _time(entry: AuditEntry) -> datetime:
    return parse_time(entry.get("time")) or datetime.min.replace(tzinfo=UTC)
