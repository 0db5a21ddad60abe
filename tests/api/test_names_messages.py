"""Names that nothing has, or that several things have: the list that is asked, and the whole message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, NotFoundError
from tests.helpers.servers import Reply, StubServer

A, B, C = (f"{char}0000000-0000-4000-8000-00000000000{char}" for char in "abc")

Call = Callable[[DataCenter, str], object]

# For each kind: a call, the path of the list, what errors call it, its name or its id, and how to list all.
KINDS: dict[str, tuple[Call, str, str, str, str]] = {
    "image": (lambda sdc, ref: sdc.image(ref), "images", "image", "name or short id", "images()"),
    "changed image": (
        lambda sdc, ref: sdc.update_image(ref, name="new"),
        "images?state=all",
        "image",
        "name or short id",
        "images(state='all')",
    ),
    "machine": (lambda sdc, ref: sdc.machine(ref), "machines", "machine", "name or short id", "machines()"),
    "network": (lambda sdc, ref: sdc.network(ref), "networks", "network", "name or short id", "networks()"),
    "package": (lambda sdc, ref: sdc.package(ref), "packages", "package", "name or short id", "packages()"),
    "volume": (lambda sdc, ref: sdc.volume(ref), "volumes", "volume", "name or short id", "volumes()"),
    "firewall rule": (
        lambda sdc, ref: sdc.firewall_rule(ref),
        "fwrules",
        "firewall rule",
        "id",
        "firewall_rules()",
    ),
    "policy": (lambda sdc, ref: sdc.delete_policy(ref), "policies", "policy", "name", "policies()"),
    "role": (lambda sdc, ref: sdc.delete_role(ref), "roles", "role", "name", "roles()"),
    "user": (lambda sdc, ref: sdc.change_user_password(ref, "x"), "users", "user", "login", "users()"),
    "VLAN": (
        lambda sdc, ref: sdc.delete_fabric_vlan(ref),
        "fabrics/default/vlans",
        "VLAN",
        "name",
        "fabric_vlans()",
    ),
}
EACH = pytest.mark.parametrize("kind", KINDS)
NAMED = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("package", "firewall rule")])
"""The server itself finds a package by its name, and a firewall rule has none."""


@pytest.fixture
def sdc(stub: StubServer) -> DataCenter:
    return DataCenter(stub.url, login="bob", retry="none")


def message(kind: str, sdc: DataCenter, wanted: str) -> str:
    with pytest.raises((NotFoundError, ConfigurationError)) as caught:
        KINDS[kind][0](sdc, wanted)
    return str(caught.value).partition(": 404 ResourceNotFound: ")[2] or str(caught.value)


def entry(ident: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"id": ident, "vlan_id": ident[0], "name": name, "login": name, **fields}


def ident(kind: str, of: str) -> str:
    return of[0] if kind == "VLAN" else of


@EACH
def test_nothing_has_the_name(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    stub.answer(Reply([]))
    _, path, what, has, all_of_them = KINDS[kind]
    assert (
        message(kind, sdc, "a0000000") == f"no {what} has the {has} 'a0000000'; sdc.{all_of_them} lists all"
    )
    assert [asked.target for asked in stub.asked] == [f"/bob/{path}"]


@EACH
def test_a_dict_has_the_id(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    thing: Any = {"id": A, "vlan_id": 5}
    stub.answer(Reply(thing))
    KINDS[kind][0](sdc, thing)
    place = KINDS[kind][1].partition("?")[0]
    (asked,) = stub.asked
    assert asked.target.split("?")[0].startswith(f"/bob/{place}/{5 if kind == 'VLAN' else A}")


def test_a_long_id_is_cut(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply([entry("i" * 61, "database")]))
    assert f"candidates: 'database' ({'i' * 60}); sdc." in message("network", sdc, "web")


@pytest.mark.parametrize("kind", ["package", "firewall rule"])
def test_the_server_itself_finds_a_name(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    stub.answer(Reply(entry(A, "web")))
    KINDS[kind][0](sdc, "web")
    assert [asked.target for asked in stub.asked] == [f"/bob/{KINDS[kind][1]}/web"]


@NAMED
def test_something_has_a_similar_name(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    stub.answer(Reply([entry(A, "webb"), entry(B, "database"), *(entry(A, f"x{n}") for n in range(9))]))
    _, _, what, has, all_of_them = KINDS[kind]
    candidates = f"candidates: 'webb' ({ident(kind, A)})"
    assert (
        message(kind, sdc, "web")
        == f"no {what} has the {has} 'web'; {candidates}; sdc.{all_of_them} lists all"
    )


@NAMED
def test_few_things_are_all_candidates(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    stub.answer(Reply([entry(A, "database"), entry(B, "mail")]))
    candidates = f"; candidates: 'database' ({ident(kind, A)}), 'mail' ({ident(kind, B)}); sdc."
    assert candidates in message(kind, sdc, "web")


@NAMED
def test_several_have_the_name(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    stub.answer(Reply([entry(A, "web"), entry(B, "web"), entry(C, "other")]))
    place = KINDS[kind][1].partition("?")[0].rpartition("/")[2]
    assert message(kind, sdc, "web") == (
        f"'web' may be any of 2 {place}: 'web' ({ident(kind, A)}), 'web' ({ident(kind, B)}); "
        "give the id of one"
    )


@pytest.mark.parametrize("kind", ["image", "machine", "network", "package", "volume", "firewall rule"])
def test_several_have_the_short_id(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    others = [A.replace("4000", f"{number}000") for number in range(6)]
    stub.answer(Reply([entry(other, "web") for other in others] + [entry(B, "web")]))
    shown = others[:4] if kind == "firewall rule" else [f"'web' ({other})" for other in others[:4]]
    assert message(kind, sdc, "A0000000") == (
        f"'A0000000' may be any of 6 {KINDS[kind][1]}: {', '.join(shown)}, ...; give the id of one"
    )


@pytest.mark.parametrize("kind", ["image", "machine", "network", "package", "volume", "firewall rule"])
def test_one_has_the_short_id(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    stub.answer(Reply([entry(B, "web"), entry(A, "web")]), Reply(entry(A, "web")))
    KINDS[kind][0](sdc, "a0000000")
    assert stub.asked[-1].target == f"/bob/{KINDS[kind][1]}/{A}"


@pytest.mark.parametrize("wanted", ["0123", "a0-b", "a" * 9 + "0", "-0-0"])
def test_a_part_of_an_id_that_is_no_short_id(stub: StubServer, sdc: DataCenter, wanted: str) -> None:
    stub.answer(Reply([]), Reply([]))
    assert message("network", sdc, wanted) == (
        f"no network has the name or short id '{wanted}', and a short id has 8 digits; "
        "sdc.networks() lists all"
    )
    assert message("role", sdc, wanted) == f"no role has the name '{wanted}'; sdc.roles() lists all"


@pytest.mark.parametrize("wanted", ["abc", "face-dead", "01x3", "012"])
def test_a_word_is_no_part_of_an_id(stub: StubServer, sdc: DataCenter, wanted: str) -> None:
    stub.answer(Reply([]))
    assert message("network", sdc, wanted) == (
        f"no network has the name or short id '{wanted}'; sdc.networks() lists all"
    )


@pytest.mark.parametrize(("kind", "state"), [("machine", "deleted"), ("machine", "failed")])
def test_a_name_is_not_that_of_something_that_is_gone(
    stub: StubServer, sdc: DataCenter, kind: str, state: str
) -> None:
    stub.answer(
        Reply([entry(A, "web", state=state), entry(B, "web", state="running")]), Reply(entry(B, "web"))
    )
    KINDS[kind][0](sdc, "web")
    assert stub.asked[-1].target == f"/bob/{KINDS[kind][1]}/{B}"


def test_images_are_described_with_versions_and_owners(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply([entry(A, "app", version="1", owner="ann"), entry(B, "app", version="2", owner="bob")]))
    assert message("image", sdc, "app") == (
        f"'app' may be any of 2 images: 'app@1' ({A}, owner ann), 'app@2' ({B}, owner bob); "
        "give the id of one"
    )
    stub.answer(Reply([entry(A, "app", version="1", owner="ann"), entry(B, "app", version="2", owner="ann")]))
    assert message("image", sdc, "app") == (
        f"'app' may be any of 2 images: 'app@1' ({A}), 'app@2' ({B}); give the id of one"
    )


@pytest.mark.parametrize(
    ("wanted", "images", "chosen"),
    [
        ("app", [("1", "active", "2026-01-02"), ("2", "active", "2026-01-01")], 0),
        ("app", [("1", "active", "2026-01-01"), ("2", "active", "2026-01-02")], 1),
        ("app", [("1", "disabled", "2026-01-02"), ("2", "active", "2026-01-01")], 1),
        ("app", [("1", None, "2026-01-02"), ("2", None, "2026-01-01")], 0),
        ("app@1", [("1", "active", "2026-01-01"), ("2", "active", "2026-01-02")], 0),
        ("app@1", [("1", "disabled", "2026-01-02"), ("1", "active", "2026-01-01")], 1),
        ("app@1", [("1", "disabled", "2026-01-02"), ("2", "active", "2026-01-01")], 0),
    ],
    ids=str,
)
def test_the_image_that_a_name_means(
    stub: StubServer, sdc: DataCenter, wanted: str, images: list[tuple[str, str | None, str]], chosen: int
) -> None:
    listed = [
        entry(ident, "app", version=version, published_at=published, **({"state": state} if state else {}))
        for ident, (version, state, published) in zip((A, B), images, strict=True)
    ]
    stub.answer(Reply(listed), Reply(listed[chosen]))
    sdc.image(wanted)
    assert stub.asked[-1].target == f"/bob/images/{(A, B)[chosen]}"
