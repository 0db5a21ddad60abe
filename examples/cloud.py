"""Where the examples work: the account named on the command line, or an emulated cloud.

This is not an example itself. Your own script needs one line in its place: `sdc = DataCenter(...)`.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smartdc import ConfigurationError, DataCenter, GoneError, Machine, SmartDCError, WaitFailed

if TYPE_CHECKING:
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
        from smartdc.emulator import Emulator

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


def emulated_or_not(description: str | None) -> argparse.ArgumentParser:
    """The argument of every how-to script: whether to work in an emulated cloud."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--emulated", action="store_true", help="an emulated cloud on this machine")
    return parser


def everyday(description: str | None) -> argparse.ArgumentParser:
    """The arguments of a how-to script: a profile of the ``triton`` command, or an emulated cloud."""
    parser = emulated_or_not(description)
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
    from smartdc.emulator import Emulator  # only here: it needs `pip install 'smartdc[emulator]'`

    # The same ids and times in each run. Waiting takes no time, as the cloud brings its own clock.
    with Emulator(random_seed=7, ssh_port=ssh_port) as cloud, cloud.datacenter() as sdc:
        prepare(cloud)
        yield sdc


@contextmanager
def temporary(sdc: DataCenter, name: str, **wanted: Any) -> Iterator[Machine]:
    """A new running machine that is deleted at the end, even if the script fails or is interrupted."""
    machine = sdc.create_machine(name, **wanted)
    try:
        machine.poll_until("running", timeout=600)
        yield machine
    finally:
        remove(machine)


def remove(machine: Machine) -> None:
    """Delete a machine and wait until it is gone. If that fails, print what is left.

    It raises no error, so it can end a ``finally`` without hiding the error that came before.
    """
    try:
        # The server may refuse to delete a machine (409) before it has chosen a server for it.
        with suppress(WaitFailed):
            machine.poll_while("provisioning", timeout=600)
        with suppress(GoneError):
            machine.delete()
        machine.poll_until("deleted", timeout=300)
    except SmartDCError as error:
        print(f"machine {machine.name} ({machine.id}) may be left: {error}", file=sys.stderr)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; the error for a malformed one names the file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # not TOML, or not UTF-8
        raise ConfigurationError(f"{path}: {error}") from error


def run(main: Callable[[], None]) -> None:
    """Run a script: an expected error ends it with one line on stderr, and SIGTERM runs its clean-up."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        main()
    except (SmartDCError, OSError, ImportError) as error:
        sys.exit("\n".join([str(error), *getattr(error, "__notes__", [])]))
    except KeyboardInterrupt as interrupt:
        print("interrupted", *getattr(interrupt, "__notes__", []), sep="\n", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, before)
