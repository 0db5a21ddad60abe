"""Tags of one machine, by which machines are found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from smartdc._http import shapes
from smartdc._http.request import idempotent
from smartdc.arguments.values import checked_tags, is_readable_by_name, merged_entries
from smartdc.errors import ConfigurationError
from smartdc.machine.endpoint import MachineEndpoint

if TYPE_CHECKING:
    from smartdc.types import Value


class Tags(MachineEndpoint):
    """Operations on this machine's tags.

    Changes are asynchronous: they are applied a moment later. `Machine.poll_applied` waits for that.
    """

    def get_tags(self) -> dict[str, Value]:
        """Get all tags of this machine.

        ``GET /:login/machines/:machine/tags``
        """
        return self._get("tags", shape=shapes.TAGS)

    def add_tags(self, tags: Mapping[str, Any] | None = None, /, **more: Any) -> dict[str, Value]:
        """Add or change tags; the others stay.

        ``POST /:login/machines/:machine/tags``

        Args:
            tags: Tags whose names cannot be written as keyword arguments (``triton.cns.services``).
            **more: Tags; text, numbers or booleans.

        Returns:
            All tags as they will be.

        Raises:
            ConfigurationError: The server would drop or alter a name or a value, or there is no tag.
            ValidationFailedError: ``ValidationFailed``: for instance, an unknown ``triton.*`` tag.
        """
        wanted = checked_tags(merged_entries("tags", tags, more))
        if not wanted:
            raise ConfigurationError("add_tags needs a tag: add_tags(role='web')")
        return self._post("tags", shape=shapes.TAGS, json=wanted, before_repeat=idempotent)

    def replace_tags(self, tags: Mapping[str, Any] | None = None, /, **more: Any) -> dict[str, Value]:
        """Set the tags of this machine to these and no others.

        ``PUT /:login/machines/:machine/tags``, or `delete_all_tags` without any: the server refuses to
        replace tags by none.

        Args:
            tags: Tags whose names cannot be written as keyword arguments.
            **more: Tags; text, numbers or booleans.

        Returns:
            All tags as they will be.
        """
        wanted = checked_tags(merged_entries("tags", tags, more))
        if not wanted:
            self.delete_all_tags()
            return {}
        return self._put("tags", shape=shapes.TAGS, json=wanted)

    def get_tag(self, tag: str) -> Value:
        """Get the value of one tag.

        ``GET /:login/machines/:machine/tags/:tag``

        The server answers numbers and booleans with an empty text; their value then comes from the list of
        all, as do tags whose names it cannot look up (with a space, ``/`` or ``%``).

        Args:
            tag: Its name.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        if not is_readable_by_name(tag):
            return self._listed_entry("tags", tag)
        value = self._value("tags", tag)
        return value if value else self.get_tags().get(tag, "")

    def delete_tag(self, tag: str) -> None:
        """Delete one tag of this machine.

        ``DELETE /:login/machines/:machine/tags/:tag``

        Args:
            tag: Its name.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        self._delete("tags", tag)

    def delete_all_tags(self) -> None:
        """Delete all tags of this machine.

        ``DELETE /:login/machines/:machine/tags``
        """
        self._delete("tags")
