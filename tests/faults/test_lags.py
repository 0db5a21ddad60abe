"""Creates whose answers are lost, at a server whose lists, gets and checks of names lag.

Each create meets lags, a late insertion, clocks that are set, and things of other programs, all drawn at
random from a seed. It must return what it created, raise an `OutcomeUnknown`
that names it, or raise another error if nothing was created.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from smartdc import DataCenter, OutcomeUnknown, SmartDCError
from tests.helpers.lagging import Fate, LaggingCloud, Row, SettableClock
from tests.helpers.sizes import in_two_sizes

pytestmark = pytest.mark.stress

SEED = 20261128
LAGS = (0, 0.3, 1, 2, 5, 20)
IMAGE = "00000000-dead-4bad-8bad-000000000000"
MACHINE = "11111111-dead-4bad-8bad-000000000000"
PAGE_502 = "<h1>502 Bad Gateway</h1>"
GONE = {"code": "ResourceNotFound", "message": "VM not found"}
SETTLED = 200.0
"""Seconds after which everything is visible."""


@dataclass(frozen=True)
class Kind:
    """A kind of thing.

    Attributes:
        name: Its name.
        place: The path where it is created.
        create: Creates the thing with this number.
        ident: What tells two of them apart.
        foreign: The body of another program's create with the same name; None where there cannot be two.
        identified: Whether a thing that is found can be told from others.
        unique: Whether a second one is refused, so that one that is absent can be created again.
    """

    name: str
    place: str
    create: Callable[[DataCenter, int], Any]
    foreign: Callable[[int], dict[str, Any]] | None = None
    ident: str = "id"
    identified: bool = True
    unique: bool = True


def _network(number: int) -> dict[str, Any]:
    subnet = f"10.{number // 250}.{number % 250}"
    ends = {"provision_start_ip": f"{subnet}.10", "provision_end_ip": f"{subnet}.250"}
    return {"name": f"net{number}", "subnet": f"{subnet}.0/24", **ends}


def _rule(number: int) -> str:
    return f"FROM any TO all vms ALLOW tcp PORT {number + 1}"


KINDS = [
    Kind(
        "machine",
        "/machines",
        lambda sdc, number: sdc.create_machine(f"web{number}", "g4", image=IMAGE, tags={"mine": number}).id,
        lambda number: {"name": f"web{number}", "package": "g4", "image": IMAGE, "tag.mine": -1},
    ),
    Kind(
        "volume",
        "/volumes",
        lambda sdc, number: sdc.create_volume(f"data{number}", size=20480)["id"],
        lambda number: {"name": f"data{number}", "size": 10240, "type": "tritonnfs"},
    ),
    Kind(
        "key",
        "/keys",
        lambda sdc, number: sdc.add_key(f"key{number}", f"ssh-rsa {number:08}")["fingerprint"],
        ident="fingerprint",
    ),
    Kind(
        "VLAN",
        "/fabrics/default/vlans",
        lambda sdc, number: sdc.create_fabric_vlan(number + 2, f"lan{number}")["vlan_id"],
        ident="vlan_id",
    ),
    Kind(
        "fabric network",
        "/fabrics/default/vlans/2/networks",
        lambda sdc, number: sdc.create_fabric_network(2, **_network(number))["id"],
        lambda number: _network(number) | {"provision_start_ip": _network(number)["provision_end_ip"]},
    ),
    Kind(
        "image",
        "/images",
        lambda sdc, number: sdc.create_image_from_machine(MACHINE, f"app{number}", "1", tags={"a": 1})["id"],
        lambda number: {"name": f"app{number}", "version": "1", "tags": {"a": 2}},
        unique=False,
    ),
    Kind(
        "snapshot",
        f"/machines/{MACHINE}/snapshots",
        lambda sdc, number: sdc.machine(MACHINE, lazy=True).create_snapshot(f"before{number}").name,
        ident="name",
    ),
    Kind(
        "firewall rule",
        "/fwrules",
        lambda sdc, number: sdc.create_firewall_rule(_rule(number))["id"],
        lambda number: {"rule": _rule(number), "enabled": True},
        identified=False,
        unique=False,
    ),
]


class Trial:
    """One create, and the conditions that it meets.

    Attributes:
        before: Whether the first request is lost before it is carried out.
        most: The longest of the lags.
        foreign: What other programs created by the same name.
        server_set: Whether the server's clock is set meanwhile.
    """

    def __init__(self, cloud: LaggingCloud, kind: Kind, number: int, before: bool, chance: random.Random):
        self.before = before
        cloud.rows.clear()
        cloud.set_by = 0
        cloud.list_lag, cloud.get_lag, cloud.check_lag = (chance.choice(LAGS) for _ in range(3))
        self.most = max(cloud.list_lag, cloud.get_lag, cloud.check_lag)
        late = chance.choice((0, 0, chance.uniform(0, 20)))
        answers: list[Any] = ["drop", "drop", (504, PAGE_502), (502, PAGE_502)]
        if kind.name == "machine" and not before and not late:
            answers.append((404, GONE))
        cloud.fates[:] = [Fate(not before, late, chance.choice(answers))]
        if chance.random() < 0.2:
            cloud.fates.append(Fate(chance.random() < 0.5, answer="drop"))
        cloud.cut = lambda: chance.random() < 0.1
        self.foreign: list[Row] = []
        if kind.foreign is not None and chance.random() < 0.2:
            self.foreign.append(cloud.insert(kind.place, kind.foreign(number), chance.choice((0, 0, 3))))
        self._steps = chance.choice((0, 0, -3600, 3600)), chance.choice((0, 0, 0, -3600, 3600))
        self.server_set = self._steps[1] != 0

    def set_clocks(self, cloud: LaggingCloud) -> None:
        """Set the clocks, once."""
        cloud.clock.set_by += self._steps[0]
        cloud.set_by += self._steps[1]
        self._steps = 0, 0


@pytest.fixture
def lagging() -> Iterator[LaggingCloud]:
    with LaggingCloud(SettableClock()) as cloud:
        yield cloud


def outcome(kind: Kind, cloud: LaggingCloud, sdc: DataCenter, number: int, trial: Trial) -> str:
    """The outcome in a word; a wrong outcome is an AssertionError."""
    raised: SmartDCError | None = None
    made: Any = None
    try:
        made = kind.create(sdc, number)
    except SmartDCError as error:
        raised = error
    cloud.clock.now += SETTLED
    rows = [row for row in cloud.rows if row not in trial.foreign]
    own = {row.data[kind.ident] for row in rows}
    if raised is None:
        assert made in own, "what was returned was not created by this request"
        assert len(own) == 1, "there is a second one, and nothing says so"
        return "returned"
    if isinstance(raised, OutcomeUnknown):
        assert raised.what == kind.name
        assert raised.wanted.items() & {**found_by(kind, number)}.items(), "it is not named"
        if len(own) > 1:
            assert own <= {each[kind.ident] for each in raised.candidates}, "not all of them are named"
        return "unknown"
    assert not own, f"it is lost: {raised!r}"
    return "refused"


def found_by(kind: Kind, number: int) -> dict[str, Any]:
    """The values that it is found by."""
    words: dict[str, dict[str, Any]] = {
        "VLAN": {"vlan_id": number + 2},
        "firewall rule": {"rule": _rule(number)},
    }
    prefix = {"machine": "web", "volume": "data", "key": "key", "image": "app", "snapshot": "before"}
    return words.get(kind.name, {"name": f"{prefix.get(kind.name, 'net')}{number}"})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@in_two_sizes(sample=20, whole=200)
def test_nothing_is_lost_doubled_or_mistaken(
    lagging: LaggingCloud, note: Callable[[str], None], kind: Kind, size: int
) -> None:
    chance = random.Random(f"{SEED}/{kind.name}")  # noqa: S311
    counts: Counter[str] = Counter()
    identifiable = identified = 0

    class Clock(SettableClock):
        """The cloud's clock, whose time is set at the first wait."""

        def sleep(self, seconds: float, /) -> None:
            super().sleep(seconds)
            trial.set_clocks(lagging)

    for number in range(2 * size):
        lagging.clock = Clock()
        trial = Trial(lagging, kind, number, before=bool(number % 2), chance=chance)
        with DataCenter(lagging.url, login="bob", clock=lagging.clock) as sdc:
            found = outcome(kind, lagging, sdc, number, trial)
        counts[f"{found} ({'before' if trial.before else 'after'} the commit)"] += 1
        is_identifiable = kind.identified and not trial.foreign and not trial.server_set and trial.most <= 5
        if is_identifiable and (kind.unique or not trial.before):
            identifiable += 1
            identified += found == "returned"
    note(
        f"lags, seed {SEED}: {2 * size} of kind {kind.name} by {lagging.creates} requests: "
        f"{dict(sorted(counts.items()))}; with lags up to 5 s {identified} of {identifiable} identified"
    )
    assert identified >= 0.99 * identifiable
