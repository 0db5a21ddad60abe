"""Pre-signed URLs, by which a request can be made without a key for a limited time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from smartdc._http.connection import Connection
from smartdc._http.request import Params
from smartdc._http.spelling import checked_path, encoded_query
from smartdc._http.transport import prepared
from smartdc.arguments.ids import shown
from smartdc.arguments.kinds import as_list, text_of
from smartdc.arguments.roles import with_roles
from smartdc.errors import APIError, AuthenticationError, ConfigurationError

__all__ = ["PresignedURLs"]

_VERBS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
_CENTURY = 3_155_760_000
"""Seconds."""


class PresignedURLs(Connection):
    """URLs that carry their signature. Making one is no operation of CloudAPI: no request is made."""

    def presign(
        self,
        method: str | Iterable[str],
        path: str,
        *,
        expires: float | datetime = 300,
        **query: Any,
    ) -> str:
        """Make a URL that can be used without a key until it expires.

        It is made without a request, unless it is not known which of the ssh-agent's keys the server accepts:
        then a request finds out first. CloudAPI accepts such URLs since version 8.4; a browser needs one to
        open a WebSocket. Protect it like a password: it cannot be revoked.

        Args:
            method: HTTP verb that it is for, or several.
            path: Path below the account, quoted: ``/machines``.
            expires: Seconds from now, 1 or more; or a `datetime` in the future that knows its time zone.
            **query: The whole query of the request: nothing can be added to the URL afterwards.

        Returns:
            The URL.

        Raises:
            ConfigurationError: There is no key, or an argument is not valid.
            KeyLoadError: The key cannot sign.
            AuthenticationError: The server accepts none of the ssh-agent's keys.
        """
        methods = [text_of("method", verb).upper() for verb in as_list("method", method, "['GET']")]
        for verb in methods:
            if verb not in _VERBS:
                raise ConfigurationError(f"{shown(verb)} is none of the methods {', '.join(_VERBS)}")
        if self.auth is None:
            raise ConfigurationError("a URL cannot be signed without a key: give key_id")
        path = text_of("path", path)
        if path and not path.startswith("/"):
            raise ConfigurationError(f"path {shown(path)} does not start with '/'")
        params: Params | None = query
        for verb in methods:
            params = with_roles(self.active_roles, verb, path, params)
        url = prepared("GET", self._account_url, checked_path(path), {}, None, ()).url or ""
        if self.auth.is_undecided:
            self._try_keys()
        return self.auth.presign(methods, url, encoded_query(params), self._expiry(expires))

    def _try_keys(self) -> None:
        """Make a request, which is signed with one key after the other until the server accepts one."""
        try:
            self.request("HEAD", "")
        except AuthenticationError:
            raise
        except APIError:  # authenticated, but not permitted: the key is right
            pass
        if self.auth is not None:
            self.auth.decide()

    def _expiry(self, expires: float | datetime) -> int:
        """The moment in seconds since 1970, on the server's clock."""
        own = self.auth.clock_offset if self.auth else 0.0
        now = time.time() + own + self._transport.clock_offset
        if not isinstance(expires, datetime):
            is_number = isinstance(expires, int | float) and not isinstance(expires, bool)
            if not is_number or not 1 <= expires < _CENTURY:
                raise ConfigurationError(
                    f"expires must be seconds from now, 1 or more, or a datetime, not {shown(expires)}"
                )
            return int(now + expires)
        if expires.tzinfo is None:
            raise ConfigurationError("expires needs a time zone: datetime.now(UTC) + timedelta(minutes=5)")
        if expires.timestamp() <= now:
            raise ConfigurationError(f"expires must be in the future, not {expires.isoformat()}")
        return int(expires.timestamp())
