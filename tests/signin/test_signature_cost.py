"""How many signatures requests cost: with a key file, and with an agent and many threads.

tests/benchmarks/bench_signed_get.py measures the rest of what a request costs.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from smartdc.emulator import Emulator
from smartdc.http_signature.keys import PrivateKey
from tests.helpers.agents import OwnAgent, RunningAgent
from tests.helpers.keys import KeyRing

THREADS = 32


def test_rsa_signs_exactly_once_for_each_request(
    cloud: Emulator, ssh_keys: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.account.add_key("rsa", ssh_keys.public("rsa2048").openssh)
    signed: list[bytes] = []
    sign = PrivateKey.sign

    def counted(self: PrivateKey, data: bytes) -> tuple[str, bytes]:
        signed.append(data)
        return sign(self, data)

    monkeypatch.setattr(PrivateKey, "sign", counted)
    with cloud.datacenter(key_id="/test/keys/rsa", secret=ssh_keys.path("rsa2048")) as sdc:
        assert signed == []  # the constructor does not try the key
        for number in range(20):
            sdc.request("GET", "/packages", params={"memory": number})
        sdc.request("POST", "/keys", data={"name": "new", "key": ssh_keys.public("p256").openssh})
        assert len(signed) == len(cloud.calls) == 21
        machine = sdc.machine("0" * 8 + "-0000-4000-8000-" + "0" * 12, lazy=True)
        with pytest.raises(Exception, match="404"):
            machine.refresh()
        assert len(signed) == len(cloud.calls) == 22


def ask_often(cloud: Emulator, requests: int, **arguments: Any) -> list[Any]:
    """Make this number of requests with `THREADS` threads through one data center; return the answers."""
    with cloud.datacenter(secret="/nonexistent", allow_agent=True, **arguments) as sdc:

        def ask(number: int) -> Any:
            return sdc.request("GET", "/keys", params={"number": number})[0]

        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(ask, range(requests)))


@pytest.mark.stress
@pytest.mark.off_the_record("the query only makes the requests differ")
def test_many_threads_share_an_agent(cloud: Emulator, ssh_keys: KeyRing, ssh_agent: RunningAgent) -> None:
    ssh_agent.add(ssh_keys.path("ed25519"))
    public = ssh_keys.public("ed25519")
    cloud.account.add_key("agent's", public.openssh)
    answers = ask_often(cloud, 1000, key_id=f"/test/keys/{public.md5}")
    assert all(len(keys) == 2 for keys in answers)
    assert Counter(call.status for call in cloud.calls) == {200: 1000}


@pytest.mark.off_the_record("the query only makes the requests differ")
def test_the_date_alone_costs_the_agent_one_signature_a_second(
    cloud: Emulator, ssh_keys: KeyRing, own_agent: OwnAgent
) -> None:
    public = own_agent.add(ssh_keys.path("rsa2048"))
    cloud.account.add_key("token's", public.openssh)
    ask_often(cloud, 300, key_id="/test/keys/token's", signed_headers="date")
    assert Counter(call.status for call in cloud.calls) == {200: 300}
    sent = {call.headers["date"] for call in cloud.calls}
    # Each signature is of a different Date, which was sent.
    assert len(own_agent.signed) == len(set(own_agent.signed)) == len(sent)
    assert {data.decode().removeprefix("date: ") for data in own_agent.signed} == sent
