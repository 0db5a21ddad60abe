"""Sub-users: list, get, create, update, change the password, delete."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from smartdc.emulator.http.answers import Answer, Refusal, invalid_argument, missing_parameter, not_found
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.parameters import as_text
from smartdc.emulator.http.routes import Route
from smartdc.emulator.javascript.truth import is_true
from smartdc.emulator.operations.keys import UPLOAD_TYPES
from smartdc.emulator.state.clock import timestamp
from smartdc.emulator.state.directory import DETAILS, Account, SubUser
from smartdc.emulator.state.fields import LOGIN, LOGIN_CHARACTERS
from smartdc.emulator.state.site import Site

_DETAILS_IN_ORDER = ("companyName", "firstName", "lastName", "postalCode", "address", "city", "state")

_EMAIL = re.compile(r"[a-zA-Z0-9.!#$%&;'*+\-/=?^_`{|}~]+@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*")
_REMEMBERED_PASSWORDS = 4


def user_json(user: SubUser) -> dict[str, Any]:
    """Write a sub-user; optional fields are there only when they are set."""
    shown: dict[str, Any] = {"id": user.uuid, "login": user.login, "email": user.email}
    names = (*_DETAILS_IN_ORDER, "country", "phone")
    shown |= {name: user.details[name] for name in names if user.details.get(name)}
    return shown | {"updated": timestamp(user.updated), "created": timestamp(user.created)}


def list_users(site: Site, request: Incoming) -> Answer:
    """``GET /:account/users``."""
    return Answer([user_json(user) for user in request.account.users.values()])


def get_user(site: Site, request: Incoming) -> Answer:
    """``GET /:account/users/:uuid``, by uuid or login; any ``membership`` shows the names of the roles."""
    user = _find(request)
    shown = user_json(user)
    if is_true(request.params.get("membership")):
        access = request.account.access
        shown["roles"] = [role.name for role in access.roles_of(user.uuid)]
        shown["default_roles"] = [role.name for role in access.roles_of(user.uuid, by_default=True)]
    return Answer(shown)


def create_user(site: Site, request: Incoming) -> Answer:
    """``POST /:account/users``."""
    params = request.params
    missing = [
        f"{name} is required" for name in ("email", "login", "password") if not is_true(params.get(name))
    ]
    if missing:
        raise missing_parameter(f"Request is missing required parameters: {', '.join(missing)}")
    email, login, password = (as_text(params[name]) for name in ("email", "login", "password"))
    _check_email(email)
    if not LOGIN_CHARACTERS.fullmatch(login):
        raise invalid_argument("Login is invalid")
    if any(login.lower() == known.lower() for known in request.account.users):
        raise invalid_argument("Login is already taken")
    _check_password(password, ())
    _check_login(login)
    now = site.shared.clock.now()
    user = SubUser(login, site.new_uuid(), email, now, now, passwords=[password])
    user.details.update({name: text for name, text in _details(params).items() if text})
    request.account.users[login] = user
    location = f"/{request.account.login}/users/{quote(login, safe='')}"
    return Answer(user_json(user), 201, {"Location": location})


def update_user(site: Site, request: Incoming) -> Answer:
    """``POST /:account/users/:uuid``, by uuid only; an empty value clears."""
    params, account = request.params, request.account
    if params.get("email"):
        _check_email(as_text(params["email"]))
    user = _find_by_uuid(request)
    for name in ("email", "login"):
        if name in params and (params[name] is None or params[name] == ""):
            raise missing_parameter(f"Request is missing a required parameter ({name} is required)")
    details = _details(params)
    if "login" in params:
        _rename(account, user, as_text(params["login"]))
    if "email" in params:
        user.email = as_text(params["email"])
    user.details.update(details)
    if details or "login" in params or "email" in params:
        user.updated = site.shared.clock.now()
    return Answer(user_json(user))


def change_password(site: Site, request: Incoming) -> Answer:
    """``POST /:account/users/:uuid/change_password``, by uuid only."""
    params = request.params
    names = ("password", "password_confirmation")
    missing = [f"{name} is required" for name in names if not is_true(params.get(name))]
    if missing:
        raise missing_parameter(f"Request is missing required parameters: {', '.join(missing)}")
    if params["password"] != params["password_confirmation"]:
        raise invalid_argument("password and password_confirmation must have the same value")
    user = _find_by_uuid(request)
    password = as_text(params["password"])
    _check_password(password, user.passwords)
    user.passwords = [*user.passwords, password][-_REMEMBERED_PASSWORDS:]
    user.updated = site.shared.clock.now()
    return Answer(user_json(user))


def delete_user(site: Site, request: Incoming) -> Answer:
    """``DELETE /:account/users/:uuid``, by uuid or login; refused while the sub-user has keys."""
    user = _find(request)
    if user.keys or user.access_keys:
        raise invalid_argument(
            'The resource in question has "child" elements or is immutable and cannot be destroyed'
        )
    del request.account.users[user.login]
    return Answer(status=204)


def _find(request: Incoming) -> SubUser:
    name = as_text(request.params["uuid"])
    user = request.account.find_user(name)
    if user is None:
        raise not_found(f"{name} does not exist")
    return user


def _find_by_uuid(request: Incoming) -> SubUser:
    name = as_text(request.params["uuid"])
    user = request.account.find_user(name)
    if user is None or user.uuid != name:
        raise not_found(f'user with uuid "{name}" does not exist')
    return user


def _details(params: dict[str, Any]) -> dict[str, str]:
    """The details that the request sets; an empty text clears one."""
    return {
        field: "" if params[parameter] is None else as_text(params[parameter])
        for parameter, field in DETAILS.items()
        if parameter in params
    }


def _check_email(email: str) -> None:
    if not _EMAIL.fullmatch(email):
        raise invalid_argument(f"email: {email} is invalid")


def _check_login(login: str) -> None:
    if not LOGIN.fits(login):
        raise invalid_argument(f"login: {login} is invalid")


def _check_password(password: str, old: list[str] | tuple[()]) -> None:
    """Check the directory's default password policy."""
    if len(password) < 7:
        raise invalid_argument("passwordTooShort")
    if not re.search("[a-zA-Z]", password) or not re.search("[0-9]", password):
        raise invalid_argument("insufficientPasswordQuality")
    if password in old:
        raise invalid_argument("passwordInHistory")


