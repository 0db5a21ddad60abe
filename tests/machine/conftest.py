"""A machine that the tests of logins log in to."""

from __future__ import annotations

import pytest

from smartdc import DataCenter, Machine
from smartdc.emulator import Emulator
from smartdc.emulator.state.vm import VM


@pytest.fixture
def vm(cloud: Emulator) -> VM:
    return cloud.site().add_machine("web0")


@pytest.fixture
def machine(vm: VM, sdc: DataCenter) -> Machine:
    return sdc.machine(vm.uuid)
