"""Metadata of one machine, which the machine itself can read, such as its boot script."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, cast

from smartdc._http import shapes
from smartdc._http.request import idempotent
from smartdc.arguments.ids import shown
from smartdc.arguments.kinds import text_of
from smartdc.arguments.scripts import script_text
from smartdc.arguments.values import checked_metadata, is_readable_by_name, merged_entries
from smartdc.errors import ConfigurationError, NotFoundError
from smartdc.machine.endpoint import MachineEndpoint

if TYPE_CHECKING:
    from smartdc.types import Value


class Metadata(MachineEndpoint):
    """Operations on this machine's metadata.

    Changes are asynchronous: they are applied a moment later. `Machine.poll_applied` waits for that.
    """

    def get_metadata(self) -> dict[str, Any]:
        """Get all metadata of this machine, and save them as `metadata`.

        ``GET /:login/machines/:machine/metadata``
        """
        return self._save_metadata(self._get("metadata", shape=shapes.OBJECT))

    def get_metadata_at_key(self, key: str) -> Value:
        """Get one metadata entry.

        ``GET /:login/machines/:machine/metadata/:key``

        The server returns a single entry only if it is text. Numbers and booleans come from the list of all,
        as do entries whose names it cannot look up (with a space, ``/`` or ``%``).

        Args:
            key: Its name.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        if not is_readable_by_name(key):
            return self._listed_entry("metadata", key)
        try:
            if key == "credentials":  # the passwords, all in one object
                return cast("Value", self._get("metadata", key, shape=shapes.OBJECT))
            return self._value("metadata", key)
        except NotFoundError:
            # The server says that a number "is not metadata"
            # (docs/cloudapi/tags-and-metadata.md#metadata-that-are-not-strings).
            metadata = self.get_metadata()
            if key not in metadata:
                raise
            value: Value = metadata[key]
            return value

    def update_metadata(self, metadata: Mapping[str, Any] | None = None, /, **more: Any) -> dict[str, Any]:
        """Add or change metadata entries; the others stay.

        ``POST /:login/machines/:machine/metadata``

        Args:
            metadata: Entries whose names cannot be written as keyword arguments (``user-data``).
            **more: Entries; text, numbers or booleans.

        Returns:
            All metadata as they will be; they are saved as `metadata`.

        Raises:
            ConfigurationError: The server would drop a name or take it for a part of the request, or there is
                nothing to set.
        """
        wanted = checked_metadata(merged_entries("metadata", metadata, more))
        if not wanted:
            raise ConfigurationError("update_metadata needs an entry: update_metadata(role='web')")
        return self._save_metadata(
            self._post("metadata", shape=shapes.OBJECT, json=wanted, before_repeat=idempotent)
        )

    def delete_metadata_at_key(self, key: str) -> dict[str, Any]:
        """Delete one metadata entry, and return the metadata.

        ``DELETE /:login/machines/:machine/metadata/:key``, then ``GET /:login/machines/:machine/metadata``

        Asynchronous: what this returns may still have the entry.

        Args:
            key: Its name.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: the server keeps this entry.
        """
        self._delete_key(key)
        return self.get_metadata()

    def delete_all_metadata(self) -> dict[str, Any]:
        """Delete all metadata, and return what is left.

        ``DELETE /:login/machines/:machine/metadata``, then ``GET /:login/machines/:machine/metadata``

        Asynchronous. The server keeps ``root_authorized_keys``, and leaves entries ``uuid`` and
        ``owner_uuid`` behind.
        """
        self._delete("metadata")
        return self.get_metadata()

    def set_boot_script(self, filename: str | PathLike[str]) -> None:
        """Set the script that this machine runs when it boots.

        ``POST /:login/machines/:machine/metadata``

        Args:
            filename: Path of the script. The service that runs it kills it after 300 seconds.

        Raises:
            ConfigurationError: It is not a regular file of UTF-8 text.
        """
        self.update_metadata({"user-script": script_text(filename)})

    def delete_boot_script(self) -> None:
        """Delete the script that this machine runs when it boots.

        ``DELETE /:login/machines/:machine/metadata/user-script``
        """
        self._delete_key("user-script")
        if self._data is not None:
            self._data["metadata"].pop("user-script", None)

    def _delete_key(self, key: str) -> None:
        if not is_readable_by_name(text_of("key", key).replace("/", "")):
            raise ConfigurationError(
                f"metadata {shown(key)} cannot be deleted by its name: the server cannot look it up"
            )
        self._delete("metadata", key)

    def _save_metadata(self, metadata: dict[str, Any]) -> dict[str, Any]:
        if self._data is not None:
            self._data["metadata"] = dict(metadata)
        return metadata
