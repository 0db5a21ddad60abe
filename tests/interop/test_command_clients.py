"""Several kinds of clients use one ``python -m smartdc.emulator`` at once, with only what it prints."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from smartdc.emulator import Emulator
from tests.conftest import START_ENVIRONMENT
from tests.emulator.test_main import Printed, running
from tests.helpers.agents import run_ssh_agent
from tests.interop.npm import install
from tests.interop.test_triton_cli import NOT_VERIFIED, PACKAGE, VERSION

# The function of https://github.com/TritonDataCenter/sdc-cloudapi/blob/master/docs/index.md, which signs with
# openssl and the key of the account; only the paths of the key and the authority are filled in.
CURL = r"""
set -eu
now=$(date -u "+%a, %d %h %Y %H:%M:%S GMT")
signature=$(echo ${now} | tr -d '\n' | openssl dgst -sha256 -sign "$TRITON_KEY_MATERIAL" \
    | openssl enc -e -a | tr -d '\n')
key_id="/$SDC_ACCOUNT/keys/$SDC_KEY_ID"
curl -s --cacert "$SMARTDC_CA_FILE" \
    -H "Accept: application/json" -H "accept-version: ~8" \
    -H "Date: ${now}" \
    -H "Authorization: Signature keyId=\"$key_id\",algorithm=\"rsa-sha256\" ${signature}" \
    --url "$SDC_URL/$SDC_ACCOUNT$1"
"""

OURS = """
import json
from smartdc import DataCenter
with DataCenter.from_env() as sdc:
    machine = sdc.create_machine("ours", package="g4-highcpu-1G", image=sdc.images(name="base-64")[0])
    print(json.dumps([dict(sdc.account())["login"], machine.name]))
