"""Run an emulated cloud in the foreground: ``python -m smartdc.emulator``.

It prints the variables that point a CloudAPI client at it, as lines to paste into a shell, and serves until
Ctrl-C, SIGTERM, or SIGHUP, which comes when the terminal is closed. On stderr it writes a line for each
request; at the end, what was called, and what clients did that would have harmed a real server.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from types import FrameType

from smartdc.emulator.cloud import Emulator
from smartdc.emulator.contents.public_keys import public_line
from smartdc.emulator.control.command_output import Log, guide
from smartdc.emulator.control.settings import DATACENTERS
from smartdc.emulator.gate.throttle import BURST, RATE
from smartdc.emulator.state.directory import Key, KeyRefused, read_key

_LOOPBACK = ("localhost", "::1")


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop.

    Returns:
        The exit status: 0 when it was told to stop, 1 when it could not start.
    """
    options = _parse(arguments)
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    earlier = {number: signal.signal(number, ask_to_stop) for number in _signals()}
    try:
        lines = [public_line(path) for path in options.key]
        with _emulator(options) as cloud:
            keys = [_add_key(cloud, path, line) for path, line in zip(options.key, lines, strict=True)]
            log = Log(cloud, sys.stderr, quiet=options.quiet)
            cloud.on_call.append(log.call)
            if not (options.host.startswith("127.") or options.host in _LOOPBACK):
                print(f"warning: whoever reaches {options.host} can use this cloud", file=sys.stderr)
            if options.contents and cloud.resumed:
                print(f"# --contents was not used: {options.state_dir} had a state already")
            for text in guide(cloud, cloud.ssh_port, keys, options.key):
                print(text)
            if sys.stdout is not None:  # with a closed one, print says nothing
                sys.stdout.flush()
            stop.wait()
            log.end()
    except (ValueError, OSError) as error:
        print(f"python -m smartdc.emulator: {error}", file=sys.stderr)
        return 1
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
    return 0


def _signals() -> list[int]:
    """Those that end it. Under nohup SIGHUP is ignored, and stays so."""
    hangup: int | None = getattr(signal, "SIGHUP", None)  # Windows has none
    ends: list[int] = [signal.SIGINT, signal.SIGTERM]
    if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:
        ends.append(hangup)
    return ends


def _emulator(options: argparse.Namespace) -> Emulator:
    cloud = Emulator(
        account=options.account,
        datacenters=options.datacenter,
        rate=options.rate,
        host=options.host,
        ports=options.port or None,
        state_dir=options.state_dir,
        ssh_port=options.ssh_port,
        key_kind="rsa" if options.rsa else None,
        contents=options.contents,
        random_seed=options.random_seed,
    )
    if options.faults is not None:
        cloud.load_faults(options.faults)
    if options.throttle is not None:
        cloud.throttle(options.throttle)
    if options.read_only:
        cloud.read_only()
    return cloud


def _add_key(cloud: Emulator, path: str, line: str) -> Key:
    try:
        # After a restart the account has it already.
        known = cloud.account.find_key(read_key(None, line).fingerprint) if cloud.resumed else None
        return known or cloud.account.add_key(None, line)
    except KeyRefused as error:
        raise ValueError(f"--key {path}: {error}") from None


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m smartdc.emulator", description="Run an emulated cloud.")
    parser.add_argument("--account", help="login of the account (default: test, or what --contents says)")
    parser.add_argument(
        "--datacenter",
        action="extend",
        nargs="+",
        metavar="NAME",
        help=f"names of the data centers (default: {' '.join(DATACENTERS)}, or what --contents says)",
    )
    parser.add_argument(
        "--state-dir", metavar="DIR", help="keep everything in DIR, and go on with what is there already"
    )
    parser.add_argument("--contents", metavar="FILE", help="TOML file of what the cloud holds")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="PUBFILE",
        help="a public key of yours that the account has; then no private key is printed (repeatable)",
    )
    parser.add_argument(
        "--rsa", action="store_true", help="make an RSA key instead of Ed25519, for older clients"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s, which only this machine reaches)",
    )
    parser.add_argument(
        "--port",
        type=int,
        metavar="N",
        help="port of the first data center, the others follow (default: free ones)",
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=1.0,
        help="emulated seconds per real second (default: %(default)s); 0 stands still",
    )
    parser.add_argument(
        "--ssh-port",
        type=int,
        metavar="N",
        help="give machines SSH servers at this port of 127.x.y.z (Linux); 0 picks one",
    )
    parser.add_argument("--faults", metavar="FILE", help="TOML file of what goes wrong on purpose")
    parser.add_argument(
        "--throttle",
        type=float,
        nargs="?",
        const=RATE,
        metavar="RATE",
        help=f"let through {RATE:g} requests a second, or RATE, and {BURST} at once",
    )
    parser.add_argument("--read-only", action="store_true", help="refuse whatever would change something")
    parser.add_argument("--random-seed", metavar="SEED", help="make ids the same in each run with this seed")
    parser.add_argument("--quiet", action="store_true", help="write no line for each request")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
