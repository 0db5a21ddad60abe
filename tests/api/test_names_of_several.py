"""Names that several things share: an ambiguous name is refused.

The name of images means the newest active one, as in ``triton image get`` (getImage in
https://github.com/TritonDataCenter/node-triton/blob/master/lib/tritonapi.js). Unlike this library, the
command also takes the newest of several with the same version, and of images that are not active.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from smartdc import APIError, ConfigurationError, DataCenter, NotFoundError, OutcomeUnknown
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import sent
from tests.helpers.servers import Reply, StubServer, datacenter_at

Image = Callable[..., str]
IDS = [f"{number:08x}-0000-4000-8000-00000000abcd" for number in range(0xA0000001, 0xA0000009)]
OTHER = "00e40000-0000-4000-8000-000000000000"


@pytest.fixture
def image(cloud: Emulator, site: Site) -> Image:
    """Makes an image of the account, called ``app``."""
    ids = iter(IDS)

    def make(version: str, published: int | None = 1, **fields: Any) -> str:
        base = next(each for each in site.images.values() if each.state == "active")
        ident = next(ids)
        when = None if published is None else f"2026-01-{published:02}T00:00:00Z"
        own = {"owner": cloud.account.uuid, "public": False, **fields}
        site.images[ident] = replace(base, uuid=ident, name="app", version=version, published_at=when, **own)
        return ident

    return make


def changes(sdc: DataCenter) -> list[Callable[[str], Any]]:
    return [
        lambda name: sdc.update_image(name, description="new"),
        lambda name: sdc.share_image(name, OTHER),
        lambda name: sdc.unshare_image(name, OTHER),
        lambda name: sdc.export_image(name, "/stor"),
        sdc.clone_image,
        sdc.delete_image,
        lambda name: sdc.poll_image(name, timeout=0),
        lambda name: sdc.set_role_tags(["images", name], []),
        sdc.image,
        lambda name: sdc.create_machine("web", "g4-highcpu-1G", image=name),
    ]


def chosen_by(cloud: Emulator, change: Callable[[str], Any], name: str) -> str:
    """The image that the first request after the list names."""
    before = len(cloud.calls)
    with suppress(APIError, OutcomeUnknown):  # the cloud is read-only; only the request counts
        change(name)
    request = sent(cloud, before)[1]
    path = request.path.removeprefix("/my/images/")
    return str(request.body["image"]) if path == "/my/machines" else path


def test_an_active_image_is_preferred_to_newer_ones_in_other_states(cloud: Emulator, image: Image) -> None:
    for number, state in enumerate(("disabled", "unactivated", "failed"), 2):
        image(f"{number}.0.0", number, state=state)
    active = image("1.0.0", 1)
    cloud.read_only()
    with cloud.datacenter(retry="none") as sdc:
        assert [chosen_by(cloud, change, "app") for change in changes(sdc)] == [active] * 10


def test_a_version_means_the_active_image(cloud: Emulator, image: Image) -> None:
    image("1.0.0", 3, state="failed")
    active = image("1.0.0", 1)
    cloud.read_only()
    with cloud.datacenter(retry="none") as sdc:
        assert [chosen_by(cloud, change, "app@1.0.0") for change in changes(sdc)] == [active] * 10


def test_images_that_are_not_active(cloud: Emulator, sdc: DataCenter, image: Image) -> None:
    making = image("1.0.0", None, state="creating")
    assert sdc.poll_image("app", "creating")["id"] == making
    assert sdc.poll_image(making[:8], "creating")["id"] == making
    disabled = image("2.0.0", 2, state="disabled")
    before = len(cloud.calls)
    for change in changes(sdc)[:8]:
        with pytest.raises(ConfigurationError, match="'app' may be any of 2 images") as caught:
            change("app")
        assert f"'app@1.0.0' ({making})" in str(caught.value)
        assert f"'app@2.0.0' ({disabled})" in str(caught.value)
    assert {(each.method, each.path) for each in sent(cloud, before)} == {("GET", "/my/images")}
    with pytest.raises(NotFoundError):
        sdc.image("app")
    assert sdc.poll_image("app@2.0.0", "disabled")["id"] == disabled


def test_two_images_of_one_version(cloud: Emulator, sdc: DataCenter, image: Image) -> None:
    mine = image("1.0.0", 1)
    shared = image("1.0.0", 2, owner=OTHER, acl=[cloud.account.uuid])
    before = len(cloud.calls)
    for change in changes(sdc):
        with pytest.raises(ConfigurationError, match=r"'app@1\.0\.0' may be any of 2 images") as caught:
            change("app@1.0.0")
        assert f"'app@1.0.0' ({mine}, owner {cloud.account.uuid})" in str(caught.value)
        assert f"'app@1.0.0' ({shared}, owner {OTHER})" in str(caught.value)
    for dataset in ("app@1.0.0", "app:1.0.0", "sdc:sdc:app:1.0.0"):
        with pytest.raises(ConfigurationError, match=f"'{dataset}' may be any of 2 images"):
            sdc.dataset(dataset)
    assert {(each.method, each.path) for each in sent(cloud, before)} == {("GET", "/my/images")}
    assert sdc.image("app")["id"] == sdc.dataset("app:1")["id"] == shared


def test_two_images_published_at_the_same_time(cloud: Emulator, sdc: DataCenter, image: Image) -> None:
    image("3.0.0", 1)
    twins = [image("1.0.0", 2), image("2.0.0", 2)]
    before = len(cloud.calls)
    for change in [*changes(sdc), sdc.dataset]:
        with pytest.raises(ConfigurationError, match="'app' may be any of 2 images") as caught:
            change("app")
        assert all(ident in str(caught.value) for ident in twins)
        assert "owner" not in str(caught.value)
    assert {(each.method, each.path) for each in sent(cloud, before)} == {("GET", "/my/images")}
    newest = image("4.0.0", 3)
    assert sdc.image("app")["id"] == newest


def test_a_short_id_of_two_images(sdc: DataCenter, site: Site, image: Image) -> None:
    one = image("1.0.0", 1)
    two = f"{one[:8]}-0000-4000-8000-000000000002"
    site.images[two] = replace(site.images[one], uuid=two, name="other", published_at="2026-02-01T00:00:00Z")
    with pytest.raises(ConfigurationError, match="may be any of 2 images"):
        sdc.delete_image(one[:8])


# -- machines and volumes


@pytest.mark.parametrize("gone", ["deleted", "failed"])
def test_a_server_that_lists_gone_machines_and_volumes(stub: StubServer, gone: str) -> None:
    """CloudAPI lists neither (docs/cloudapi/lists.md#default-list-hides-failed-machines); others might."""
    twins = [{"id": IDS[0], "name": "web0", "state": gone}, {"id": IDS[1], "name": "web0", "state": "ready"}]
    gets: list[Callable[[DataCenter, str], Any]] = [
        lambda sdc, name: sdc.machine(name, lazy=True).id,
        lambda sdc, name: sdc.poll_volume(name, timeout=0)["id"],
    ]
    with datacenter_at(stub.url) as sdc:
        for get in gets:
            for name in ("web0", IDS[1][:8]):
                stub.answer(Reply(twins))
                stub.otherwise = Reply(twins[1])
                assert get(sdc, name) == IDS[1]
            stub.answer(Reply(twins))
            with pytest.raises(NotFoundError):
                get(sdc, IDS[0][:8])


# -- short ids


def test_short_ids_in_upper_case(cloud: Emulator, sdc: DataCenter, site: Site, image: Image) -> None:
    """Like UUIDs, short ids are accepted in upper case, although the server is not asked for them so."""
    vm = site.add_machine("web0", uuid="cafebabe-0000-4000-8000-000000000001")
    rule = sdc.create_firewall_rule("FROM any TO all vms ALLOW tcp PORT 22")["id"]
    ident = image("1.0.0")
    assert sdc.machine("CAFEBABE", lazy=True).id == sdc.machine("CafeBabe").id == vm.uuid
    assert sdc.image(ident[:8].upper())["id"] == ident
    sdc.delete_firewall_rule(rule[:8].upper())
    assert sdc.firewall_rules() == []
    named = site.add_machine("DEADBEEF")
    site.add_machine("other", uuid="deadbeef-0000-4000-8000-000000000001")
    assert sdc.machine("DEADBEEF").id == named.uuid
