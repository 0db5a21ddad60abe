"""A home directory with triton's profiles in it, without the environment of the user who runs the tests."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from smartdc.emulator import Emulator

__all__ = ["FINGERPRINT", "TritonHome", "triton"]

FINGERPRINT = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

_FIELDS = {"url": "https://file.example", "account": "bob", "keyId": FINGERPRINT}
_VARIABLES = {"URL": "https://env.example", "ACCOUNT": "eve", "KEY_ID": FINGERPRINT}


class TritonHome:
    """The home directory of somebody who uses the ``triton`` command."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.config = path / ".triton"
        self._monkeypatch = monkeypatch

    def profile(self, name: str, directory: Path | None = None, /, **fields: Any) -> Path:
        """Write a profile that is complete; a field given as ... is left out."""
        return self.profile_text(name, json.dumps(_merged(_FIELDS, fields)), directory)

    def profile_text(self, name: str, text: str | bytes, directory: Path | None = None) -> Path:
        """Write any text as a profile."""
        path = (directory or self.config) / "profiles.d" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def configure(self, text: str) -> Path:
        """Write config.json."""
        self.config.mkdir(exist_ok=True)
        path = self.config / "config.json"
        path.write_text(text)
        return path

    def make_current(self, name: str) -> None:
        """Choose the current profile, as ``triton profile set-current`` does."""
        self.configure(json.dumps({"profile": name, "oldProfile": "older"}))

    def variables(self, prefix: str = "TRITON", **variables: str) -> None:
        """Set all variables that the profile ``env`` needs, and these."""
        self.set(**{f"{prefix}_{name}": value for name, value in {**_VARIABLES, **variables}.items()})

    def set(self, **variables: str) -> None:
        """Set environment variables, by their full names."""
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def use_key_of(self, cloud: Emulator) -> dict[str, str]:
        """Put the emulator's key into ~/.ssh, and trust its certificates.

        Returns:
            The fields of a profile for it.
        """
        directory = self.path / ".ssh"
        directory.mkdir(mode=0o700)
        for path in (cloud.key_file, cloud.key_file.with_suffix(".pub")):
            shutil.copy(path, directory)
        self.set(REQUESTS_CA_BUNDLE=str(cloud.ca_file))
        fingerprint = cloud.account.keys[0].fingerprint
        return {"url": cloud.url(), "account": cloud.account.login, "keyId": fingerprint}


def _merged(defaults: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**defaults, **fields}.items() if value is not ...}


@pytest.fixture
def triton(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TritonHome:
    """An empty home directory, and no variable that triton reads."""
    for name in os.environ:
        if name.startswith(("TRITON", "SDC_", "XDG_CONFIG")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return TritonHome(home, monkeypatch)
