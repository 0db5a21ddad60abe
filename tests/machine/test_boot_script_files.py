"""Boot scripts are given by the path of a file; anything else is refused at once."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.odd_files import impatient, irregular

__all__ = ["impatient"]

pytestmark = pytest.mark.usefixtures("impatient")


def refusals(sdc: DataCenter, site: Site, script: Any) -> list[str]:
    machine = sdc.machine(site.add_machine("web").uuid, lazy=True)
    messages = []
    for action in (
        lambda: sdc.create_machine(
            name="x", package="x", image="00000000-0000-4000-8000-000000000000", boot_script=script
        ),
        lambda: machine.set_boot_script(script),
    ):
        with pytest.raises(ConfigurationError) as caught:
            action()
        messages.append(str(caught.value))
        assert "\n" not in messages[-1]
        assert len(messages[-1]) < 300
    return messages


@irregular
def test_irregular_files(
    sdc: DataCenter, site: Site, tmp_path: Path, make: Callable[[Path], Any], problem: str
) -> None:
    make(tmp_path / "script")
    assert all("the boot script" in message for message in refusals(sdc, site, tmp_path / "script"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"#!/bin/sh\n# \xff\n", "is not UTF-8"), (b"#" * 100_001, "has more than the 100000")],
)
def test_contents_that_cannot_be_sent(
    sdc: DataCenter, site: Site, tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "script").write_bytes(content)
    assert all(problem in message for message in refusals(sdc, site, tmp_path / "script"))


@pytest.mark.parametrize(
    "script", [b"/x", 5, ["/x"], {"x": 1}, object()], ids=lambda value: type(value).__name__
)
def test_other_types(sdc: DataCenter, site: Site, script: Any) -> None:
    assert all("is given as the path of its file, not as" in text for text in refusals(sdc, site, script))


def test_text_that_is_taken_for_a_path(cloud: Emulator, sdc: DataCenter, site: Site) -> None:
    key = cloud.key_file.read_text()
    for text in (key, base64.b64encode(key.encode()).decode(), "a\0b", "#!/bin/sh\n" + 500 * "x"):
        for message in refusals(sdc, site, text):
            assert "give the path of the script, not its text" in message
            assert key.splitlines()[2] not in message
            assert text not in message
    assert [got.path for got in cloud.calls if got.method == "POST"] == []
