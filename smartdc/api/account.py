"""The account: its details, limits and settings."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from smartdc._http import shapes
from smartdc._http.connection import Connection
from smartdc._http.named import id_of
from smartdc._http.request import idempotent
from smartdc.arguments.ids import is_segment
from smartdc.arguments.kinds import flags, texts
from smartdc.arguments.names import NETWORK
from smartdc.arguments.refs import NetworkRef

if TYPE_CHECKING:
    from smartdc.types import Account, Config, ProvisioningLimit


class AccountOperations(Connection):
    """Operations on the account itself."""

    def account(self) -> Account:
        """Get the account.

        ``GET /:login``

        A `login` of ``my`` is replaced by the account's own login, as in py-smartdc.

        Returns:
            Dict with ``id``, ``login``, ``email``, names, address, ``created``, ``updated``.
        """
        account = self._get(shape=shapes.ACCOUNT)
        login = account.get("login")
        if self.login == "my" and is_segment(login):
            self.login = self._learned_login = login
        return account

    def me(self) -> Account:
        """Get the account: py-smartdc's older name for `account`.

        ``GET /:login``
        """
        warnings.warn("me() is account() now", DeprecationWarning, stacklevel=2)
        return self.account()

    def update_account(
        self,
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
        *,
        triton_cns_enabled: bool | None = None,
    ) -> Account:
        """Change the account's details; None leaves a detail unchanged.

        ``POST /:login``

        The server ignores empty strings: a detail can be changed but not cleared.

        Args:
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
            triton_cns_enabled: Whether machines get DNS names from Triton's Container Name Service.

        Returns:
            The account after the change.
        """
        body: dict[str, Any] = texts(
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
        body |= flags(triton_cns_enabled=triton_cns_enabled)
        return self._post(shape=shapes.ACCOUNT, json=body, before_repeat=idempotent)

    def limits(self) -> list[ProvisioningLimit]:
        """List the limits on the account's machines in this data center, and how much of them is used.

        ``GET /:login/limits``

        Since API 9.8. The list is empty if the data center sets no limits.

        Returns:
            List of dicts with ``value`` and ``used``; ``by`` says what is limited: machines, RAM or disk.
        """
        return self._list("limits", shape=shapes.PROVISIONING_LIMIT)

    def config(self) -> Config:
        """Get the account's settings in this data center.

        ``GET /:login/config``

        Since API 7.3.

        Returns:
            Dict with ``default_network``, the network that Docker containers are put on; empty when there is
            none.
        """
        return self._get("config", shape=shapes.CONFIG)

    def update_config(self, default_network: NetworkRef) -> Config:
        """Change the account's settings in this data center.

        ``PUT /:login/config``

        Since API 7.3.

        Args:
            default_network: Network that Docker containers are put on: UUID, name, short id, or dict from
                `networks`.

        Returns:
            The settings after the change.

        Raises:
            InvalidArgumentError: ``InvalidArgument``: there is no such network.
        """
        body = {"default_network": id_of(self, NETWORK, default_network)}
        return self._put("config", shape=shapes.CONFIG, json=body)
