"""Run an emulated cloud in the foreground: ``python -m smartdc.emulator``.

It prints the variables that point a CloudAPI client at it, as lines to paste into a shell, and serves until
Ctrl-C or SIGTERM. If clients did what would have harmed a real server, it then says so, and what was called.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import threading
from types import FrameType

from smartdc.emulator.cloud import DATACENTERS, Emulator
from smartdc.emulator.gate.throttle import BURST, RATE

#: Of `Emulator.environment`, what is left out here: in a shell it would break HTTPS to everywhere else.
_REPLACES_AUTHORITIES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop.

    Returns:
        The exit status: 0 when it was told to stop, 1 when it could not start.
    """
    options = _parse(arguments)
    names = options.datacenter or list(DATACENTERS)
    ports = [options.port + number for number in range(len(names))] if options.port else None
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    earlier = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Emulator(
            account=options.account,
            datacenters=names,
            rate=options.rate,
            ports=ports,
            ssh_port=options.ssh_port,
        ) as cloud:
            if options.throttle is not None:
                cloud.throttle(options.throttle)
            if options.read_only:
                cloud.read_only()
            _print_guide(cloud, names)
            stop.wait()
            if cloud.violations:
                print(cloud.report(), file=sys.stderr)
    except (ValueError, OSError) as error:
        print(f"python -m smartdc.emulator: {error}", file=sys.stderr)
        return 1
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
    return 0


def _print_guide(cloud: Emulator, names: list[str]) -> None:
    """Say where everything is; only the exports are no comments."""
    for name in names:
        print(f"# {name}: {cloud.url(name)}")
    for variable, value in cloud.environment().items():
        if variable not in _REPLACES_AUTHORITIES:
            print(f"export {variable}={shlex.quote(value)}")
    print(f"# certificate authority, for clients that are told which to trust: {cloud.ca_file}")
    print(
        f"# in Python: DataCenter({cloud.url(names[0])!r}, key_id={cloud.key_id!r}, "
        f"secret={str(cloud.key_file)!r}, verify={str(cloud.ca_file)!r})"
    )
    if cloud.ssh_port is not None:
        print(f"# machines: ssh -p {cloud.ssh_port} -i {cloud.key_file} admin@ADDRESS")
    print("# Ctrl-C stops it", flush=True)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m smartdc.emulator", description="Run an emulated cloud.")
    parser.add_argument("--account", default="test", help="login of the account (default: %(default)s)")
    parser.add_argument(
        "--datacenter",
        action="extend",
        nargs="+",
        metavar="NAME",
        help=f"names of the data centers (default: {' '.join(DATACENTERS)})",
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
    parser.add_argument(
        "--throttle",
        type=float,
        nargs="?",
        const=RATE,
        metavar="RATE",
        help=f"let through {RATE:g} requests a second, or RATE, and {BURST} at once",
    )
    parser.add_argument("--read-only", action="store_true", help="refuse whatever would change something")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
