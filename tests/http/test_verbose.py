"""``verbose`` and the log. A stream that does not take the line loses it, and not the request."""

from __future__ import annotations

import io
import logging
import os
import re
import sys
from datetime import datetime
from typing import Any

import pytest

from smartdc import ConfigurationError, ConnectionFailed, DataCenter
from smartdc.emulator import Emulator
from tests.helpers.servers import Reply, StubServer, datacenter_at


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


@pytest.mark.parametrize(("verbose", "lines"), [(1, 1), (0, 0)])
def test_a_number_stands_for_true_or_false(
    cloud: Emulator, capfd: pytest.CaptureFixture[str], verbose: Any, lines: int
) -> None:
    # py-smartdc took any true value.
    with cloud.datacenter(verbose=verbose) as sdc:
        sdc.account()
    assert len(capfd.readouterr().err.splitlines()) == lines


@pytest.mark.parametrize("verbose", ["x", "", 2, object(), []], ids=lambda value: str(value)[:3])
def test_what_is_no_stream(verbose: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DataCenter("https://a.example", verbose=verbose)
    assert re.fullmatch(r"verbose must be True, False or a text stream, not \S.*", str(caught.value))


@pytest.mark.parametrize("stream", [_closed(), _Broken()], ids=["closed", "broken"])
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


def test_a_line_has_the_time_the_verb_and_the_url(cloud: Emulator) -> None:
    heard = io.StringIO()
    with cloud.datacenter(verbose=heard) as sdc:
        sdc.exists("keys")
        sdc.changefeed().close()
    lines = [line.split("\t") for line in heard.getvalue().splitlines()]
    assert [line[1:] for line in lines] == [
        ["HEAD", f"{cloud.url()}/my/keys"],
        ["GET", f"{cloud.url()}/my/changefeed"],
    ]
    assert all(datetime.fromisoformat(line[0]) for line in lines)


def test_the_log_has_a_line_for_each_answer(stub: StubServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "smartdc")
    stub.answer(Reply([], headers={"Request-Id": "r-1"}), Reply([]), [b""])
    with datacenter_at(stub.url) as sdc:
        sdc.keys()
        sdc.keys()
        with pytest.raises(ConnectionFailed):
            sdc.keys()
    assert [re.sub("in [0-9]+ ms", "in N ms", line) for line in caplog.messages] == [
        "GET /bob/keys: 200 in N ms (request r-1)",
        "GET /bob/keys: 200 in N ms (request -)",
        "GET /bob/keys: ConnectionFailed",
    ]


def test_the_server_s_text_begins_no_line_of_the_log(
    stub: StubServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "smartdc")
    stub.answer(Reply([], headers={"Request-Id": "r\x85\xf6"}))
    with datacenter_at(stub.url) as sdc:
        sdc.keys()
    assert caplog.messages[0].endswith(r" ms (request r\x85\xf6)")
