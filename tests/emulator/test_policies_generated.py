"""Sub-users with generated policies: the emulator and the original programs permit the same requests."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from smartdc import DataCenter, NotAuthorizedError
from smartdc.emulator import Emulator
from smartdc.emulator.state.site import Site
from smartdc.http_signature import PrivateKey
from tests.helpers.policy_oracle import Maker, allowed
from tests.helpers.sizes import in_two_sizes

REQUEST = {"sourceip": "127.0.0.1", "method": "get", "datacenter": "us-sw-1", "activeRoles": []}


def may(bobs: DataCenter, path: str) -> bool:
    try:
        bobs.request("GET", path)
    except NotAuthorizedError:
        return False
    return True


@pytest.mark.stress
@in_two_sizes(sample=300, whole=2000)
def test_the_emulator_permits_the_same_as_the_originals(
    cloud: Emulator, sdc: DataCenter, site: Site, size: int
) -> None:
    secret = ed25519.Ed25519PrivateKey.generate()
    bob = sdc.create_user("bob", "bob@example.com", "secret123")
    sdc.add_user_key(bob, "laptop", PrivateKey(secret).public_key.openssh)
    tags: dict[str, Any] = {"role": "web", "weight": 3, "ready": True}
    tagged, untagged = site.add_machine(tags=tags).uuid, site.add_machine(tags={"role": "db"}).uuid
    asked: list[tuple[str, str, bool, dict[str, Any] | None]] = [
        ("getmachine", f"/machines/{tagged}", True, tags),
        ("getmachine", f"/machines/{untagged}", False, {"role": "db"}),
        ("listmachines", "/machines", False, None),
        ("listimages", "/images", True, None),
    ]
    policy = sdc.create_policy("generated", ["CAN nothing"])
    sdc.create_role("worker", policies=["generated"], default_members=["bob"])
    sdc.set_role_tags(("machines", tagged), ["worker"])
    sdc.set_role_tags("images", ["worker"])
    maker = Maker([f"/my{path}" for _, path, _, _ in asked])
    answers = {True: 0, False: 0}
    wrong = []
    with cloud.datacenter("us-sw-1", key_id="/test/users/bob/keys/laptop", secret=secret) as bobs:
        known = REQUEST | {"user-agent": bobs.default_headers["User-Agent"]}
        for _ in range(size):
            rules = maker.rules()
            texts = list(map(str, rules))
            if len(set(texts)) < len(texts):
                continue  # the directory refuses duplicate rules
            sdc.update_policy(policy, rules=texts)
            for action, path, has_tag, its_tags in maker.random.sample(asked, 2):
                about = known | {f"tag_{name}": value for name, value in (its_tags or {}).items()}
                expected = allowed(rules, tagged=has_tag, action=action, path=f"/my{path}", known=about)
                answers[expected] += 1
                if may(bobs, path) is not expected:
                    wrong.append((texts, path, expected))
    assert wrong == []
    assert min(answers.values()) > size / 4, answers
