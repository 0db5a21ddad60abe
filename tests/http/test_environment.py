"""What the environment says about proxies and certificate authorities."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from smartdc import ConfigurationError
from smartdc._http.environment import (
    authorities,
    named_authorities,
    proxies_for,
    proxy_of,
    refuse_unreadable,
)

FAR = "https://cloud.example"
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture
def pysocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """PySocks seems to be installed."""
    module = ModuleType("socks")
    module.__spec__ = ModuleSpec("socks", None)
    monkeypatch.setitem(sys.modules, "socks", module)


@pytest.mark.usefixtures("pysocks")
@pytest.mark.parametrize("scheme", ["http", "https", "HTTP", "socks4", "socks4a", "socks5", "socks5h"])
def test_a_proxy_of_each_scheme_is_used(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"{scheme}://proxy.example:3128")
    proxies = proxies_for(FAR)
    assert proxies["https"] == f"{scheme}://proxy.example:3128"
    assert str(proxy_of(FAR, proxies)) == f"the proxy {scheme.lower()}://proxy.example:3128 in HTTPS_PROXY"


@pytest.mark.usefixtures("pysocks")
@pytest.mark.parametrize(
    ("scheme", "shown"), [("gopher", "gopher"), ("SOCKS", "socks"), ("g" * 21, "g" * 20)]
)
def test_a_proxy_of_another_scheme_is_refused(
    monkeypatch: pytest.MonkeyPatch, scheme: str, shown: str
) -> None:
    monkeypatch.setenv("all_proxy", f"{scheme}://proxy.example:70")
    with pytest.raises(ConfigurationError) as caught:
        proxies_for(FAR)
    assert str(caught.value) == (
        f"{FAR}: the proxy in ALL_PROXY has the scheme '{shown}'; "
        "use one of http, https, socks4, socks4a, socks5, socks5h"
    )


@pytest.mark.parametrize("scheme", ["socks4", "socks4a", "socks5", "socks5h"])
def test_a_socks_proxy_needs_pysocks(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socks", None)
    monkeypatch.setenv("https_proxy", f"{scheme}://bob:secret77@proxy.example")
    with pytest.raises(ConfigurationError) as caught:
        proxies_for(FAR)
    assert str(caught.value) == (
        f"{FAR}: the proxy in HTTPS_PROXY is a {scheme} proxy, which needs PySocks: "
        "pip install 'requests[socks]'"
    )
    monkeypatch.setenv("https_proxy", "http://proxy.example")
    assert proxies_for(FAR)["https"] == "http://proxy.example"


@pytest.mark.parametrize(
    ("address", "shown", "has_user"),
    [
        ("http://proxy.example", "http://proxy.example", False),
        ("proxy.example:3128", "http://proxy.example:3128", False),
        ("bob:secret77@proxy.example:3128/", "http://proxy.example:3128", True),
        ("[::1]:3128", "http://[::1]:3128", False),
        ("http://bob:secret77@proxy.example:80", "http://proxy.example:80", True),
        ("http://bob@proxy.example", "http://proxy.example", True),
    ],
)
def test_a_proxy_is_named_without_its_password(
    address: str, shown: str, has_user: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", address)
    proxy = proxy_of(FAR, proxies_for(FAR))
    assert proxy is not None
    assert (proxy.address, proxy.variable, proxy.has_user) == (shown, "HTTPS_PROXY", has_user)


@pytest.mark.parametrize(
    "address",
    ["http://", "http://:80", "http://proxy.example:0", "http://p:x", "http://[", "//p:1", "http:/p"],
)
def test_a_proxy_without_a_host_or_with_an_impossible_port_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", address)
    with pytest.raises(ConfigurationError) as caught:
        proxies_for(FAR)
    assert str(caught.value) == (
        f"{FAR}: the proxy in the environment must have the form http://host:port; see HTTPS_PROXY"
    )


def test_no_proxy_leads_to_this_machine_or_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxies_for(FAR) == {}
    assert proxy_of(FAR, {}) is None
    monkeypatch.setenv("https_proxy", "gopher://x")
    assert proxies_for("https://127.0.0.1") == proxies_for("https://localhost:1") == {}


@pytest.mark.parametrize("variable", BUNDLES)
def test_the_environment_names_the_authorities_only_where_the_argument_is_true(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert authorities(True) is True
    assert named_authorities(True) == "verify=True"
    monkeypatch.setenv(variable, "/env.pem")
    assert (authorities(True), named_authorities(True)) == ("/env.pem", f"{variable}='/env.pem'")
    assert (authorities("/mine.pem"), named_authorities("/mine.pem")) == ("/mine.pem", "verify='/mine.pem'")
    assert (authorities(False), named_authorities(False)) == (False, "verify=False")
    # The pool has only the path, whichever named it.
    assert named_authorities("/env.pem") == f"{variable}='/env.pem'"


def test_the_variable_of_requests_comes_before_that_of_curl(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in BUNDLES:
        monkeypatch.setenv(variable, f"/{variable}.pem")
    assert authorities(True) == "/REQUESTS_CA_BUNDLE.pem"


def test_authorities_that_cannot_be_read(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    refusals = {
        str(empty): "it has no certificate that can be read",
        "a\0b": "it is not the path of a file",
        "\ud800": "it is not the path of a file",
        "/dev/null": "it is not a regular file",
        str(tmp_path / "none"): "it cannot be read (No such file or directory)",
    }
    for path, why in refusals.items():
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the whole text is compared
            refuse_unreadable(path)
        assert str(caught.value) == why
    for accepted in (True, False, str(tmp_path)):
        refuse_unreadable(accepted)
