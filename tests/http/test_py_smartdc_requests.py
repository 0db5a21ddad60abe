"""`request()` as scripts for py-smartdc 0.2.0 call it: with its paths, headers and further arguments.

The source of py-smartdc shows what it did: smartdc/datacenter.py (`request`, `url`) and machine.py (`path`).
"""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import requests

from smartdc import ConfigurationError, DataCenter, LegacyDataCenter, Machine, ServerError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.clock import Instant
from tests.helpers.servers import Reply, StubServer


@pytest.fixture
def machine(sdc: DataCenter, site: Site) -> Machine:
    return sdc.machine(site.add_machine("web", tags={"role": "www"}).uuid, lazy=True)


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_path_with_and_without_a_slash(
    cloud: Emulator, sdc: DataCenter, machine: Machine, slash: str
) -> None:
    assert sdc.request("GET", f"{slash}machines/{machine.id}/audit")[1].status_code == 200
    assert sdc.request("GET", f"{slash}{machine.path}/tags")[0] == {"role": "www"}
    assert [call.path for call in cloud.calls] == [
        f"/my/machines/{machine.id}/audit", f"/my/machines/{machine.id}/tags"
    ]  # fmt: skip


def test_url_and_path_fit_together(sdc: DataCenter, machine: Machine) -> None:
    assert sdc.url == f"{sdc.base_url}/my/"
    assert machine.path == f"machines/{machine.id}"
    assert machine.create_snapshot("one").path == f"machines/{machine.id}/snapshots/one"
    answer = requests.get(sdc.url + machine.path, auth=sdc.auth, verify=sdc.verify, timeout=5)
    assert answer.json()["id"] == machine.id


@pytest.mark.parametrize(
    ("path", "params", "target"),
    [
        ("machines", [("name", "web"), ("limit", 1)], "/my/machines?name=web&limit=1"),
        ("machines", "name=web&limit=1", "/my/machines?name=web&limit=1"),
        ("machines", [("tag.a", "x"), ("tag.a", "y")], "/my/machines?tag.a=x&tag.a=y"),
        ("machines", (("tag.a", ["x", "y"]), ("tag.a", "z")), "/my/machines?tag.a=x&tag.a=y&tag.a=z"),
        ("machines", [("tag.a", "xy"), ("tag.a", ("z",))], "/my/machines?tag.a=xy&tag.a=z"),
        ("machines", {"tag.a": ["x", "y"]}, "/my/machines?tag.a=x&tag.a=y"),
        ("machines", "name=&limit=1", "/my/machines?name=&limit=1"),
        ("", {"a": None}, "/my"),
    ],
)
def test_a_query_in_any_form(stub: StubServer, path: str, params: Any, target: str) -> None:
    stub.answer(Reply([]))
    with DataCenter(stub.url) as sdc:
        sdc.request("GET", path, params=params)
    assert stub.asked[0].target == target


@pytest.mark.parametrize("path", ["machines/", "../bob/keys", "machines//x", "/", "machines?limit=1", "a b"])
def test_a_path_that_would_do_harm(stub: StubServer, path: str) -> None:
    with (
        DataCenter(stub.url) as sdc,
        pytest.raises(ConfigurationError, match=r"^path '.*' (has an empty part|must be quoted)"),
    ):
        sdc.request("GET", path)
    assert stub.asked == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"stream": True}, {"stream": False}, {"allow_redirects": False}, {"proxies": None}, {"proxies": {}},
        {"cert": None}, {"timeout": 5}, {"timeout": None},
    ],
)  # fmt: skip
def test_arguments_of_requests_that_change_nothing(
    sdc: DataCenter, machine: Machine, arguments: dict[str, Any]
) -> None:
    body, response = sdc.request("GET", "machines", **arguments)
    assert body == response.json()
    assert len(body) == 1


