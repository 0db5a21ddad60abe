"""The authentication that `requests` calls for every request: the choice of a key, and its use on a request.

The constructor loads the key. If there are several, they are tried until the server accepts one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import FunctionType
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from smartdc._forks import RenewedLock, importing
from smartdc._kept import Hold
from smartdc._secrets import Concealed, shown, written
from smartdc.errors import ConfigurationError, KeyLoadError
from smartdc.http_signature.key_text import Passphrase
from smartdc.http_signature.keys import PrivateKey, Signer, hint_at_mode
from smartdc.http_signature.scheme import (
    KeyId,
    authorization_header,
    http_date,
    old_authorization_header,
    parse_fingerprint,
    parse_key_id,
    parse_signed_headers,
    signing_string,
    written_key_id,
)
from smartdc.http_signature.secrets import KeySource, Secret
from smartdc.http_signature.shared_signers import Signers, share_signers
from smartdc.http_signature.signature_reuse import OnceSigner

__all__ = ["HTTPSignatureAuth"]

_DEFAULT_PORTS = {"http": 80, "https": 443}
# A key id that ends in a path; names of keys have no '/' in them.
_WITH_PATH = r"(/[^/]+(?:/users/[^/]+)?/keys/)((?:~[^/]*|\.{1,2})?/.+)"


class HTTPSignatureAuth(AuthBase):
    """Signs each request anew, also one that is repeated.

    The constructor loads the key, so that a wrong path or passphrase is an error at once.

    Args:
        key_id: ``/LOGIN/keys/NAME_OR_FINGERPRINT`` or ``/LOGIN/users/SUBUSER/keys/NAME_OR_FINGERPRINT``.
            Any form of fingerprint is accepted, and sent in the form that the server reads. The path of a
            public key (``/LOGIN/keys/~/.ssh/id_ed25519.pub``) is replaced by its fingerprint.
        secret: Path of the private key, its text (PEM or OpenSSH), or a private-key object of `cryptography`.
            None: search for the key with the fingerprint in `key_id` as the ``triton`` command does, in
            ``~/.ssh`` and in the ssh-agent (see `smartdc.http_signature.search`).
        allow_agent: Look for the key in ssh-agent as well. A fingerprint in `key_id` identifies the key. With
            a name, several keys are tried, each once, and the one that works is remembered: first the key
            whose public half is beside `secret`, from the agent or the file, then each of the agent's keys.
        passphrase: Text, bytes, or a function that is called only if the key is encrypted.
        signed_headers: What the signature covers; ``date`` must be in it. A string may hold several names.
            Only ``date`` survives a proxy that rewrites paths.
        old_form: Sign as servers before API 7.1 want it: the date alone, with an RSA key, in a header of
            http-signature 0.9's form. `signed_headers` is then ignored.

    Attributes:
        signed_headers: The names of the signed headers, lower-case.
        clock_offset: Seconds to add to this machine's clock for the Date. 0 unless you set it: a `DataCenter`
            keeps the offset that it measures to itself.

    Raises:
        ConfigurationError: `key_id` or `signed_headers` cannot work.
        KeyLoadError: There is no usable key.
    """

    signed_headers: tuple[str, ...]
    clock_offset: float
    _signers: list[OnceSigner]
    _hold: Hold[Signers] | None = None

    def __init__(
        self,
        key_id: str,
        secret: Secret | None = "~/.ssh/id_rsa",  # noqa: S107 - a path
        *,
        allow_agent: bool = False,
        passphrase: Passphrase = None,
        signed_headers: str | Iterable[str] = ("(request-target)", "date"),
        old_form: bool = False,
    ) -> None:
        source = KeySource(Concealed(secret), Concealed(passphrase))
        del secret, passphrase
        if not isinstance(allow_agent, bool):
            raise ConfigurationError(f"allow_agent must be True or False, not {written(allow_agent)}")
        self._signers = []
        self.signed_headers = parse_signed_headers("date" if old_form else signed_headers)
        self._old_form = old_form
        self.clock_offset = 0.0
        key_id, public_path = _without_path(key_id)
        self._parsed_key_id = parse_key_id(key_id)
        self._allow_agent = allow_agent
        self._lock = RenewedLock()
        self._current = 0
        self._is_decided = False
        self._searched_for = None
        if not source.is_given:
            self._searched_for = _searched_for(self._parsed_key_id, public_path, allow_agent)
        self._signers = _load(self._parsed_key_id, source, allow_agent, self._searched_for)
        # Kept to load the key again after unpickling; never the key or a passphrase that is text.
        self._path = source.path
        self._passphrase = source.passphrase.value if _pickles_by_name(source.passphrase.value) else None

    @property
    def key_id(self) -> str:
        """The key id as it is sent; a fingerprint in it is MD5 with colons, in lower case."""
        if not self._signers:  # unpickled, and no request has been signed since
            return str(self._parsed_key_id)
        return _sent_key_id(self._parsed_key_id, self._signers[self._current])

    @property
    def signer(self) -> Signer:
        """The key in use.

        Raises:
            KeyLoadError: This object was unpickled, and its key cannot be loaded here.
        """
        if not self._signers:
            with self._lock.current:
                if not self._signers:
                    self._load_again()
        return self._signers[self._current]

    def _load_again(self) -> None:
        source = KeySource(Concealed(self._path), Concealed(self._passphrase), was_pickled=True)
        load = partial(_load, self._parsed_key_id, source, self._allow_agent, self._searched_for)
        if self._allow_agent:
            self._signers = load()
        else:
            key_id = str(self._parsed_key_id)
            shared = share_signers(key_id, self._path, self._passphrase, self._searched_for, load)
            self._signers, self._hold = shared

    def try_next_key(self, refused: Signer | None = None) -> bool:
        """Move on to the next key, after the server has refused this one.

        There are several keys only with `allow_agent` and a `key_id` without a fingerprint.

        Args:
            refused: The `signer` that signed the refused request. If another thread has moved on from it
                in the meantime, no key is skipped.

        Returns:
            Whether there is another key to try; when False, the first one is in use again.
        """
        _ = self.signer  # loaded, if this object was unpickled
        with self._lock.current:
            if refused is not None and refused is not self._signers[self._current]:
                return True
            self._current = (self._current + 1) % len(self._signers)
            self._is_decided = False
            return self._current != 0

    @property
    def is_undecided(self) -> bool:
        """Whether there are several keys to try, and the server has not accepted one yet."""
        _ = self.signer  # loaded, if this object was unpickled
        return len(self._signers) > 1 and not self._is_decided

    def decide(self) -> None:
        """Note that the server accepts the key in use."""
        self._is_decided = True

    def explain_refusal(self, refused: Sequence[Signer]) -> str:
        """Say who signed a refused request, with which key, and what to check.

        Args:
            refused: The keys that signed it.
        """
        with importing:
            from smartdc.http_signature.refused import explained_refusal

        tried = refused or [self.signer]
        key_id = parse_key_id(_sent_key_id(self._parsed_key_id, tried[-1]))
        return explained_refusal(key_id, tried)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the Date and Authorization headers; existing values are replaced."""
        return self.sign(request)

    def sign(self, request: requests.PreparedRequest, clock_offset: float = 0.0) -> requests.PreparedRequest:
        """Set the Date and Authorization headers; existing values are replaced.

        Args:
            request: What to sign; it is changed.
            clock_offset: Seconds to add to this machine's clock for the Date, on top of the attribute.

        Returns:
            The request.
        """
        headers = request.headers
        # The server would read X-Date as the date, and one such request can make it refuse all others.
        if "X-Date" in headers:
            del headers["X-Date"]
        headers["Date"] = http_date(time.time() + self.clock_offset + clock_offset)
        if "host" in self.signed_headers and "Host" not in headers:
            headers["Host"] = host_header(request.url or "")
        signer = self.signer
        if self._old_form:
            return self._sign_old_form(request, signer)
        signed = {name: _text(headers[name]) for name in self.signed_headers if name in headers}
        data = signing_string(self.signed_headers, request.method or "GET", request.path_url, signed)
        algorithm, signature = signer.sign(data)
        headers["Authorization"] = authorization_header(
            _sent_key_id(self._parsed_key_id, signer), algorithm, self.signed_headers, signature
        )
        return request

    def _sign_old_form(self, request: requests.PreparedRequest, signer: Signer) -> requests.PreparedRequest:
        algorithm, signature = signer.sign(_text(request.headers["Date"]).encode("ascii"))
        if not algorithm.startswith("rsa-"):
            raise KeyLoadError(
                f"servers before API 7.1 take RSA keys only, and {signer.source} is not one: give an RSA key"
            )
        request.headers["Authorization"] = old_authorization_header(
            _sent_key_id(self._parsed_key_id, signer), algorithm, signature
        )
        return request

    def presign(
        self, methods: Iterable[str], url: str, query: Iterable[tuple[str, str]], expires: int
    ) -> str:
        """Sign a URL, which then works without a key.

        Args:
            methods: The HTTP verbs that the URL is for.
            url: Without a query.
            query: Names and values of the query.
            expires: Until when, in seconds since 1970 by the server's clock.

        Raises:
            ConfigurationError: A name in `query` cannot be signed.
            KeyLoadError: The key cannot be loaded.
        """
        with importing:
            from smartdc.http_signature.presigned import presigned_url

        signer = self.signer
        key_id = _sent_key_id(self._parsed_key_id, signer)
        return presigned_url(signer, key_id, methods, host_header(url), url, query, expires)

    def __getstate__(self) -> dict[str, Any]:
        """Return the configuration only: neither the key nor a text passphrase is pickled."""
        state = self.__dict__.copy()
        for name in ("_lock", "_signers", "_hold"):
            state.pop(name, None)
        return state

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = RenewedLock()
        self._signers = []
        self._current = 0
        self._is_decided = False

    def __repr__(self) -> str:
        if "_parsed_key_id" not in vars(self):  # shown in a traceback of the constructor
            return f"<{type(self).__name__}>"
        key = str(self._signers[self._current].public_key) if self._signers else "not loaded yet"
        return f"<HTTPSignatureAuth {self.key_id} key={key}>"


