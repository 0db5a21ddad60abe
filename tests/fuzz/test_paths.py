"""With any id or name, a request goes to the right path, or none is made."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, quote, unquote_to_bytes

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smartdc import APIError, ConfigurationError, DataCenter, Machine, NotFoundError
from smartdc.emulator import Emulator
from smartdc.types import Value
from tests.helpers import odd_values as odd
from tests.helpers.sizes import in_two_sizes

pytestmark = pytest.mark.stress

HALF = re.compile("[\ud800-\udfff]")
UUID = re.compile("[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")

Ask = Callable[[DataCenter, str, str], Any]
ROUTES: dict[str, tuple[str, Ask]] = {
    "keys/{a}": ("GET", lambda sdc, a, b: sdc.key(a)),
    "keys/{a} ": ("DELETE", lambda sdc, a, b: sdc.delete_key({"name": a})),
    "accesskeys/{a}": ("GET", lambda sdc, a, b: sdc.access_key({"accesskeyid": a})),
    "users/{a}": ("GET", lambda sdc, a, b: sdc.user({"login": a})),
    "users/{a} ": ("DELETE", lambda sdc, a, b: sdc.delete_user(a)),
    "users/{a}/keys/{b}": ("GET", lambda sdc, a, b: sdc.user_key(a, b)),
    "users/{a}/accesskeys/{b}": ("DELETE", lambda sdc, a, b: sdc.delete_user_access_key(a, b)),
    "users/{a}/change_password": ("POST", lambda sdc, a, b: sdc.change_user_password({"id": a}, b)),
    "roles/{a}": ("GET", lambda sdc, a, b: sdc.role(a)),
    "policies/{a}": ("DELETE", lambda sdc, a, b: sdc.delete_policy({"id": a})),
    "images/{a}": ("GET", lambda sdc, a, b: sdc.image({"id": a})),
    "images/{a}?action=export": ("POST", lambda sdc, a, b: sdc.export_image({"id": a}, b)),
    "packages/{a}": ("GET", lambda sdc, a, b: sdc.package(a)),
    "networks/{a}": ("GET", lambda sdc, a, b: sdc.network({"id": a})),
    "networks/{a}/ips/{b}": ("PUT", lambda sdc, a, b: sdc.update_network_ip({"id": a}, b, reserved=True)),
    "fabrics/default/vlans/2/networks/{a}": ("GET", lambda sdc, a, b: sdc.fabric_network(2, {"id": a})),
    "fwrules/{a}": ("GET", lambda sdc, a, b: sdc.firewall_rule({"id": a})),
    "fwrules/{a}/enable": ("POST", lambda sdc, a, b: sdc.enable_firewall_rule({"id": a})),
    "fwrules/{a}/machines": ("HEAD", lambda sdc, a, b: sdc.num_firewall_rule_machines({"id": a})),
    "datacenters/{A}": ("GET", lambda sdc, a, b: sdc.datacenter_url(a)),
    "volumes/{a}": ("GET", lambda sdc, a, b: sdc.volume({"id": a})),
    "migrations/{a}": ("GET", lambda sdc, a, b: sdc.migration({"id": a})),
    "machines/{a}": ("GET", lambda sdc, a, b: sdc.machine({"id": a})),
    "machines/{a} ": ("DELETE", lambda sdc, a, b: sdc.machine({"id": a}, lazy=True).delete()),
    "machines/{a}?action=stop": (
        "POST",
        lambda sdc, a, b: sdc.machine({"id": a}, lazy=True, look_first=False).stop(),
    ),
    "machines/{a}/tags/{B}": ("DELETE", lambda sdc, a, b: sdc.machine({"id": a}, lazy=True).delete_tag(b)),
    "machines/{a}/snapshots/{B}": ("GET", lambda sdc, a, b: sdc.machine({"id": a}, lazy=True).snapshot(b)),
    "machines/{a}/snapshots/{B} ": (
        "POST",
        lambda sdc, a, b: sdc.machine({"id": a}, lazy=True).start_from_snapshot(b),
    ),
    "machines/{a}/disks/{b}": ("GET", lambda sdc, a, b: sdc.machine({"id": a}, lazy=True).get_disk(b)),
    "{a}/{b}": ("HEAD", lambda sdc, a, b: sdc.exists(a, b)),
}
"""Below the account: where each call goes. {a} and {b} are ids, {A} and {B} are names, whose case counts.

