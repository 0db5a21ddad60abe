"""Volumes: NFS file systems that several machines can mount. Not every data center has them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from smartdc._http import shapes
from smartdc._http.awaited import poll_state
from smartdc._http.connection import Connection
from smartdc._http.lost_answers import Lookup, create_once
from smartdc._http.named import id_of, ids_of
from smartdc._http.request import idempotent
from smartdc._http.request_time import RequestTime
from smartdc.arguments.creation import affinity_rules
from smartdc.arguments.filters import Filters, number, text
from smartdc.arguments.ids import plain, shown, without_none
from smartdc.arguments.kinds import as_list, dict_of, text_of, texts, whole_number
from smartdc.arguments.likeness import differing_fields
from smartdc.arguments.names import NETWORK, VOLUME
from smartdc.arguments.refs import NetworkRef, VolumeRef
from smartdc.errors import ConfigurationError, ConflictError, shortened

if TYPE_CHECKING:
    from smartdc.types import Volume, VolumeSize, VolumeState

_BUSY = ("creating", "deleting")
_STATES = (*_BUSY, "ready", "failed", "deleted")
_NAME_SEARCH = r"\*?[A-Za-z0-9_.-]{1,64}\*?"
"""The names that the server can search for; it refuses others."""


class VolumeOperations(Connection):
    """Operations on the account's volumes. A data center without volumes answers 405."""

    def volumes(
        self,
        name: str | None = None,
        *,
        size: int | None = None,
        state: VolumeState | str | None = None,
        type: str | None = None,
        predicate: str | Mapping[str, Any] | None = None,
    ) -> list[Volume]:
        """List volumes; failed ones only when `state` or `predicate` is given.

        ``GET /:login/volumes``

        Args:
            name: Name, in which ``*`` stands for any text.
            size: Size in MiB.
            state: ``creating``, ``ready``, ``deleting`` or ``failed``.
            type: ``tritonnfs``.
            predicate: ``{'and': [{'eq': ['state', 'ready']}, {'ge': ['size', 20480]}]}``, also as JSON. The
                operators are ``eq``, ``ne``, ``lt``, ``le``, ``gt``, ``ge``, ``and`` and ``or``, the fields
                ``id``, ``name``, ``network``, ``size``, ``state`` and ``type``. A field of it cannot be an
                argument as well.

        Raises:
            ConfigurationError: A filter has another type, or is empty.
            InvalidArgumentError: ``InvalidArgument``.
            BadRequestError: ``MethodNotAllowedError``, 405: the data center has no volumes.
        """
        filters = Filters()
        filters.pattern("name", text("name", name), _NAME_SEARCH)
        filters.equal("size", number("size", size, 1))
        filters.equal("state", text("state", state))
        filters.equal("type", text("type", type))
        filters.query |= without_none(predicate=_predicate(predicate))
        return filters.apply(self._list("volumes", shape=shapes.VOLUME, params=filters.query))

    def volume(self, volume: VolumeRef) -> Volume:
        """Get one volume.

        ``GET /:login/volumes/:id``

        Args:
            volume: UUID, name, short id or dict.

        Raises:
            NotFoundError: ``VolumeNotFound``.
            InvalidArgumentError: ``InvalidArgument``: the id is not a UUID.
        """
        return self._get("volumes", id_of(self, VOLUME, volume), shape=shapes.VOLUME)

    def poll_volume(
        self,
        volume: VolumeRef,
        state: str = "ready",
        interval: float = 2,
        *,
        timeout: float | None = None,
    ) -> Volume:
        """Wait until a volume is in a given state, and return it.

        ``GET /:login/volumes/:id``

        Args:
            volume: UUID, name, short id or dict.
            state: ``ready``, or ``deleted`` when it is not found any more.
            interval: Seconds between two looks.
            timeout: Seconds in all; None waits for ever, 0 looks once.

        Returns:
            The volume when last seen; the state of a deleted one is ``deleted``.

        Raises:
            ConfigurationError: There is no such state.
            WaitFailed: It became ``failed``, or was deleted while another state is awaited.
            WaitTimeout: The time ran out.
        """
        ident = id_of(self, VOLUME, volume)
        what, place = f"volume {ident}", ("volumes", ident)
        return poll_state(self, place, shapes.VOLUME, what, state, _STATES, _BUSY, interval, timeout)

    def create_volume(
        self,
        name: str | None = None,
        *,
        size: int | None = None,
        type: str = "tritonnfs",
        networks: Sequence[NetworkRef] | NetworkRef | None = None,
        affinity: Sequence[str] | str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Volume:
        """Create a volume.

        ``POST /:login/volumes``

        Asynchronous: `poll_volume` waits until it is ``ready``. It is created once: if the answer is lost,
        the volume is searched for by its name.

        Args:
            name: Name, unique in the account; None generates 32 random hexadecimal digits (the server would
                generate 64, which logs and errors hide because they may be a key).
            size: Size in MiB, one of `volume_sizes`; None for the smallest.
            type: ``tritonnfs``.
            networks: Fabric networks of the account on which it is reached: UUIDs, names, short ids or
                dicts. None for the account's default one.
            affinity: Rules for the server that it is on: ``'role!=db'`` (9.8.6 and later).
            tags: Tags that affinity rules can name; text only (9.8.6 and later).

        Raises:
            InvalidArgumentError: ``InvalidArgument``: a name or a network is not valid.
            ConflictError: ``VolumeAlreadyExists``, ``VolumeSizeNotAvailable``,
                ``DefaultFabricNetworkNotConfiguredError``.
            OutcomeUnknown: The answer was lost, and the search failed, or found a different volume of that
                name.
        """
        network_list = None if networks is None else as_list("networks", networks, "[network]")
        body: dict[str, Any] = without_none(
            # With a unique name the volume can be found when the answer is lost.
            name=os.urandom(16).hex() if name in (None, "") else text_of("name", name),
            size=whole_number("size", size),
            type=text_of("type", type),
            affinity=affinity_rules(affinity),
            tags=None if tags is None else dict_of("tags", tags, "{'role': 'db'}"),
            networks=None if network_list is None else ids_of(self, NETWORK, network_list),
        )
        create = partial(self._post, "volumes", shape=shapes.VOLUME, json=body, named=body["name"])
        request_time = RequestTime(self.clock)
        find = partial(self._volumes_created, body["name"], request_time)
        # Volumes do not show affinity rules.
        requested = {name: value for name, value in body.items() if name != "affinity"} | {
            "tags": body.get("tags")
        }
        lookup = Lookup(
            "volume",
            {"name": body["name"]},
            find,
            lambda volume: [*request_time.differing_fields(volume), *differing_fields(requested, volume)],
            request_time=request_time,
        )
        return create_once(self, create, lookup)

    def _volumes_created(self, name: str, request_time: RequestTime) -> list[dict[str, Any]]:
        """Return the volume that was created since the request, even if it failed later."""
        predicate = json.dumps({"and": [{"eq": ["name", name]}, {"ne": ["state", "deleting"]}]})
        return request_time.created_since(*self._get_answer("volumes", params={"predicate": predicate}))

    def update_volume(self, volume: VolumeRef, *, name: str | None = None) -> Volume:
        """Rename a volume that no machine uses.

        ``POST /:login/volumes/:id``

        Args:
            volume: UUID, name, short id or dict.
            name: Its new name.

        Raises:
            NotFoundError: ``VolumeNotFound``.
            InUseError: ``VolumeInUse``.
            ConflictError: ``VolumeAlreadyExists``.
        """
        body = texts(name=name)
        ident = id_of(self, VOLUME, volume)
        try:
            # Without ?action=update: servers up to 9.20 refuse every parameter but the name.
            return self._post("volumes", ident, shape=shapes.VOLUME, json=body, before_repeat=idempotent)
        except ConflictError as error:
            # The volume itself has the name if an attempt whose answer was lost has renamed it.
            if error.attempts == 1:
                raise
            renamed = self.volume(ident)
            if renamed.get("name") != name:
                raise
            return renamed

    def delete_volume(self, volume: VolumeRef) -> None:
        """Delete a volume that no machine uses, and all that is on it.

        ``DELETE /:login/volumes/:id``

        Asynchronous: `poll_volume` waits until it is ``'deleted'``.

        Args:
            volume: UUID, name, short id or dict.

        Raises:
            NotFoundError: ``VolumeNotFound``.
            InUseError: ``VolumeInUse``: a machine mounts it, running or not.
        """
        self._delete("volumes", id_of(self, VOLUME, volume))

    def volume_sizes(self, *, type: str | None = None) -> list[VolumeSize]:
        """List the sizes that volumes can have, the smallest first.

        ``GET /:login/volumesizes``

        Args:
            type: ``tritonnfs``.
        """
        query = without_none(type=text("type", type))
        return self._list("volumesizes", shape=shapes.VOLUME_SIZE, params=query)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"predicate: {shown(text)} is not JSON: {shortened(str(error))}") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name occurs twice, and the server reads only one")
    return dict(pairs)


def _predicate(predicate: Any) -> str | None:
    """Check a predicate, and return it as JSON."""
    if predicate is None:
        return None
    predicate = plain(predicate)
    if isinstance(predicate, str) and predicate:
        predicate = _parsed(predicate)
    if not isinstance(predicate, Mapping) or not predicate:
        raise ConfigurationError(
            f"predicate must be a dict with a condition, or its JSON, not {shown(predicate)}"
        )
    try:
        return json.dumps(predicate, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"predicate: {shown(predicate)} cannot be written as JSON: {error}"
        ) from error
