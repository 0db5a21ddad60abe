"""Old except clauses that name exceptions of requests or Python, and waits with an interval of 0."""

from __future__ import annotations

import copy
import errno
import pickle
from pathlib import Path

import pytest
import requests

from smartdc import ConfigurationError, ConnectionFailed, DataCenter, KeyFileMissing, KeyLoadError, TLSError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site


def test_a_certificate_that_is_not_trusted(cloud: Emulator) -> None:
    with cloud.datacenter(verify=True) as sdc, pytest.raises(requests.exceptions.SSLError) as caught:
        sdc.keys()
    assert isinstance(caught.value, ConnectionFailed)
    assert isinstance(caught.value, TLSError)
    assert "not trusted" in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (type(again), str(again), again.method) == (TLSError, str(caught.value), "GET")


def test_a_missing_key_file(tmp_path: Path) -> None:
    path = tmp_path / "none"
    with pytest.raises(FileNotFoundError) as caught:
        DataCenter("https://cloud.example", "/bob/keys/k", path)
    error = caught.value
    assert isinstance(error, KeyFileMissing)
    assert isinstance(error, KeyLoadError)
    text = f"the key file {path} does not exist; give the path of your private key as secret"
    for same in (error, pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301
        assert type(same) is KeyFileMissing
        assert (str(same), same.errno, same.filename) == (text, errno.ENOENT, str(path))
        assert same.strerror == "No such file or directory"


def test_waits_with_an_interval_of_zero(sdc: DataCenter, site: Site, cloud: Emulator) -> None:
    machine = sdc.machine(site.add_machine("web", state="stopped").uuid)
    start = cloud.clock.monotonic()
    machine.poll_until("stopped", 0)
    assert cloud.clock.monotonic() == start  # it was stopped already
    machine.start()
    machine.poll_until("running", 0)
    assert 0 < cloud.clock.monotonic() - start < 120
    machine.stop()
    machine.poll_until("stopped", 0, timeout=600)
    assert machine.state == "stopped"


@pytest.mark.parametrize("interval", [-1, float("nan"), float("inf"), None, "2"])
def test_invalid_intervals(sdc: DataCenter, site: Site, interval: object) -> None:
    machine = sdc.machine(site.add_machine("web").uuid)
    with pytest.raises(ConfigurationError, match=r"^interval must be a number of seconds from 0, not "):
        machine.poll_until("stopped", interval)  # type: ignore[arg-type]
