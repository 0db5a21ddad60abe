"""What `connect_ssh(wait=...)` does when the machine changes while its logins fail."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable

import pytest

from smartdc import DataCenter, LoginFailed, Machine, WaitFailed, WaitTimeout
from smartdc.emulator import Emulator
from smartdc.emulator.faults import Status
from smartdc.emulator.state.vm import VM
from tests.machine.test_ssh_broken import Habit, Listener, listen

__all__ = ["listen"]

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux answers at all of 127.0.0.0/8"),
    pytest.mark.smartdc(ssh_port=0),
    pytest.mark.usefixtures("home"),
]

START = "start it, and wait for it: machine.start(); machine.connect_ssh(wait=300)"

OTHER_WAY = "start that machine, name another one in the tag, or machine.delete_tag('tritoncli.ssh.proxy')"


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ("stopped", START),
        ("failed", "delete it and create another one"),
        ("deleted", "create another one"),
    ],
)
@pytest.mark.parametrize("role", ["machine", "bastion"])
def test_a_wait_ends_when_no_login_is_possible_any_more(
    cloud: Emulator,
    sdc: DataCenter,
    vm: VM,
    listen: Callable[[Habit], Listener],
    state: str,
    remedy: str,
    role: str,
) -> None:
    wanted = vm.uuid
    if role == "bastion":
        wanted = cloud.site().add_machine("inner", tags={"tritoncli.ssh.proxy": vm.uuid}).uuid

    def end(connection: socket.socket) -> None:
        connection.close()
        if len(server.accepted) == 2:
            if state == "deleted":
                sdc.machine(vm.uuid).delete()
            else:
                vm.state = state

    server = listen(end)
    before = len(cloud.calls)
    with pytest.raises(WaitFailed) as caught:
        sdc.machine(wanted).connect_ssh(wait=600)
    assert str(caught.value).splitlines()[0] == f"machine {vm.uuid} is {state}: it accepts no login"
    assert str(caught.value).splitlines()[1] == (remedy if role == "machine" else OTHER_WAY)
    assert caught.value.state == state
    assert 2 <= len(server.accepted) < 30
    looks = [call.operation for call in cloud.calls[before:]].count("GetMachine")
    assert looks <= (len(server.accepted) + 5) * (1 if role == "machine" else 2)


def test_logins_are_tried_while_the_machine_cannot_be_fetched(
    cloud: Emulator,
    machine: Machine,
    listen: Callable[[Habit], Listener],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def end(connection: socket.socket) -> None:
        connection.close()
        cloud.faults.add("GetMachine", Status(503))

    server = listen(end)
    with (
        caplog.at_level(logging.INFO, "smartdc"),
        pytest.raises(WaitTimeout, match="does not accept the login"),
    ):
        machine.connect_ssh(wait=20)
    assert len(server.accepted) > 5
    told = [message for message in caplog.messages if message.startswith(f"machine {machine.id} ")]
    assert len(told) > 3
    failed = (
        f"machine {machine.id} could not be looked at between two logins: GET /my/machines/{machine.id}: 503"
    )
    assert all(message.startswith(failed) for message in told)


def test_a_wait_for_an_address(cloud: Emulator, vm: VM, machine: Machine) -> None:
    nics, vm.nics = vm.nics, ()
    message = rf"^gave up after 10 s: machine {machine.id} has no address yet\nadd a NIC \(machine.add_nic\)$"
    with pytest.raises(WaitTimeout, match=message):
        machine.connect_ssh(wait=10)
    began = cloud.clock.time()

    def add_nic() -> None:
        if cloud.clock.time() - began > 15:
            vm.nics = nics

    cloud.clock.on_advance(add_nic)
    machine.connect_ssh(wait=60).close()
    assert cloud.clock.time() - began == pytest.approx(16, abs=0.5)  # it looks every 2 seconds


def test_a_look_for_an_address_that_fails_is_logged(
    cloud: Emulator, vm: VM, machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    nics, vm.nics = vm.nics, ()

    def fail_once() -> None:
        if not vm.nics:
            cloud.faults.add("GetMachine", Status(500), times=1)
            vm.nics = nics

    cloud.clock.on_advance(fail_once)
    with caplog.at_level(logging.INFO, "smartdc"):
        machine.connect_ssh(wait=60).close()
    beginning = f"it has no address, and the look at it failed: GET /my/machines/{machine.id}: 500"
    (said,) = [message for message in caplog.messages if message.startswith(beginning)]
    assert said.endswith("; another follows")


def test_a_bastion_that_does_not_run_is_named_as_such(cloud: Emulator, sdc: DataCenter, vm: VM) -> None:
    inner = cloud.site().add_machine("inner", tags={"tritoncli.ssh.proxy": vm.alias})
    vm.state = "stopped"
    with pytest.raises(LoginFailed) as caught:
        sdc.machine(inner.uuid).connect_ssh()
    assert str(caught.value) == (
        f"machine {inner.uuid} is reached through {vm.alias!r}, as its tag tritoncli.ssh.proxy says: "
        f"machine {vm.uuid} is stopped\n"
        f"{OTHER_WAY}"
    )
