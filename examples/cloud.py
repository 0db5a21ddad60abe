"""Where the examples work: the account named on the command line, or an emulated cloud.

This is not an example itself. Your own script needs one line in its place: `sdc = DataCenter(...)`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from smartdc import DataCenter
from smartdc.emulator import Emulator


@dataclass
class Place:
    """A data center to work in."""

    sdc: DataCenter
    emulated: bool


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The arguments that every example takes."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--emulated",
        action="store_true",
        help="use an emulated cloud on this machine; the default if there is no --key-id",
    )
    parser.add_argument("--key-id", help="/ACCOUNT/keys/NAME of a real account: machines cost money")
    parser.add_argument("--secret", default="~/.ssh/id_rsa", help="its private key (default: %(default)s)")
    parser.add_argument("--allow-agent", action="store_true", help="look for the key in the ssh-agent first")
    parser.add_argument("--location", default="us-central-1", help="data center (default: %(default)s)")
    return parser


@contextmanager
def place(options: argparse.Namespace, *, rate: float, verbose: bool = False) -> Iterator[Place]:
    """Connect.

    Args:
        options: What `arguments` parsed.
        rate: Emulated seconds in a real second.
        verbose: Print one line on stderr for each request.
    """
    if options.emulated or not options.key_id:
        with Emulator(rate=rate, ssh_port=0) as cloud, cloud.datacenter(verbose=verbose) as sdc:
            yield Place(sdc, True)
    else:
        with DataCenter(
            options.location,
            options.key_id,
            options.secret,
            allow_agent=options.allow_agent,
            verbose=verbose,
        ) as sdc:
            yield Place(sdc, False)


def everyday(description: str | None) -> argparse.ArgumentParser:
    """The arguments of a how-to script: a profile of the ``triton`` command, or an emulated cloud."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--emulated", action="store_true", help="an emulated cloud on this machine")
    parser.add_argument("--profile", help="a profile of the triton command (default: the current one)")
    return parser


@contextmanager
def signed_in(
    options: argparse.Namespace, prepare: Callable[[Emulator], None], *, ssh_port: int | None = None
) -> Iterator[DataCenter]:
    """Connect to the data center of a profile, or to an emulated one.

    Args:
        options: What `everyday` parsed.
        prepare: Adds to the emulated cloud what the example needs.
        ssh_port: Port of the SSH servers of emulated machines; needs Linux.
    """
    if not options.emulated:
        with DataCenter.from_profile(options.profile) as sdc:
            yield sdc
        return
    # The same ids and times in each run. Waiting takes no time, as the cloud brings its own clock.
    with Emulator(random_seed=7, ssh_port=ssh_port) as cloud, cloud.datacenter() as sdc:
        prepare(cloud)
        yield sdc
