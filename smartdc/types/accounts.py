"""Accounts, their keys and settings."""

from __future__ import annotations

from typing import NotRequired, Required, TypedDict

__all__ = [
    "AccessKey",
    "AccessKeyCredentials",
    "Account",
    "Config",
    "Key",
    "Person",
    "Ping",
    "ProvisioningLimit",
    "SupportedVersions",
]


class Person(TypedDict, total=False):
    """What is known of an account holder and of a sub-user. Times are ISO 8601 in UTC."""

    id: Required[str]
    login: Required[str]
    email: Required[str]
    companyName: str
    firstName: str
    lastName: str
    address: str
    postalCode: str
    city: str
    state: str
    country: str
    phone: str
    created: Required[str]
    updated: Required[str]


class Account(Person, total=False):
    """The account holder."""

    triton_cns_enabled: bool


class Key(TypedDict):
    """A public SSH key on record. `fingerprint` is colon-separated MD5, `key` the OpenSSH line."""

    name: str
    fingerprint: str
    key: str
    attested: NotRequired[bool]
    multifactor: NotRequired[list[str]]


class AccessKey(TypedDict, total=False):
    """An access key. `status` is ``Active``, ``Inactive`` or ``Expired``."""

    accesskeyid: Required[str]
    status: Required[str]
    created: Required[str]
    updated: Required[str]
    credentialtype: Required[str]
    description: str
    expiration: str | None


class AccessKeyCredentials(AccessKey, total=False):
    """An access key when it is created: the only time that its secret is shown."""

    accesskeysecret: Required[str]


class Config(TypedDict, total=False):
    """Settings of the account in one data center. `default_network` is a network's UUID."""

    default_network: str


class ProvisioningLimit(TypedDict, total=False):
    """A limit on the account's machines together, and how much of it is used.

    `by` is ``ram`` (`value` and `used` in MiB) or ``quota`` (disk, in GiB); if it is absent or has another
    value, the limit is a number of machines. With `check` the limit counts only machines of one ``brand``, of
    an ``image``'s name, or of one ``os``; the key of that name says which.
    """

    value: Required[int]
    used: int
    by: str
    check: str
    brand: str
    image: str
    os: str


class SupportedVersions(TypedDict):
    """The API versions that a server supports, oldest first."""

    versions: list[str]


class Ping(TypedDict):
    """The answer to a ping: `ping` is ``pong``."""

    ping: str
    cloudapi: SupportedVersions
