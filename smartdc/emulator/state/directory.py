"""Accounts and their keys: the user directory, which is UFDS in Triton."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from smartdc.emulator.state.fields import ACCOUNT, LOGIN
from smartdc.emulator.state.kinds import FLAG, TEXT, check
from smartdc.emulator.state.roles import Access
from smartdc.http_signature.key_types import PublicKeyObject
from smartdc.http_signature.keys import PublicKey
from smartdc.http_signature.verify import load_public_key

NAMESPACE = uuid.UUID("6a7f2c0e-5e0b-4c53-9c34-2f4d0b7a1e10")

#: Owner of the public images and of the networks; no client signs as this account.
ADMIN_UUID = str(uuid.uuid5(NAMESPACE, "account/admin"))


class KeyRefused(ValueError):
    """The directory does not take this key: malformed, of an unknown kind, or already there."""


#: Parameter -> field of an account's or a sub-user's details. CloudAPI's own names come after those of the
#: directory, and so override them.
DETAILS = {
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
#: The kinds of the fields of an account.
FIELDS = ACCOUNT | dict.fromkeys(DETAILS.values(), TEXT)


@dataclass
class Key:
    """One SSH public key of an account.

    Attributes:
        fingerprint: MD5, hexadecimal with colons, the only form that the directory supports
            (docs/cloudapi/signing.md#other-fingerprints-are-unknown).
    """

    name: str
    fingerprint: str
    openssh: str
    public: PublicKeyObject = field(repr=False)


@dataclass
class AccessKey:
    """An id and a secret for services with the S3 protocol; `status` in CloudAPI's words."""

    accesskeyid: str
    secret: str = field(repr=False)
    created: float
    updated: float
    status: str = "Active"
    description: str | None = None


@dataclass
class KeyOwner:
    """An account or a sub-user: the owner of keys, who signs with them."""

    login: str
    uuid: str
    email: str
    created: float
    updated: float
    keys: list[Key] = field(default_factory=list, kw_only=True)
    disabled: bool = field(default=False, kw_only=True)
    access_keys: list[AccessKey] = field(default_factory=list, kw_only=True)

    def add_key(self, name: str | None, openssh: str) -> Key:
        """Register a public key.

        Args:
            name: The name of the key; None takes the fingerprint.
            openssh: The line of an OpenSSH ``.pub`` file.

        Raises:
            KeyRefused: It is not a key, or the owner has it already.
        """
        key = read_key(name, openssh)
        if any(key.fingerprint == known.fingerprint for known in self.keys):
            raise KeyRefused("the account has this key")
        if any(key.name == known.name for known in self.keys):
            raise KeyRefused("the account has a key of this name")
        self.keys.append(key)
        return key

    def find_key(self, name: str) -> Key | None:
        """Return the key with this MD5 fingerprint or, if there is none, with this name."""
        by_fingerprint = (key for key in self.keys if key.fingerprint == name)
        by_name = (key for key in self.keys if key.name == name)
        return next(by_fingerprint, None) or next(by_name, None)


@dataclass
class SubUser(KeyOwner):
    """A sub-user of an account.

    Attributes:
        allowed: Whether it may do everything that the account may do, regardless of its roles; for tests.
        details: Optional fields, as those of an account.
        passwords: Its passwords, the current one last.
    """

    allowed: bool = False
    details: dict[str, str] = field(default_factory=dict)
    passwords: list[str] = field(default_factory=list, repr=False)


@dataclass
class Account(KeyOwner):
    """One account, shared by all data centers.

    Attributes:
        details: Optional fields by CloudAPI's names: companyName, firstName, lastName, address, city,
            state, postalCode, country, phone.
        approved: Whether it may provision.
        disabled: Whether all its requests are refused.
        users: Its sub-users, by login.
        access: The access control of its sub-users: roles, policies and role tags.
    """

    details: dict[str, str] = field(default_factory=dict)
    triton_cns_enabled: bool = False
    approved: bool = True
    users: dict[str, SubUser] = field(default_factory=dict)
    access: Access = field(default_factory=Access)

    def add_user(self, login: str, *, allowed: bool = False) -> SubUser:
        """Make a sub-user, without keys.

        Args:
            login: Its login, unique in the account.
            allowed: Permit it everything that the account may do; by default its roles decide.
        """
        check({"login": LOGIN, "allowed": FLAG}, {"login": login, "allowed": allowed}, ("login", "allowed"))
        if login in self.users:
            raise ValueError(f"there is a sub-user {login!r} already")
        user_uuid = str(uuid.uuid5(NAMESPACE, f"user/{self.login}/{login}"))
        email = f"{login}@example.com"
        user = SubUser(login, user_uuid, email, self.created, self.created, allowed=allowed)
        self.users[login] = user
        return user

    def change(self, **fields: object) -> None:
        """Set ``email``, ``approved``, ``disabled``, ``triton_cns_enabled``, or some of the details."""
        unknown = [name for name in fields if name not in FIELDS]
        if unknown:
            raise TypeError(f"an account has no field {unknown[0]!r}; it has {', '.join(FIELDS)}")
        check(FIELDS, fields, list(fields))
        for name, value in fields.items():
            if name in ("email", "approved", "disabled", "triton_cns_enabled"):
                setattr(self, name, value)
            else:
                self.details[name] = str(value)

    def find_user(self, login: str) -> SubUser | None:
        """Return the sub-user with this login or uuid, or None."""
        by_uuid = (user for user in self.users.values() if user.uuid == login)
        return self.users.get(login) or next(by_uuid, None)


class Directory:
    """All accounts, found by login or uuid; both are case sensitive.

    See docs/cloudapi/signing.md#unknown-account-in-the-path.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._accounts: dict[str, Account] = {}

    def add(self, login: str, **fields: object) -> Account:
        """Make an account.

        Args:
            login: Its login name.
            fields: ``email``, ``approved``, ``disabled``, ``triton_cns_enabled``, or one of the details.
        """
        check({"login": LOGIN}, {"login": login}, ("login",))
        if login in self._accounts:
            raise ValueError(f"there is an account {login!r} already")
        now = self._now()
        account_uuid = str(uuid.uuid5(NAMESPACE, f"account/{login}"))
        account = Account(login, account_uuid, f"{login}@example.com", created=now, updated=now)
        account.change(**fields)
        self._accounts[login] = account
        return account

    @property
    def accounts(self) -> list[Account]:
        """All accounts, in the order in which they were made."""
        return list(self._accounts.values())

    def restore(self, account: Account) -> None:
        """Add an account of a saved state."""
        self._accounts[account.login] = account

    def find(self, login: str) -> Account | None:
        """Return the account with this login or uuid, or None."""
        if login in self._accounts:
            return self._accounts[login]
        return next((account for account in self._accounts.values() if account.uuid == login), None)


def read_key(name: str | None, openssh: str) -> Key:
    """Make a `Key` from an OpenSSH public key line, without registering it."""
    openssh = openssh.strip()
    try:
        fingerprint = PublicKey.from_text(openssh).md5
        public = load_public_key(openssh)
    except ValueError as error:
        raise KeyRefused(str(error)) from error
    return Key(name or fingerprint, fingerprint, openssh, public)
