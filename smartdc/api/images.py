"""Images, which py-smartdc called datasets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from smartdc._http import shapes
from smartdc._http.answers import object_of, reject_other_id, strings_of
from smartdc._http.awaited import poll_state
from smartdc._http.connection import Connection
from smartdc._http.lost_answers import Lookup, create_once
from smartdc._http.named import dataset_of, id_of, machine_id_of
from smartdc._http.request import idempotent
from smartdc._http.request_time import RequestTime
from smartdc.arguments.filters import Filters, text, visibility
from smartdc.arguments.ids import entity_id, is_uuid, without_none
from smartdc.arguments.kinds import as_list, required_texts, text_of, texts
from smartdc.arguments.likeness import differing_fields, stuck_state, unfinished_state
from smartdc.arguments.names import ANY_IMAGE, IMAGE
from smartdc.arguments.refs import ImageRef
from smartdc.arguments.role_tags import RoleRef, role_tag_header
from smartdc.arguments.search import marked_default, searching
from smartdc.arguments.urns import with_urn
from smartdc.arguments.values import checked_values
from smartdc.errors import NotFoundError
from smartdc.machine import MachineRef

if TYPE_CHECKING:
    from smartdc.types import ExportedImage, Image, ImageState

_STATES = ("active", "creating", "unactivated", "disabled", "failed")


class ImageOperations(Connection):
    """Operations on the images that machines are made from."""

    def images(
        self,
        name: str | None = None,
        os: str | None = None,
        version: str | None = None,
        public: bool | str | None = None,
        state: ImageState | str | None = None,
        owner: str | None = None,
        type: str | None = None,
    ) -> list[Image]:
        """List images.

        ``GET /:login/images``

        Args:
            name: Exact name. (The server would take ``~base`` for a part of a name.)
            os: ``smartos``, ``linux``, ``windows``, ...
            version: Exact version.
            public: True for public images, False for private ones (``'public'``, ``'private'`` as well).
            state: ``active`` (the server's default), ``disabled``, ``creating``, ``failed``, ``unactivated``,
                or ``all``.
            owner: UUID of the owner.
            type: ``zone-dataset``, ``lx-dataset``, ``zvol``, or ``docker``, without which docker images are
                not listed.

        Returns:
            List of dicts.

        Raises:
            ConfigurationError: A filter has a type that the server would ignore, or is empty.
        """
        filters = Filters()
        for field, value in (("name", name), ("os", os), ("version", version), ("type", type)):
            filters.literal(field, text(field, value))
        filters.equal("owner", None if owner is None else entity_id(owner, "owner"))
        filters.equal("state", text("state", state), any_value="all")
        filters.equal("public", visibility(public))
        return filters.apply(self._list("images", shape=shapes.IMAGE, params=filters.query))

    def image(self, identifier: ImageRef) -> Image:
        """Get one image.

        ``GET /:login/images/:image``

        Args:
            identifier: UUID, name (its newest active image), ``name@version``, short id, or dict.
        """
        return self._get("images", id_of(self, IMAGE, identifier), shape=shapes.IMAGE)

    def poll_image(
        self, image: ImageRef, state: str = "active", interval: float = 2, *, timeout: float | None = None
    ) -> Image:
        """Wait until an image is in a given state, and return it.

        ``GET /:login/images/:image``

        Args:
            image: UUID, name, ``name@version``, short id, or dict with ``id``.
            state: ``active``, ``unactivated``, ``disabled`` or ``creating``.
            interval: Seconds between two looks.
            timeout: Seconds in all; None waits for ever, 0 looks once.

        Raises:
            WaitFailed: It became ``failed``, and the text has the reason; or it was deleted.
            WaitTimeout: The time ran out.
        """
        ident = id_of(self, ANY_IMAGE, image)
        what, source = f"image {ident}", ("images", ident)
        return poll_state(self, source, shapes.IMAGE, what, state, _STATES, ("creating",), interval, timeout)

    def create_image_from_machine(
        self,
        machine: MachineRef,
        name: str,
        version: str,
        *,
        description: str | None = None,
        homepage: str | None = None,
        eula: str | None = None,
        acl: Sequence[str] | None = None,
        tags: Mapping[str, Any] | None = None,
        role_tags: Iterable[RoleRef] | RoleRef | None = None,
    ) -> Image:
        """Start creating an image from a machine, which should be stopped and prepared for that.

        ``POST /:login/images``

        Asynchronous: `poll_image` waits until it is ``active``. The image is private. Since API 7.1.

        Args:
            machine: UUID, name, short id, dict or `Machine`.
            name: Its name: at most 1024 letters, digits, spaces, ``.``, ``-``, ``_`` and ``/``.
            version: Its version: at most 512 of the same, but ``+`` instead of spaces.
            description: A description.
            homepage: URL of a page about it.
            eula: URL of a licence agreement.
            acl: UUIDs of the accounts that may use it.
            tags: Tags; text, numbers or booleans.
            role_tags: Roles whose members may act on the new image.

        Returns:
            The new image, in state ``creating``, without ``os`` and ``type``.

        Raises:
            ValidationFailedError: ``ValidationFailed``: one of these is not valid; ``InvalidParameter``:
                there is no such machine.
            ServerError: ``NotAvailable``: images cannot be created from such machines.
        """
        body: dict[str, Any] = texts(
            **required_texts(name=name, version=version),
            description=description,
            homepage=homepage,
            eula=eula,
        )
        body |= without_none(
            acl=None if acl is None else as_list("acl", acl, "[account]", str),
            tags=None if tags is None else checked_values("tag", tags),
        )
        headers = role_tag_header(role_tags)
        sent = body | {"machine": machine_id_of(self, machine)}
        create = partial(self._post, "images", shape=shapes.IMAGE, json=sent, headers=headers, named=name)
        request_time = RequestTime(self.clock, "published_at")
        requested = {**body, "tags": tags, "acl": body.get("acl")}
        lookup = Lookup(
            "image",
            {"name": name, "version": version},
            partial(self._images_created, name, version, request_time),
            lambda image: [
                *stuck_state(image),
                *(request_time.differing_fields(image) if image.get("published_at") else ()),
                *differing_fields(requested, image),
            ],
            is_unique=False,
        )
        return create_once(self, create, lookup)

    def _images_created(self, name: str, version: str, request_time: RequestTime) -> list[Image]:
        """Return images of this name that are unfinished, or were published since the request."""
        body, response = self._get_answer("images", params={"name": name, "version": version, "state": "all"})
        published = request_time.created_since(body, response)
        return [image for image in body if image in published or not image.get("published_at")]

    def update_image(
        self,
        identifier: ImageRef,
        *,
        name: str | None = None,
        version: str | None = None,
        description: str | None = None,
        homepage: str | None = None,
        eula: str | None = None,
        acl: Sequence[str] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> Image:
        """Change the description of one of this account's images; None leaves a field unchanged.

        ``POST /:login/images/:image?action=update``

        Since API 7.1.

        Args:
            identifier: UUID, name, ``name@version``, short id, or dict with ``id``.
            name: As in `create_image_from_machine`.
            version: As in `create_image_from_machine`.
            description: A description.
            homepage: URL of a page about it.
            eula: URL of a licence agreement.
            acl: UUIDs of all the accounts that may use it; `share_image` adds to them.
            tags: All tags from now on.

        Returns:
            The image after the change.

        Raises:
            NotAuthorizedError: ``NotImageOwner``.
            ValidationFailedError: ``ValidationFailed``: one of these is not valid, or none is passed.
        """
        body: dict[str, Any] = texts(
            name=name, version=version, description=description, homepage=homepage, eula=eula
        )
        body |= without_none(
            acl=None if acl is None else as_list("acl", acl, "[account]", str),
            tags=None if tags is None else checked_values("tag", tags),
        )
        segments = ("images", id_of(self, ANY_IMAGE, identifier))
        update = {"action": "update"}
        return self._post(*segments, shape=shapes.IMAGE, params=update, json=body, before_repeat=idempotent)

    def share_image(self, identifier: ImageRef, *accounts: str) -> Image:
        """Let other accounts use one of this account's private images: add them to its ACL.

        ``POST /:login/images/:image?action=update``, after getting the image.

        Since API 7.1.

        Args:
            identifier: UUID, name, ``name@version``, short id, or dict with ``id``.
            *accounts: UUIDs of accounts; a login is not enough.

        Returns:
            The image after the change; its ``acl`` has all accounts.
        """
        wanted = as_list("accounts", accounts, "the UUID of an account", str)
        acl = self._acl(ident := id_of(self, ANY_IMAGE, identifier))
        return self.update_image(ident, acl=[*acl, *(each for each in wanted if each not in acl)])

    def unshare_image(self, identifier: ImageRef, *accounts: str) -> Image:
        """Stop other accounts from using one of this account's images: remove them from its ACL.

        ``POST /:login/images/:image?action=update``, after getting the image.

        Since API 7.1.

        Args:
            identifier: UUID, name, ``name@version``, short id, or dict with ``id``.
            *accounts: UUIDs of accounts.

        Returns:
            The image after the change; without ``acl`` if that is empty.
        """
        others = as_list("accounts", accounts, "the UUID of an account", str)
        acl = self._acl(ident := id_of(self, ANY_IMAGE, identifier))
        return self.update_image(ident, acl=[each for each in acl if each not in others])

    def export_image(self, identifier: ImageRef, manta_path: str) -> ExportedImage:
        """Write one of this account's images, and its manifest, to Manta, Triton's object storage.

        ``POST /:login/images/:image?action=export``

        The server answers when it has finished, which may take long: set `timeout`. Since API 7.1.

        Args:
            identifier: UUID, name, ``name@version``, short id, or dict with ``id``.
            manta_path: A directory, in which the files are called ``NAME-VERSION``; or a prefix of paths.

        Raises:
            NotAuthorizedError: ``NotImageOwner``, or ``NotMantaPathOwner``: the path is not the account's.
            ServiceUnavailableError: ``StorageUnsupported``: there is no Manta, or the image has no file.
        """
        body = {"manta_path": text_of("manta_path", manta_path)}
        segments = ("images", id_of(self, ANY_IMAGE, identifier))
        return self._post(*segments, shape=shapes.EXPORTED_IMAGE, params={"action": "export"}, json=body)

    def clone_image(self, identifier: ImageRef) -> Image:
        """Copy an image that another account shares; the copy belongs to this account.

        ``POST /:login/images/:image?action=clone``

        Since API 9.1.

        Args:
            identifier: UUID, name, ``name@version``, short id, or dict with ``id``.

        Returns:
            The copy, with a new UUID and without ACL.

        Raises:
            NotAuthorizedError: ``ImageNotShared``: this account is not on its ACL.
        """
        ident = id_of(self, ANY_IMAGE, identifier)
        create = partial(self._post, "images", ident, shape=shapes.IMAGE, params={"action": "clone"}, json={})
        # A copy looks like the image itself, and like every other copy of it.
        find = partial(self._copies, ident)
        lookup = Lookup("copy of image", {"id": ident}, find, is_certain=False, is_unique=False)
        return create_once(self, create, lookup)

    def _copies(self, ident: str) -> list[Image]:
        original = self.image(ident)
        same = self.images(original.get("name"), version=original.get("version"), public=False, state="all")
        return [image for image in same if image["id"] != ident]

    def import_image_from_datacenter(self, datacenter: str, identifier: ImageRef) -> Image:
        """Copy one of this account's images from another data center of this cloud.

        ``POST /:login/images?action=import-from-datacenter``

        It keeps its UUID; the account's images on which it is based are copied as well. The server answers
        when it has finished, which may take long: set `timeout`. Since API 9.2.

        Args:
            datacenter: Name of the data center where it is; `datacenters` lists them.
            identifier: UUID, or dict with ``id``; not a name, which could mean another image here.

        Returns:
            The image in this data center.

        Raises:
            NotFoundError: ``ResourceNotFound``: there is no such image.
            ConflictError: ``ImageUuidAlreadyExists``: it is here already.
            NotAuthorizedError: ``UnauthorizedError``: it belongs to another account.
            ValidationFailedError: ``ValidationFailed``: there is no such data center, or the image is not
                active.
        """
        ident, source = entity_id(identifier, "image"), text_of("datacenter", datacenter)
        params = {"action": "import-from-datacenter", "datacenter": source, "id": ident}
        create = partial(self._post, "images", shape=shapes.IMAGE, params=params, json={})
        lookup = Lookup("image", {"id": ident}, partial(self._images_with_id, ident), unfinished_state)
        return create_once(self, create, lookup)

    def _images_with_id(self, ident: str) -> list[Image]:
        try:
            return [self.image(ident)]
        except NotFoundError:
            return []

    def delete_image(self, identifier: ImageRef) -> None:
        """Delete one of this account's images.

        ``DELETE /:login/images/:image``

        Since API 7.1.

        Args:
            identifier: UUID, name (its newest active version), ``name@version``, short id or dict.

        Raises:
            NotFoundError: ``ResourceNotFound``.
            NotAuthorizedError: ``NotImageOwner``.
            InUseError: ``ImageHasDependentImages``: other images are based on it.
        """
        self._delete("images", id_of(self, ANY_IMAGE, identifier))

    def datasets(
        self, search: str | None = None, fields: Sequence[str] = ("description", "urn")
    ) -> list[Image]:
        """List images, each with its URN: datasets is the older name for images.

        ``GET /:login/images``

        Args:
            search: Regular expression, applied by the client, ignoring case.
            fields: Fields in which to search.

        Returns:
            List of dicts as from `images`, each with ``urn``: ``sdc:sdc:NAME:VERSION``.
        """
        fits = searching(search, fields)
        return [image for image in map(with_urn, self.images()) if fits(image)]

    def dataset(self, identifier: ImageRef) -> Image:
        """Get one image by its UUID or its URN: dataset is the older name for an image.

        ``GET /:login/images/:image``

        Args:
            identifier: UUID, URN, the start of a URN or its end from the name on (``base64`` or
                ``base64:14.3.0``), or a dict with one of them. Of several versions the newest is taken.
        """
        wanted = entity_id(identifier, "dataset", "id", "urn")
        return with_urn(self.image(wanted) if is_uuid(wanted) else dataset_of(self, wanted))

    def default_dataset(self) -> Image | None:
        """Get the image that the server marks as default; None if it marks none.

        ``GET /:login/images``
        """
        return marked_default(self.datasets())

    def _acl(self, ident: str) -> list[str]:
        image, response = self._get_answer("images", ident)
        acl = reject_other_id(object_of(image, response), response).get("acl")
        return strings_of(acl, response)
