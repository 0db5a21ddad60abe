"""What an error adds to refusals that do not say what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smartdc._http.error_codes import error_for
from smartdc._http.remedies import remedy_for
from tests.helpers.answers import answer

TAKEN = {"field": "alias", "code": "Duplicate", "message": "is already taken"}
PROTECTED = (
    "call disable_deletion_protection() first, and wait for it with poll_applied(deletion_protection=False)"
)


@pytest.mark.parametrize(
    ("body", "remedy"),
    [
        # docs/cloudapi/errors.md#status-of-each-code
        ({"code": "CannotDestroyMachine"}, PROTECTED),
        ({"code": "CannotDestroyMachineError"}, PROTECTED),
        ({"code": "UnallocatedVM"}, "it is not provisioned yet: wait with poll_while('provisioning')"),
        ({"code": "VmNotStopped"}, "call stop() first, and wait with poll_until('stopped')"),
        # docs/cloudapi/create.md#package-by-name
        ({"code": "InvalidArgument", "message": '"x" is not a valid package'}, "sdc.packages() lists all"),
        ({"code": "InvalidArgumentError", "message": "x is not a valid image"}, "sdc.images() lists all"),
        ({"code": "InvalidArgument", "message": "x is not a valid package name"}, None),
        ({"code": "InvalidArgument", "message": "no", "errors": [TAKEN]}, None),
        ({"code": "Novelty", "message": "x is not a valid package"}, None),
        # docs/cloudapi/create.md#duplicate-name
        (
            {"code": "ValidationFailed", "errors": [{"field": "image"}, TAKEN]},
            "another machine has this name, or one that is still being deleted",
        ),
        ({"code": "ValidationFailed", "errors": [TAKEN | {"field": "name"}]}, None),
        ({"code": "ValidationFailed", "errors": [TAKEN | {"code": "Invalid"}]}, None),
        ({"message": "no code"}, None),
        # docs/cloudapi/actions.md#deletion-without-a-server
        (
            {"code": "Conflict", "message": "Cannot delete a VM with no server_uuid"},
            "if it is being provisioned, wait with poll_while('provisioning'); "
            "if that failed, it cannot be deleted",
        ),
    ],
)
def test_what_to_do(body: dict[str, Any], remedy: str | None) -> None:
    refusal = answer(409, json.dumps({"message": "no"} | body).encode())
    assert remedy_for(error_for(refusal)) == remedy


@pytest.mark.parametrize(
    ("status", "path", "remedy"),
    [
        (404, "/my/packages/G4-small", "sdc.packages() lists all"),
        (404, "/my/packages", None),
        (404, "/my/machines/packages/x", None),
        (403, "/my/packages/G4-small", None),
    ],
)
def test_a_package_that_the_server_does_not_find(status: int, path: str, remedy: str | None) -> None:
    # The server itself looks up the name of a package, so there is no list with similar names.
    error = error_for(answer(status, b'{"code": "ResourceNotFound", "message": "x not found"}'))
    error.path = path
    assert remedy_for(error) == remedy
