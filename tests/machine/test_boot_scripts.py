"""Boot scripts: the text that is sent, and the whole messages about files that cannot be sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smartdc import ConfigurationError, DataCenter, Machine
from tests.helpers.servers import Reply, StubServer

ID = "00000000-0000-4000-8000-00000000000a"
NO_TEXT = "give the path of the script, not its text"


class BytesPath:
    """A path of bytes, as `os.DirEntry` can be."""

    def __fspath__(self) -> bytes:
        return b"/nonexistent"


@pytest.fixture
def machine(stub: StubServer) -> Machine:
    stub.otherwise = Reply({})
    return Machine(DataCenter(stub.url, login="bob"), ID, lazy=True)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"#!/bin/sh\necho \xc3\xb6\n", "#!/bin/sh\necho ö\n"),
        (b"#!/bin/sh\r\ntrue\r\n", "#!/bin/sh\ntrue\n"),
        (b"a\rb\n\r", "a\rb\n\r"),
        (b"", ""),
        (b"#" * 100_000, "#" * 100_000),
    ],
    ids=["UTF-8", "lines of Windows", "other line ends", "empty", "longest"],
)
def test_the_text_of_a_script(
    stub: StubServer, machine: Machine, tmp_path: Path, content: bytes, text: str
) -> None:
    (tmp_path / "script").write_bytes(content)
    machine.set_boot_script(tmp_path / "script")
    assert stub.asked[0].body == {"user-script": text}


def test_a_script_in_the_home(stub: StubServer, machine: Machine, home: Path) -> None:
    (home / "script").write_text("true")
    machine.set_boot_script("~/script")
    assert stub.asked[0].body == {"user-script": "true"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff", "is not UTF-8; convert it"),
        (
            b"#" * 100_001,
            "has more than the 100000 bytes that the server takes; let the script fetch the rest",
        ),
        (None, f"cannot be read (No such file or directory); {NO_TEXT}"),
    ],
    ids=["binary", "too long", "absent"],
)
def test_a_file_that_cannot_be_sent(
    monkeypatch: pytest.MonkeyPatch,
    stub: StubServer,
    machine: Machine,
    tmp_path: Path,
    content: bytes | None,
    problem: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("script").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        machine.set_boot_script("script")
    assert str(caught.value) == f"the boot script 'script' {problem}"
    assert stub.asked == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (5, "a boot script is given as the path of its file, not as int"),
        (b"/x", "a boot script is given as the path of its file, not as bytes"),
        (BytesPath(), "a boot script is given as the path of its file, not as BytesPath"),
        ("/", "the boot script '/' is a directory; give the path of the script itself"),
        ("a\0b", f"the boot script 'a?b' cannot be read; {NO_TEXT}"),
    ],
    ids=["number", "bytes", "path of bytes", "directory", "NUL"],
)
def test_what_is_no_path_of_a_file(stub: StubServer, machine: Machine, path: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        machine.set_boot_script(path)
    assert str(caught.value) == message
    assert stub.asked == []
