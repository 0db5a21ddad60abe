"""Errors at the console's plain prompt, and the names that need no import."""

from __future__ import annotations

import pytest

import smartdc
from smartdc.console import main
from tests.helpers.triton_home import TritonHome
from tests.test_console import Typist, typist  # noqa: F401 - a fixture


def test_an_error_of_smartdc_is_one_line(
    typist: Typist,  # noqa: F811
    triton: TritonHome,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typist.types("x = sdc.package('none')", "sdc.machine('none')", "1 / 0")
    assert main(["--emulated"]) == 0
    lines = capsys.readouterr().err.splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("NotFoundError: GET /my/packages"))
    assert lines[first + 1] == "(traceback: traceback.print_last())"
    assert lines[first + 2].startswith("NotFoundError: GET /my/machines?name=none: ")
    assert lines[first + 4] == "Traceback (most recent call last):"
    assert any(line.startswith("ZeroDivisionError") for line in lines)


def test_ctrl_c_is_one_line(
    typist: Typist,  # noqa: F811
    triton: TritonHome,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typist.types(
        "def end(counts): raise KeyboardInterrupt",
        "",
        "fleet.run([], Machine.stop, progress=end)",
        "raise KeyboardInterrupt",
        "traceback.print_last()",
    )
    assert main(["--emulated"]) == 0
    lines = capsys.readouterr().err.splitlines()
    first = lines.index(
        "FleetInterrupted: interrupted; of 0: 0 done, 0 failed, 0 under way, 0 untried; see .result"
    )
    assert lines[first + 1 : first + 4] == [
        "(traceback: traceback.print_last())",
        "KeyboardInterrupt",
        "(traceback: traceback.print_last())",
    ]
    assert lines[first + 4] == "Traceback (most recent call last):"


@pytest.mark.parametrize("leave", ["exit(3)", "import sys; sys.exit(3)"])
def test_the_status_is_that_of_exit(
    typist: Typist,  # noqa: F811
    triton: TritonHome,
    leave: str,
) -> None:
    typist.types(leave)
    with pytest.raises(SystemExit) as left:
        main(["--emulated"])
    assert left.value.code == 3


def test_a_rate_that_the_emulator_does_not_have(
    triton: TritonHome, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--emulated", "--rate", "2000000"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("smartdc: --rate cannot be 2e+06: rate must be a number from 0 to ")


def test_the_whole_traceback_is_kept(
    typist: Typist,  # noqa: F811
    triton: TritonHome,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typist.types("sdc.package('none')", "traceback.print_last()", "print('still here')")
    assert main(["--emulated"]) == 0
    out, err = capsys.readouterr()
    assert out == "still here\n"
    assert 'File "<console>", line 1, in <module>' in err
    assert "packages.py" in err
    assert "interact" not in err


def test_public_names_need_no_import(
    typist: Typist,  # noqa: F811
    triton: TritonHome,
    capsys: pytest.CaptureFixture[str],
) -> None:
    typist.types(
        "Machine.stop.__name__", "fleet.run([], Machine.stop, fleet.until('stopped'))", "NotFoundError"
    )
    assert main(["--emulated"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "'stop'",
        "<Result of 0: 0 done, 0 failed, 0 under way, 0 untried>",
        "<class 'smartdc.errors.NotFoundError'>",
    ]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"smartdc {smartdc.__version__}\n"
