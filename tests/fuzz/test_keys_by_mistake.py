"""A private key in place of any argument: it is in no error, in no line of the log, and in no URL or header.

Bodies are excepted: a tag, metadata or a description may be any text.
"""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from smartdc import DataCenter, SmartDCError
from tests.helpers.every_argument import ARGUMENTS, call
from tests.helpers.keys import KeyRing
from tests.helpers.odd_values import ID
from tests.helpers.servers import StubServer

FORMS: dict[str, Callable[[str], Any]] = {
    "a file": lambda text: text,
    "a body": lambda text: "".join(text.splitlines()[1:-1]),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "bytes": lambda text: text.encode(),
    "a list": lambda text: [text],
    "a list of a body": lambda text: ["".join(text.splitlines()[1:-1])],
    "a dict": lambda text: {"id": text, "name": text},
}


@pytest.fixture
def sdc(at_missing: DataCenter) -> DataCenter:
    return at_missing


def parts(form: Any) -> list[str]:
    """Pieces from the middle of a value, which is part of the key."""
    if isinstance(form, list | dict):
        return [part for each in (form if isinstance(form, list) else form.values()) for part in parts(each)]
    text = form.decode() if isinstance(form, bytes) else form
    middle = text.replace("\n", "")[len(text) // 3 :]
    return [middle[start : start + 16] for start in range(0, 96, 16)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("cls", "name", "argument"), ARGUMENTS, ids=lambda part: getattr(part, "__name__", part)
)
def test_a_key_by_mistake(
    sdc: DataCenter,
    missing: StubServer,
    ssh_keys: KeyRing,
    caplog: pytest.LogCaptureFixture,
    cls: type,
    name: str,
    argument: str,
) -> None:
    caplog.set_level(logging.DEBUG, "smartdc")
    for form, make in FORMS.items():
        value = make(Path(ssh_keys.path("ed25519")).read_text())
        owner = sdc if cls is DataCenter else sdc.machine(ID, lazy=True)
        args, more = call(cls, name, argument, value)
        text = ""
        try:
            getattr(owner, name)(*args, **more)
        except SmartDCError as error:
            text = "".join(traceback.format_exception(error))
        heads = unquote("".join(asked.head.decode("latin-1") for asked in missing.asked))
        for part in parts(value):
            place = f"{name}({argument}={form})"
            assert part not in text, f"{place}: in the error"
            assert part not in caplog.text, f"{place}: in the log"
            assert part not in heads, f"{place}: sent"
