from __future__ import annotations

import io
import re
import time
from pathlib import Path
from typing import Any

import pytest
from urllib3.exceptions import InsecureRequestWarning

from smartdc import (
    DEFAULT_LOCATION,
    KNOWN_LOCATIONS,
    TELEFONICA_LOCATIONS,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailed,
    DataCenter,
    RetryPolicy,
)
from smartdc.emulator import Emulator
from smartdc.signin.locations import base_url_of
from tests.helpers.clock import Instant
from tests.helpers.recorded import call, sent
from tests.helpers.relays import Relay
from tests.helpers.servers import Reply, StubServer


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("us-central-1", "https://us-central-1.api.mnx.io"),
        ("us-sw-1", "https://us-sw-1.api.joyentcloud.com"),
        ("api.example.com", "https://api.example.com"),
        ("api.example.com:8443", "https://api.example.com:8443"),
        ("localhost", "https://localhost"),
        ("cloudapi:8443", "https://cloudapi:8443"),
        ("10.0.0.1", "https://10.0.0.1"),
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com:8443/cloudapi/", "https://api.example.com:8443/cloudapi"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_location_becomes_a_url(location: str, url: str) -> None:
    assert base_url_of(location, KNOWN_LOCATIONS) == url
    with DataCenter(location) as sdc:
        assert (sdc.location, sdc.base_url, sdc.url) == (location, url, f"{url}/my/")


def test_py_smartdc_s_locations_are_known() -> None:
    assert DEFAULT_LOCATION == "us-west-1"
    assert {
        "us-east-1",
        "us-east-2",
        "us-east-3",
        "us-sw-1",
        "us-west-1",
        "eu-ams-1",
    } < KNOWN_LOCATIONS.keys()
    assert TELEFONICA_LOCATIONS.keys() == {"London", "eu-lon-1", "Madrid", "eu-mad-1"}
    with DataCenter() as sdc:
        assert sdc.base_url == "https://us-west-1.api.joyentcloud.com"
    with DataCenter("Madrid", known_locations=TELEFONICA_LOCATIONS) as sdc:
        assert sdc.base_url == "https://api-eu-mad-1.instantservers.telefonica.com"


@pytest.mark.parametrize(
    "location",
    ["no such place", "a/b", "..", "ö", "-x", "user@host.example", "https://", "ftp://host", "https://host:port",
     "https://u:p@host", "https://host?x=y", "https://host#x", "https://[::1", "host:", "host:123456"],
)  # fmt: skip
def test_invalid_locations(location: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"is not a location|is not a CloudAPI URL|a CloudAPI URL has no"
    ):
        DataCenter(location)


