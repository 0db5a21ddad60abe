"""Tracebacks that show local variables: those of the library's frames hold no passphrase and no key.

Error trackers send the repr of each variable, including objects whose constructor has not finished.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import smartdc
from smartdc import DataCenter, LegacyDataCenter
from smartdc._http.environment import Proxy
from smartdc._http.lost_answers import Lookup
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.http_signature import HTTPSignatureAuth
from smartdc.http_signature.keys import PrivateKey, PublicKey, public_half
from smartdc.http_signature.search import find_key, named_public_key
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import PASSPHRASE, KeyRing
from tests.helpers.triton_home import FINGERPRINT, TritonHome

WRONG = "staple battery"


def frames(error: BaseException | None) -> Iterator[FrameType]:
    """The library's frames of the error and of its causes."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if str(frame.f_globals.get("__name__")).startswith("smartdc"):
                yield frame
        error = error.__cause__ or error.__context__


def leaks(error: BaseException, secrets: list[str]) -> list[str]:
    found = []
    seen = 0
    for frame in frames(error):
        seen += 1
        for name, value in frame.f_locals.items():
            shown = f"{value!r} {value!s}"
            found += [f"{frame.f_code.co_qualname}: {name}" for secret in secrets if secret in shown]
    assert seen > 0
    return found


