"""Every block of the documentation runs, in the order of its page, and prints what the page shows.

With ``SMARTDC_WRITE_OUTPUT=1`` output that differs is written into the pages.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import sys
import tomllib
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from itertools import takewhile
from pathlib import Path

import pytest

from smartdc import SmartDCError
from smartdc.emulator import Emulator
from tests.docs.blocks import ROOT, Block, blocks, fits, pages
from tests.docs.elsewhere import elsewhere
from tests.docs.prompts import console_session
from tests.docs.worlds import LOGGING_IN, World, command, world

WRITE = bool(os.environ.get("SMARTDC_WRITE_OUTPUT"))
ALL = {page: blocks(page) for page in pages()}
HERE = {page: found for page in ALL if (found := [each for each in ALL[page] if elsewhere(each) is None])}


@pytest.mark.parametrize("page", HERE)
def test_the_blocks_of_a_page_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page in LOGGING_IN and sys.platform != "linux":
        pytest.skip(f"not tested: {page}, as logins to emulated machines need Linux")
    monkeypatch.setattr(sys, "stdin", StringIO())  # pytest's stdin cannot be read, and Fabric reads it
    differ: list[tuple[Block, str]] = []
    with world(page, tmp_path, monkeypatch) as here:
        for block in HERE[page]:
            output = run(block, here)
            if not fits(output, shown(block)) and not (page.startswith("docs/api/") and block.shown is None):
                differ.append((block, output))
    if WRITE and differ:
        rewrite(page, differ)
    for block, output in differ:
        pytest.fail(f"{block} shows:\n{shown(block)}\nand prints:\n{output}", pytrace=False)


def run(block: Block, here: World) -> str:
    """The output of a block; for a session, the whole session."""
    text = block.text
    for placeholder, real in here.stand_ins.items():
        text = text.replace(placeholder, real)
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()):
        RUNNERS[block.language](block, text, here, out)
    output = out.getvalue()
    for placeholder, real in here.stand_ins.items():
        output = output.replace(real, placeholder)
    return output


def run_python(block: Block, text: str, here: World, out: StringIO) -> None:
    if not text.startswith(">>> "):
        # Empty lines above the source let a traceback show the line of the page.
        source = "\n" * (block.line - 1) + text
        exec(compile(source, str(ROOT / block.page), "exec"), here.names)  # noqa: S102 - our own pages
        return
    lines = text.splitlines()
    for example in doctest.DocTestParser().get_examples(text):
        typed = takewhile(lambda line: line.startswith("..."), lines[example.lineno + 1 :])
        print(lines[example.lineno], *typed, sep="\n", file=out)
        try:
            exec(compile(example.source, str(block), "single"), here.names)  # noqa: S102
        except SmartDCError as error:
            print(f"{type(error).__name__}: {error}")


def run_console(block: Block, text: str, here: World, out: StringIO) -> None:
    typed = [line.removeprefix(">>> ") for line in text.splitlines() if line.startswith(">>> ")]
    for line in text.splitlines():
        if typed and line.startswith("$ python -m smartdc "):
            print(line, file=out)
            print(console_session(line.split()[4:], typed), file=out)
        elif line.startswith("$ "):
            print(line, file=out)
            command(line.removeprefix("$ "), here, out)


def run_json(block: Block, text: str, here: World, out: StringIO) -> None:
    json.loads(text)


def run_toml(block: Block, text: str, here: World, out: StringIO) -> None:
    if "faults" in tomllib.loads(text):
        (here.home / "faults.toml").write_text(text)
        here.cloud.load_faults(here.home / "faults.toml")
    else:
        (here.home / "site.toml").write_text(text)
        Emulator(contents=here.home / "site.toml")


RUNNERS: dict[str, Callable[[Block, str, World, StringIO], None]] = {
    "python": run_python,
    "console": run_console,
    "json": run_json,
    "toml": run_toml,
}


CHANGING = (
    (r"request [0-9a-f]{8}-[0-9a-f-]{27}", "request ..."),
    (r"in \d+ ms", "in ... ms"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:..."),
)
"""What differs in each run, and its replacement."""


def shown(block: Block) -> str:
    """The output that the page shows."""
    is_session = block.text.startswith((">>> ", "$ "))
    return block.text if is_session else block.shown or ""


def rewrite(page: str, differ: list[tuple[Block, str]]) -> None:
    """Write the output of blocks into their page, from its end to its beginning."""
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    for block, output in reversed(differ):
        output = "\n".join(line.rstrip() for line in output.strip().splitlines()) + "\n"
        for changing, instead in CHANGING:
            output = re.sub(changing, instead, output)
        if block.text.startswith((">>> ", "$ ")):
            text = text.replace(block.text, output)
        elif block.shown is not None:
            start, end = block.place
            text = text[:start] + output + text[end:]
        else:
            text = text.replace(block.text + "```\n", f"{block.text}```\n\n```text\n{output}```\n", 1)
    path.write_text(text, encoding="utf-8")


def test_every_block_is_run(record_count: Callable[[str, int], None]) -> None:
    """Each runs here or in a test that `elsewhere` names; it gives the reason for blocks that cannot run."""
    unknown = [str(each) for found in HERE.values() for each in found if each.language not in RUNNERS]
    assert unknown == []
    other = [why for found in ALL.values() for each in found if (why := elsewhere(each)) is not None]
    record_count("run by tests/docs", sum(map(len, HERE.values())))
    record_count("run by other tests", sum(why.startswith("tests/") for why in other))
    record_count("not run, with a reason", sum(not why.startswith("tests/") for why in other))
    record_count("how-to pages", len(list((ROOT / "docs" / "howto").glob("*.md"))) - 1)
    record_count("examples", len(list((ROOT / "examples").glob("*.py"))) - 1)
    for why in other:
        if why.startswith("tests/"):
            assert (ROOT / why).is_file(), why
