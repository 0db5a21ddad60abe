"""``verbose``: a stream that does not take the line loses it, and not the request."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import pytest

from smartdc.emulator import Emulator


class _Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise RuntimeError("no more")


def _closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


def _pipe() -> Any:
    """A pipe whose reader is gone: writing is EPIPE."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w", buffering=1)


@pytest.mark.parametrize("stream", [None, _closed(), _Broken()], ids=["absent", "closed", "broken"])
def test_stderr_that_takes_nothing(cloud: Emulator, monkeypatch: pytest.MonkeyPatch, stream: Any) -> None:
    # None is what pythonw and daemons have: https://docs.python.org/3/library/sys.html#sys.__stdin__
    monkeypatch.setattr(sys, "stderr", stream)
    with cloud.datacenter(verbose=True) as sdc:
        assert sdc.account()["login"]


@pytest.mark.parametrize("stream", [_closed(), _Broken(), object()], ids=["closed", "broken", "no stream"])
def test_a_stream_that_takes_nothing(cloud: Emulator, stream: Any) -> None:
    with cloud.datacenter(verbose=stream) as sdc:
        assert sdc.account()["login"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_pipe_without_a_reader(cloud: Emulator) -> None:
    stream = _pipe()
    with cloud.datacenter(verbose=stream) as sdc:
        assert sdc.account()["login"]
        assert sdc.account()["login"]


def test_the_lines_go_where_stderr_is_at_the_time(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = io.StringIO()
    with cloud.datacenter(verbose=True) as sdc:
        monkeypatch.setattr(sys, "stderr", heard)
        sdc.account()
    assert heard.getvalue().rstrip("\n").endswith("/my")
