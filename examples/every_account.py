#!/usr/bin/env python3
"""The machines of several accounts, in all of their data centers, side by side.

    python examples/every_account.py                    of all profiles of the triton command
    python examples/every_account.py --emulated         of two accounts in an emulated cloud

Each account signs with its own key. An account that fails has a line with its error; the others are listed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from cloud import emulated_or_not, run

from smartdc import DataCenter, SmartDCError


def count(sdc: DataCenter) -> str:
    """How many machines an account has in one data center, and their memory."""
    machines = sdc.machines()
    memory = sum(machine.memory or 0 for machine in machines)
    running = sum(machine.state == "running" for machine in machines)
    return f"{running} of {len(machines)} run, {memory} MiB"


def lines(who: str, sdc: DataCenter) -> list[str]:
    """A line for each data center of one account: what is there, or the error."""
    try:
        names = list(sdc.datacenters())
    except SmartDCError as error:
        return [f"{who}: {error}"]
    found = []
    for name in names:
        try:
            with sdc.datacenter(name) as place:
                found.append(f"{who}: {name}: {count(place)}")
        except SmartDCError as error:
            found.append(f"{who}: {name}: {error}")
    return found


def everywhere(accounts: dict[str, DataCenter]) -> Iterator[str]:
    """The lines of all accounts, four accounts at a time."""
    with ThreadPoolExecutor(4) as pool:
        for each in pool.map(lines, accounts, accounts.values()):
            yield from each


@contextmanager
def emulated() -> Iterator[dict[str, DataCenter]]:
    """Two accounts and a sub-user who may do nothing, in an emulated cloud."""
    from smartdc.emulator import Emulator

    with Emulator(random_seed=7, datacenters=["us-sw-1", "us-east-1"]) as cloud, ExitStack() as stack:
        cloud.add_account("acme").add_key("laptop", cloud.key.openssh)
        cloud.account.add_user("bob").add_key("laptop", cloud.key.openssh)
        cloud.site("us-sw-1").add_machine("web0")
        cloud.site("us-east-1").add_machine("web1", account="acme")
        cloud.site("us-east-1").add_machine("web2", account="acme", state="stopped")
        yield {
            who: stack.enter_context(cloud.datacenter(key_id=key_id))
            for who, key_id in (
                ("test", "/test/keys/test_key"),
                ("acme", "/acme/keys/laptop"),
                ("test/bob", "/test/users/bob/keys/laptop"),
            )
        }


@contextmanager
def profiles() -> Iterator[dict[str, DataCenter]]:
    """All profiles that can sign in; the others have a line on stderr."""
    accounts = {}
    with ExitStack() as stack:
        for name in DataCenter.profiles():
            try:
                accounts[name] = stack.enter_context(DataCenter.from_profile(name))
            except SmartDCError as error:
                print(f"{name}: {error}", file=sys.stderr)
        yield accounts


def main() -> None:
    """Print a line for each account and data center."""
    options = emulated_or_not(__doc__).parse_args()
    with emulated() if options.emulated else profiles() as accounts:
        if not accounts:
            sys.exit("no profile can sign in: make one with `triton profile create`")
        for line in everywhere(accounts):
            print(line)


if __name__ == "__main__":
    run(main)
