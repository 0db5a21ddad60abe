"""Which exception an answer of status 400 or above becomes.

The server's `code` decides first (with an ``Error`` suffix stripped: the server uses both spellings), then
the HTTP status.
"""

from __future__ import annotations

import requests

from smartdc._error_bodies import error_fields, json_or_none, text_or_none
from smartdc._http.remedies import remedy_for
from smartdc.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    GoneError,
    InUseError,
    InvalidArgumentError,
    InvalidStateError,
    MissingParameterError,
    NotAuthorizedError,
    NotFoundError,
    ServerError,
    ServiceUnavailableError,
    ThrottledError,
    ValidationFailedError,
    VersionError,
)

__all__ = ["error_for"]

_BY_CODE: dict[str, type[APIError]] = {
    "BadRequest": BadRequestError,
    "InvalidHeader": BadRequestError,
    "InvalidContent": BadRequestError,
    "RequestExpired": BadRequestError,
    "InvalidCredentials": AuthenticationError,
    "NotAuthorized": NotAuthorizedError,
    "Forbidden": NotAuthorizedError,
    "ImageNotShared": NotAuthorizedError,
    "NotImageOwner": NotAuthorizedError,
    "NotMantaPathOwner": NotAuthorizedError,
    "Unauthorized": NotAuthorizedError,
    "ResourceNotFound": NotFoundError,
    "VolumeNotFound": NotFoundError,
    "InvalidArgument": InvalidArgumentError,
    "InvalidNetworks": InvalidArgumentError,
    "InvalidParameters": ValidationFailedError,
    "MissingParameter": MissingParameterError,
    "ValidationFailed": ValidationFailedError,
    "Validation": ValidationFailedError,
    "InvalidState": InvalidStateError,
    "UnallocatedVM": InvalidStateError,
    "KeyRequired": InvalidStateError,
    "BrandNotSupported": InvalidStateError,
    "CannotDestroyMachine": InvalidStateError,
    "MachineStopped": InvalidStateError,
    "PreconditionFailed": InvalidStateError,
    "VmNotStopped": InvalidStateError,
    "VmWithoutFlexibleDiskSize": InvalidStateError,
    "InUse": InUseError,
    "ImageHasDependentImages": InUseError,
    "VolumeInUse": InUseError,
    "InvalidVersion": VersionError,
    "RequestThrottled": ThrottledError,
    "TooManyRequests": ThrottledError,
    "ServiceUnavailable": ServiceUnavailableError,
}

_BY_STATUS: dict[int, type[APIError]] = {
    401: AuthenticationError,
    403: NotAuthorizedError,
    404: NotFoundError,
    409: ConflictError,
    420: ThrottledError,
    422: ValidationFailedError,
    429: ThrottledError,
    449: VersionError,
    503: ServiceUnavailableError,
}


def error_for(response: requests.Response) -> APIError:
    """The exception for an answer of status 400 or above."""
    if response.status_code == 410:
        return GoneError(response)
    code = text_or_none(error_fields(json_or_none(response)).get("code"))
    fallback = ServerError if response.status_code >= 500 else BadRequestError
    by_status = _BY_STATUS.get(response.status_code, fallback)
    error = _BY_CODE.get((code or "").removesuffix("Error"), by_status)(response)
    remedy = remedy_for(error)
    if remedy is not None:
        error.args = (f"{error}; {remedy}",)
    return error