"""

# A client older than Ed25519: it reads an RSA key in PKCS#1 from a PEM file, and signs the date.
RSA_ONLY = """
import base64, json, os, sys
from email.utils import formatdate
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
pem = open(os.environ["SDC_KEY_MATERIAL"], "rb").read()
assert pem.startswith(b"-----BEGIN RSA PRIVATE KEY-----")
date = formatdate(usegmt=True)
key = serialization.load_pem_private_key(pem, None)
signature = base64.b64encode(key.sign(f"date: {date}".encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
key_id = f'/{os.environ["SDC_ACCOUNT"]}/keys/{os.environ["SDC_KEY_ID"]}'
authorization = f'Signature keyId="{key_id}",algorithm="rsa-sha256",headers="date",signature="{signature}"'
answer = requests.get(
    f'{os.environ["SDC_URL"]}/my/keys',
    headers={"Date": date, "Authorization": authorization, "Accept-Version": "~8"},
    verify=os.environ["NODE_EXTRA_CA_CERTS"],
)
print(json.dumps([key["fingerprint"] for key in answer.json()]))
"""


def environment(printed: Printed, home: Path) -> dict[str, str]:
    """The environment of a shell with only the pasted lines."""
    return {**printed.pasted(), "PATH": os.environ["PATH"], "HOME": str(home)}


def output(*command: str, env: dict[str, str]) -> str:
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


def test_all_clients_at_once(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    if shutil.which("curl") is None or shutil.which("openssl") is None:
        pytest.skip("not verified: requests of curl and openssl (they are not installed)")
    modules = install(PACKAGE, VERSION, NOT_VERIFIED, tmp_path_factory)
    (tmp_path / ".ssh").mkdir()  # triton needs the folder even if the agent has the key
    triton = [modules.node, str(modules.path / PACKAGE / "bin" / "triton")]
    with running("--rsa", "--quiet") as (printed, _), run_ssh_agent() as agent:
        env = environment(printed, tmp_path) | {"SSH_AUTH_SOCK": str(agent.socket)}
        (add,) = re.findall(r"^# triton, .*: (ssh-add .+)$", printed.text, re.MULTILINE)
        output(*shlex.split(add), env=env)
        with ThreadPoolExecutor(5) as together:
            work = [
                together.submit(output, *command, env=env)
                for command in (
                    [*triton, "account", "get", "-j"],
                    [*triton, "instance", "create", "-n", "theirs", "-j", "base-64", "g4-highcpu-1G"],
                    ["bash", "-c", CURL, "curl", "/packages?name=g4-highcpu-1G"],
                    [sys.executable, "-c", OURS],
                    [sys.executable, "-c", RSA_ONLY],
                )
            ]
            account, created, packages, ours, keys = [json.loads(done.result()) for done in work]
        assert account["login"] == "test"
        assert created["name"] == "theirs"
        assert [package["name"] for package in packages] == ["g4-highcpu-1G"]
        assert ours == ["test", "ours"]
        assert keys == [env["TRITON_KEY_ID"]]
        names = output("bash", "-c", CURL, "curl", "/machines", env=env)
        assert sorted(machine["name"] for machine in json.loads(names)) == ["ours", "theirs"]


def test_triton_with_an_existing_key(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    modules = install(PACKAGE, VERSION, NOT_VERIFIED, tmp_path_factory)
    directory = tmp_path / ".ssh"
    directory.mkdir(mode=0o700)
    key = directory / "id_rsa"
    output("ssh-keygen", "-q", "-t", "rsa", "-m", "PEM", "-N", "", "-f", str(key), env=START_ENVIRONMENT)
    with running("--key", f"{key}.pub", "--quiet") as (printed, _):
        env = environment(printed, tmp_path)
        listed = output(modules.node, str(modules.path / PACKAGE / "bin" / "triton"), "keys", "-j", env=env)
        assert [json.loads(line)["fingerprint"] for line in listed.splitlines()][-1] == env["TRITON_KEY_ID"]
        assert json.loads(output(sys.executable, "-c", OURS, env=env)) == ["test", "ours"]


def test_triton_follows_an_activation(tmp_path_factory: pytest.TempPathFactory) -> None:
    modules = install(PACKAGE, VERSION, NOT_VERIFIED, tmp_path_factory)
    triton = [modules.node, str(modules.path / PACKAGE / "bin" / "triton")]
    (Path.home() / ".ssh").mkdir(exist_ok=True)
    with Emulator().activate("eu-ams-1") as cloud:
        # The whole environment, as for programs that a script starts.
        create = ["instance", "create", "-w", "-n", "web", "-j", "base-64", "g4-highcpu-1G"]
        output(*triton, *create, env=dict(os.environ))
        (vm,) = cloud.site("eu-ams-1").machines.values()
        assert (vm.alias, vm.state) == ("web", "running")
        other = output(*triton, "-p", "us-sw-1", "instance", "list", "-j", env=dict(os.environ))
        assert other == ""


@pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("openssl")), reason="not tested: no curl, openssl"
)
def test_the_recipe_for_curl_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text()
    recipe = page.partition("```sh\n")[2].partition("```")[0]
    with Emulator(key_kind="rsa") as cloud:
        done = subprocess.run(
            ["sh", "-euc", recipe],
            env={**os.environ, **cloud.environment()},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "g4-highcpu-1G" in [package["name"] for package in json.loads(done.stdout)]
        assert [call.operation for call in cloud.calls] == ["ListPackages"]


def test_the_recipe_for_ci_in_the_documentation(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if shutil.which("ssh-agent") is None:
        pytest.skip("not verified: the recipe for CI with triton (ssh-agent is not installed)")
    modules = install(PACKAGE, VERSION, NOT_VERIFIED, tmp_path_factory)
    page = (Path(__file__).parents[2] / "docs" / "emulator-recipes.md").read_text()
    script = tmp_path / "with-emulator.sh"
    script.write_text(page.partition("```sh\n")[2].partition("```")[0])
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    triton = [modules.node, str(modules.path / PACKAGE / "bin" / "triton")]
    packages = output("sh", str(script), *triton, "package", "list", "-j", "name=g4-highcpu-1G", env=env)
    assert [json.loads(line)["name"] for line in packages.splitlines()] == ["g4-highcpu-1G"]
