"""Python client for CloudAPI, the HTTP API of Triton DataCenter (formerly Joyent SmartDataCenter)."""

import importlib
import typing

from smartdc import _forks
from smartdc._http.request import idempotent
from smartdc._http.retry import RetryPolicy
from smartdc._http.waiting import Clock
from smartdc._version import __version__ as __version__
from smartdc.datacenter import DataCenter
from smartdc.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ConnectionFailed,
    GoneError,
    InUseError,
    InvalidArgumentError,
    InvalidResponse,
    InvalidStateError,
    KeyFileMissing,
    KeyLoadError,
    LoginFailed,
    MissingParameterError,
    NotAuthorizedError,
    NotFoundError,
    OutcomeUnknown,
    RequestTimeout,
    ServerError,
    ServiceUnavailableError,
    SmartDCError,
    ThrottledError,
    TLSError,
    TransportError,
    ValidationFailedError,
    VersionError,
    WaitError,
    WaitFailed,
    WaitTimeout,
)
from smartdc.machine import Machine
from smartdc.machine.snapshots import Snapshot
from smartdc.signin.locations import DEFAULT_LOCATION, KNOWN_LOCATIONS, TELEFONICA_LOCATIONS

__all__ = [
    "DEFAULT_LOCATION",
    "KNOWN_LOCATIONS",
    "TELEFONICA_LOCATIONS",
    "APIError",
    "AuthenticationError",
    "BadRequestError",
    "Clock",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailed",
    "DataCenter",
    "GoneError",
    "InUseError",
    "InvalidArgumentError",
    "InvalidResponse",
    "InvalidStateError",
    "KeyFileMissing",
    "KeyLoadError",
    "LegacyDataCenter",
    "LoginFailed",
    "Machine",
    "MissingParameterError",
    "NotAuthorizedError",
    "NotFoundError",
    "OutcomeUnknown",
    "Profile",
    "RequestTimeout",
    "RetryPolicy",
    "ServerError",
    "ServiceUnavailableError",
    "SmartDCError",
    "Snapshot",
    "TLSError",
    "Table",
    "ThrottledError",
    "TransportError",
    "ValidationFailedError",
    "VersionError",
    "WaitError",
    "WaitFailed",
    "WaitTimeout",
    "fleet",
    "idempotent",
]

if typing.TYPE_CHECKING:
    from smartdc import fleet
    from smartdc import legacy as legacy
    from smartdc.legacy import LegacyDataCenter
    from smartdc.signin.profiles import Profile
    from smartdc.tables import Table
else:
    # Names for few programs are imported at first use. IPython's `%load_ext smartdc` looks for the last two.
    _LAZY = {
        "LegacyDataCenter": "smartdc.legacy",
        "Profile": "smartdc.signin.profiles",
        "Table": "smartdc.tables",
        "load_ipython_extension": "smartdc.tables.ipython",
        "unload_ipython_extension": "smartdc.tables.ipython",
    }

    def __getattr__(name: str) -> object:
        with _forks.importing:
            if name in ("fleet", "legacy"):
                return importlib.import_module(f"smartdc.{name}")
            if name in _LAZY:
                return getattr(importlib.import_module(_LAZY[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
