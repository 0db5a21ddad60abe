"""The last known data of a machine, as attributes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from smartdc._times import parse_time
from smartdc.arguments.addresses import is_private
from smartdc.arguments.states import ENDED
from smartdc.machine.endpoint import MachineEndpoint

if TYPE_CHECKING:
    from smartdc.types import Brand, MachineData, MachineDisk, MachineNic, MachineState, MachineType, Value

__all__ = ["Fields", "read_only"]

_K = TypeVar("_K", bound=type)

_CHANGED_BY = {
    "boot_script": "set_boot_script() changes it",
    "deletion_protection": "enable_deletion_protection() changes it",
    "firewall_enabled": "enable_firewall() and disable_firewall() change it",
    "memory": "resize() changes it",
    "metadata": "update_metadata() changes it",
    "name": "rename() changes it",
    "package": "resize() changes it",
    "state": "start(), stop() and delete() change it",
    "tags": "add_tags() and replace_tags() change them",
}


def read_only(kind: _K) -> _K:
    """Make assignments to the properties of a class raise an error that says what to call instead.

    Each property gets a setter. A `__setattr__` would run at every assignment, and lists have 100,000
    machines.
    """
    for name, found in vars(kind).copy().items():
        if isinstance(found, property) and not name.startswith("_"):
            setattr(kind, name, found.setter(partial(_refuse, name)))
    return kind


def _refuse(name: str, machine: Any, value: Any) -> NoReturn:
    instead = _CHANGED_BY.get(name, "refresh() fetches it again")
    raise AttributeError(f"{name} of a machine is read-only, the last value from the server: {instead}")


@read_only
class Fields(MachineEndpoint):
    """The last known data of a machine as attributes. Each has the annotated type, or is empty.

    `Machine.raw` has the rest.
    """

    _shown_metadata: tuple[Any, dict[str, Any]] = None, {}
    """The metadata from the server, and the part of it that `metadata` shows."""

    @property
    def name(self) -> str:
        """Its name."""
        return self._text("name") or ""

    @property
    def type(self) -> MachineType | str | None:
        """Its type, ``smartmachine`` (a container) or ``virtualmachine`` (a hardware virtual machine)."""
        return self._text("type")

    @property
    def brand(self) -> Brand | str | None:
        """Its kind of virtualization, ``joyent``, ``joyent-minimal``, ``lx``, ``bhyve``, ``kvm``, ..."""
        return self._text("brand")

    @property
    def state(self) -> MachineState | str:
        """Its state when last seen."""
        return "deleted" if self._deleted else self._text("state") or "unknown"

    @property
    def image(self) -> str | None:
        """UUID of the image that it was made from."""
        return self._text("image")

    @property
    def dataset(self) -> str | None:
        """The image, under its name before API 7; today's servers send `image` only."""
        return self._text("dataset") or self.image

    @property
    def package(self) -> str | None:
        """Name of its package."""
        return self._text("package")

    @property
    def memory(self) -> int | None:
        """Size of its RAM in MiB."""
        return self._number("memory")

    @property
    def disk(self) -> int | None:
        """Size of its disk space in MiB."""
        return self._number("disk")

    @property
    def metadata(self) -> dict[str, Any]:
        """Its metadata when last seen, without the boot script and the passwords.

        Changes of this dict are not sent: use `update_metadata`.
        """
        all_metadata = self._metadata
        if self._shown_metadata[0] is not all_metadata:
            self._shown_metadata = (
                all_metadata,
                {key: value for key, value in all_metadata.items() if key != "user-script"},
            )
        return self._shown_metadata[1]

    @property
    def boot_script(self) -> str | None:
        """The script that it runs when it boots, when last seen."""
        script = self._metadata.get("user-script")
        return script if isinstance(script, str) else None

    @property
    def tags(self) -> dict[str, Value]:
        """Its tags when last seen."""
        return self._object("tags")

    @property
    def networks(self) -> list[str | None]:
        """UUIDs of its networks; the server may send null for one that it cannot name."""
        return self._entries("networks", str | None)

    @property
    def nics(self) -> list[MachineNic]:
        """Its network interfaces."""
        return self._entries("nics", dict)

    @property
    def primary_ip(self) -> str | None:
        """The address of its primary interface."""
        return self._text("primaryIp")

    @property
    def compute_node(self) -> str | None:
        """UUID of the server that it runs on."""
        return self._text("compute_node")

    @property
    def created(self) -> datetime | None:
        """When it was created."""
        return parse_time(self._known_data.get("created"))

    @property
    def updated(self) -> datetime | None:
        """When it was last changed; the time of creation if the server sends none."""
        return parse_time(self._known_data.get("updated")) or self.created

    @property
    def deletion_protection(self) -> bool | None:
        """Whether it is protected from deletion."""
        return self._flag("deletion_protection")

    @property
    def delegate_dataset(self) -> bool | None:
        """Whether a ZFS dataset was delegated to it."""
        return self._flag("delegate_dataset")

    @property
    def disks(self) -> list[MachineDisk]:
        """The disks of a bhyve machine; sizes in MiB."""
        return self._entries("disks", dict)

    @property
    def dns_names(self) -> list[str]:
        """Its DNS names; only after `refresh`, and with Triton CNS enabled."""
        return self._entries("dns_names", str)

    @property
    def docker(self) -> bool | None:
        """Whether it is a Docker container."""
        return self._flag("docker")

    @property
    def encrypted(self) -> bool | None:
        """Whether its disks are encrypted."""
        return self._flag("encrypted")

    @property
    def firewall_enabled(self) -> bool | None:
        """Whether the cloud firewall is on for it."""
        return self._flag("firewall_enabled")

    @property
    def flexible(self) -> bool | None:
        """Whether its disk space can be divided at will; of bhyve machines only."""
        return self._flag("flexible")

    @property
    def free_space(self) -> int | None:
        """Disk space that no disk uses yet, in MiB; it may be negative."""
        return self._number("free_space")

    @property
    def ips(self) -> list[str]:
        """Its addresses. While it has none, each read fetches the machine again."""
        if not self._known_data.get("ips") and self.state not in ENDED:
            self.refresh()
        return self._entries("ips", str)

    @property
    def public_ips(self) -> list[str]:
        """Its public addresses, which are all that are not private."""
        return [ip for ip in self.ips if is_private(ip) is False]

    @property
    def private_ips(self) -> list[str]:
        """Its private addresses."""
        return [ip for ip in self.ips if is_private(ip)]

    @property
    def _metadata(self) -> dict[str, Any]:
        return self._object("metadata")

    def _text(self, field: str) -> str | None:
        value = self._field(field)
        return value if isinstance(value, str) else None

    def _number(self, field: str) -> int | None:
        value = self._field(field)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def _flag(self, field: str) -> bool | None:
        value = self._field(field)
        return value if isinstance(value, bool) else None

    def _object(self, field: str) -> dict[str, Any]:
        value = self._field(field)
        return value if isinstance(value, dict) else {}

    def _entries(self, field: str, kind: Any) -> list[Any]:
        value = self._field(field)
        return [entry for entry in value if isinstance(entry, kind)] if isinstance(value, list) else []

    def _field(self, field: str) -> Any:
        known: Mapping[str, Any] = self._known_data
        return known.get(field)

    @property
    def _known_data(self) -> MachineData:
        if self._data is None:
            self.refresh()
        return cast("MachineData", self._data)