def _rename(account: Account, user: SubUser, login: str) -> None:
    """Change the login; only the directory, when it stores the login, checks that it is unique."""
    _check_login(login)
    if login in account.users and account.users[login] is not user:
        raise Refusal(
            409, "InvalidArgument", f"login is a unique attribute and value '{login}' already exists"
        )
    account.users = {login if known is user else name: known for name, known in account.users.items()}
    user.login = login


_CHANGEABLE = ("email", "login", "cn", *DETAILS)

ROUTES = [
    Route(
        "CreateUser",
        "POST",
        "/:account/users",
        create_user,
        params=("password", *_CHANGEABLE),
        types=UPLOAD_TYPES,
    ),
    Route("ListUsers", "GET", "/:account/users", list_users),
    Route("HeadUsers", "HEAD", "/:account/users", list_users),
    Route("GetUser", "GET", "/:account/users/:uuid", get_user, params=("membership",)),
    Route("HeadUser", "HEAD", "/:account/users/:uuid", get_user, params=("membership",)),
    Route("UpdateUser", "POST", "/:account/users/:uuid", update_user, params=_CHANGEABLE),
    Route(
        "ChangeUserPassword",
        "POST",
        "/:account/users/:uuid/change_password",
        change_password,
        params=("password", "password_confirmation"),
    ),
    Route("DeleteUser", "DELETE", "/:account/users/:uuid", delete_user),
]
