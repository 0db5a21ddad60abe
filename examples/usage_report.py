#!/usr/bin/env python3
"""Report the machines of each team and their cost: a table, a plot, and the limits of the account.

    python examples/usage_report.py --tag team --prices prices.toml --svg usage.svg

CloudAPI has no prices. The file has the price of an hour for each package: ``g4-highcpu-1G = 0.021``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloud import everyday, read_toml, run, signed_in

from smartdc import ConfigurationError, DataCenter

if TYPE_CHECKING:
    from smartdc.emulator import Emulator

PRICES = {"g4-highcpu-1G": 0.021, "g4-general-4G": 0.088}
"""Prices of an hour, if there is no file."""


@dataclass
class Share:
    """What one team uses."""

    machines: int = 0
    memory: int = 0
    cost: float = 0.0
    without_price: set[str] = field(default_factory=set)
    """Packages that are not in the cost."""


def prices_of(table: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The prices of a TOML file. It may have ``g4-2.5G = 1``, which TOML reads as a table ``g4-2``."""
    prices: dict[str, float] = {}
    for name, price in table.items():
        if isinstance(price, dict):
            prices |= prices_of(price, f"{prefix}{name}.")
        elif isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < math.inf:
            raise ConfigurationError(f"the price of {prefix}{name} must be a number from 0 on, not {price!r}")
        else:
            prices[prefix + name] = float(price)
    return prices


def usage(sdc: DataCenter, tag: str, prices: Mapping[str, float], month: datetime) -> dict[str, Share]:
    """The machines of all data centers by the value of the tag, and their cost since the first of the month.

    Deleted machines are not listed, so they are not counted.
    """
    now = datetime.fromtimestamp(sdc.clock.time(), UTC)
    shares: dict[str, Share] = {}
    for name in sdc.datacenters():
        with sdc.datacenter(name) as place:
            for machine in place.iter_machines():
                share = shares.setdefault(str(machine.tags.get(tag, "none")), Share())
                share.machines += 1
                share.memory += machine.memory or 0
                package = machine.package or "none"
                if package not in prices:
                    share.without_price.add(package)
                # The clocks of the client and of the server differ a little.
                seconds = max(0.0, (now - max(machine.created or month, month)).total_seconds())
                share.cost += seconds / 3600 * prices.get(package, 0.0)
    return dict(sorted(shares.items(), key=lambda item: -item[1].cost))


def table(shares: Mapping[str, Share]) -> Iterable[str]:
    """A line for each team, with a bar for its part of the cost."""
    most = max((share.cost for share in shares.values()), default=0) or 1
    yield f"{'TEAM':8} {'MACHINES':>8} {'MEMORY':>10} {'COST':>8}"
    for name, share in shares.items():
        bar = "#" * round(20 * share.cost / most)
        yield f"{name:8} {share.machines:8} {share.memory:6} MiB {share.cost:8.2f} {bar}".rstrip()
    for package in sorted({package for share in shares.values() for package in share.without_price}):
        yield f"not in the cost: {package} has no price"


def plot(shares: Mapping[str, Share]) -> str:
    """The same as a picture, in SVG."""
    most = max((share.cost for share in shares.values()), default=0) or 1
    bars = [
        f'<text x="0" y="{30 * row + 20}">{escape(name)}</text>'
        f'<rect x="90" y="{30 * row + 6}" width="{400 * share.cost / most:.0f}" height="18" fill="#4a7ebb"/>'
        f'<text x="{95 + 400 * share.cost / most:.0f}" y="{30 * row + 20}">{share.cost:.2f}</text>'
        for row, (name, share) in enumerate(shares.items())
    ]
    size = f'width="560" height="{30 * len(shares) + 10}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">'
    paper = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join([head, paper, *bars, "</svg>\n"])


def limits(sdc: DataCenter) -> Iterable[str]:
    """A line for each limit on the account (its quota)."""
    for limit in sdc.limits():
        yield f"limit: {limit.get('used')} of {limit['value']} {limit.get('by', 'machines')}"


def prepare(cloud: Emulator) -> None:
    """Two teams in two data centers, ten days ago, for the emulated cloud."""
    for name, team, package, count in (
        ("us-sw-1", "shop", "g4-general-4G", 3),
        ("us-sw-1", "data", "g4-highcpu-1G", 2),
        ("us-east-1", "data", "g4-general-4G", 1),
        ("us-east-1", "", "g4-highcpu-1G", 1),
    ):
        for number in range(count):
            cloud.site(name).add_machine(
                f"{team or 'some'}{number}", package=package, tags={"team": team} if team else None
            )
    cloud.site().add_quota(20)
    cloud.clock.advance(10 * 86400)


def main() -> None:
    """Print the report."""
    parser = everyday(__doc__)
    parser.add_argument("--tag", default="team", help="tag that names the team (default: %(default)s)")
    parser.add_argument("--prices", type=Path, help="a TOML file with the price of each package")
    parser.add_argument("--svg", type=Path, help="write the plot to this file")
    options = parser.parse_args()
    prices = PRICES if options.prices is None else prices_of(read_toml(options.prices))
    with signed_in(options, prepare) as sdc:
        now = datetime.fromtimestamp(sdc.clock.time(), UTC)
        shares = usage(
            sdc, options.tag, prices, now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        )
        print(*table(shares), *limits(sdc), sep="\n")
    if options.svg:
        options.svg.write_text(plot(shares), encoding="utf-8")
        print(f"wrote {options.svg}")


if __name__ == "__main__":
    run(main)