@pytest.mark.parametrize(
    ("arguments", "instead"),
    [
        (
            {"allow_redirects": True},
            "redirects are not followed, as a signature is for one URL: read the Location header",
        ),
        ({"auth": ("bob", "x")}, "set the `auth` of the data center"),
        ({"cert": "/cert.pem"}, "CloudAPI identifies the caller by the signature"),
        ({"cookies": {"a": "b"}}, "CloudAPI has none"),
        ({"files": {"a": b"b"}}, "CloudAPI takes JSON only: data="),
        ({"hooks": {"response": print}}, "the answer itself is returned"),
        ({"json": {"a": "b"}}, "what is given as data= is sent as JSON"),
        ({"proxies": {"https": "http://proxy"}}, "set HTTPS_PROXY in the environment"),
        ({"verify": "/ca.pem"}, "give it to the data center"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_arguments_of_requests_that_are_refused_by_name(
    stub: StubServer, arguments: dict[str, Any], instead: str
) -> None:
    (name,) = arguments
    with DataCenter(stub.url) as sdc, pytest.raises(ConfigurationError) as caught:
        sdc.request("GET", "machines", **arguments)
    assert str(caught.value) == f"request() takes no {name}=: {instead}"
    assert stub.asked == []


@pytest.mark.parametrize(
    "params", [[("a",)], [("a", 1, 2)], [["a", 1]], [("a", 1), "ab"], 5, ("a", 1)], ids=repr
)
def test_a_query_of_another_form(stub: StubServer, params: Any) -> None:
    with (
        DataCenter(stub.url) as sdc,
        pytest.raises(ConfigurationError, match=r"^params must be a dict such as \{'limit': 5\}, not "),
    ):
        sdc.request("GET", "machines", params=params)
    assert stub.asked == []


def test_an_unknown_argument(sdc: DataCenter) -> None:
    with pytest.raises(TypeError, match="nonsense"):
        sdc.request("GET", "machines", nonsense=1)


def versions(stub: StubServer) -> tuple[str | None, str | None]:
    headers = stub.asked[-1].headers
    return headers.get("accept-version"), headers.get("x-api-version")


def test_the_old_version_header_wins(stub: StubServer) -> None:
    stub.answer(*[Reply([])] * 4)
    with DataCenter(stub.url) as sdc:
        sdc.request("GET", "keys", headers={"x-api-version": "~7.1"})
        assert versions(stub) == (None, "~7.1")
        sdc.request("GET", "keys")
        assert versions(stub) == ("~9||~8", None)
        sdc.default_headers["X-Api-Version"] = "~7.0"
        sdc.keys()
        assert versions(stub) == (None, "~7.0")
    with DataCenter(stub.url, headers={"X-API-Version": "~7.2"}) as sdc:
        sdc.keys()
        assert versions(stub) == (None, "~7.2")


def test_the_version_of_a_legacy_data_center(stub: StubServer) -> None:
    stub.answer(*[Reply([])] * 3)
    with LegacyDataCenter(stub.url, api_version="~6.1") as sdc:
        sdc.keys()
        assert versions(stub) == (None, "~6.1")
        sdc.request("GET", "keys", api_version="~6.0")
        assert versions(stub) == (None, "~6.0")
        sdc.default_headers["X-Api-Version"] = "~6.5.1"
        sdc.keys()
        assert versions(stub) == (None, "~6.5.1")


class Counting(DataCenter):
    """Counts requests, as scripts for 0.2.0 did."""

    made: ClassVar[list[str]] = []

    def request(self, method: str, path: str, headers: Any = None, data: Any = None, **kwargs: Any) -> Any:
        self.made.append(method)
        return DataCenter.request(self, method, path, headers, data, **kwargs)


class Strict(DataCenter):
    """Overrides `request` without the arguments that were added later."""

    def request(  # type: ignore[override]
        self, method: str, path: str, headers: Any = None, data: Any = None, params: Any = None
    ) -> Any:
        return DataCenter.request(self, method, path, headers, data, params=params)


def test_a_request_method_that_a_script_assigns(sdc: DataCenter, machine: Machine) -> None:
    made = []
    own = sdc.request

    def counted(method: str, path: str, headers: Any = None, data: Any = None, params: Any = None) -> Any:
        made.append(method)
        return own(method, path, headers, data, params=params)

    sdc.request = counted  # type: ignore[assignment, method-assign]
    machine.add_tags(a="b")
    assert made == ["POST"]


@pytest.mark.parametrize("kind", [Counting, Strict])
def test_operations_use_the_request_method_of_a_subclass(
    cloud: Emulator, machine: Machine, kind: type[DataCenter]
) -> None:
    own = {"known_locations": {"x": cloud.url()}, "verify": cloud.ca_file, "clock": cloud.clock}
    with kind("x", cloud.key_id, cloud.key_file, **own) as sdc:  # type: ignore[arg-type]
        made = sdc.create_machine("new", "sample-512M", image=sdc.images("base64")[0])
        made.poll_until("running")
        made.add_tags(a="b")
        made.update_metadata(a="b")
        made.create_snapshot("one").poll_until("created")
        made.stop()
        assert sdc.num_machines(tags={"a": "b"}) == 1
        assert sdc.machines(name="new") == [made]


class Knowing(DataCenter):
    """Overrides `request` with the argument for what must come before a repetition."""

    def request(  # type: ignore[override]
        self,
        method: str,
        path: str,
        headers: Any = None,
        data: Any = None,
        *,
        params: Any = None,
        before_repeat: Any = None,
    ) -> Any:
        return DataCenter.request(
            self, method, path, headers, data, params=params, before_repeat=before_repeat
        )


@pytest.mark.parametrize("kind", [Counting, Knowing])
def test_a_post_is_made_again_if_the_request_of_a_subclass_can_be_told_so(
    stub: StubServer, kind: type[DataCenter]
) -> None:
    stub.answer(Reply(None, 502), Reply({"login": "my"}))
    with kind(stub.url, clock=Instant()) as sdc:
        sdc.update_account(phone="5")
    assert len(stub.asked) == 2


def test_a_post_is_not_made_again_if_the_request_of_a_subclass_cannot_be_told_so(stub: StubServer) -> None:
    stub.answer(Reply(None, 502), Reply({"login": "my"}))
    with Strict(stub.url, clock=Instant()) as sdc, pytest.raises(ServerError, match=": 502 "):
        sdc.update_account(phone="5")
    assert len(stub.asked) == 1