@pytest.mark.parametrize("url", ["", "host", "//host", "ftp://host", "https://u@host", "https://host?x"])
def test_a_known_location_with_an_invalid_url(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is not a CloudAPI URL; give it as https://|has no user"):
        DataCenter("here", known_locations={"here": url})


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        DataCenter("https://bob:secret77@host")
    assert "secret77" not in str(caught.value)


def test_known_locations_are_copied() -> None:
    mine = {"here": "https://here.example"}
    with DataCenter("here", known_locations=mine) as sdc:
        mine["here"] = "https://elsewhere.example"
        assert sdc.base_url == "https://here.example"


def test_str_and_repr_say_who_and_where(cloud: Emulator) -> None:
    with DataCenter("us-sw-1") as sdc:
        assert str(sdc) == repr(sdc) == "<DataCenter: us-sw-1>"
    with DataCenter("us-sw-1", login="bob") as sdc:
        assert repr(sdc) == "<DataCenter: bob@us-sw-1>"
    with cloud.datacenter() as sdc:
        assert repr(sdc) == "<DataCenter: test@us-sw-1>"


def test_equality_compares_location_and_owner(cloud: Emulator) -> None:
    with (
        cloud.datacenter() as one,
        cloud.datacenter(location=cloud.url()) as same,
        cloud.datacenter("us-east-1") as elsewhere,
        cloud.datacenter(login="other") as other,
        DataCenter(cloud.url()) as stranger,
    ):
        assert one == same
        assert hash(one) == hash(same)
        one.account()
        assert one == same
        assert len({one, same, elsewhere, other, stranger}) == 4
        assert one != "us-sw-1"
    # Comparing makes no request.
    assert len(cloud.calls) == 1


def test_authenticate_changes_who_signs(cloud: Emulator) -> None:
    with cloud.datacenter(key_id=None) as sdc:
        assert sdc.auth is None
        sdc.authenticate()
        assert sdc.auth is None
        with pytest.raises(AuthenticationError):
            sdc.account()
        sdc.authenticate(cloud.key_id, str(cloud.key_file), signed_headers="date")
        assert sdc.account()["login"] == "test"
        assert sdc.auth is not None
        assert sdc.auth.signed_headers == ("date",)


def test_date_alone_can_be_signed(cloud: Emulator) -> None:
    with cloud.datacenter(signed_headers="date") as sdc:
        response = sdc.request("GET", "")[1]
    assert 'headers="date",' in response.request.headers["Authorization"]


def test_verbose_writes_a_line_for_each_request_to_stderr(
    cloud: Emulator, capfd: pytest.CaptureFixture[str]
) -> None:
    with cloud.datacenter(verbose=True) as sdc:
        sdc.machines(state="running")
        with sdc.datacenter("us-east-1") as east:
            east.num_machines()
    out, err = capfd.readouterr()
    assert out == ""
    first, second = err.splitlines()
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+"
    assert re.fullmatch(rf"{stamp}\tGET\t{cloud.url()}/my/machines\?state=running", first)
    assert re.fullmatch(rf"{stamp}\tHEAD\t{cloud.url('us-east-1')}/my/machines", second)


def test_verbose_to_a_stream(cloud: Emulator, capfd: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    with cloud.datacenter(verbose=stream) as sdc:
        sdc.keys()
    assert stream.getvalue().endswith(f"\tGET\t{cloud.url()}/my/keys\n")
    assert capfd.readouterr() == ("", "")


def test_nothing_is_printed_without_verbose(
    cloud: Emulator, sdc: DataCenter, capfd: pytest.CaptureFixture[str]
) -> None:
    sdc.keys()
    with pytest.raises(Exception, match="404"):
        sdc.key("nothing")
    sdc.machines()
    assert capfd.readouterr() == ("", "")


def test_an_authority_that_is_not_trusted(cloud: Emulator) -> None:
    with cloud.datacenter(verify=True) as sdc, pytest.raises(ConnectionFailed) as caught:
        sdc.account()
    message = str(caught.value)
    assert message.startswith(f"GET /my: {cloud.url()} is not trusted (")
    assert message.endswith("a private cloud's certificate authority is given as verify='/path/to/ca.pem'")
    assert "certificate verify failed" in message
    assert sent(cloud) == []


def test_a_certificate_for_another_name(cloud: Emulator) -> None:
    # 127.0.0.2 is loopback as well, but the certificate does not name it.
    with (
        Relay(cloud.url(), "127.0.0.2") as relay,
        cloud.datacenter(location=relay.url) as sdc,
        pytest.raises(ConnectionFailed, match=r"is not trusted \(.*127\.0\.0\.2"),
    ):
        sdc.account()
    assert sent(cloud) == []


@pytest.mark.parametrize("content", [None, "", "garbage"])
def test_an_invalid_file_of_authorities(
    cloud: Emulator, content: str | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    if content is not None:
        path.write_text(content)
    with (
        cloud.datacenter(verify=path) as sdc,
        pytest.raises((ConfigurationError, ConnectionFailed), match=r"verify=.*ca\.pem"),
    ):
        sdc.account()


def test_the_environment_does_not_undo_verify(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    # In requests, REQUESTS_CA_BUNDLE overrides a session's verify: both connections would fail.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, "/no/such/bundle.pem")
    with cloud.datacenter() as sdc:
        assert sdc.account()["login"] == "test"
    with pytest.warns(InsecureRequestWarning, match="are not verified"):
        unverified = cloud.datacenter(verify=False)
    with unverified as sdc:
        assert sdc.account()["login"] == "test"


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environment_may_name_the_authorities(
    cloud: Emulator, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(cloud.ca_file))
    with cloud.datacenter(verify=True) as sdc:
        assert sdc.account()["login"] == "test"


def test_verify_takes_a_path_object_and_expands_the_home_directory(cloud: Emulator, home: Path) -> None:
    with cloud.datacenter(verify=cloud.ca_file) as sdc:
        assert sdc.verify == str(cloud.ca_file)
        assert sdc.account()["login"] == "test"
    (home / "ca.pem").write_bytes(cloud.ca_file.read_bytes())
    with cloud.datacenter(verify="~/ca.pem") as sdc:
        assert sdc.account()["login"] == "test"


@pytest.mark.filterwarnings("ignore:http.*is not https")
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_proxies_of_the_environment_are_used(
    stub: StubServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, stub.url)
    stub.answer(Reply({"login": "bob"}))
    with DataCenter("http://cloudapi.invalid", login="bob") as sdc:
        assert sdc.account() == {"login": "bob"}
    assert stub.asked[0].target == "http://cloudapi.invalid/bob"


@pytest.mark.filterwarnings("ignore:http.*is not https")
def test_no_proxy_of_the_environment_is_respected(stub: StubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", stub.url)
    monkeypatch.setenv("NO_PROXY", "cloudapi.invalid")
    with DataCenter("http://cloudapi.invalid", retry="none") as sdc, pytest.raises(ConnectionFailed):
        sdc.account()
    assert stub.asked == []


def test_no_proxy_is_used_for_loopback(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with cloud.datacenter() as sdc:
        sdc.account()
    assert sent(cloud) == [call("GET", "/my")]


def test_a_private_cloud_does_not_use_the_public_locations(cloud: Emulator) -> None:
    # us-east-1 is also a known location of Joyent: a signed request must not go there.
    with cloud.datacenter(location=cloud.url("us-sw-1"), known_locations=None) as sdc:
        assert sdc.known_locations == {}
        assert sdc.datacenter("us-east-1").base_url == cloud.url("us-east-1")
        with pytest.raises(ConfigurationError, match="there is no data center 'us-west-1' here"):
            sdc.datacenter("us-west-1")


def test_the_settings_of_a_data_center_that_is_given_only_a_location() -> None:
    with DataCenter("https://cloud.example") as sdc:
        assert (sdc.login, sdc.auth, sdc.active_roles) == ("my", None, ())
        assert (sdc.verify, sdc.verbose, sdc.timeout) == (True, None, (10.0, 120.0))
        assert (sdc.retry, sdc.share_polls) == (RetryPolicy(), True)
        assert (sdc.max_response, sdc.answer_timeout) == (128 * 1024 * 1024, 300.0)
        assert sdc.clock is time
        assert sdc.known_locations == {}


def test_each_setting_is_that_of_its_argument() -> None:
    clock, twice = Instant(), RetryPolicy(attempts=2)
    with DataCenter(
        "us-sw-1",
        login="bob",
        roles=["ops"],
        timeout=3,
        retry=twice,
        share_polls=False,
        clock=clock,
        max_response=9,
        answer_timeout=2,
    ) as sdc:
        assert (sdc.login, sdc.active_roles, sdc.timeout) == ("bob", ("ops",), 3)
        assert (sdc.retry, sdc.share_polls) == (twice, False)
        assert (sdc.max_response, sdc.answer_timeout) == (9, 2)
        assert sdc.clock is clock
        assert sdc.known_locations == KNOWN_LOCATIONS
        assert sdc.known_locations is not KNOWN_LOCATIONS


@pytest.mark.parametrize("locations", [["us-sw-1"], "us-sw-1", 5])
def test_known_locations_of_a_wrong_kind(locations: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DataCenter("us-sw-1", known_locations=locations)
    kind = type(locations).__name__
    assert str(caught.value) == f"known_locations is a dict of names and URLs, not {kind}"


@pytest.mark.parametrize("key_id", [None, ""])
@pytest.mark.parametrize("key", [{"secret": "/k"}, {"passphrase": "p"}], ids=["secret", "passphrase"])
def test_a_key_without_its_id(key_id: str | None, key: dict[str, str]) -> None:
    remedy = "is of no use without key_id; give it as /LOGIN/keys/NAME_OR_FINGERPRINT"
    with pytest.raises(ConfigurationError) as caught:
        DataCenter("us-sw-1", key_id, **key)  # type: ignore[arg-type]
    assert str(caught.value) == f"a secret or passphrase {remedy}"
    with DataCenter("us-sw-1") as sdc:
        for wrong in ({**key}, {**key, "allow_agent": True}, {"allow_agent": True}):
            with pytest.raises(ConfigurationError) as caught:
                sdc.authenticate(key_id, **wrong)
            assert str(caught.value) == f"a key {remedy}"
        with pytest.raises(ConfigurationError, match=r"^allow_agent must be True or False, not 'yes'"):
            sdc.authenticate(key_id, allow_agent="yes")  # type: ignore[arg-type]
        assert sdc.auth is None


def test_another_data_center_of_a_wrong_kind_or_name(cloud: Emulator, sdc: DataCenter) -> None:
    with pytest.raises(ConfigurationError, match=r"^the name of a data center is text, not int$"):
        sdc.datacenter(5)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError) as caught:
        sdc.datacenter("mars")
    assert str(caught.value) == (
        "there is no data center 'mars' here; known are eu-ams-1, us-east-1, us-sw-1"
    )
    with sdc.datacenter("us-east-1") as other:
        other.known_locations["here"] = "https://here.example"
    assert "here" not in sdc.known_locations


@pytest.mark.parametrize("name", ["us-west-1", "us-sw-1", "eu-ams-1"])
def test_a_data_center_that_closed_is_not_asked(name: str) -> None:
    default = ", the default location," if name == "us-west-1" else ""
    with DataCenter(name) as sdc, pytest.raises(ConfigurationError) as caught:
        sdc.account()
    assert str(caught.value) == (
        f"{name}{default} was one of Joyent's data centers, which closed in 2019: "
        "give the location, such as us-central-1 or a URL"
    )


def test_another_role_is_another_view_of_the_same_data_center(cloud: Emulator, sdc: DataCenter) -> None:
    with sdc.as_role("ops", "dev") as view:
        assert (view.active_roles, sdc.active_roles) == (("ops", "dev"), ())
        view.known_locations["here"] = "https://here.example"
        assert "here" not in sdc.known_locations
        assert view.auth is sdc.auth
        assert view.as_role().active_roles == ()
        assert view == sdc


def test_a_server_that_names_a_url_without_tls_is_warned_of() -> None:
    known = {"here": "https://here.example", "there": "http://there.example", "near": "https://near.example"}
    with DataCenter("here", known_locations=known) as sdc:
        with pytest.warns(InsecureRequestWarning, match=r"^http://there\.example is not https: ") as caught:
            there = sdc.datacenter("there")
        assert caught[0].filename == __file__
        # Of both it was warned already, or there is nothing to warn of.
        assert there.datacenter("there").base_url == "http://there.example"
        assert sdc.datacenter("near").base_url == "https://near.example"
