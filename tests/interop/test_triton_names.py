"""What a name means in this library and in the ``triton`` command (node-triton, from npm) in the same cloud.

The functions that the command resolves its arguments with are called in one process for all spellings.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from smartdc import APIError, ConfigurationError, DataCenter
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from tests.helpers.named_things import HEX, TWINS, Thing, things
from tests.interop.npm import install

PACKAGE = "triton"
VERSION = "7.17.0"
NOT_VERIFIED = f"not verified: that names mean to us what they mean to {PACKAGE} {VERSION} from npm"

FORMS: dict[str, list[str]] = {
    "machine": [
        "{id}", "{name}", "{short}", "{NAME}", "web", "web00", "nowhere", HEX, "00000000", TWINS[0],
        TWINS[0][:8], "a b",
    ],
    "image": [
        "{id}", "{name}", "{short}", "{name}@{version}", "{NAME}", "{name}@15.4.1", "{name}@9.9.9",
        "{short}@{version}", "debian-11", "base64@1.8.1", "base-64", "nowhere", HEX, "@", TWINS[0][:8],
        "debian-11@20220228", "shared-app", "docker-layer", "base64@14.3.0",
    ],
    "network": [
        "{id}", "{name}", "{short}", "{NAME}", "external", "nowhere", HEX, "twin", "7e57ab1e",
    ],
    "package": ["{id}", "{name}", "{short}", "nowhere", HEX, "7e57ab1e", "{NAME}"],
    "volume": ["{id}", "{name}", "{short}", "{NAME}", "nowhere", HEX, "twin", "7e57ab1e"],
    "firewall rule": ["{id}", "{short}", "00000000", "7e57ab1e"],
    "VLAN": ["{id}", "{name}", "{NAME}", "nowhere", "twin", "99"],
    "user": ["{id}", "{name}", "{NAME}", "nowhere"],
    "role": ["{id}", "{name}", "nowhere"],
    "policy": ["{id}", "{name}", "nowhere"],
}  # fmt: skip


UPPER = "the command sends the id unchanged, and the server refuses upper case; here it is the same id"
UPPER_SHORT = "the command accepts short ids in lower case only; here they are accepted in both"
PREFIX = "the command takes any beginning of an id, such as 'a' and 'cafe'; here that is an unknown name"
DIFFERENT: dict[tuple[str, str], str] = {
    ("machine", "{ID}"): UPPER,
    ("image", "{ID}"): UPPER,
    ("network", "{ID}"): UPPER,
    **{
        (kind, HEX.upper()): UPPER_SHORT
        for kind in ("machine", "image", "network", "package", "volume", "firewall rule")
    },
    ("image", "copied@1.0.0"): "the command takes the one that is listed last; here it is ambiguous",
    (
        "image",
        "copied",
    ): "both were published at the same time; the command takes the one that is listed last",
    ("machine", "{start}"): PREFIX,
    ("volume", "{start}"): PREFIX,
    ("image", "base64"): "the command should sort by published_at, but passes the letters of that word "
    "as fields, and so takes the image that is listed last; here it is the newest",
    ("image", "{name}@"): "the command takes the newest; a program may have meant a version that it lacks",
    ("image", "{name}@{version}@x"): "the command drops what is behind the second '@'",
    (
        "package",
        "sample-512M",
    ): "for the command two versions are ambiguous; we leave the name to the server, "
    "as py-smartdc did, and it takes the highest version",
}
"""The spellings that mean something else here, and why."""


class Spelling(NamedTuple):
    """One form of a reference to one kind of thing."""

    kind: str
    form: str

    def text(self, thing: Thing) -> str:
        """The text itself."""
        name = thing.name or ""
        return self.form.format(
            id=thing.ident, ID=thing.ident.upper(), name=name, NAME=name.swapcase(), short=thing.short,
            start=thing.ident[:11], version=thing.version,
        )  # fmt: skip


SAME = [Spelling(kind, form) for kind, forms in FORMS.items() for form in forms]
SPELLINGS = [*SAME, *(Spelling(*each) for each in DIFFERENT)]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Spelling, tuple[Any, Any]]]:
    """For each spelling, what it means in this library and in the command."""
    modules = install(PACKAGE, VERSION, NOT_VERIFIED, tmp_path_factory)
    home = tmp_path_factory.mktemp("triton")
    with Emulator() as cloud, cloud.datacenter() as sdc:
        (home / ".ssh").mkdir()
        for name in ("id_ed25519", "id_ed25519.pub"):
            (home / ".ssh" / name).write_bytes((cloud.key_file.parent / name).read_bytes())
            (home / ".ssh" / name).chmod(0o600)
        there = things(sdc, cloud.site())
        add_copies(cloud.site())
        texts = [(each.kind, each.text(there[each.kind])) for each in SPELLINGS]
        done = subprocess.run(
            [modules.node, str(Path(__file__).with_name("resolve_names.js")), str(modules.path)],
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"PATH": os.environ["PATH"], "HOME": str(home), **cloud.environment()},
        )
        assert done.returncode == 0, done.stderr
        theirs = json.loads(done.stdout)
        ours = [resolved(sdc, kind, text) for kind, text in texts]
        yield dict(zip(SPELLINGS, zip(ours, theirs, strict=True), strict=True))


def add_copies(site: Site) -> None:
    """Two images that cannot be told apart."""
    image = next(each for each in site.images.values() if each.state == "active")
    for number in (1, 2):
        ident = f"c0b1ed00-0000-4000-8000-{number:012}"
        site.images[ident] = replace(image, uuid=ident, name="copied", version="1.0.0")


def resolved(sdc: DataCenter, kind: str, text: str) -> Any:
    get: Any = {
        "machine": lambda: sdc.machine(text).id,
        "image": lambda: sdc.image(text)["id"],
        "network": lambda: sdc.network(text)["id"],
        "package": lambda: sdc.package(text)["id"],
        "volume": lambda: sdc.volume(text)["id"],
        "firewall rule": lambda: sdc.firewall_rule(text)["id"],
        "VLAN": lambda: str(sdc.fabric_vlan(text)["vlan_id"]),
        "user": lambda: sdc.user(text)["id"],
        "role": lambda: sdc.role(text)["id"],
        "policy": lambda: sdc.policy(text)["id"],
    }[kind]
    try:
        return get()
    except (APIError, ConfigurationError) as error:
        return {"error": str(error)}


def named(spelling: Spelling) -> str:
    return f"{spelling.kind}-{spelling.form}"


@pytest.mark.parametrize("spelling", SAME, ids=named)
def test_a_name_means_the_same(answers: dict[Spelling, tuple[Any, Any]], spelling: Spelling) -> None:
    ours, theirs = answers[spelling]
    refused = isinstance(ours, dict) and isinstance(theirs, dict)
    assert refused or ours == theirs


@pytest.mark.parametrize("spelling", [Spelling(*each) for each in DIFFERENT], ids=named)
def test_a_name_means_something_else(answers: dict[Spelling, tuple[Any, Any]], spelling: Spelling) -> None:
    ours, theirs = answers[spelling]
    assert ours != theirs
    assert not (isinstance(ours, dict) and isinstance(theirs, dict))
