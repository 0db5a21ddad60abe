"""Generated scripts do the same in an emulated machine and in this system's sh, unless they are refused."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .test_guest_scripts import SH, in_guest, in_sh

pytestmark = pytest.mark.skipif(SH is None, reason="not tested: there is no sh to compare with")

NAMES = st.sampled_from(
    ["a", "b", "c", "d", "d/e", "d/../a", "./b", "a/", "d/", "gone/x", '"$X"', "$Y", "~/c"]
)
WORDS = st.sampled_from(
    [
        "a",
        "b",
        "1",
        "-1",
        "''",
        '"b c"',
        "'$X'",
        "$X",
        '"$X"',
        "x${Y}z",
        "$?",
        "a\\ b",
        "~",
        "d",
        "''$X",
        "#",
        "\\#",
        "=",
        "a=b",
        "!",
    ]
)
COMMANDS = st.one_of(
    st.builds("echo {}".format, st.lists(WORDS, max_size=3).map(" ".join)),
    st.builds(
        "{} {}".format,
        st.sampled_from(
            [
                "cat",
                "cat -",
                "touch",
                "mkdir",
                "mkdir -p",
                "rm",
                "rm -f",
                "rm -r",
                "rm -rf",
                "ls",
                "ls -a",
                "ls -d",
                "wc -l",
                "head -n 2",
                "cd",
            ]
        ),
        NAMES,
    ),
    st.builds("{} {} {}".format, st.sampled_from(["cat", "ls", "rm -f", "touch", "mkdir -p"]), NAMES, NAMES),
    st.builds(
        "grep {} {} {}".format, st.sampled_from(["", "-q", "-v", "-c", "-i", "-x", "-n"]), WORDS, NAMES
    ),
    st.builds(
        "test {}".format,
        st.lists(
            st.one_of(WORDS, st.sampled_from(["-f", "-d", "-e", "-n", "-z", "=", "!=", "-eq", "-lt", "!"])),
            max_size=4,
        ).map(" ".join),
    ),
    st.builds("[ {} {} ]".format, st.sampled_from(["-f", "-d", "-e", "-s", "! -e"]), NAMES),
    st.builds("{}={}".format, st.sampled_from("XY"), WORDS),
    st.builds(
        "{}={} {}".format,
        st.sampled_from("XY"),
        WORDS,
        st.sampled_from(["true", "false", "echo $X", "env | grep X"]),
    ),
    st.builds("printf '%s,%s\\n' {}".format, st.lists(WORDS, max_size=3).map(" ".join)),
    st.sampled_from(
        [
            "true",
            "false",
            "pwd",
            "ls",
            "cat",
            "wc -c",
            "exit",
            "exit 3",
            "set -e",
            "set +e",
            "$X",
            "export X",
            "unset X",
            ":",
            "head -n 1",
            "cd",
            "grep a",
            "cat gone 2>&1",
            "cat gone 2>&1 > c",
            "cat gone > c 2>&1",
        ]
    ),
)
REDIRECTIONS = st.one_of(
    st.just(""),
    st.just(""),
    st.builds("{}{}".format, st.sampled_from([">", ">>", "<", "> ", "< "]), NAMES),
    st.sampled_from([">&2", "2> /dev/null", "> /dev/null", "< /dev/null"]),
)
SIMPLE = st.builds("{} {}".format, COMMANDS, REDIRECTIONS).map(str.strip)
PIPELINES = st.one_of(
    SIMPLE,
    SIMPLE,
    st.builds("! {}".format, SIMPLE),
    # The second command touches no files, because a real shell runs both at the same time.
    st.builds(
        "{} | {}".format,
        SIMPLE,
        st.sampled_from(["cat", "wc -l", "grep ,", "head -n 1", "cat > /dev/null", "exit 4", "cd /", "X=1"]),
    ),
)
SEPARATORS = st.sampled_from([" && ", " || ", "; ", "\n", " &&\n", ";", " # comment\n"])


@st.composite
def scripts(draw: st.DrawFn) -> str:
    """A script of a few pipelines."""
    script = draw(PIPELINES)
    for _ in range(draw(st.integers(0, 5))):
        script += draw(SEPARATORS) + draw(PIPELINES)
    return script


@pytest.mark.stress
@settings(max_examples=60, deadline=None)
@given(script=scripts(), stdin=st.sampled_from([b"", b"a\nb\n", b"x a"]))
def test_generated_scripts(script: str, stdin: bytes) -> None:
    inside = in_guest(script, stdin)
    if inside.refused:
        return
    with tempfile.TemporaryDirectory() as directory:
        outside = in_sh(script, Path(directory) / "home", stdin)
    assert inside == outside
