"""Authentication: the Authorization and Date headers, the caller, and the account of the path.

The rules are in docs/cloudapi/signing.md. The module `presigned` checks pre-signed URLs, which have their
signature in the query instead.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

from smartdc.emulator.http.answers import Refusal, not_found
from smartdc.emulator.http.incoming import Incoming
from smartdc.emulator.http.violations import note_violation
from smartdc.emulator.state.directory import Key
from smartdc.emulator.state.site import Site
from smartdc.http_signature.verify import InvalidSignatureHeader, ParsedSignature, parse, verify

#: Seconds by which a Date may be off.
CLOCK_SKEW = 300
NO_CREDENTIALS = "You must make authenticated requests to use CloudAPI"
BAD_CREDENTIALS = "Invalid authorization credentials supplied"
NOT_AUTHORIZED = "The token provided is not authorized for this application"
DISABLED = "Account or user is disabled"


def check_authorization_header(site: Site, request: Incoming) -> ParsedSignature | None:
    """Parse the Authorization header; refuse an invalid one (400)."""
    if "x-date" in request.headers:
        # A real server may then refuse all other clients until it is restarted.
        what = "X-Date makes a server refuse all clients"
        note_violation(site, request, what, "x-date-breaks-all-requests")
        raise _invalid_header("Authorization header invalid: x-date was not a signed header")
    header = request.headers.get("authorization")
    if not header:
        return None
    scheme, space, _ = header.partition(" ")
    if not space:
        raise _invalid_header("BasicAuth content is invalid.")
    if scheme.lower() != "signature":
        return None
    try:
        now = site.shared.clock.wall()
        return parse(request.method, request.target, request.headers, now, CLOCK_SKEW)
    except InvalidSignatureHeader as error:
        raise _invalid_header(f"Authorization header invalid: {error}") from error


def check_date(site: Site, request: Incoming) -> None:
    """Refuse a Date that is too old (400); a signed request with one has been refused before."""
    date = request.headers.get("date", "")
    try:
        sent = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError):
        return  # not a date: the server compares NaN, which is not too old
    if site.shared.clock.wall() - sent > CLOCK_SKEW:
        raise Refusal(400, "RequestExpired", f"Date header {date} is too old")


def identify(site: Site, request: Incoming, signature: ParsedSignature | None) -> None:
    """Find the account or sub-user that signed, and verify the signature; refuse others (401)."""
    if signature is None:
        return
    parts = signature.key_id.split("/")
    if len(parts) == 4 and parts[2] == "keys":
        sub_login = None
    elif len(parts) == 6 and parts[4] == "keys" and request.since((7, 2, 0)):
        sub_login = parts[3]  # the server ignores parts[2]
    else:
        raise _unauthorized(f"Invalid KeyId {signature.key_id} in authorization header")
    account = site.shared.directory.find(parts[1])
    sub_user = account.find_user(sub_login) if account and sub_login is not None else None
    signer = account if sub_login is None else sub_user
    key = signer.find_key(parts[-1]) if signer else None
    if key is None or not _verified(signature, key):
        raise _unauthorized(BAD_CREDENTIALS)
    if request.headers.get("x-auth-token"):
        # The emulator issues no tokens, so each one is wrong (docs/cloudapi/signing.md#wrong-token).
        raise _unauthorized(NOT_AUTHORIZED)
    request.caller, request.sub_user = account, sub_user
    request.key_id = signature.key_id


def check_identified(request: Incoming) -> None:
    """Refuse unsigned requests (401) and disabled accounts (403)."""
    if request.caller is None:
        raise _unauthorized(NO_CREDENTIALS)
    if request.caller.disabled or (request.sub_user is not None and request.sub_user.disabled):
        raise Refusal(403, "NotAuthorized", DISABLED)


def load_account(site: Site, request: Incoming, params: dict[str, Any] | None) -> None:
    """Find the account that the request is about; 404 if it does not exist."""
    login = "undefined" if params is None else str(params.get("account", "undefined"))
    if request.caller is not None and (login in ("my", request.caller.login) or request.sub_user):
        request.owner = request.caller  # for a sub-user its account, even if the path names another
    else:
        request.owner = site.shared.directory.find(login)
    if request.owner is None:
        raise not_found(f"{login} does not exist")
    request.params["account"] = request.owner.login if login == "my" else login


def _verified(signature: ParsedSignature, key: Key) -> bool:
    try:
        return verify(signature, key.public)
    except KeyError:  # a hash that only pre-signed URLs may name: the server's library throws, which is a 401
        return False


def _invalid_header(message: str) -> Refusal:
    return Refusal(400, "InvalidHeader", message)


def _unauthorized(message: str) -> Refusal:
    return Refusal(401, "InvalidCredentials", message)
