"""The flags of ``python -m smartdc.emulator`` for keys, contents, faults and output."""

from __future__ import annotations

import io
import re
import signal
from pathlib import Path

import pytest

from smartdc import DataCenter, ServiceUnavailableError
from smartdc.emulator import Emulator
from smartdc.emulator.__main__ import main
from smartdc.emulator.control.command_output import Log
from tests.emulator.test_main import Printed, in_this_process, running
from tests.helpers.keys import KeyRing


def test_the_printed_variables_are_enough_for_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    def use(printed: Printed) -> None:
        for name, value in printed.pasted().items():
            monkeypatch.setenv(name, value)
        for sdc in (DataCenter.from_env(), DataCenter.from_profile()):
            assert sdc.account()["login"] == "test"

    assert in_this_process(use, "--quiet") == 0


def test_stray_variables_are_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_USER", "somebody")
    monkeypatch.setenv("SDC_TESTING", "")

    def use(printed: Printed) -> None:
        assert "\nunset TRITON_USER SDC_TESTING\n" in printed.text

    assert in_this_process(use, "--quiet") == 0


def test_the_users_own_keys(ssh_keys: KeyRing) -> None:
    files = [str(ssh_keys.path(kind).with_name(f"{kind}.pub")) for kind in ("p256", "rsa2048")]

    def use(printed: Printed) -> None:
        assert f"also: export TRITON_KEY_MATERIAL={ssh_keys.path('p256')}\n" in printed.text
        assert "id_ed25519" not in printed.text
        assert "ssh-add" not in printed.text
        variables = printed.pasted()
        assert not {"TRITON_KEY_MATERIAL", "SDC_KEY_MATERIAL"} & variables.keys()
        assert variables["TRITON_KEY_ID"] == variables["SDC_KEY_ID"] == ssh_keys.public("p256").md5
        for kind in ("p256", "rsa2048"):
            with DataCenter(
                variables["TRITON_URL"],
                f"/test/keys/{ssh_keys.public(kind).md5}",
                ssh_keys.path(kind),
                verify=variables["SMARTDC_CA_FILE"],
            ) as sdc:
                assert sdc.account()["login"] == "test"
        assert f"secret=None, verify={variables['SMARTDC_CA_FILE']!r})" in printed.text
        assert re.search(
            rf"^# machines: ssh -p \d+ -i {ssh_keys.path('p256')} admin@", printed.text, re.MULTILINE
        )

    assert in_this_process(use, "--key", files[0], "--key", files[1], "--ssh-port", "0", "--quiet") == 0


def test_an_rsa_key_is_in_the_form_that_older_clients_read() -> None:
    def use(printed: Printed) -> None:
        path = Path(printed.pasted()["TRITON_KEY_MATERIAL"])
        assert path.read_text().startswith("-----BEGIN RSA PRIVATE KEY-----\n")
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.with_suffix(".pub").read_text().startswith("ssh-rsa ")
        with printed.client() as sdc:
            assert sdc.keys()[0]["key"].startswith("ssh-rsa ")

    assert in_this_process(use, "--rsa", "--quiet") == 0


def test_contents_and_faults(tmp_path: Path) -> None:
    contents, faults = tmp_path / "site.toml", tmp_path / "faults.toml"
    contents.write_text(
        '[[accounts]]\nlogin = "acme"\n[[datacenters]]\nname = "here"\n[[datacenters]]\nname = "there"\n'
    )
    faults.write_text('[[faults]]\noperation = "ListMachines"\nfault = "HAPROXY_503"\n')

    def use(printed: Printed) -> None:
        assert list(printed.sites) == ["here", "there"]
        with printed.client(retry="none") as sdc:
            assert sdc.account()["login"] == "acme"
            with pytest.raises(ServiceUnavailableError):
                sdc.machines()

    assert in_this_process(use, "--contents", str(contents), "--faults", str(faults), "--quiet") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--key", "/nonexistent.pub"], "'/nonexistent.pub' cannot be read (No such file or directory)"),
        (["--contents", "/nonexistent"], "/nonexistent: cannot be read: No such file or directory"),
        (["--faults", "/nonexistent"], "/nonexistent: cannot be read: No such file or directory"),
        (
            ["--host", "203.0.113.1"],
            "[Errno 99] cannot listen at 203.0.113.1:0 (Cannot assign requested address)",
        ),
    ],
)
def test_an_error_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    assert capsys.readouterr() == ("", f"python -m smartdc.emulator: {message}\n")


def test_a_private_key_is_refused_as_a_public_one(
    ssh_keys: KeyRing, capsys: pytest.CaptureFixture[str]
) -> None:
    path = ssh_keys.path("ed25519")
    assert main(["--key", str(path)]) == 1
    assert capsys.readouterr().err.endswith("is a private key; use its .pub file\n")
    assert main(["--key", f"{path}.pub", "--key", f"{path}.pub"]) == 1
    assert capsys.readouterr().err.endswith(f"--key {path}.pub: the account has this key\n")


def test_a_host_other_than_the_loopback_gets_a_warning() -> None:
    with running("--host", "0.0.0.0", "--quiet") as (printed, process):  # noqa: S104 - tests the warning
        assert list(printed.sites)
        process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=20)[1]
    assert errors == "warning: anyone who can reach 0.0.0.0 can use this cloud\n"


def test_the_log_keeps_the_last_calls_and_survives_a_closed_stream() -> None:
    closed = io.StringIO()
    closed.close()
    with Emulator() as cloud, cloud.datacenter() as sdc:
        log = Log(cloud, closed, quiet=False, kept=3)
        cloud.on_call.append(log.call)
        for _ in range(5):
            sdc.ping()
        assert len(cloud.calls) == 3
        log.end()
