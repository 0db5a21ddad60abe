"""A machine of which the client knows only the id is looked at before an action.

An action on a deleted machine takes a real server's process down
(docs/cloudapi/hazards.md#action-on-a-deleted-machine); the emulator notes it as a violation.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from operator import methodcaller

import pytest

from smartdc import DataCenter, GoneError, Machine, NotFoundError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.recorded import call, sent

ACTIONS = [
    methodcaller("start"),
    methodcaller("stop"),
    methodcaller("reboot"),
    methodcaller("resize", "sample-1G"),
    methodcaller("rename", "db"),
    methodcaller("enable_firewall"),
    methodcaller("disable_firewall"),
    methodcaller("enable_deletion_protection"),
    methodcaller("disable_deletion_protection"),
]


@pytest.mark.parametrize("act", ACTIONS, ids=str)
def test_an_action_on_a_dead_id_is_not_sent(
    cloud: Emulator, sdc: DataCenter, site: Site, act: Callable[[Machine], object]
) -> None:
    machine = sdc.machine(site.add_machine("web", state="deleted").uuid, lazy=True)
    with pytest.raises(GoneError, match="is deleted"):
        act(machine)
    assert sent(cloud) == [call("GET", f"/my/machines/{machine.id}")]
    assert (machine.state, cloud.violations) == ("deleted", [])


def test_an_action_on_an_unknown_machine_is_not_sent(cloud: Emulator, sdc: DataCenter) -> None:
    machine = sdc.machine("00000000-dead-4bad-8bad-000000000000", lazy=True)
    with pytest.raises(NotFoundError, match="VM not found"):
        machine.stop()
    assert {got.method for got in sent(cloud)} == {"GET"}


def test_a_lazy_machine_looks_once(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine("web").uuid, lazy=True)
    machine.stop()
    machine.start()
    assert [got.method for got in sent(cloud)] == ["GET", "POST", "POST"]


def test_machines_that_hold_a_state_do_not_look(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    site.add_machine("web")
    (listed,) = sdc.machines()
    unpickled: Machine = pickle.loads(pickle.dumps(listed))  # noqa: S301 - our own
    lazy = sdc.machine(listed.id, lazy=True)
    assert lazy.name == "web"
    start = len(cloud.calls)
    with unpickled.datacenter:
        for machine in (listed, unpickled, lazy):
            machine.stop()
    assert [got.method for got in sent(cloud, start)] == ["POST"] * 3


def test_an_unpickled_lazy_machine_looks(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    ident = site.add_machine("web").uuid
    for look_first, verbs in ((True, ["GET", "POST"]), (False, ["POST"])):
        lazy = sdc.machine(ident, lazy=True, look_first=look_first)
        unpickled: Machine = pickle.loads(pickle.dumps(lazy))  # noqa: S301 - our own
        start = len(cloud.calls)
        with unpickled.datacenter:
            unpickled.stop()
        assert [got.method for got in sent(cloud, start)] == verbs


def test_the_look_can_be_left_out(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    vm = site.add_machine("web")
    for machine in (
        sdc.machine(vm.uuid, lazy=True, look_first=False),
        Machine(sdc, vm.uuid, lazy=True, look_first=False),
    ):
        machine.stop()
    assert {got.method for got in sent(cloud)} == {"POST"}


def test_harmless_calls_do_not_look(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    machine = sdc.machine(site.add_machine("web").uuid, lazy=True)
    machine.get_tags()
    machine.audit()
    machine.delete()
    assert [got.method for got in sent(cloud)] == ["GET", "GET", "DELETE"]
