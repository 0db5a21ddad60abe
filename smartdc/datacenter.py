"""DataCenter: one data center, with all operations that an account has there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Self, TextIO

from smartdc._forks import importing
from smartdc._http.bodies import ANSWER_SECONDS, DEFAULT_LIMIT
from smartdc._http.insecure import insecurity, warn
from smartdc._http.presigned import PresignedURLs
from smartdc._http.retry import RetryPolicy
from smartdc._http.settings import checked_login
from smartdc._http.waiting import Clock
from smartdc._old_names import API_HOST_SUFFIX as API_HOST_SUFFIX
from smartdc._old_names import DEFAULT_HEADERS as DEFAULT_HEADERS
from smartdc._old_names import search_dicts as search_dicts
from smartdc._secrets import Concealed, shown
from smartdc.api.accesskeys import AccessKeyOperations
from smartdc.api.account import AccountOperations
from smartdc.api.datacenters import DatacenterOperations
from smartdc.api.fabrics import FabricOperations
from smartdc.api.firewall import FirewallOperations
from smartdc.api.images import ImageOperations
from smartdc.api.keys import KeyOperations
from smartdc.api.machines import MachineOperations
from smartdc.api.migrations import MigrationOperations
from smartdc.api.networks import NetworkOperations
from smartdc.api.packages import PackageOperations
from smartdc.api.rbac import RoleOperations
from smartdc.api.streams import StreamOperations
from smartdc.api.users import UserOperations
from smartdc.api.volumes import VolumeOperations
from smartdc.arguments.ids import escaped
from smartdc.arguments.kinds import required_flag
from smartdc.arguments.roles import checked_roles
from smartdc.errors import ConfigurationError
from smartdc.http_signature import HTTPSignatureAuth, Passphrase, Secret
from smartdc.signin.authorities import authorities_path
from smartdc.signin.key_arguments import DEFAULT_SECRET, KeyArguments, sub_user_key_id
from smartdc.signin.locations import (
    DEFAULT_LOCATION,
    KNOWN_LOCATIONS,
    TELEFONICA_LOCATIONS,
    base_url_of,
    checked_locations,
    is_address,
    is_closed,
)

if TYPE_CHECKING:
    from smartdc.signin.profiles import Profile

__all__ = ["DEFAULT_LOCATION", "KNOWN_LOCATIONS", "TELEFONICA_LOCATIONS", "DataCenter"]

_SIGNED_HEADERS = ("(request-target)", "date")
_GIVE_KEY_ID = "give it as /LOGIN/keys/NAME_OR_FINGERPRINT"


class DataCenter(
    AccessKeyOperations,
    AccountOperations,
    DatacenterOperations,
    FabricOperations,
    FirewallOperations,
    ImageOperations,
    KeyOperations,
    MachineOperations,
    MigrationOperations,
    NetworkOperations,
    PackageOperations,
    PresignedURLs,
    RoleOperations,
    StreamOperations,
    UserOperations,
    VolumeOperations,
):
    """A connection to one data center, for one account.

    It makes no request until a method is called, serves any number of threads, survives a fork, and pickles
    without the key. `close` it, or use it in a ``with``, to close its connections.

    Args:
        location: A known location, a URL, a host name, or a bare name (see `base_url_of`).
        key_id: ``/account/keys/NAME`` or ``/account/keys/FINGERPRINT``; for a sub-user
            ``/account/users/SUBUSER/keys/NAME``. None leaves requests unsigned.
        secret: Path of the private key; or its text, or the key as an object of `cryptography`. None searches
            for the key that has the fingerprint in `key_id`.
        headers: Headers to send with each request.
        login: Account in the URL, if it is not the one that signs.
        known_locations: Names of data centers and their URLs, for a private cloud.
        allow_agent: Look for the key in the ssh-agent first.
        verify: Whether to trust only valid certificates, or the path of the authorities to trust.
        verbose: True for one line on stderr for each request, or the text stream to write to.
        passphrase: Passphrase of the private key, or a function that returns it, called if the key is
            encrypted.
        signed_headers: Headers to sign: ``('(request-target)', 'date')``, or ``'date'`` alone.
        api_version: API version to ask for: ``~9||~8`` when None.
        timeout: Seconds: one number, or one for connecting and one for reading. (10, 120) when None.
        pool_size: How many connections to keep; more threads than that take turns. Streams use separate ones.
        clock: Clock for waits; the module `time` when None.
        user: Sub-user of the account in `key_id` who signs: an alternative to the longer form of `key_id`.
        roles: Roles to make requests with, instead of the signer's default roles.
        retry: When a request is made again: ``standard``, ``none``, or a `RetryPolicy`.
        rate: Requests a second for each group of resources, regardless of the server's; ``math.inf`` never
            waits. None adapts to the server's limit once it throttles a request.
        max_response: The most bytes of an answer, or of a message of a stream; more raise `InvalidResponse`.
            The limit keeps a faulty or malicious server from filling the memory: decoded, JSON can take 30
            times its bytes (docs/security.md).
        answer_timeout: Seconds for one whole answer, head and body, even if it arrives steadily; and for
            waiting for one of `pool_size` connections. It does not limit streams.
        share_polls: Let threads that wait for machines share their looks (docs/waiting.md).

    Raises:
        ConfigurationError: An argument is not valid.
        KeyLoadError: The key cannot be read.
    """

    def __init__(
        self,
        location: str | None = None,
        key_id: str | None = None,
        secret: Secret | None = DEFAULT_SECRET,
        headers: Mapping[str, str] | None = None,
        login: str | None = None,
        known_locations: Mapping[str, str] | None = None,
        allow_agent: bool = False,
        verify: bool | str | PathLike[str] = True,
        verbose: bool | TextIO | None = None,
        *,
        passphrase: Passphrase = None,
        signed_headers: str | Sequence[str] = _SIGNED_HEADERS,
        api_version: str | None = None,
        timeout: float | tuple[float, float] | None = None,
        pool_size: int = 64,
        clock: Clock | None = None,
        user: str | None = None,
        roles: Sequence[str] = (),
        retry: str | RetryPolicy = "standard",
        rate: float | None = None,
        max_response: int = DEFAULT_LIMIT,
        answer_timeout: float = ANSWER_SECONDS,
        share_polls: bool = True,
    ) -> None:
        key = KeyArguments(secret, passphrase)
        del secret, passphrase
        self.location: str = location or DEFAULT_LOCATION
        # An address may be in a private cloud, where the public cloud's names mean other data centers.
        is_private_cloud = isinstance(location, str) and is_address(location)
        own_locations = {} if known_locations is None else checked_locations(known_locations)
        self._default_locations = {} if own_locations or is_private_cloud else dict(KNOWN_LOCATIONS)
        self._reported_locations = {}
        self.known_locations: dict[str, str] = own_locations or dict(self._default_locations)
        super().__init__(
            login=checked_login(login),
            auth=None,
            headers=headers,
            api_version=api_version,
            verify=verify if isinstance(verify, bool) else authorities_path(verify),
            verbose=verbose,
            timeout=timeout,
            pool_size=pool_size,
            clock=clock,
            roles=roles,
            retry=retry,
            rate=rate,
            max_response=max_response,
            answer_timeout=answer_timeout,
            share_polls=share_polls,
        )
        if key_id not in (None, "") or user is not None:
            self._authenticate(key_id, key, allow_agent, signed_headers, user)
        elif key.is_not_default:
            raise ConfigurationError(f"a secret or passphrase is of no use without key_id; {_GIVE_KEY_ID}")
        if problem := insecurity(self.base_url, self.verify):
            warn(problem)

    @classmethod
    def from_profile(cls, name: str | None = None, **kwargs: Any) -> Self:
        """Sign in with a profile of the ``triton`` command.

        The key is searched for by the profile's fingerprint, in ``~/.ssh`` and in the ssh-agent.

        Args:
            name: Its name; ``env`` is the one of the environment variables. None takes the one in
                ``TRITON_PROFILE``, else triton's current one, else ``env``.
            **kwargs: Arguments of the constructor, which win over the profile:
                ``passphrase=getpass.getpass``, ``verify='ca.pem'``.

        Raises:
            ConfigurationError: There is no such profile, or one of its fields is not valid.
            KeyLoadError: Its key is not found, or cannot be read.
        """
        arguments = Concealed(kwargs)
        del kwargs
        with importing:
            from smartdc.signin.profiles import load_profile, sign_in_arguments

        return cls(**sign_in_arguments(load_profile(name), arguments.value.keys()), **arguments.value)

    @classmethod
    def from_env(cls, **kwargs: Any) -> Self:
        """Sign in with the environment variables of the ``triton`` command.

        They are ``TRITON_URL``, ``TRITON_ACCOUNT``, ``TRITON_KEY_ID`` and, if need be, ``TRITON_USER`` and
        ``TRITON_TLS_INSECURE``; where one is not set or empty, its older name counts: ``SDC_URL``, ...
        Further ``TRITON_ROLE``, ``TRITON_ACT_AS``, ``TRITON_KEY_MATERIAL`` (the key's path or text, in place
        of the search; older name ``SDC_KEY_MATERIAL``) and ``SMARTDC_CA_FILE`` (the authorities to trust).

        Args:
            **kwargs: Arguments of the constructor, which win over the environment.

        Raises:
            ConfigurationError: A variable is missing, or is not valid.
            KeyLoadError: The key is not found, or cannot be read.
        """
        arguments = Concealed(kwargs)
        del kwargs
        return cls.from_profile("env", **arguments.value)

    @staticmethod
    def profiles() -> dict[str, Profile]:
        """Return the profiles of the ``triton`` command by name, and ``env`` if the environment defines one.

        Profiles that cannot be used are included, with their `Profile.error`.
        """
        with importing:
            from smartdc.signin.profiles import list_profiles

        return list_profiles()

    @property
    def base_url(self) -> str:
        """URL of the data center, with any path that comes before the account."""
        return base_url_of(self.location, self.known_locations)

    def authenticate(
        self,
        key_id: str | None = None,
        secret: Secret | None = None,
        allow_agent: bool = False,
        *,
        passphrase: Passphrase = None,
        signed_headers: str | Sequence[str] = _SIGNED_HEADERS,
        user: str | None = None,
    ) -> None:
        """Sign all requests with this key from now on; without arguments nothing changes.

        Args:
            key_id: As in the constructor.
            secret: As in the constructor.
            allow_agent: As in the constructor.
            passphrase: As in the constructor.
            signed_headers: As in the constructor.
            user: As in the constructor.

        Raises:
            ConfigurationError: `key_id` is malformed or missing, or names another sub-user.
            KeyLoadError: The key cannot be read.
        """
        key = KeyArguments(secret, passphrase)
        del secret, passphrase
        if key_id not in (None, "") or user is not None:
            self._authenticate(key_id, key, allow_agent, signed_headers, user)
        elif key.is_set or required_flag("allow_agent", allow_agent):
            raise ConfigurationError(f"a key is of no use without key_id; {_GIVE_KEY_ID}")

    def _authenticate(
        self,
        key_id: str | None,
        key: KeyArguments,
        allow_agent: bool,
        signed_headers: str | Sequence[str],
        user: str | None,
    ) -> None:
        if user is not None:
            key_id = sub_user_key_id(key_id, user)
        self.auth: HTTPSignatureAuth | None = HTTPSignatureAuth(
            "" if key_id is None else key_id,
            key.secret.value,
            allow_agent=allow_agent,
            passphrase=key.passphrase.value,
            signed_headers=signed_headers,
            old_form=self.OLD_SIGNATURES and signed_headers == _SIGNED_HEADERS,
        )

    def datacenter(self, name: str) -> Self:
        """Return a `DataCenter` for another data center of this cloud, with the same key and settings.

        ``GET /:login/datacenters``, unless its URL is already known

        Args:
            name: Its name, or a host name or URL.

        Raises:
            ConfigurationError: The cloud has no data center of that name.
        """
        if not isinstance(name, str):
            raise ConfigurationError(f"the name of a data center is text, not {type(name).__name__}")
        if not is_address(name) and name != self.location:
            if name not in self.known_locations or self._is_default(name):
                self.datacenters()
            there = [known for known, url in self.known_locations.items() if not is_closed(known, url)]
            if name not in there:
                raise ConfigurationError(
                    f"there is no data center {shown(name)!r} here; known are {', '.join(sorted(there))}"
                )
        other = self._with_own_pool(location=name, known_locations=dict(self.known_locations))
        problem = insecurity(other.base_url, other.verify)
        if problem and not insecurity(self.base_url, self.verify):
            warn(problem)  # the server may name a URL without TLS
        return other

    def as_role(self, *roles: str) -> Self:
        """Return a `DataCenter` that makes requests in other roles, with the same key and connections.

        ::

            with sdc.as_role('ops') as ops:
                ops.machines()

        This object does not change, and other threads can go on using it.

        Args:
            *roles: Names of the roles to use instead of the current ones; without any, requests use the
                signer's default roles.

        Raises:
            ConfigurationError: A name cannot be that of a role.
        """
        view = self._sharing_pool()
        view.known_locations = dict(self.known_locations)
        view.active_roles = checked_roles(roles)
        return view

    def _reachable_base_url(self) -> str:
        base_url = self.base_url
        if is_closed(self.location, base_url):
            default = ", the default location," * (self.location == DEFAULT_LOCATION)
            raise ConfigurationError(
                f"{self.location}{default} was one of Joyent's data centers, which closed in 2019: "
                "give the location, such as us-central-1 or a URL"
            )
        return base_url

    @property
    def _owner(self) -> str:
        """The account that owns the resources, as far as it is known without a request."""
        # Not the login that `account` learned: `key_id` may have the UUID of the same account.
        if self.login in ("my", self._learned_login) and self.auth is not None:
            return self.auth.key_id.split("/")[1]
        return self.login

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __str__(self) -> str:
        owner = "" if self._owner == "my" else f"{self._owner}@"
        return escaped(f"<{type(self).__name__}: {owner}{self.location}>")

    def __repr__(self) -> str:
        return str(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DataCenter):
            return NotImplemented
        return (self.base_url, self._owner) == (other.base_url, other._owner)

    def __hash__(self) -> int:
        return hash(self.base_url)
