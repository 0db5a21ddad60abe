"""The console: a Python prompt with `sdc` connected, to an account or to an emulated cloud.

All code that prompts or prints is here, with the exception of `verbose`.
"""

from __future__ import annotations

import argparse
import getpass
import importlib
import math
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import smartdc
from smartdc._version import __version__
from smartdc.console.plain import interact_plainly
from smartdc.datacenter import DataCenter
from smartdc.errors import ConfigurationError, SmartDCError
from smartdc.signin.profiles import load_profile

__all__ = ["main"]

RATE = 10.0
"""Emulated seconds per real second: a machine takes 20 to provision (docs/emulator.md#time)."""


def main(arguments: list[str] | None = None) -> int:
    """Connect, and run the console until the user leaves.

    Returns:
        0; 1 if the emulator is not installed; 2 if the console cannot connect or has no standard input. For 1
        and 2 the reason is on stderr.

    Raises:
        SystemExit: The user left with ``exit(STATUS)``, or an option is not valid.
    """
    options = _parse(arguments)
    if sys.stdin is None:  # it was closed before Python started
        print("smartdc: there is no standard input to read lines from", file=sys.stderr)
        return 2
    try:
        with _emulated(options.rate) if options.emulated else _connected(options.profile) as (names, where):
            _interact(_public() | names, _banner(where, names))
    except SmartDCError as error:
        print(f"smartdc: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, EOFError):  # at the prompt for the passphrase
        print("smartdc: cancelled: the key needs a passphrase", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(f"smartdc: {error}", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m smartdc", description="A Python console with `sdc` connected to a data center."
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--profile",
        metavar="NAME",
        help="a profile of the triton command, or env for the TRITON_* variables (default: the current one)",
    )
    source.add_argument("--emulated", action="store_true", help="an emulated cloud on this machine, `cloud`")
    parser.add_argument("--version", action="version", version=f"smartdc {__version__}")
    parser.add_argument(
        "--rate",
        type=float,
        metavar="N",
        help=f"speed of the emulated cloud's clock against real time (default: {RATE:g}, with which a new "
        "machine is running after two seconds); with 0, time passes only while a program waits",
    )
    options = parser.parse_args(arguments)
    if options.rate is None:
        options.rate = RATE
    elif not options.emulated:
        parser.error("--rate needs --emulated")
    elif not 0 <= options.rate < math.inf:
        parser.error("--rate must be 0 or more")
    return options


def _public() -> dict[str, Any]:
    """Return the names of ``from smartdc import *``, and the module that shows the last traceback."""
    return {name: getattr(smartdc, name) for name in smartdc.__all__} | {"traceback": traceback}


@contextmanager
def _connected(name: str | None) -> Iterator[tuple[dict[str, Any], str]]:
    profile = load_profile(name)
    with DataCenter.from_profile(profile.name, passphrase=_ask_passphrase) as sdc:
        acting = f" on {profile.act_as}'s account" if profile.act_as else ""
        signer = "/".join(filter(None, (profile.account, profile.user)))
        yield {"sdc": sdc}, f"{signer}{acting} at {sdc.base_url} (profile {profile.name})"


@contextmanager
def _emulated(rate: float) -> Iterator[tuple[dict[str, Any], str]]:
    from smartdc.emulator import Emulator

    # Only Linux has all of 127.0.0.0/8 on the loopback, for the addresses of machines with SSH.
    ssh_port = 0 if sys.platform == "linux" else None
    try:
        emulator = Emulator(rate=rate, ssh_port=ssh_port)
    except ValueError as error:
        raise ConfigurationError(f"--rate cannot be {rate:g}: {error}") from None
    with emulator as cloud, cloud.datacenter() as sdc:
        yield {"sdc": sdc, "cloud": cloud}, f"{cloud.account.login} in an emulated cloud at {sdc.base_url}"


def _ask_passphrase() -> str:
    return getpass.getpass("Passphrase of the SSH key: ")


def _banner(where: str, names: dict[str, Any]) -> str:
    first = f"smartdc {__version__}: sdc is {where}"
    more = "cloud is the emulator; " if "cloud" in names else ""
    return f"{first}\n{more}try sdc.machines(), Tab completes, help(sdc) explains, Ctrl-D leaves."


def _interact(names: dict[str, Any], banner: str) -> None:
    """Run IPython where it is installed, else Python's own prompt."""
    ipython, config = _ipython()
    if ipython is None:
        # Outside the `except` block: else each traceback at the prompt would begin with the ImportError.
        interact_plainly(names, banner)
        return
    config.TerminalInteractiveShell.banner1 = f"{banner}\n"
    config.TerminalIPythonApp.display_banner = True
    config.InteractiveShellApp.extensions = ["smartdc", "smartdc.console.shell"]
    config.IPCompleter.use_jedi = False  # Jedi reads properties, and some of those make a request
    ipython.start_ipython(argv=[], user_ns=names, config=config)


def _ipython() -> tuple[Any, Any]:
    """Return IPython and its configuration; None for both where it is not installed."""
    try:
        return importlib.import_module("IPython"), importlib.import_module("traitlets.config").Config()
    except ImportError:
        return None, None
