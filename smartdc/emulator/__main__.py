"""Run an emulated cloud in the foreground: ``python -m smartdc.emulator``.

It prints the variables that point a CloudAPI client at it, as lines to paste into a shell, and serves until
Ctrl-C, SIGTERM, or SIGHUP (the terminal was closed). On stderr it writes a line for each request. At the end
it sums up the calls, and lists what clients did that would have harmed a real server.
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
    """Serve until a signal asks it to stop.

    Returns:
        The exit status: 0 after a signal, 1 if the emulator could not start.
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
                print(f"warning: anyone who can reach {options.host} can use this cloud", file=sys.stderr)
            if options.contents and cloud.resumed:
                print(f"# --contents was not used: {options.state_dir} already has a state")
            for text in guide(cloud, cloud.ssh_port, keys, options.key):
                print(text)
            if sys.stdout is not None:  # None if stdout is closed; print() then does nothing
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
    """Return the signals that stop the emulator; SIGHUP is left out where nohup ignores it."""
    hangup: int | None = getattr(signal, "SIGHUP", None)  # Windows has no SIGHUP
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
        names=options.name,
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
        # After a restart the account already has the key.
        known = cloud.account.find_key(read_key(None, line).fingerprint) if cloud.resumed else None
        return known or cloud.account.add_key(None, line)
    except KeyRefused as error:
        raise ValueError(f"--key {path}: {error}") from None


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m smartdc.emulator", description="Run an emulated cloud.")
    parser.add_argument("--account", help="login of the account (default: the one of --contents, or test)")
    parser.add_argument(
        "--datacenter",
        action="extend",
        nargs="+",
        metavar="NAME",
        help=f"names of the data centers (default: {' '.join(DATACENTERS)}, or those of --contents)",
    )
    parser.add_argument(
        "--state-dir", metavar="DIR", help="keep the state in DIR, and resume a state that is there"
    )
    parser.add_argument("--contents", metavar="FILE", help="TOML file that describes what the cloud holds")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="PUBFILE",
        help="add your public key to the account; no private key is printed then (repeatable)",
    )
    parser.add_argument(
        "--rsa", action="store_true", help="make an RSA key instead of Ed25519, for older clients"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s, which only this computer can reach)",
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        help="another name or address of this computer; URLs have the first (repeatable)",
    )
    parser.add_argument(
        "--port",
        type=int,
        metavar="N",
        help="port of the first data center; the others get the ports after it (default: free ports)",
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=1.0,
        help="emulated seconds per real second (default: %(default)s); 0 stops the clock",
    )
    parser.add_argument(
        "--ssh-port",
        type=int,
        metavar="N",
        help="give machines SSH servers at this port of 127.x.y.z (Linux); 0 picks one",
    )
    parser.add_argument("--faults", metavar="FILE", help="TOML file of faults to inject")
    parser.add_argument(
        "--throttle",
        type=float,
        nargs="?",
        const=RATE,
        metavar="RATE",
        help=f"answer 429 above RATE requests a second (default: {RATE:g}) with bursts of {BURST}",
    )
    parser.add_argument("--read-only", action="store_true", help="refuse requests that change something")
    parser.add_argument("--random-seed", metavar="SEED", help="make ids the same in each run with this seed")
    parser.add_argument("--quiet", action="store_true", help="do not write a line for each request")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
