"""The operations of the control over HTTP: a function for each, which gets the fields of the request."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smartdc.emulator.contents.fault_file import add_faults
from smartdc.emulator.contents.toml_file import Table
from smartdc.emulator.control.controls import Controls
from smartdc.emulator.gate.throttle import BURST, RATE
from smartdc.emulator.remote import shown
from smartdc.emulator.state.clock import LONGEST_STEP
from smartdc.emulator.state.kinds import NUMBER, TEXT, Kind, words
from smartdc.emulator.state.vm import SHOWN_STATES

_STATE = words(*dict.fromkeys(SHOWN_STATES.values()), "unknown")
_HOW = Kind('true, false or "on server"', lambda value: isinstance(value, bool) or value == "on server")


@dataclass(frozen=True)
class Operation:
    """An operation.

    Attributes:
        act: The function that carries it out, with the emulator's lock held.
        fields: The fields of the body's object, or of the query of a GET, where all values are texts.
        required: The fields that must be there.
        of_file: Whether the body has the contents of a file, as JSON or TOML; `act` gets it as a `Table`.
    """

    act: Callable[..., Any]
    fields: Mapping[str, Kind] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    of_file: bool = False


def _get_status(cloud: Controls) -> dict[str, Any]:
    return {**shown.status(cloud), "now": cloud.clock.now(), "calls": len(cloud.calls)}


def _get_machines(cloud: Controls, datacenter: str | None = None, state: str | None = None) -> Any:
    return shown.machines(cloud, datacenter, state)


def _get_calls(cloud: Controls, last: str = "100") -> Any:
    if not last.isdecimal() or len(last) > 9:
        raise ValueError(f"last must be a whole number, 0 or more: {last[:20]!r}")
    count = int(last)
    return [shown.call(call) for call in (cloud.calls[-count:] if count else [])]


def _delete_calls(cloud: Controls) -> None:
    cloud.calls.clear()


def _get_violations(cloud: Controls) -> list[str]:
    return list(cloud.violations)


def _delete_violations(cloud: Controls) -> None:
    cloud.violations.clear()


def _get_clock(cloud: Controls) -> dict[str, float]:
    return {"now": cloud.clock.now()}


def _advance(cloud: Controls, advance: float) -> dict[str, float]:
    cloud.clock.advance(advance)
    return _get_clock(cloud)


def _get_faults(cloud: Controls) -> list[dict[str, Any]]:
    return shown.faults(cloud)


def _add_faults(cloud: Controls, table: Table) -> list[dict[str, Any]]:
    add_faults(cloud.faults, table)
    return shown.faults(cloud)


def _delete_faults(cloud: Controls) -> None:
    cloud.faults.clear()


def _throttle(cloud: Controls, rate: float = RATE, burst: float = BURST) -> None:
    cloud.throttle(_finite("rate", rate), _finite("burst", burst))


def _no_throttle(cloud: Controls) -> None:
    cloud.throttle(None)


def _read_only(cloud: Controls, seconds: float | None = None) -> None:
    if seconds is not None and not 0 < seconds <= LONGEST_STEP:
        raise ValueError(f"seconds must be a number above 0, up to {LONGEST_STEP:.0f}")
    cloud.read_only(seconds)


def _read_write(cloud: Controls) -> None:
    cloud.read_write()


def _fail_next_provision(cloud: Controls, how: bool | str = True, datacenter: str | None = None) -> None:
    cloud.site(datacenter).fail_next_provision = how


def _add_contents(cloud: Controls, table: Table) -> None:
    cloud.add_contents(table)


def _reset(cloud: Controls, table: Table) -> None:
    cloud.reset(table)


def _finite(name: str, number: float) -> float:
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"{name} is too large")
    return value


OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", "status"): Operation(_get_status),
    ("GET", "machines"): Operation(_get_machines, {"datacenter": TEXT, "state": _STATE}),
    ("GET", "calls"): Operation(_get_calls, {"last": TEXT}),
    ("DELETE", "calls"): Operation(_delete_calls),
    ("GET", "violations"): Operation(_get_violations),
    ("DELETE", "violations"): Operation(_delete_violations),
    ("GET", "clock"): Operation(_get_clock),
    ("POST", "clock"): Operation(_advance, {"advance": NUMBER}, ("advance",)),
    ("GET", "faults"): Operation(_get_faults),
    ("POST", "faults"): Operation(_add_faults, of_file=True),
    ("DELETE", "faults"): Operation(_delete_faults),
    ("POST", "throttle"): Operation(_throttle, {"rate": NUMBER, "burst": NUMBER}),
    ("DELETE", "throttle"): Operation(_no_throttle),
    ("POST", "read-only"): Operation(_read_only, {"seconds": NUMBER}),
    ("DELETE", "read-only"): Operation(_read_write),
    ("POST", "fail-next-provision"): Operation(_fail_next_provision, {"how": _HOW, "datacenter": TEXT}),
    ("POST", "contents"): Operation(_add_contents, of_file=True),
    ("POST", "reset"): Operation(_reset, of_file=True),
}
