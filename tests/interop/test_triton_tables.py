"""Tables are those of the triton command, row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from smartdc import Table
from tests.interop.test_triton_cli import triton
from tests.interop.triton_command import Triton

__all__ = ["triton"]


@pytest.fixture(scope="module")
def filled(triton: Triton) -> Iterator[Triton]:
    """The command, and a cloud with one object of each kind."""
    sdc = triton.sdc
    image = sdc.images(name="base-64-lts")[0]
    made = sdc.create_machine("tabled", package="g4-highcpu-1G", image=image, firewall_enabled=True)
    made.poll_until("running")
    volume = sdc.create_volume("tabled", size=10240)
    yield triton
    made.delete()
    sdc.delete_volume(volume)


@pytest.mark.parametrize("listed", ["instances", "images", "packages", "networks", "volumes", "keys"])
def test_tables_are_those_of_the_command(filled: Triton, listed: str) -> None:
    sdc = filled.sdc
    rows: list[Any] = sdc.machines() if listed == "instances" else getattr(sdc, listed)()
    header, *theirs = filled(listed).splitlines()
    ours_header, *ours = Table(rows, images=sdc.images(state="all")).text().splitlines()
    assert header.split() == ours_header.split()
    assert comparable(theirs) == comparable(ours)
    assert theirs


def comparable(rows: list[str]) -> list[list[str]]:
    """The cells in sorted order, because the command sorts.

    Ages are left out, and so are images that others share, whose flag depends on the account.
    """
    return sorted(
        [cell for cell in row.split() if not re.fullmatch(r"\d+[smh]", cell)]
        for row in rows
        if "shared-app" not in row
    )