A space at the end tells two calls of one route apart.
"""


def quoted(part: str) -> str:
    # Text that cannot be encoded must not be sent.
    return quote(part, safe="", errors="replace")


def quoted_id(part: str) -> str:
    return quoted(part.lower() if UUID.fullmatch(part) else part)


def target(route: str, a: str, b: str) -> str:
    return "/my/" + route.strip().format(a=quoted_id(a), b=quoted_id(b), A=quoted(a), B=quoted(b))


def possible(part: str) -> bool:
    return part not in ("", ".", "..") and not HALF.search(part)


@in_two_sizes(sample=400, whole=1200)
def test_every_name_stays_in_its_place(
    cloud: Emulator, sdc: DataCenter, examples: Counter[str], size: int
) -> None:
    @settings(max_examples=size)
    @given(st.sampled_from(list(ROUTES)), odd.words, odd.words)
    def each(route: str, a: str, b: str) -> None:
        examples["names"] += 1
        cloud.calls.clear()
        verb, ask = ROUTES[route]
        expected = [(verb, target(route, a, b))]
        try:
            ask(sdc, a, b)
        except ConfigurationError:
            expected = []
            assert (
                not all(possible(part) for name, part in (("{a}", a), ("{b}", b)) if name in route.lower())
                or (
                    route.startswith(("machines/{a}", "migrations/{a}"))
                    and re.search(r"[\s\x00-\x1f\x7f]", a)
                )
                or HALF.search(b)  # in a body
            )
        except APIError as error:
            str(error).encode()
        assert [(call.method, call.target) for call in cloud.calls] == expected
        assert cloud.violations == []

    each()


LOOKED_UP: dict[str, Callable[[DataCenter, str], Any]] = {
    "images": lambda sdc, a: sdc.delete_image(a),
    "networks": lambda sdc, a: sdc.network_ips(a),
    "volumes": lambda sdc, a: sdc.delete_volume(a),
    "machines": lambda sdc, a: sdc.machine(a, lazy=True).delete(),
    "policies": lambda sdc, a: sdc.delete_policy(a),
    "roles": lambda sdc, a: sdc.delete_role(a),
    "users": lambda sdc, a: sdc.change_user_password(a, "secret1234"),
    "fabrics/default/vlans/2/networks": lambda sdc, a: sdc.delete_fabric_network(2, a),
    "fabrics/default/vlans": lambda sdc, a: sdc.delete_fabric_vlan(a),
}
"""Calls with a name that is looked up, by the list."""


@in_two_sizes(sample=100, whole=600)
def test_an_unknown_name_requests_its_list_only(
    cloud: Emulator, sdc: DataCenter, examples: Counter[str], size: int
) -> None:
    @settings(max_examples=size)
    @given(st.sampled_from(list(LOOKED_UP)), odd.words)
    def each(place: str, word: str) -> None:
        examples["names looked up"] += 1
        assume(not UUID.fullmatch(word) and not word.isdecimal())
        cloud.calls.clear()
        with pytest.raises((NotFoundError, ConfigurationError)) as caught:
            LOOKED_UP[place](sdc, word)
        assert str(caught.value).isprintable()
        called = [(call.method, call.target.partition("?")[0]) for call in cloud.calls]
        assert called == ([("GET", f"/my/{place}")] if isinstance(caught.value, NotFoundError) else [])
        assert cloud.violations == []

    each()


@pytest.fixture(scope="module")
def machine(cloud: Emulator, sdc: DataCenter) -> Machine:
    """A machine with an entry for each odd word; without a request."""
    here: dict[str, Value] = {word: "text" for word in odd.WORDS if word}
    return sdc.machine(cloud.site().add_machine(tags=here, metadata=here).uuid, lazy=True)


@in_two_sizes(sample=130, whole=400)
def test_every_tag_and_metadata_entry_stays_in_its_machine(
    cloud: Emulator, machine: Machine, examples: Counter[str], size: int
) -> None:
    @settings(max_examples=size)
    @given(odd.words, st.booleans())
    def each(name: str, is_tag: bool) -> None:
        examples["entries by name"] += 1
        cloud.calls.clear()
        place = f"/my/{machine.path}/{'tags' if is_tag else 'metadata'}"
        is_refused = False
        with suppress(NotFoundError):
            try:
                found = machine.get_tag(name) if is_tag else machine.get_metadata_at_key(name)
                assert found == ({} if name == "credentials" and not is_tag else "text")  # the passwords
            except ConfigurationError:
                is_refused = True
        assert is_refused == (name == "" or bool(HALF.search(name)))
        assert bool(cloud.calls) != is_refused
        # An entry that the server cannot read alone is looked up in the list.
        here = {place, f"{place}/{quote(name, safe='')}"} if possible(name) else {place}
        assert {call.target for call in cloud.calls} <= here
        assert {call.method for call in cloud.calls} <= {"GET"}
        assert cloud.violations == []

    each()


VERBS = ["GET", "get", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "FOO", "", "GE T", "GET\n", "É"]
PATHS = [
    "", "/", "/keys", "/images", "/machines", "/users/x", "//keys", "/keys/", "/..", "/keys/../..",
    "/%2e%2E/x",
]  # fmt: skip
HEADERS = [
    "X-Mine", "Accept", "Accept-Version", "X-Date", "x-date", "X Y", "", ":", "Content-Type", "Ö", "Date",
    "Content-Length", "transfer-encoding",
]  # fmt: skip
paths = st.sampled_from(PATHS) | st.lists(st.sampled_from(odd.WORDS), max_size=3).map(
    lambda parts: "".join(f"/{part}" for part in parts)
)
params = st.dictionaries(
    st.sampled_from(["name", "limit", "keyId", "as-role", *odd.WORDS]),
    st.sampled_from([None, True, False, 0, 2.5, *odd.WORDS]),
    max_size=2,
)
extra = st.dictionaries(
    st.sampled_from(HEADERS), st.sampled_from(["", "1", "~9", "text/plain", *odd.WORDS]), max_size=2
)


@in_two_sizes(sample=300, whole=900)
def test_any_request(cloud: Emulator, sdc: DataCenter, examples: Counter[str], size: int) -> None:
    @settings(max_examples=size)
    @given(st.sampled_from(VERBS), paths, params, extra)
    def each(verb: str, path: str, params: Mapping[str, Any], extra: Mapping[str, str]) -> None:
        examples["requests"] += 1
        cloud.calls.clear()
        sent = 1
        try:
            sdc.request(verb, path, dict(extra), params=params)
        except ConfigurationError:
            sent = 0
        except APIError as error:
            str(error).encode()
        assert len(cloud.calls) == sent
        for call in cloud.calls:
            path_sent, _, query = call.target.partition("?")
            parts = [unquote_to_bytes(part) for part in path_sent.split("/")[1:]]
            assert parts == [b"my", *(unquote_to_bytes(part) for part in path.split("/")[1:])]
            assert not {b"", b".", b".."} & set(parts)
            assert parse_qsl(query, keep_blank_values=True) == [
                (name, str(value).lower() if isinstance(value, bool) else str(value))
                for name, value in params.items()
                if value is not None
            ]
            assert call.method == verb.upper()
            assert not {"x-date", "x-evil"} & call.headers.keys()
        assert cloud.violations == []

    each()
