"""JavaScript verifies our pre-signed URLs, and the emulator verifies those of smartdc-auth."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from time import time
from typing import Any

import pytest
import requests

from smartdc.emulator import Emulator
from tests.helpers.keys import ALL_KINDS, KeyRing
from tests.interop.npm import install
from tests.interop.test_key_search_npm import PACKAGE, VERSION

NOT_VERIFIED = f"not verified: pre-signed URLs with {PACKAGE} {VERSION} and http-signature from npm"
SCRIPT = Path(__file__).with_name("presigned.js")

QUERY: dict[str, Any] = {
    "name": "a b/c!'()*~&=+é%",
    "Limit": 5,
    "limit": 6,
    "keyB": 1,
    "key-a": 1,
    "key_a": 1,
    "tag.Z": 1,
    "tag.a": 1,
    "0": 1,
}


def test_both_ways(cloud: Emulator, ssh_keys: KeyRing, tmp_path_factory: pytest.TempPathFactory) -> None:
    modules = install(PACKAGE, VERSION, NOT_VERIFIED, tmp_path_factory)
    check: list[dict[str, str]] = []
    for kind in ALL_KINDS:
        public = ssh_keys.public(kind).openssh
        cloud.account.add_key(kind, public)
        with cloud.datacenter(key_id=f"/test/keys/{kind}", secret=ssh_keys.path(kind)) as sdc:
            for method in ("GET", ["POST", "GET"]):
                url = sdc.presign(method, "/machines", **QUERY)
                check.append({"method": "GET", "url": url, "publicKey": public})
            check.append({"method": "GET", "url": url.replace("=6&", "=7&"), "publicKey": public})
    sign = {
        "keyFile": str(ssh_keys.path("rsa2048")),
        "keyId": ssh_keys.public("rsa2048").md5,
        "user": "test",
        "host": cloud.url().removeprefix("https://"),
        "path": "/test/packages",
        "query": {"name": "g4-highcpu-1G"},
        "expires": int(time()) + 300,
    }
    done = subprocess.run(
        [modules.node, str(SCRIPT)],
        input=json.dumps({"check": check, "sign": sign}),
        env={**os.environ, "NODE_PATH": str(modules.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert answer["checked"] == [True, True, False] * len(ALL_KINDS)
    # smartdc-auth signs for GET and HEAD by default.
    assert "method=GET%2CHEAD" in answer["signed"]
    got = requests.get(cloud.url() + answer["signed"], verify=str(cloud.ca_file), timeout=10)
    assert [package["name"] for package in got.json()] == ["g4-highcpu-1G"]
