"""How clients reach a running emulator."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smartdc._secrets import Concealed
from smartdc.emulator.control.controls import Controls

if TYPE_CHECKING:
    from smartdc.datacenter import DataCenter


class Clients(Controls):
    """The part of an `Emulator` that tells clients how to reach it."""

    key_id: str

    @abstractmethod
    def start(self) -> object:
        """Serve."""

    @abstractmethod
    def stop(self) -> None:
        """Stop serving."""

    @property
    @abstractmethod
    def is_running(self) -> bool:
        """Whether it serves."""

    @property
    @abstractmethod
    def host(self) -> str:
        """The address that it listens on."""

    @property
    @abstractmethod
    def token(self) -> str:
        """The secret of the control over HTTP; each emulator has a new one."""

    @property
    def page_url(self) -> str:
        """The URL of the status page. It holds the token, so it is a secret."""
        return f"{self.url()}/--emulator/?token={self.token}"

    @abstractmethod
    def agent_socket(self) -> Path | None:
        """Return the socket of an ssh-agent with the account's key; None on Windows."""

    @abstractmethod
    def ticking(self) -> AbstractContextManager[None]:
        """Run jobs when they fall due, inside the ``with``; at a rate above 0 this always happens."""

    @property
    @abstractmethod
    def key_file(self) -> Path:
        """The account's private key."""

    @property
    @abstractmethod
    def ca_file(self) -> Path:
        """The certificate authority to trust."""

    def datacenter(self, name: str | None = None, **kwargs: Any) -> DataCenter:
        """Return a client of a data center, the first by default.

        Args:
            name: The data center.
            kwargs: Arguments of `DataCenter`; they replace those of the emulator.
        """
        from smartdc.datacenter import DataCenter  # the emulator works without the client

        overrides = Concealed(kwargs)
        del kwargs
        arguments: dict[str, Any] = {
            "location": self.site(name).name,
            "key_id": self.key_id,
            "secret": str(self.key_file),
            "known_locations": dict(self._shared.urls),
            "verify": str(self.ca_file),
            "clock": self.clock,
        }
        if overrides.value.get("key_id", self.key_id) is None:
            del arguments["secret"]
        made = DataCenter(**(arguments | overrides.value))
        made._known_hosts = str(self._known_hosts)
        return made

    def environment(self, datacenter: str | None = None) -> dict[str, str]:
        """Return the variables that make the ``triton`` CLI and other CloudAPI clients use a data center."""
        authorities = str(self.ca_file)
        settings = {
            "URL": self.url(datacenter),
            "ACCOUNT": self.account.login,
            "KEY_ID": self.key.fingerprint,
        }
        variables = {
            f"{prefix}_{name}": value for prefix in ("TRITON", "SDC") for name, value in settings.items()
        }
        variables["TRITON_PROFILE"] = "env"
        for name in ("SMARTDC_CA_FILE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
            variables[name] = authorities
        variables["SMARTDC_KNOWN_HOSTS"] = str(self._known_hosts)
        # For clients that take a key from a file and not from ~/.ssh or the agent (terraform, triton-go).
        variables["TRITON_KEY_MATERIAL"] = variables["SDC_KEY_MATERIAL"] = str(self.key_file)
        return variables

    @property
    def _known_hosts(self) -> Path:
        """The host keys of emulated machines, which do not belong in the user's own file."""
        return self.ca_file.with_name("known_hosts")
