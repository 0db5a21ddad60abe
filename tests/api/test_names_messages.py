"""Names that nothing has, or that several things have: the list that is asked, and the whole message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from smartdc import ConfigurationError, DataCenter, NotFoundError
from tests.helpers.servers import Reply, StubServer, datacenter_at

A, B, C = (f"{char}0000000-0000-4000-8000-00000000000{char}" for char in "abc")


class Kind(NamedTuple):
    """A kind of thing that a call may refer to by name.

    Attributes:
        call: A call that has the name.
        path: The path of the list in which the name is looked up.
        lists: How to list all, as errors say it.
        what: What errors call a thing of this kind.
        has: What errors say that it has.
    """

    call: Callable[[DataCenter, str], object]
    path: str
    lists: str
    what: str
    has: str = "name or short id"

    @property
    def place(self) -> str:
        """The path of the list without its query, which is also the beginning of the path of each thing."""
        return self.path.partition("?")[0]


KINDS = {
    "image": Kind(lambda sdc, ref: sdc.image(ref), "images", "images()", "image"),
    "changed image": Kind(
        lambda sdc, ref: sdc.update_image(ref, name="new"), "images?state=all", "images(state='all')", "image"
    ),
    "machine": Kind(lambda sdc, ref: sdc.machine(ref), "machines", "machines()", "machine"),
    "network": Kind(lambda sdc, ref: sdc.network(ref), "networks", "networks()", "network"),
    "package": Kind(lambda sdc, ref: sdc.package(ref), "packages", "packages()", "package"),
    "volume": Kind(lambda sdc, ref: sdc.volume(ref), "volumes", "volumes()", "volume"),
    "firewall rule": Kind(
        lambda sdc, ref: sdc.firewall_rule(ref), "fwrules", "firewall_rules()", "firewall rule", has="id"
    ),
    "policy": Kind(lambda sdc, ref: sdc.delete_policy(ref), "policies", "policies()", "policy", has="name"),
    "role": Kind(lambda sdc, ref: sdc.delete_role(ref), "roles", "roles()", "role", has="name"),
    "user": Kind(
        lambda sdc, ref: sdc.change_user_password(ref, "x"), "users", "users()", "user", has="login"
    ),
    "VLAN": Kind(
        lambda sdc, ref: sdc.delete_fabric_vlan(ref),
        "fabrics/default/vlans",
        "fabric_vlans()",
        "VLAN",
        has="name",
    ),
}
EACH = pytest.mark.parametrize("kind", KINDS)
NAMED = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("package", "firewall rule")])
"""The server itself finds a package by its name, and a firewall rule has none."""
SHORT = pytest.mark.parametrize("kind", ["image", "machine", "network", "package", "volume", "firewall rule"])
"""They may also be called by the first part of their ids."""


@pytest.fixture
def sdc(stub: StubServer) -> DataCenter:
    return datacenter_at(stub.url)


def message(kind: str, sdc: DataCenter, wanted: str) -> str:
    with pytest.raises((NotFoundError, ConfigurationError)) as caught:
        KINDS[kind].call(sdc, wanted)
    return str(caught.value).partition(": 404 ResourceNotFound: ")[2] or str(caught.value)


def entry(ident: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"id": ident, "vlan_id": ident[0], "name": name, "login": name, **fields}


def ident(kind: str, of: str) -> str:
    return of[0] if kind == "VLAN" else of


@EACH
def test_nothing_has_the_name(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    stub.answer(Reply([]))
    _, path, lists, what, has = KINDS[kind]
    assert message(kind, sdc, "a0000000") == f"no {what} has the {has} 'a0000000'; sdc.{lists} lists all"
    assert [asked.target for asked in stub.asked] == [f"/bob/{path}"]


@EACH
def test_a_dict_has_the_id(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    thing: Any = {"id": A, "vlan_id": 5}
    stub.answer(Reply(thing))
    KINDS[kind].call(sdc, thing)
    (asked,) = stub.asked
    assert asked.target.split("?")[0].startswith(f"/bob/{KINDS[kind].place}/{5 if kind == 'VLAN' else A}")


def test_a_long_id_is_cut(stub: StubServer, sdc: DataCenter) -> None:
    stub.answer(Reply([entry("i" * 61, "database")]))
    assert f"candidates: 'database' ({'i' * 60}); sdc." in message("network", sdc, "web")


@pytest.mark.parametrize("kind", ["package", "firewall rule"])
def test_the_server_itself_finds_a_name(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    stub.answer(Reply(entry(A, "web")))
    KINDS[kind].call(sdc, "web")
    assert [asked.target for asked in stub.asked] == [f"/bob/{KINDS[kind].path}/web"]


@NAMED
def test_something_has_a_similar_name(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    stub.answer(Reply([entry(A, "webb"), entry(B, "database"), *(entry(A, f"x{n}") for n in range(9))]))
    _, _, lists, what, has = KINDS[kind]
    assert message(kind, sdc, "web") == (
        f"no {what} has the {has} 'web'; candidates: 'webb' ({ident(kind, A)}); sdc.{lists} lists all"
    )


@NAMED
@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("Web0", ["web0"]),
        ("wbe0", ["web0"]),
        ("ubuntu", ["ubuntu-certified-22.04"]),
        ("UBU", ["ubuntu-certified-22.04"]),
        ("mai", ["mail", "mail-of-the-head-office"]),
        ("ma", ["mail"]),
    ],
)
def test_names_that_are_similar(
    stub: StubServer, sdc: DataCenter, kind: str, wanted: str, names: list[str]
) -> None:
    all_names = ["mail-of-the-head-office", "web0", "ubuntu-certified-22.04", "mail", "database", "b", "c"]
    ids = {name: f"{number}{A[1:]}" for number, name in enumerate(all_names)}
    stub.answer(Reply([entry(of, name) for name, of in ids.items()]))
    candidates = ", ".join(f"'{name}' ({ident(kind, ids[name])})" for name in names)
    assert f"'{wanted}'; candidates: {candidates}; sdc." in message(kind, sdc, wanted)


@NAMED
def test_few_things_are_all_candidates(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    stub.answer(Reply([entry(A, "database"), entry(B, "mail")]))
    candidates = f"; candidates: 'database' ({ident(kind, A)}), 'mail' ({ident(kind, B)}); sdc."
    assert candidates in message(kind, sdc, "web")


@NAMED
def test_several_have_the_name(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    stub.answer(Reply([entry(A, "web"), entry(B, "web"), entry(C, "other")]))
    place = KINDS[kind].place.rpartition("/")[2]
    assert message(kind, sdc, "web") == (
        f"'web' may be any of 2 {place}: 'web' ({ident(kind, A)}), 'web' ({ident(kind, B)}); "
        "give the id of one"
    )


@SHORT
def test_several_have_the_short_id(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    others = [A.replace("4000", f"{number}000") for number in range(6)]
    stub.answer(Reply([entry(other, "web", version="2") for other in others] + [entry(B, "web")]))
    name = "web@2" if kind == "image" else "web"  # packages have versions as well, which names do not have
    shown = others[:4] if kind == "firewall rule" else [f"'{name}' ({other})" for other in others[:4]]
    assert message(kind, sdc, "A0000000") == (
        f"'A0000000' may be any of 6 {KINDS[kind].path}: {', '.join(shown)}, ...; give the id of one"
    )


@SHORT
def test_one_has_the_short_id(stub: StubServer, sdc: DataCenter, kind: str) -> None:
    stub.answer(Reply([entry(B, "web"), entry(A, "web")]), Reply(entry(A, "web")))
    KINDS[kind].call(sdc, "a0000000")
    assert stub.asked[-1].target == f"/bob/{KINDS[kind].path}/{A}"


@pytest.mark.parametrize("wanted", ["0123", "a0-b", "a" * 9 + "0", "-0-0", "F" * 34 + "0"])
def test_a_part_of_an_id_that_is_no_short_id(stub: StubServer, sdc: DataCenter, wanted: str) -> None:
    stub.answer(Reply([]), Reply([]))
    assert message("network", sdc, wanted) == (
        f"no network has the name or short id '{wanted}', and a short id has 8 digits; "
        "sdc.networks() lists all"
    )
    assert message("role", sdc, wanted) == f"no role has the name '{wanted}'; sdc.roles() lists all"


@pytest.mark.parametrize("wanted", ["abc", "face-dead", "01x3", "012", "F" * 35 + "0"])
def test_a_word_is_no_part_of_an_id(stub: StubServer, sdc: DataCenter, wanted: str) -> None:
    stub.answer(Reply([]))
    assert message("network", sdc, wanted) == (
        f"no network has the name or short id '{wanted}'; sdc.networks() lists all"
    )


@pytest.mark.parametrize("state", ["deleted", "failed"])
def test_a_name_is_not_that_of_a_machine_that_is_gone(stub: StubServer, sdc: DataCenter, state: str) -> None:
    stub.answer(
        Reply([entry(A, "web", state=state), entry(B, "web", state="running")]), Reply(entry(B, "web"))
    )
    sdc.machine("web")
    assert stub.asked[-1].target == f"/bob/machines/{B}"


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