def _without_path(key_id: str) -> tuple[str, str | None]:
    """Return the key id with a fingerprint in place of a path, and that path."""
    may_be = isinstance(key_id, str) and "/" in key_id.partition("/keys/")[2]  # most key ids have no path
    if not may_be or (match := re.fullmatch(_WITH_PATH, key_id)) is None:
        return key_id, None
    with importing:
        from smartdc.http_signature.search import named_public_key

    return match[1] + named_public_key(match[2]).md5, match[2]


def _searched_for(key_id: KeyId, public_path: str | None, allow_agent: bool) -> str | None:
    """Return what to search for if there is no secret; None: try the agent's keys in turn."""
    if public_path is not None or parse_fingerprint(key_id.key) is not None:
        return public_path or key_id.key
    if allow_agent:
        return None
    raise KeyLoadError(
        f"key_id {shown(str(key_id))!r} has a name in it, which does not tell which private key to search "
        "for: give the fingerprint instead (ssh-keygen -l -f FILE), or secret=, or allow_agent=True"
    )


def _load(key_id: KeyId, source: KeySource, allow_agent: bool, searched_for: str | None) -> list[OnceSigner]:
    """Load the keys to try, in order; there is more than one only with the agent."""
    if searched_for is not None:
        with importing:
            from smartdc.http_signature.search import find_key

        return [OnceSigner(find_key(searched_for, passphrase=source.passphrase.value))]
    return [OnceSigner(signer) for signer in _from_agent_or_source(key_id, source, allow_agent)]


