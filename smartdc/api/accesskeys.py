"""Access keys: pairs of an id and a secret, for services that speak S3 instead of HTTP signatures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from smartdc._http import shapes
from smartdc._http.connection import Connection
from smartdc._http.lost_answers import Lookup, create_once
from smartdc._http.request import idempotent
from smartdc._http.request_time import RequestTime
from smartdc.arguments.ids import ID_KEYS, entity_id
from smartdc.arguments.kinds import texts
from smartdc.arguments.refs import AccessKeyRef, UserRef
from smartdc.arguments.role_tags import RoleRef, role_tag_header

if TYPE_CHECKING:
    from smartdc.types import AccessKey, AccessKeyCredentials

Status = Literal["Active", "Inactive", "Expired"]

_ID_KEYS = ID_KEYS["accesskeys"]
_USER_KEYS = ID_KEYS["users"]


class AccessKeyOperations(Connection):
    """Operations on the access keys of the account and of its sub-users."""

    def access_keys(self) -> list[AccessKey]:
        """List the account's access keys.

        ``GET /:login/accesskeys``

        Since API 9.11.

        Returns:
            List of dicts with ``accesskeyid``, ``status``, ``created``, ``updated``, without the secrets.
        """
        return self._list("accesskeys", shape=shapes.ACCESS_KEY)

    def access_key(self, access_key: AccessKeyRef) -> AccessKey:
        """Get one access key of the account, without its secret.

        ``GET /:login/accesskeys/:accesskeyid``

        Since API 9.11.

        Args:
            access_key: Its id, or dict from `access_keys`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        ident = entity_id(access_key, "access key", *_ID_KEYS)
        return self._get("accesskeys", ident, shape=shapes.ACCESS_KEY)

    def create_access_key(
        self,
        *,
        description: str | None = None,
        status: Status | None = None,
        role_tags: Iterable[RoleRef] | RoleRef | None = None,
    ) -> AccessKeyCredentials:
        """Create an access key of the account.

        ``POST /:login/accesskeys``

        Since API 9.11. Version 9.20.0 ignores `description` and `status`.

        Args:
            description: What it is for, at most 150 characters.
            status: ``Active`` when None, ``Inactive``, or ``Expired``.
            role_tags: Roles whose members may act on the new key.

        Returns:
            Dict as from `access_keys`, with ``accesskeysecret``, which the server shows only now.

        Raises:
            InvalidArgumentError: ``InvalidArgument``.
            NotAuthorizedError: ``Forbidden``: there are 100 already.
            OutcomeUnknown: The answer with the secret was lost. Keys created meanwhile are in its
                `candidates`, to be deleted.
        """
        body = texts(description=description, status=status)
        return self._create_access_key(("accesskeys",), body, role_tags)

    def update_access_key(
        self, access_key: AccessKeyRef, *, description: str | None = None, status: Status | None = None
    ) -> AccessKey:
        """Change an access key of the account, for instance to switch it off.

        ``POST /:login/accesskeys/:accesskeyid``

        Since API 9.20, according to its schema; a server whose code lacks it, such as 9.20.0, answers 405.

        Args:
            access_key: Its id, or dict from `access_keys`.
            description: What it is for, at most 150 characters; it cannot be cleared.
            status: ``Active``, ``Inactive``, or ``Expired``.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: one of these is not valid, or there is no such key.
        """
        ident = entity_id(access_key, "access key", *_ID_KEYS)
        body = texts(description=description, status=status)
        return self._post("accesskeys", ident, shape=shapes.ACCESS_KEY, json=body, before_repeat=idempotent)

    def delete_access_key(self, access_key: AccessKeyRef) -> None:
        """Delete an access key of the account.

        ``DELETE /:login/accesskeys/:accesskeyid``

        Since API 9.11.

        Args:
            access_key: Its id, or dict from `access_keys`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        self._delete("accesskeys", entity_id(access_key, "access key", *_ID_KEYS))

    def user_access_keys(self, user: UserRef) -> list[AccessKey]:
        """List a sub-user's access keys.

        ``GET /:login/users/:user/accesskeys``

        Since API 9.11.

        Args:
            user: UUID, login, or dict from `users`.

        Returns:
            List of dicts as from `access_keys`.
        """
        return self._list(*_collection_of(user), shape=shapes.ACCESS_KEY)

    def user_access_key(self, user: UserRef, access_key: AccessKeyRef) -> AccessKey:
        """Get one access key of a sub-user, without its secret.

        ``GET /:login/users/:user/accesskeys/:accesskeyid``

        Since API 9.11.

        Args:
            user: UUID, login, or dict from `users`.
            access_key: Its id, or dict from `user_access_keys`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        ident = entity_id(access_key, "access key", *_ID_KEYS)
        return self._get(*_collection_of(user), ident, shape=shapes.ACCESS_KEY)

    def create_user_access_key(
        self,
        user: UserRef,
        *,
        description: str | None = None,
        status: Status | None = None,
        role_tags: Iterable[RoleRef] | RoleRef | None = None,
    ) -> AccessKeyCredentials:
        """Create an access key of a sub-user.

        ``POST /:login/users/:user/accesskeys``

        Since API 9.11. Version 9.20.0 ignores `description` and `status`.

        Args:
            user: UUID, login, or dict from `users`.
            description: What it is for, at most 150 characters.
            status: ``Active`` when None, ``Inactive``, or ``Expired``.
            role_tags: Roles whose members may act on the new key.

        Returns:
            Dict as from `access_keys`, with ``accesskeysecret``, which the server shows only now.

        Raises:
            InvalidArgumentError: ``InvalidArgument``.
            NotAuthorizedError: ``Forbidden``: there are 100 already.
            OutcomeUnknown: The answer with the secret was lost. Keys created meanwhile are in its
                `candidates`, to be deleted.
            NotFoundError: ``ResourceNotFound``: no such user.
        """
        body = texts(description=description, status=status)
        return self._create_access_key(_collection_of(user), body, role_tags)

    def update_user_access_key(
        self,
        user: UserRef,
        access_key: AccessKeyRef,
        *,
        description: str | None = None,
        status: Status | None = None,
    ) -> AccessKey:
        """Change an access key of a sub-user, for instance to switch it off.

        ``POST /:login/users/:user/accesskeys/:accesskeyid``

        Since API 9.20, according to its schema; a server whose code lacks it, such as 9.20.0, answers 405.

        Args:
            user: UUID, login, or dict from `users`.
            access_key: Its id, or dict from `user_access_keys`.
            description: What it is for, at most 150 characters; it cannot be cleared.
            status: ``Active``, ``Inactive``, or ``Expired``.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: one of these is not valid, or there is no such user
                or key.
        """
        ident = entity_id(access_key, "access key", *_ID_KEYS)
        body = texts(description=description, status=status)
        return self._post(
            *_collection_of(user), ident, shape=shapes.ACCESS_KEY, json=body, before_repeat=idempotent
        )

    def delete_user_access_key(self, user: UserRef, access_key: AccessKeyRef) -> None:
        """Delete an access key of a sub-user.

        ``DELETE /:login/users/:user/accesskeys/:accesskeyid``

        Since API 9.11.

        Args:
            user: UUID, login, or dict from `users`.
            access_key: Its id, or dict from `user_access_keys`.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        self._delete(*_collection_of(user), entity_id(access_key, "access key", *_ID_KEYS))

    def _create_access_key(
        self,
        collection: tuple[str, ...],
        body: Mapping[str, Any],
        role_tags: Iterable[RoleRef] | RoleRef | None,
    ) -> AccessKeyCredentials:
        shape, headers = shapes.ACCESS_KEY_CREDENTIALS, role_tag_header(role_tags)
        create = partial(self._post, *collection, shape=shape, json=body, headers=headers)
        request_time = RequestTime(self.clock)

        def find() -> list[dict[str, Any]]:
            return request_time.created_since(*self._get_answer(*collection))

        # A key that was created is useless without its secret.
        lookup = Lookup("access key", body, find, is_certain=False, is_unique=False)
        return create_once(self, create, lookup)


def _collection_of(user: UserRef) -> tuple[str, str, str]:
    return "users", entity_id(user, "user", *_USER_KEYS), "accesskeys"