def secrets_of(path: Path) -> list[str]:
    lines = path.read_text().splitlines()[1:-1]
    # Not the beginning, which holds the public half in clear.
    return [PASSPHRASE, WRONG, *lines[len(lines) // 2 :]]


def from_environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"TRITON_{name}", value)


ACTIONS: dict[str, Callable[[Path, str], Any]] = {
    "path": lambda path, text: DataCenter("us-central-1", "/b/keys/k", path, passphrase=WRONG),
    "text": lambda path, text: DataCenter("us-central-1", "/b/keys/k", text, passphrase=WRONG),
    "bytes": lambda path, text: DataCenter("us-central-1", "/b/keys/k", text.encode(), passphrase=WRONG),
    "text as a path": lambda path, text: DataCenter("us-central-1", "/b/keys/k", Path(text)),
    "one line": lambda path, text: DataCenter("us-central-1", "/b/keys/k", text.replace("\n", "")),
    "without passphrase": lambda path, text: DataCenter("us-central-1", "/b/keys/k", text),
    "function": lambda path, text: DataCenter("us-central-1", "/b/keys/k", path, passphrase=lambda: WRONG),
    "partial": lambda path, text: DataCenter(
        "us-central-1", "/b/keys/k", path, passphrase=functools.partial(str, WRONG)
    ),
    "type": lambda path, text: DataCenter("us-central-1", "/b/keys/k", path, passphrase=[WRONG]),  # type: ignore[arg-type]
    "agent": lambda path, text: DataCenter(
        "us-central-1", "/b/keys/k", text, passphrase=WRONG, allow_agent=True
    ),
    "bad location": lambda path, text: DataCenter("nowhere", "/b/keys/k", text, passphrase=PASSPHRASE),
    "bad key id": lambda path, text: DataCenter("us-central-1", "nobody", text, passphrase=PASSPHRASE),
    "bad pool": lambda path, text: DataCenter(
        "us-central-1", "/b/keys/k", text, pool_size=0, passphrase=PASSPHRASE
    ),
    "bad roles": lambda path, text: DataCenter(
        "us-central-1", "/b/keys/k", text, roles=[""], passphrase=PASSPHRASE
    ),
    "bad verify": lambda path, text: DataCenter(
        "us-central-1", "/b/keys/k", text, verify="~nobody-of-that-name/ca.pem", passphrase=PASSPHRASE
    ),
    "bad headers": lambda path, text: DataCenter(
        "us-central-1", "/b/keys/k", text, passphrase=PASSPHRASE, signed_headers="x"
    ),
    "other key": lambda path, text: DataCenter(
        "us-central-1", f"/b/keys/{FINGERPRINT}", text, passphrase=PASSPHRASE
    ),
    "without key id": lambda path, text: DataCenter("us-central-1", secret=text, passphrase=PASSPHRASE),
    "legacy": lambda path, text: LegacyDataCenter("us-central-1", "/b/keys/k", text, passphrase=WRONG),
    "authenticate": lambda path, text: DataCenter("us-central-1").authenticate(
        "/b/keys/k", text, passphrase=WRONG
    ),
    "authenticate without key id": lambda path, text: DataCenter("us-central-1").authenticate(
        None, text, passphrase=WRONG
    ),
    "authenticate another": lambda path, text: DataCenter("us-central-1").authenticate(
        "/b/users/x/keys/k", text, passphrase=WRONG, user="y"
    ),
    "environment": lambda path, text: DataCenter.from_env(secret=text, passphrase=WRONG),
    "profile": lambda path, text: DataCenter.from_profile("env", secret=text, passphrase=WRONG),
    "search": lambda path, text: DataCenter.from_env(passphrase=WRONG),
    "no profile": lambda path, text: DataCenter.from_profile("none", secret=text, passphrase=WRONG),
    "signature": lambda path, text: HTTPSignatureAuth("/b/keys/k", text, passphrase=WRONG),
    "find_key": lambda path, text: find_key(FINGERPRINT, file=path, passphrase=WRONG),
    "find_key of a key": lambda path, text: find_key(str(path), passphrase=WRONG),
    "load": lambda path, text: PrivateKey.load(path, WRONG),
    "from_bytes": lambda path, text: PrivateKey.from_bytes(text.encode(), WRONG),
    "from_text": lambda path, text: PublicKey.from_text(text),
    "from_text of a line": lambda path, text: PublicKey.from_text(text.replace("\n", " ")),
}


@pytest.mark.parametrize("form", ["openssh", "PEM", "PKCS8"])
@pytest.mark.parametrize("action", ACTIONS)
def test_no_variable_holds_a_secret(
    action: str, form: str, ssh_keys: KeyRing, triton: TritonHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ssh_keys.path("rsa2048", form, PASSPHRASE)
    directory = triton.path / ".ssh"
    directory.mkdir()
    (directory / "id_rsa").write_bytes(path.read_bytes())
    (directory / "id_rsa.pub").write_text(ssh_keys.public("rsa2048").openssh)
    from_environment(
        monkeypatch, URL="https://h.example", ACCOUNT="bob", KEY_ID=ssh_keys.public("rsa2048").md5
    )
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - all of ours are
        ACTIONS[action](path, path.read_text())
    assert leaks(caught.value, secrets_of(path)) == []
    # The traceback can be formatted.
    traceback.TracebackException.from_exception(caught.value, capture_locals=True)


def test_a_key_in_clear(ssh_keys: KeyRing, tmp_path: Path) -> None:
    path = ssh_keys.path("rsa2048", "PEM")
    (tmp_path / "long").write_text(path.read_text() * 200)
    (tmp_path / "broken").write_text(path.read_text()[:-200])
    for load in (
        lambda: PrivateKey.load(tmp_path / "long"),
        lambda: PrivateKey.load(tmp_path / "broken"),
        lambda: named_public_key(tmp_path / "broken"),
        lambda: HTTPSignatureAuth(f"/b/keys/{FINGERPRINT}", path),
        lambda: HTTPSignatureAuth("/b/keys/k", path, signed_headers="x"),
        lambda: HTTPSignatureAuth("nobody", path.read_text()),
    ):
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - all of ours are
            load()
        assert leaks(caught.value, secrets_of(path)) == []
    assert public_half(tmp_path / "broken") is None


def test_an_emulated_cloud_and_requests(cloud: Emulator, ssh_keys: KeyRing) -> None:
    path = ssh_keys.path("rsa2048", "PEM", PASSPHRASE)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - all of ours are
        cloud.datacenter(secret=path.read_text(), passphrase=WRONG)
    assert leaks(caught.value, secrets_of(path)) == []
    with cloud.datacenter(secret=path.read_text(), passphrase=PASSPHRASE, key_id="/test/keys/x") as sdc:
        with pytest.raises(smartdc.AuthenticationError) as refused:
            sdc.account()
        assert leaks(refused.value, secrets_of(path)) == []


def test_an_agent_that_fails(ssh_agent: RunningAgent, ssh_keys: KeyRing) -> None:
    path = ssh_keys.path("rsa2048", "PEM", PASSPHRASE)
    ssh_agent.add(ssh_keys.path("ed25519"))
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - all of ours are
        HTTPSignatureAuth(f"/b/keys/{FINGERPRINT}", path.read_text(), passphrase=WRONG, allow_agent=True)
    assert leaks(caught.value, secrets_of(path)) == []


# Their constructors only set attributes, as those of dataclasses do.
INNER = (Lookup, Proxy, PublicKey, Site)


def classes() -> Iterator[type[Any]]:
    """The classes whose repr the library defines."""
    for module in pkgutil.walk_packages(smartdc.__path__, "smartdc."):
        if not module.name.endswith("__main__"):
            for value in vars(importlib.import_module(module.name)).values():
                if inspect.isclass(value) and value.__module__ == module.name:
                    own = [value.__repr__, value.__str__]
                    # A tuple is never incomplete.
                    others = hasattr(value, "__dataclass_fields__") or issubclass(
                        value, BaseException | tuple
                    )
                    written = any(each.__module__ == module.name for each in own if inspect.isfunction(each))
                    if written and not others and not inspect.isabstract(value) and value not in INNER:
                        yield value


@pytest.mark.parametrize("kind", sorted(set(classes()), key=str))
def test_the_repr_of_an_incomplete_object(kind: type[Any]) -> None:
    made = object.__new__(kind)
    assert repr(made)
    assert str(made)
