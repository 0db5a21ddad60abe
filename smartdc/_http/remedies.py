"""What to do about refusals whose message does not say so."""

from __future__ import annotations

import re

from smartdc.errors import APIError

__all__ = ["remedy_for"]

_BY_CODE = {
    "CannotDestroyMachine": "call disable_deletion_protection() first, and wait for it with "
    "poll_applied(deletion_protection=False)",
    "UnallocatedVM": "it is not provisioned yet: wait with poll_while('provisioning')",
    "VmNotStopped": "call stop() first, and wait with poll_until('stopped')",
}
"""By the server's code, without an ``Error`` at its end (docs/cloudapi/errors.md#status-of-each-code)."""

_BY_MESSAGE = {
    "is not a valid package": "sdc.packages() lists all",
    "is not a valid image": "sdc.images() lists all",
}
"""By how the message of an ``InvalidArgument`` ends (docs/cloudapi/create.md#package-by-name)."""

_NO_SERVER = "Cannot delete a VM with no server_uuid"
_WITHOUT_SERVER = (
    "if it is being provisioned, wait with poll_while('provisioning'); if that failed, it cannot be deleted"
)
"""See docs/cloudapi/actions.md#deletion-without-a-server."""

_NAME_TAKEN = "another machine has this name, or one that is still being deleted"
"""See docs/cloudapi/create.md#duplicate-name."""


def remedy_for(error: APIError) -> str | None:
    """What to do, in words that follow the error's own; None where there is nothing to add."""
    code = (error.code or "").removesuffix("Error")
    if code == "InvalidArgument":
        return next((_BY_MESSAGE[end] for end in _BY_MESSAGE if error.message.endswith(end)), None)
    if any((field.get("field"), field.get("code")) == ("alias", "Duplicate") for field in error.errors):
        return _NAME_TAKEN
    if error.message.endswith(_NO_SERVER):
        return _WITHOUT_SERVER
    if error.status == 404 and re.fullmatch("/[^/]+/packages/[^/]+", error.path):
        return "sdc.packages() lists all"
    return _BY_CODE.get(code)
