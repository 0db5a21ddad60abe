"""An emulator for other computers and containers: its certificate, its URLs, and who may control it.

The kernel of this computer carries the requests to its own address, so nothing leaves it.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.emulator.control.command_output import guide
from tests.helpers.emulator_http import Control

ANY = "0.0.0.0"  # noqa: S104 - what is tested


def own_address(family: int = socket.AF_INET, there: str = "192.0.2.1") -> str | None:
    """The address from which this computer would reach others, or None if it has no network."""
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((there, 9))  # UDP: nothing is sent
        except OSError:
            return None
        return str(probe.getsockname()[0])


def certified(cloud: Emulator) -> set[str]:
    """The names and addresses in the certificate of a running emulator."""
    port = urlsplit(cloud.url()).port
    where = "::1" if cloud.host == "::" else "127.0.0.1"
    context = ssl.create_default_context(cafile=str(cloud.ca_file))
    with (
        socket.create_connection((where, port or 0)) as plain,
        context.wrap_socket(plain, server_hostname=where) as secure,
    ):
        der = secure.getpeercert(binary_form=True)
    assert der is not None
    found = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    return {str(name.value) for name in found.value}


@pytest.mark.parametrize(
    ("host", "family", "there"),
    [(ANY, socket.AF_INET, "192.0.2.1"), ("::", socket.AF_INET6, "2001:db8::1")],
)
def test_at_all_addresses_a_client_uses_this_computers_own(host: str, family: int, there: str) -> None:
    own = own_address(family, there) or "127.0.0.1"
    with Emulator(host=host) as cloud:
        assert urlsplit(cloud.url()).hostname == own
        names = certified(cloud)
        assert {own, "127.0.0.1", "::1", "localhost"} <= names
        assert not any(ipaddress.ip_address(ANY).compressed == name or name == "::" for name in names)
        with cloud.datacenter() as sdc:
            assert sdc.account()["login"] == "test"
            assert set(sdc.datacenters().values()) == set(cloud.urls.values())
            with sdc.datacenter("us-east-1") as east:  # found with the list of data centers
                assert east.machines() == []


def test_names_are_in_the_certificate_and_the_first_is_in_the_urls() -> None:
    names = ["localhost", "emulator.test", "192.0.2.7", "fd00::7"]
    with Emulator(host=ANY, names=names) as cloud:
        assert {urlsplit(url).hostname for url in cloud.urls.values()} == {"localhost"}
        assert certified(cloud) >= {*names, "127.0.0.1", "::1"}
        port = urlsplit(cloud.url()).port
        lines = "\n".join(guide(cloud, None, [], []))
        assert f"export TRITON_URL=https://localhost:{port}\n" in lines
        for name in names:  # the control accepts them as well, and no others
            shown = f"[{name}]" if ":" in name else name
            assert Control(cloud).ask("GET", "status", headers={"Host": f"{shown}:{port}"}).status == 200
        Control(cloud).ask("GET", "status", headers={"Host": "foreign.test"}).refused(403, "Host")


def test_an_ipv6_address_as_the_first_name_is_written_in_brackets() -> None:
    with Emulator(host="::1", names=["::1"]) as cloud:
        assert cloud.url().startswith("https://[::1]:")
        with cloud.datacenter() as sdc:
            assert sdc.ping()["ping"] == "pong"


def test_programs_of_an_activation_use_no_proxy_for_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with Emulator(host=ANY).activate(), DataCenter.from_env() as sdc:
        assert sdc.account()["login"] == "test"


@pytest.mark.parametrize(
    "name", ["", "a b", "my_emulator", "https://emulator", "emulator:443", "-a", ANY, "::", 7]
)
def test_a_name_that_no_url_can_have(name: object) -> None:
    with pytest.raises(
        ValueError, match=r"^names\[1\] is a host name or an address, such as 'emulator', not"
    ) as caught:
        Emulator(names=["emulator", name])  # type: ignore[list-item]
    assert repr(name) in str(caught.value)


def test_names_are_a_list() -> None:
    with pytest.raises(ValueError, match=r"^names are a list of host names and addresses, not 'emulator'$"):
        Emulator(names="emulator")
