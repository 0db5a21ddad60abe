"""Machine: the last known data of one machine, and its areas of operations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, cast

from smartdc._http import shapes
from smartdc._http.connection import Connection
from smartdc._http.looks import actions
from smartdc._http.named import machine_id_of
from smartdc.arguments.ids import escaped, shown
from smartdc.arguments.kinds import required_flag, switches
from smartdc.errors import ConfigurationError, GoneError
from smartdc.machine.disks import Disks
from smartdc.machine.fields import Fields, read_only
from smartdc.machine.firewall import Firewall
from smartdc.machine.lifecycle import Lifecycle
from smartdc.machine.metadata import Metadata
from smartdc.machine.migrations import Migrations
from smartdc.machine.nics import NICs
from smartdc.machine.snapshots import Snapshot, Snapshots
from smartdc.machine.ssh import SSH
from smartdc.machine.streams import Streams
from smartdc.machine.tags import Tags

if TYPE_CHECKING:
    from smartdc.datacenter import DataCenter
    from smartdc.types import MachineData

__all__ = ["Machine", "Snapshot"]


class _Passwords:
    """Holds passwords, which neither `vars` of a machine nor a traceback with variables shows."""

    def __init__(self, by_login: dict[str, Any]) -> None:
        self.by_login = by_login


@read_only
class Machine(Fields, Firewall, Lifecycle, Tags, Metadata, Snapshots, Disks, NICs, Migrations, SSH, Streams):
    """A machine: its last known data, and its operations.

    Reading an attribute makes no request, with two exceptions: the first value of a machine created with
    `lazy`, and `ips` of a machine that had none yet. `refresh` and `status` fetch it again.

    Args:
        datacenter: The data center that it is in.
        machine_id: Its UUID, name or short id (looked up in a list); None takes the one in `data`.
        data: Its data from the server; None fetches them.
        credentials: Also fetch the generated passwords.
        lazy: Fetch when the first value is read, not now.
        look_first: See `DataCenter.machine`.
    """

    _passwords = _Passwords({})

    def __init__(
        self,
        datacenter: Connection,
        machine_id: Any = None,
        data: Mapping[str, Any] | None = None,
        credentials: bool = False,
        *,
        lazy: bool = False,
        look_first: bool = True,
    ) -> None:
        if not (data is None or isinstance(data, Mapping)):
            raise ConfigurationError(
                f"data must be a dict such as from raw_machine_data(), not {shown(data)}"
            )
        self._connection = datacenter
        self.id: str = machine_id_of(datacenter, data if machine_id is None else machine_id)
        self._data = None
        self._look_first = required_flag("look_first", look_first)
        self._data_order = actions.next()
        if data:
            self._save(data)
        elif not required_flag("lazy", lazy):
            self.refresh(credentials)

    @classmethod
    def _from_list(cls, datacenter: Connection, found: Iterable[MachineData]) -> Iterator[Self]:
        """Yield the machines of a list, whose dicts become their data without a copy."""
        for data in found:
            machine, ident = cls.__new__(cls), data["id"]
            is_plain = ident == ident.lower() and ident.isprintable() and " " not in ident
            machine._connection = datacenter
            machine._data_order = actions.next()
            machine.id = ident if is_plain else machine_id_of(datacenter, data)
            machine._save_uncopied(data)
            yield machine

    @property
    def datacenter(self) -> DataCenter:
        """The data center that it is in, and that makes its requests."""
        return cast("DataCenter", self._connection)

    @classmethod
    def create_in_datacenter(cls, datacenter: DataCenter, **kwargs: Any) -> Machine:
        """Create a machine: py-smartdc's other name for `DataCenter.create_machine`."""
        if not isinstance(datacenter, Connection):
            raise ConfigurationError(
                f"{shown(datacenter)} is not a DataCenter, in which a machine is created"
            )
        return datacenter.create_machine(**kwargs)

    def refresh(self, credentials: bool = False) -> None:
        """Fetch this machine again.

        ``GET /:login/machines/:machine``

        Args:
            credentials: Also fetch the generated passwords.

        Raises:
            GoneError: It is deleted; the data that the server still has are saved.
            NotFoundError: ``ResourceNotFound``.
        """
        self._fetch(self._connection, credentials)

    def _fetch(
        self, connection: Connection, credentials: bool = False, *, must_have_state: bool = False
    ) -> None:
        self._data_order = actions.next()
        query = switches(credentials=credentials)
        get = connection._get_with_state if must_have_state else connection._get
        try:
            self._save(get("machines", self.id, shape=shapes.MACHINE, params=query))
        except GoneError as gone:
            self._save(gone.machine or dict(self._data or {}, state="deleted"))
            self._deleted = True
            raise

    def credentials(self) -> dict[str, Any]:
        """Get the passwords that were generated for this machine, by login.

        ``GET /:login/machines/:machine?credentials=true``, unless they were fetched before.
        """
        if not self._passwords.by_login:
            self.refresh(credentials=True)
        return self._passwords.by_login or {}

    def _save(self, data: Mapping[str, Any]) -> None:
        metadata = data.get("metadata")
        self._save_uncopied({**data, "metadata": dict(metadata) if isinstance(metadata, Mapping) else {}})

    def _save_uncopied(self, data: Any) -> None:
        """Save the server's data without a copy, and move the passwords out of them."""
        metadata = data.get("metadata")
        if not isinstance(metadata, dict):
            data["metadata"] = metadata = {}
        if "credentials" in metadata:
            credentials = metadata.pop("credentials")
            if credentials and isinstance(credentials, Mapping):
                self._passwords = _Passwords({**self._passwords.by_login, **credentials})
        data["id"] = self.id
        self._data = data
        self._deleted = data.get("state") == "deleted"

    @property
    def raw(self) -> MachineData:
        """All data that the server sent, without the passwords."""
        return self._known_data

    @property
    def path(self) -> str:
        """Path of this machine below the account, without a leading ``/``, to append to `url`."""
        return f"machines/{self.id}"

    def __str__(self) -> str:
        return str(vars(self).get("id", "?"))

    def __repr__(self) -> str:
        """Show what is known without a request, and no secret."""
        if "_data" not in vars(self):  # shown in a traceback of the constructor
            return "<Machine>"
        known = "" if self._data is None else escaped(f"{self.name} ({self.state}) ")
        place = self.datacenter.location if self.datacenter else "no data center"
        return f"<Machine {known}{self.id} in {place}>"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Machine):  # one id may be in two data centers, as a copy
            return self.id == other.id and self._connection == other._connection
        if isinstance(other, Mapping):
            return self.id == other.get("id")
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_passwords": _Passwords({}), "_request_times": {}, "_audited": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _data_order=actions.next())
