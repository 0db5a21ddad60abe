"""Our reading of profiles compared with that of the ``triton`` command (node-triton, from npm)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from smartdc import DataCenter
from smartdc.emulator import Emulator
from smartdc.signin.profiles import Profile
from tests.helpers.triton_home import FINGERPRINT, TritonHome
from tests.interop.npm import NodeModules, NodeProcess, install

PACKAGE = "triton"
VERSION = "7.17.0"
NOT_VERIFIED = f"not verified: that we read profiles as {PACKAGE} {VERSION} from npm writes and reads them"


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> NodeModules:
    return install(PACKAGE, VERSION, NOT_VERIFIED, tmp_path_factory)


@pytest.fixture(scope="module")
def loaded(modules: NodeModules) -> Iterator[NodeProcess]:
    """A process that has loaded ``triton``, and loads the command's own files again for each environment."""
    with closing(NodeProcess(modules, "run_triton.js", str(modules.path))) as process:
        yield process


class Command:
    """Runs ``triton`` in the home and the environment of the test."""

    def __init__(self, modules: NodeModules, loaded: NodeProcess) -> None:
        self._command = [modules.node, str(modules.path / PACKAGE / "bin" / "triton")]
        self._loaded = loaded

    def run(self, *arguments: str) -> str:
        question = {"args": arguments, "environment": dict(os.environ), "directory": str(Path.cwd())}
        done = self._loaded.ask(question)
        assert done["status"] == 0, done["stderr"]
        return str(done["stdout"])

    def run_alone(self, *arguments: str) -> str:
        """In a process of its own: Node itself reads NODE_EXTRA_CA_CERTS when it starts."""
        done = subprocess.run(
            [*self._command, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def create(self, directory: Path, **fields: Any) -> None:
        """``triton profile create`` from a file."""
        path = directory / "profile-to-create.json"
        path.write_text(json.dumps(fields))
        self.run("profile", "create", "--file", str(path), "--no-docker", "--yes")

    def profiles(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """``triton profile list``, by name, in the words of `Profile`."""
        rows = [json.loads(line) for line in self.run(*arguments, "profile", "list", "-j").splitlines()]
        return {row["name"]: _in_our_words(row) for row in rows}


def _in_our_words(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "url": row["url"],
        "account": row["account"],
        "key_id": row["keyId"],
        "user": row.get("user") or None,
        "roles": tuple(row.get("roles") or ()),
        "insecure": bool(row.get("insecure")),
        "act_as": row.get("actAsAccount") or None,
        "current": row["curr"],
    }


def ours() -> dict[str, dict[str, Any]]:
    """`DataCenter.profiles`, without those that cannot be used: triton leaves them out."""

    def fields_of(profile: Profile) -> dict[str, Any]:
        fields = profile._asdict()
        others = ("name", "source", "error", "ca_file")  # triton does not have these
        return {name: fields[name] for name in fields if name not in others}

    return {
        name: fields_of(profile) for name, profile in DataCenter.profiles().items() if profile.error is None
    }


@pytest.fixture
def command(modules: NodeModules, loaded: NodeProcess, triton: TritonHome) -> Command:
    return Command(modules, loaded)


def test_a_profile_that_triton_wrote_signs_in(
    command: Command, triton: TritonHome, cloud: Emulator, tmp_path: Path
) -> None:
    fields = triton.use_key_of(cloud)
    triton.set(NODE_EXTRA_CA_CERTS=str(cloud.ca_file))
    command.create(tmp_path, name="lab", **fields)
    assert json.loads((triton.config / "config.json").read_text()) == {"profile": "lab"}
    for name in ("lab", None):  # the only profile has become the current one
        with DataCenter.from_profile(name) as sdc:
            account = sdc.account()
    # And triton itself signs in with it, so that both mean the same.
    theirs = json.loads(command.run_alone("account", "get", "-j"))
    assert (theirs["login"], theirs["id"]) == (account["login"], account["id"])
    assert theirs["login"] == "test"


def test_every_field_that_triton_writes_is_read(command: Command, triton: TritonHome, tmp_path: Path) -> None:
    fields = {"url": "https://a.example", "account": "bob", "keyId": FINGERPRINT}
    command.create(tmp_path, name="plain", **fields)
    command.create(
        tmp_path,
        name="full",
        **fields,
        user="sub",
        roles=["ops", "audit"],
        insecure=True,
        actAsAccount="other",
    )
    assert ours() == command.profiles()
    assert ours()["full"]["roles"] == ("ops", "audit")
    assert DataCenter.profiles()["full"].source == str(triton.config / "profiles.d" / "full.json")


ENV = {"TRITON_URL": "https://env.example", "SDC_ACCOUNT": "eve", "TRITON_KEY_ID": FINGERPRINT}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"TRITON_PROFILE": ""},
        {"TRITON_PROFILE": "two"},
        {"TRITON_PROFILE": "none"},
        {"TRITON_ROLE": " x, ,y "},
        {"TRITON_ROLE": ""},
        ENV,
        {**ENV, "TRITON_PROFILE": "env", "TRITON_ROLE": "x"},
        {**ENV, "TRITON_ACCOUNT": "", "TRITON_USER": "", "SDC_USER": "sub", "TRITON_ACT_AS": "other"},
        {**ENV, "TRITON_ACCOUNT": "ann", "SDC_ACT_AS": "other", "SDC_ROLE": "x"},
        {**ENV, "SDC_ACCOUNT": ""},
        {**ENV, "TRITON_TLS_INSECURE": "0", "SDC_TLS_INSECURE": "1"},
        {**ENV, "TRITON_TLS_INSECURE": "", "SDC_TLS_INSECURE": "true"},
        {**ENV, "SDC_TESTING": "false"},
        {"XDG_CONFIG_HOME": "xdg"},
        {"XDG_CONFIG_HOME": ""},
        {"TRITONTEST_CLI_CONFIG_DIR": "~/xdg/triton"},
    ],
    ids=lambda variables: " ".join(f"{name}={value}" for name, value in variables.items()) or "none",
)
def test_the_environment_means_the_same_to_both(
    command: Command, triton: TritonHome, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    monkeypatch.chdir(triton.path)
    for name in ("one", "two"):
        triton.profile(name, account=name, roles=["reader"], user="" if name == "one" else "sub")
    triton.make_current("one")
    triton.profile("three", triton.path / "xdg" / "triton")
    triton.set(**variables)
    assert ours() == command.profiles()


def test_the_profile_argument_means_the_same_to_both(
    command: Command, triton: TritonHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        triton.profile(name)
    theirs = command.profiles("-p", "two")
    monkeypatch.setenv("TRITON_PROFILE", "two")
    assert ours() == theirs


def test_both_refuse_the_same_files(command: Command, triton: TritonHome) -> None:
    good = triton.profile("good", insecure=None, roles=[], actAsAccount="")
    wrong: list[dict[str, Any]] = [
        *({field: ...} for field in ("url", "account", "keyId")),
        *({field: 1} for field in ("url", "account", "keyId", "user", "actAsAccount", "insecure", "roles")),
        *({field: "text"} for field in ("name", "curr", "privKey", "acceptVersion", "insecure", "roles")),
        {"roles": ["ops", 1]},
    ]
    for number, fields in enumerate(wrong):
        triton.profile(f"wrong{number}", **fields)
    triton.profile_text("cut", "{")
    triton.profile("env")
    triton.profile("Env")
    for name in ("other.JSON", "other.json~", ".json"):
        (good.parent / name).write_text(good.read_text())
    triton.configure("{}")
    assert list(ours()) == list(command.profiles()) == ["good"]
    assert ours() == command.profiles()


def test_a_broken_config_json_hides_no_profile_from_either(command: Command, triton: TritonHome) -> None:
    triton.profile("one")
    triton.configure("[]")
    assert ours() == command.profiles()
    assert list(ours()) == ["one"]
