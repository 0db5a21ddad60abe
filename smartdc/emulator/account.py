"""The account itself: get, update, and the provisioning limits."""

from __future__ import annotations

from typing import Any

from smartdc.emulator.answers import Answer, invalid_argument
from smartdc.emulator.clock import timestamp
from smartdc.emulator.directory import Account
from smartdc.emulator.incoming import Incoming
from smartdc.emulator.parameters import as_text
from smartdc.emulator.routes import Route
from smartdc.emulator.site import Site

#: Parameter of an update -> field of the account; the first three are the directory's own names.
_CHANGEABLE = {
    "company": "companyName",
    "givenName": "firstName",
    "sn": "lastName",
    "companyName": "companyName",
    "firstName": "firstName",
    "lastName": "lastName",
    "address": "address",
    "city": "city",
    "state": "state",
    "postalCode": "postalCode",
    "country": "country",
    "phone": "phone",
}
_BEFORE_CNS = ("companyName", "firstName", "lastName", "postalCode")
_AFTER_CNS = ("address", "city", "state", "country", "phone")


def account_json(account: Account) -> dict[str, Any]:
    """Write an account; optional fields only when they are set."""
    details = account.details
    shown: dict[str, Any] = {"id": account.uuid, "login": account.login, "email": account.email}
    shown |= {name: details[name] for name in _BEFORE_CNS if details.get(name)}
    shown["triton_cns_enabled"] = account.triton_cns_enabled
    shown |= {name: details[name] for name in _AFTER_CNS if details.get(name)}
    shown["updated"] = timestamp(account.updated)
    shown["created"] = timestamp(account.created)
    return shown


def get_account(site: Site, request: Incoming) -> Answer:
    """``GET /:account``."""
    return Answer(account_json(request.account))


def update_account(site: Site, request: Incoming) -> Answer:
    """``POST /:account``: empty values and unknown names change nothing (observed H)."""
    account, params = request.account, request.params
    cns = params.get("triton_cns_enabled")
    if "triton_cns_enabled" in params and as_text(cns) not in ("true", "false"):
        raise invalid_argument('triton_cns_enabled must be either "true" or "false"')
    if "triton_cns_enabled" in params:
        account.triton_cns_enabled = as_text(cns) == "true"
    if params.get("email"):
        account.email = as_text(params["email"])
    for parameter, field in _CHANGEABLE.items():
        if params.get(parameter):
            account.details[field] = as_text(params[parameter])
    account.updated = site.shared.clock.now()
    return Answer(account_json(account))


def get_limits(site: Site, request: Incoming) -> Answer:
    """``GET /:account/limits``: none, as on a server without the limits plugin."""
    return Answer([])


ROUTES = [
    Route("GetAccount", "GET", "/:account", get_account),
    Route("HeadAccount", "HEAD", "/:account", get_account),
    Route(
        "UpdateAccount",
        "POST",
        "/:account",
        update_account,
        params=("email", "cn", "triton_cns_enabled", *_CHANGEABLE),
    ),
    Route("GetProvisioningLimits", "GET", "/:account/limits", get_limits),
]
