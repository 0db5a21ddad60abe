"""The console: a Python prompt with `sdc` connected, to an account or to an emulated cloud.

Here belongs what speaks with a person at a terminal. No other part of the library prompts or prints.
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
from smartdc.console.plain import converse_plainly
from smartdc.datacenter import DataCenter
from smartdc.errors import SmartDCError
from smartdc.signin.profiles import load_profile

__all__ = ["main"]

RATE = 10.0
"""Emulated seconds per real second: a machine takes 20 to provision (docs/emulator.md#time)."""


def main(arguments: list[str] | None = None) -> int:
    """Connect, and run the console until its user leaves.

    Returns:
        0, or 1 where the emulator is not installed, or 2 where there is nothing to connect to or to read
        from. Then the reason is on stderr.
    """
    options = _parse(arguments)
    if sys.stdin is None:  # it was closed before Python started
        print("smartdc: there is no standard input to read lines from", file=sys.stderr)
        return 2
    try:
        with _emulated(options.rate) if options.emulated else _connected(options.profile) as (names, where):
            _converse(_public() | names, _banner(where, names))
    except SmartDCError as error:
        print(f"smartdc: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, EOFError):  # at the prompt for the passphrase
        print("smartdc: no passphrase, no console", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(f"smartdc: {error}", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m smartdc", description="A Python console with `sdc` connected to a data center."
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--profile",
        metavar="NAME",
        help="a profile of the triton command, or env for the TRITON_* variables (default: the current one)",
    )
    chosen.add_argument("--emulated", action="store_true", help="an emulated cloud on this machine, `cloud`")
    parser.add_argument("--version", action="version", version=f"smartdc {__version__}")
    parser.add_argument(
        "--rate",
        type=float,
        metavar="N",
        help=f"how many times as fast as real time the emulated cloud is (default: {RATE:g}, at which a new "
        "machine runs after two seconds); 0 stands still until somebody waits",
    )
    options = parser.parse_args(arguments)
    if options.rate is None:
        options.rate = RATE
    elif not options.emulated:
        parser.error("--rate is for the emulated cloud: give --emulated too")
    elif not 0 <= options.rate < math.inf:
        parser.error("--rate must be a number from 0 on")
    return options


def _public() -> dict[str, Any]:
    """What ``from smartdc import *`` gives, and the module that shows the last traceback."""
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

    # Linux alone has all of 127.0.0.0/8, where machines can be logged in to.
    ssh_port = 0 if sys.platform == "linux" else None
    with Emulator(rate=rate, ssh_port=ssh_port) as cloud, cloud.datacenter() as sdc:
        yield {"sdc": sdc, "cloud": cloud}, f"{cloud.account.login} in an emulated cloud at {sdc.base_url}"


def _ask_passphrase() -> str:
    return getpass.getpass("Passphrase of the SSH key: ")


def _banner(where: str, names: dict[str, Any]) -> str:
    first = f"smartdc {__version__}: sdc is {where}"
    more = "cloud is what serves it; " if "cloud" in names else ""
    return f"{first}\n{more}try sdc.machines(), Tab completes, help(sdc) explains, Ctrl-D leaves."


def _converse(names: dict[str, Any], banner: str) -> None:
    """IPython where it is installed, else Python's own prompt."""
    ipython, config = _ipython()
    if ipython is None:
        # Not in the `except` that found it missing: each traceback at the prompt would begin with that.
        converse_plainly(names, banner)
        return
    config.TerminalInteractiveShell.banner1 = f"{banner}\n"
    config.TerminalIPythonApp.display_banner = True
    config.InteractiveShellApp.extensions = ["smartdc", "smartdc.console.shell"]
    config.IPCompleter.use_jedi = False  # Jedi reads properties, and some of those make a request
    ipython.start_ipython(argv=[], user_ns=names, config=config)


def _ipython() -> tuple[Any, Any]:
    """IPython and its configuration; None for both where it is not installed."""
    try:
        return importlib.import_module("IPython"), importlib.import_module("traitlets.config").Config()
    except ImportError:
        return None, None