def _from_agent_or_source(key_id: KeyId, source: KeySource, allow_agent: bool) -> list[Signer]:
    signers: list[Signer] = []
    problems: list[KeyLoadError] = []
    if allow_agent:
        try:
            signers = [*_from_agent(key_id, source)]
        except KeyLoadError as error:
            problems.append(error)
    if not signers or _may_add_a_key(key_id, source, signers):
        try:
            signers = _merged(source.load(), source, signers)
        except KeyLoadError as error:
            problems.append(error)
    try:
        for signer in signers:
            _sent_key_id(key_id, signer)  # raises for the key of another fingerprint
    except KeyLoadError as error:
        problems.append(error)
        signers = []
    if not signers:
        if len(problems) == 1:
            raise problems[0]
        raise KeyLoadError(". And ".join(map(str, problems)))
    if source.path is not None and any(isinstance(signer, PrivateKey) for signer in signers):
        hint_at_mode(source.path)
    return signers


def _from_agent(key_id: KeyId, source: KeySource) -> Sequence[Signer]:
    """Return the agent's key with `key_id`'s fingerprint; with a name, all its keys, `source`'s first."""
    with importing:
        from smartdc.http_signature.agent import find_signers, shared_agent

    agent = shared_agent()
    if key_id.has_fingerprint:
        wanted = f"the key {key_id.md5 or key_id.sha256}"
        return find_signers(agent, wanted, lambda key: key_id.matches(key.md5, key.sha256))
    public = source.public_half()
    found = find_signers(agent, "a key", lambda key: True)
    return sorted(found, key=lambda signer: signer.public_key != public)


def _may_add_a_key(key_id: KeyId, source: KeySource, found: Sequence[Signer]) -> bool:
    """Whether `source` may hold a key that the agent does not hold and that `key_id` may name.

    If reading it may ask for a passphrase and the agent has keys, it is read only if its public half shows
    that the agent does not hold it.
    """
    if key_id.has_fingerprint or not source.is_given:
        return False
    public = source.public_half()
    if public is None:
        return not callable(source.passphrase.value)
    return all(signer.public_key != public for signer in found)


def _merged(own: PrivateKey, source: KeySource, found: list[Signer]) -> list[Signer]:
    """Merge the key of `source` and the agent's; it comes first if a public half was found beside it."""
    others = [signer for signer in found if signer.public_key != own.public_key]
    if len(others) < len(found):
        return found
    return [own, *others] if source.public_half() is not None else [*others, own]


def _sent_key_id(key_id: KeyId, signer: Signer) -> str:
    public = signer.public_key
    return written_key_id(key_id, public.md5, public.sha256, signer.source)


def _pickles_by_name(passphrase: Passphrase) -> bool:
    """Whether it is a function that pickle stores by name: other callables may contain the passphrase."""
    if not isinstance(passphrase, FunctionType):
        return False
    with importing:  # only functions need it
        import pickle

    try:
        pickle.dumps(passphrase)
    except (pickle.PicklingError, AttributeError):  # a lambda, or a function inside another
        return False
    return True


def host_header(url: str) -> str:
    """Return the Host header that the HTTP library will add, which it does only after signing."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    default = f":{_DEFAULT_PORTS.get(parts.scheme)}"
    return host.removesuffix(default)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
