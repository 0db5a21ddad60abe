"""Every kind of key, in each place, by each form of its name, for each owner: emulator and npm accept it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smartdc.emulator import Emulator
from smartdc.errors import KeyLoadError
from smartdc.http_signature.keys import PublicKey
from tests.helpers.agents import RunningAgent
from tests.helpers.keys import ALL_KINDS, PASSPHRASE, KeyRing
from tests.interop.npm_verifier import VERIFIED, NpmVerifier

PLACES = ("file", "encrypted file", "agent")
FORMS = ("name", "MD5", "SHA256")
OWNERS = ("account", "sub-user")
CELLS = len(ALL_KINDS) * len(PLACES) * len(FORMS) * len(OWNERS)


class Tally:
    """How many cells of the matrix were tried, and with which result."""

    def __init__(self) -> None:
        self.accepted = 0
        self.impossible = 0


@pytest.fixture(scope="module")
def tally(pytestconfig: pytest.Config) -> Iterator[Tally]:
    tally = Tally()
    yield tally
    pytestconfig.stash.setdefault(VERIFIED, []).append(
        f"matrix of keys: {tally.accepted + tally.impossible} of {CELLS} cells; {tally.accepted} signatures "
        f"accepted by the emulator and by npm, {tally.impossible} refused with the reason (P-384 in an agent)"
    )


@pytest.fixture(scope="module")
def cloud_with_keys(ssh_keys: KeyRing) -> Iterator[Emulator]:
    """A cloud whose account and sub-user have every key, by the name of its kind."""
    with Emulator() as cloud:
        sub_user = cloud.account.add_user("ops", allowed=True)
        for kind in ALL_KINDS:
            for owner in (cloud.account, sub_user):
                owner.add_key(kind, ssh_keys.public(kind).openssh)
        yield cloud


def named(kind: str, public: PublicKey, form: str) -> str:
    return {"name": kind, "MD5": public.md5, "SHA256": public.sha256}[form]


def where(kind: str, place: str, ssh_keys: KeyRing) -> dict[str, Any]:
    """The arguments that lead to the key."""
    if place == "file":
        return {"secret": ssh_keys.path(kind)}
    if place == "encrypted file":
        return {"secret": ssh_keys.path(kind, passphrase=PASSPHRASE), "passphrase": PASSPHRASE}
    return {"secret": Path("/nonexistent"), "allow_agent": True}


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ALL_KINDS)
def test_cell(
    kind: str,
    place: str,
    form: str,
    owner: str,
    cloud_with_keys: Emulator,
    npm_verifier: NpmVerifier,
    ssh_keys: KeyRing,
    tally: Tally,
    request: pytest.FixtureRequest,
) -> None:
    public = ssh_keys.public(kind)
    who = f"/{cloud_with_keys.account.login}" + ("/users/ops" if owner == "sub-user" else "")
    arguments = where(kind, place, ssh_keys) | {"key_id": f"{who}/keys/{named(kind, public, form)}"}
    if place == "agent":
        ssh_agent: RunningAgent = request.getfixturevalue("ssh_agent")
        ssh_agent.add(ssh_keys.path(kind))
        if kind == "p384":
            # The agent hashes with SHA-384, which the server does not know (test_http_signature_npm).
            with pytest.raises(KeyLoadError, match="signs P-384 only with SHA-384, which CloudAPI does not"):
                cloud_with_keys.datacenter(**arguments)
            tally.impossible += 1
            return
    with cloud_with_keys.datacenter(**arguments) as sdc:
        names, response = sdc.request("GET", "/keys", params={"sync": "true"})
        assert {key["name"] for key in names} >= set(ALL_KINDS)
        assert sdc.auth is not None
        assert sdc.auth.signer.source.startswith("the ssh-agent" if place == "agent" else "the private key /")
    sent = response.request
    assert f'keyId="{who}/keys/{kind if form == "name" else public.md5}"' in sent.headers["Authorization"]
    headers = {name.lower(): str(value) for name, value in sent.headers.items()}
    assert npm_verifier.judge("GET", sent.path_url, headers, public.openssh) == (True, None)
    tally.accepted += 1
