"""``python -m smartdc`` starts the console; an import of its module does not."""

from __future__ import annotations

import runpy
import sys

import pytest

from smartdc import __main__ as program


def test_it_is_a_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["smartdc", "--help"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(program.__file__), run_name="__main__")
    assert caught.value.code == 0
    assert "python -m smartdc" in capsys.readouterr().out


def test_it_can_be_imported(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(program.__file__), run_name="smartdc.__main__")
    assert capsys.readouterr().out == ""
