"""Pre-signed URLs, used without a key by a plain `requests.get`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.errors import ConfigurationError, KeyLoadError
from smartdc.http_signature.keys import PublicKey, Signer
from smartdc.http_signature.presigned import presigned_url
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import ALL_KINDS, KeyRing

Get = Callable[..., requests.Response]


@pytest.fixture
def get(cloud: Emulator) -> Get:
    """A client without a key."""

    def ask(url: str, method: str = "GET", **kwargs: Any) -> requests.Response:
        return requests.request(method, url, verify=str(cloud.ca_file), timeout=10, **kwargs)

    return ask


def query(url: str) -> dict[str, str]:
    return {name: ",".join(values) for name, values in parse_qs(urlsplit(url).query).items()}


def refused(response: requests.Response) -> str:
    assert response.status_code == 500
    assert response.json().keys() == {"message"}
    return str(response.json()["message"])


def test_a_get(sdc: DataCenter, get: Get) -> None:
    url = sdc.presign("GET", "/keys")
    assert url.startswith(f"{sdc.url}keys?algorithm=ed25519-sha512&expires=")
    assert query(url).keys() == {"algorithm", "expires", "keyId", "signature"}
    answer = get(url)
    assert answer.status_code == 200
    assert answer.json() == sdc.keys()


@pytest.mark.off_the_record("any query can be signed")
def test_with_a_query(sdc: DataCenter, get: Get, cloud: Emulator) -> None:
    values: dict[str, Any] = {
        "name": "a b/c!'()*~&=+é%",
        "limit": 5,
        "Zone": "x",
        "tag.B": "1",
        "credentials": True,
    }
    url = sdc.presign("get", "/keys", **values, tombstone=None)
    assert get(url).status_code == 200
    sent = cloud.calls[-1].query
    assert sent["name"] == values["name"]
    assert (sent["limit"], sent["credentials"], sent["tag.B"]) == ("5", "true", "1")
    assert "tombstone" not in sent


def test_a_url_is_valid_for_its_own_request_only(sdc: DataCenter, get: Get, cloud: Emulator) -> None:
    url = sdc.presign("GET", "/keys")
    assert get(url.replace("/keys?", "/packages?")).status_code == 401
    assert get(f"{url}&limit=1").status_code == 401
    assert get(url, "HEAD").status_code == 401
    assert get(url, headers={"Host": "other.example"}).status_code == 401
    later = query(url)["expires"]
    assert get(url.replace(later, str(int(later) + 1))).status_code == 401
    # Another algorithm may not be claimed either, not even one that the server lists and cannot check.
    for claimed in ("rsa-sha256", "rsa-sha384", "dsa-sha1"):
        assert get(url.replace("ed25519-sha512", claimed)).status_code == 401
    assert (
        refused(get(url.replace("ed25519-sha512", "hs2019"))) == "HS2019 is not a supported signing algorithm"
    )
    cloud.violations.clear()


def test_several_methods(sdc: DataCenter, get: Get) -> None:
    url = sdc.presign(["HEAD", "get"], "/machines", limit=3)
    assert query(url)["method"] == "GET,HEAD"
    assert (get(url).status_code, get(url, "HEAD").status_code) == (200, 200)
    assert refused(get(url, "POST")) == "POST was not a signed method"


def test_a_post_with_a_body(sdc: DataCenter, get: Get, ssh_keys: KeyRing) -> None:
    url = sdc.presign("POST", "/keys")
    body = {"name": "new", "key": ssh_keys.public("p256").openssh}
    assert get(url, "POST", json=body).status_code == 201
    assert sdc.key("new")["name"] == "new"


@pytest.mark.parametrize(
    "expires",
    [60, 59.9, datetime.now(UTC) + timedelta(days=400), datetime.max.replace(tzinfo=UTC)],
    ids=["seconds", "float", "datetime", "never"],
)
def test_expiry(expires: float | datetime, sdc: DataCenter, get: Get) -> None:
    assert get(sdc.presign("GET", "/keys", expires=expires)).status_code == 200


def test_expired(sdc: DataCenter, get: Get, cloud: Emulator) -> None:
    url = sdc.presign("GET", "/keys", expires=60)
    cloud.clock.skew = 59.0
    assert get(url).status_code == 200
    cloud.clock.skew = 62.0
    assert refused(get(url)) == "request expired"


def test_seconds_are_counted_on_the_servers_clock(sdc: DataCenter, get: Get, cloud: Emulator) -> None:
    cloud.clock.skew = 1000.0
    sdc.account()  # finds out the skew
    assert get(sdc.presign("GET", "/keys", expires=60)).status_code == 200


@pytest.mark.parametrize("owner", ["account", "sub-user"])
@pytest.mark.parametrize("kind", ALL_KINDS)
def test_every_kind_of_key(kind: str, owner: str, cloud: Emulator, get: Get, ssh_keys: KeyRing) -> None:
    public, login = ssh_keys.public(kind), cloud.account.login
    if owner == "account":
        cloud.account.add_key(kind, public.openssh)
    else:
        login += "/users/ops"
        cloud.account.add_user("ops", allowed=True).add_key(kind, public.openssh)
    with cloud.datacenter(key_id=f"/{login}/keys/{kind}", secret=ssh_keys.path(kind)) as sdc:
        assert get(sdc.presign("GET", "/packages")).status_code == 200


def test_a_key_in_the_agent(cloud: Emulator, get: Get, ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("rsa2048"))
    public = ssh_keys.public("rsa2048")
    cloud.account.add_key("agent's", public.openssh)
    with cloud.datacenter(key_id=f"/test/keys/{public.sha256}", secret=None) as sdc:
        url = sdc.presign("GET", "/packages")
    assert query(url)["keyId"] == f"/test/keys/{public.md5}"
    assert get(url).status_code == 200


def test_roles_are_signed(sdc: DataCenter, get: Get, cloud: Emulator) -> None:
    assert get(sdc.as_role("ops", "read").presign("GET", "/keys")).status_code == 200
    assert cloud.calls[-1].query["as-role"] == "ops,read"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("GET", "keys"), "does not start with '/'"),
        (("GET", "/keys?limit=1"), "its query given as params"),
        (("GET", "/../eve/keys"), "leads out of the account"),
        (("GE T", "/keys"), "'GE T' is none of the methods GET, "),
        (("GET,HEAD", "/keys"), "'GET,HEAD' is none of the methods GET, "),
        (([], "/keys"), "at least one"),
        ((["GET", "get"], "/keys"), "each once"),
    ],
)
def test_arguments_that_cannot_work(arguments: tuple[Any, str], problem: str, sdc: DataCenter) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        sdc.presign(*arguments)


@pytest.mark.parametrize("name", ["keyId", "signature", "algorithm", "a[b]", "a b", "é", ""])
def test_names_that_cannot_be_signed(name: str, sdc: DataCenter) -> None:
    with pytest.raises(ConfigurationError, match=r"^query parameter '.*' (belongs to|cannot be signed)"):
        sdc.presign("GET", "/keys", **{name: 1})


class Fickle:
    """A key in an agent that signs with other algorithms than expected."""

    source = "a test"

    def __init__(self, public_key: PublicKey, *algorithms: str) -> None:
        self.public_key = public_key
        self.algorithms = iter(algorithms)

    def sign(self, data: bytes) -> tuple[str, bytes]:
        return next(self.algorithms), data

    def sign_ssh(self, data: bytes, algorithm: str) -> tuple[str, bytes]:
        return algorithm, data


def text_of(signer: Signer) -> str:
    return presigned_url(signer, "/bob/keys/k", ["GET"], "h", "https://h/bob/keys", [], 7)


def test_the_algorithm_is_the_agents(ssh_keys: KeyRing) -> None:
    public = ssh_keys.public("rsa2048")
    assert query(text_of(Fickle(public, "rsa-sha1", "rsa-sha1")))["algorithm"] == "rsa-sha1"
    with pytest.raises(KeyLoadError, match="first with one algorithm and then with rsa-sha256"):
        text_of(Fickle(public, "rsa-sha1", "rsa-sha256"))
