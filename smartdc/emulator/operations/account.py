"""The account itself: get, update, its provisioning limits, and its settings in a data center."""

from __future__ import annotations

from typing import Any

from smartdc.emulator.http.answers import Answer, invalid_argument
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import as_text, is_uuid
from smartdc.emulator.http.routes import Route
from smartdc.emulator.rules.limits import usage
from smartdc.emulator.rules.schema import UUID_PATTERN, Property, check
from smartdc.emulator.state.clock import timestamp
from smartdc.emulator.state.directory import DETAILS, Account
from smartdc.emulator.state.site import Site

_BEFORE_CNS = ("companyName", "firstName", "lastName", "postalCode")
_AFTER_CNS = ("address", "city", "state", "country", "phone")


def account_json(account: Account) -> dict[str, Any]:
    """Write an account; optional fields are there only when they are set."""
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
    """``POST /:account``: empty values and unknown names change nothing.

    See docs/cloudapi/access.md#account-update.
    """
    account, params = request.account, request.params
    cns = params.get("triton_cns_enabled")
    if "triton_cns_enabled" in params and as_text(cns) not in ("true", "false"):
        raise invalid_argument('triton_cns_enabled must be either "true" or "false"')
    if "triton_cns_enabled" in params:
        account.triton_cns_enabled = as_text(cns) == "true"
    if params.get("email"):
        account.email = as_text(params["email"])
    for parameter, field in DETAILS.items():
        if params.get(parameter):
            account.details[field] = as_text(params[parameter])
    account.updated = site.shared.clock.now()
    return Answer(account_json(account))


def get_limits(site: Site, request: Incoming) -> Answer:
    """``GET /:account/limits``: an empty list when the operator has set no limits."""
    return Answer(usage(site, request.account))


def get_config(site: Site, request: Incoming) -> Answer:
    """``GET /:account/config``: empty for an account without a fabric."""
    return Answer(_config_json(site, request.account))


def update_config(site: Site, request: Incoming) -> Answer:
    """``PUT /:account/config``; the schema refuses unknown parameters, even ``as-role`` in the query."""
    params = {name: value for name, value in request.params.items() if name != "account"}
    wanted = params.get("default_network")
    if isinstance(wanted, str) and not is_uuid(wanted):
        raise invalid_argument('property "default_network": must be a UUID')
    check({"default_network": Property("string", required=True, pattern=UUID_PATTERN)}, params)
    network = site.networks.get(as_text(wanted))
    if network is None or not network.provisionable_by(request.account.uuid):
        raise invalid_argument("unknown network")
    site.default_fabric_networks[request.account.uuid] = network.uuid
    return Answer(_config_json(site, request.account))


def _config_json(site: Site, account: Account) -> dict[str, Any]:
    default = site.default_fabric_networks.get(account.uuid)
    return {} if default is None else {"default_network": default}


ROUTES = [
    Route("GetAccount", "GET", "/:account", get_account),
    Route("HeadAccount", "HEAD", "/:account", get_account),
    Route(
        "UpdateAccount",
        "POST",
        "/:account",
        update_account,
        params=("email", "cn", "triton_cns_enabled", *DETAILS),
    ),
    Route("GetProvisioningLimits", "GET", "/:account/limits", get_limits),
]

_CONFIG = "/:account/config"
CONFIG_ROUTES = [
    Route("GetConfig", "GET", _CONFIG, get_config),
    Route("HeadConfig", "HEAD", _CONFIG, get_config),
    Route("UpdateConfig", "PUT", _CONFIG, update_config, params=("default_network",)),
]
