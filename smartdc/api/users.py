"""Sub-users: people who use the account with their own keys, as far as their roles permit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from smartdc._http import shapes
from smartdc._http.connection import Connection
from smartdc._http.named import id_of
from smartdc._http.request import idempotent
from smartdc.arguments.ids import ID_KEYS, entity_id
from smartdc.arguments.kinds import required_texts, switches, texts
from smartdc.arguments.names import USER
from smartdc.arguments.refs import UserRef
from smartdc.arguments.role_tags import RoleRef, role_tag_header

if TYPE_CHECKING:
    from smartdc.types import User

_ID_KEYS = ID_KEYS["users"]


class UserOperations(Connection):
    """Operations on the account's sub-users. Changes may take seconds to appear."""

    def users(self) -> list[User]:
        """List the account's sub-users.

        ``GET /:login/users``

        Since API 7.2.

        Returns:
            List of dicts with ``id``, ``login``, ``email``, names, address, ``created``, ``updated``.
        """
        return self._list("users", shape=shapes.USER)

    def user(self, user: UserRef, membership: bool = False) -> User:
        """Get one sub-user.

        ``GET /:login/users/:user``

        Since API 7.2.

        Args:
            user: UUID, login, or dict from `users`.
            membership: Also return the names of the user's roles as ``roles``, and as ``default_roles`` of
                those that are active when a request names no role.

        Raises:
            NotFoundError: ``ResourceNotFound``.
        """
        # Any text turns it on, even 'false'.
        params = switches(membership=membership)
        return self._get("users", entity_id(user, "user", *_ID_KEYS), shape=shapes.USER, params=params)

    def create_user(
        self,
        login: str,
        email: str,
        password: str,
        *,
        company_name: str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
        address: str | None = None,
        postal_code: str | None = None,
        city: str | None = None,
        state: str | None = None,
        country: str | None = None,
        phone: str | None = None,
        role_tags: Iterable[RoleRef] | RoleRef | None = None,
    ) -> User:
        """Create a sub-user, who may do nothing without a role.

        ``POST /:login/users``

        Since API 7.2.

        Args:
            login: Name to sign in with, unique in this account: 3 to 32 letters, digits, ``_``, ``.`` and
                ``@``, the first a letter.
            email: Address for mail.
            password: At least 7 characters, with a letter and a digit (as servers are set up).
            company_name: Company.
            first_name: First name.
            last_name: Last name.
            address: Street address.
            postal_code: Postal code.
            city: City.
            state: State or province.
            country: Country.
            phone: Telephone number.
            role_tags: Roles whose members may act on the new user's record.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: the login is taken, or an argument is not valid.
            MissingParameterError: ``MissingParameter``: one of the first three is empty.
        """
        body = required_texts(login=login, email=email, password=password)
        body |= texts(
            companyName=company_name,
            firstName=first_name,
            lastName=last_name,
            address=address,
            postalCode=postal_code,
            city=city,
            state=state,
            country=country,
            phone=phone,
        )
        return self._post("users", shape=shapes.USER, json=body, headers=role_tag_header(role_tags))

    def update_user(
        self,
        user: UserRef,
        *,
        login: str | None = None,
        email: str | None = None,
        company_name: str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
        address: str | None = None,
        postal_code: str | None = None,
        city: str | None = None,
        state: str | None = None,
        country: str | None = None,
        phone: str | None = None,
    ) -> User:
        """Change a sub-user's details; None leaves a detail unchanged, and ``''`` clears it.

        ``POST /:login/users/:id``

        Since API 7.2. `change_user_password` changes the password.

        Args:
            user: UUID, login, or dict from `users`. A login is looked up in the list, because the server does
                not accept it here.
            login: New name to sign in with.
            email: Address for mail.
            company_name: Company.
            first_name: First name.
            last_name: Last name.
            address: Street address.
            postal_code: Postal code.
            city: City.
            state: State or province.
            country: Country.
            phone: Telephone number.

        Returns:
            The user after the change.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: one of these is not valid.
            MissingParameterError: ``MissingParameter``: the login or the address for mail would be empty.
            NotFoundError: ``ResourceNotFound``.
        """
        body = texts(
            login=login,
            email=email,
            companyName=company_name,
            firstName=first_name,
            lastName=last_name,
            address=address,
            postalCode=postal_code,
            city=city,
            state=state,
            country=country,
            phone=phone,
        )
        ident = id_of(self, USER, user)
        return self._post("users", ident, shape=shapes.USER, json=body, before_repeat=idempotent)

    def change_user_password(
        self, user: UserRef, password: str, password_confirmation: str | None = None
    ) -> User:
        """Change a sub-user's password.

        ``POST /:login/users/:user/change_password``

        Since API 7.2.

        Args:
            user: UUID, login, or dict from `users`. A login is looked up in the list, because the server does
                not accept it here.
            password: The new password, different from the last ones.
            password_confirmation: The new password again; `password` when None.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: the two differ, or the server's rules refuse it.
            NotFoundError: ``ResourceNotFound``.
        """
        confirmation = password if password_confirmation is None else password_confirmation
        body = required_texts(password=password, password_confirmation=confirmation)
        return self._post("users", id_of(self, USER, user), "change_password", shape=shapes.USER, json=body)

    def delete_user(self, user: UserRef) -> None:
        """Delete a sub-user, who can then no longer sign in.

        ``DELETE /:login/users/:user``

        Since API 7.2.

        Args:
            user: UUID, login, or dict from `users`.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: the user still has keys; delete those first.
            NotFoundError: ``ResourceNotFound``.
        """
        self._delete("users", entity_id(user, "user", *_ID_KEYS))
