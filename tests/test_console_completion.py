"""Tab completion in the console: Python names and names that were displayed, without any request."""

from __future__ import annotations

from typing import Any

import pytest

from smartdc import DataCenter, Machine
from smartdc.console.completion import Completer, SeenNames, quoted_part
from smartdc.emulator import Emulator


class Line:
    """The line that is being typed, with readline's interface."""

    DELIMITERS = " \t\n`~!@#$%^&*()-=+[{]}\\|;:'\",<>/?"
    """The delimiters of Python's readline."""

    def __init__(self) -> None:
        self.text = ""

    def get_line_buffer(self) -> str:
        return self.text

    def get_endidx(self) -> int:
        return len(self.text)

    def completed(self, completer: Completer, text: str) -> list[str]:
        """All completions of this line."""
        self.text = text
        begin = max(text.rfind(char) for char in self.DELIMITERS) + 1
        found: list[str] = []
        while (more := completer.complete(text[begin:], len(found))) is not None:
            found.append(text[:begin] + more)
        return found


@pytest.fixture
def machine(sdc: DataCenter) -> Machine:
    return sdc.create_machine("web-1", package="g4-highcpu-1G", image=sdc.images(name="base-64-lts")[0])


def test_attributes_without_a_request(sdc: DataCenter, machine: Machine, cloud: Emulator) -> None:
    names: dict[str, Any] = {"m": machine, "lazy": Machine(sdc, machine.id, lazy=True), "sdc": sdc}
    line = Line()
    completer = Completer(line, names, SeenNames())
    before = len(cloud.calls)
    assert "sdc.machines(" in line.completed(completer, "sdc.mach")
    assert "m.ips" in line.completed(completer, "m.i")
    assert "m.id" in line.completed(completer, "m.i")
    assert "m.id.upper(" in " ".join(line.completed(completer, "m.id.up"))
    # These are properties: completing their attributes would read them, and some of them ask the server.
    for text in ("m.ips.", "lazy.name.", "lazy.tags.", "m.datacenter.mach", "none.x.", "m.none.x"):
        assert line.completed(completer, text) == []
    assert line.completed(completer, "lazy.na") == ["lazy.name"]
    assert len(cloud.calls) == before


def test_names_that_were_shown(sdc: DataCenter, machine: Machine, cloud: Emulator) -> None:
    seen, line = SeenNames(), Line()
    completer = Completer(line, {"sdc": sdc}, seen)
    assert line.completed(completer, "sdc.machine('we") == []
    packages, machines, image = sdc.packages(), sdc.machines(), sdc.images(name="base-64-lts")[0]
    before = len(cloud.calls)
    for shown in (
        packages,
        machines,
        image,
        [{"login": "bob", "name": None}],
        Machine(sdc, machine.id, lazy=True),
    ):
        seen.note(shown)
    for other in (None, 5, "text", [1, [2]], {"name": 5}, [{"name": "\x1b[2J"}], {}):
        seen.note(other)
    assert line.completed(completer, "sdc.machine('we") == ["sdc.machine('web-1"]
    assert line.completed(completer, 'sdc.machine("web-') == ['sdc.machine("web-1']
    assert line.completed(completer, "x = ['a', \"b'\", 'bo") == ["x = ['a', \"b'\", 'bob"]
    assert line.completed(completer, "sdc.package('g4-highcpu-") == ["sdc.package('g4-highcpu-1G"]
    assert len(line.completed(completer, "sdc.package('")) == len({row["name"] for row in packages}) + 3
    assert line.completed(completer, "sdc.machine('no") == []
    assert line.completed(completer, "sdc.machine('web-1').mach") == []
    assert len(cloud.calls) == before


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("", None),
        ("f('a')", None),
        ("f('a", "a"),
        ("f('", ""),
        ("f(\"it's", "it's"),
        ("f('it\\'s', 'b", "b"),
        ("f('a\\", "a\\"),
        ("'a' 'b'", None),
    ],
)
def test_quoted_part(line: str, part: str | None) -> None:
    assert quoted_part(line) == part
