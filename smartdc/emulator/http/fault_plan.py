"""The faults that tests plan, and which of them a request gets."""

from __future__ import annotations

import random
import threading
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

from smartdc.emulator.http.fault_kinds import Fault
from smartdc.emulator.state.kinds import INTEGER, check, is_integer, is_number, shown

#: In place of an operation: every operation.
EVERY = "*"


@dataclass(eq=False)
class Planned:
    """A fault that was added.

    Attributes:
        operation: The operation that it is applied to, or ``*``.
        fault: What happens.
        times: How often it is applied at most; None: no limit.
        probability: The probability that it is applied to a request; None: it is applied to each.
        datacenter: The data center; None: all of them.
        applied: How often it has been applied.
    """

    operation: str
    fault: Fault
    times: int | None = None
    probability: float | None = None
    datacenter: str | None = None
    applied: int = 0

    def fits(self, operation: str, datacenter: str) -> bool:
        """Whether it may be applied to a request."""
        return (
            self.operation in (EVERY, operation)
            and self.datacenter in (None, datacenter)
            and (self.times is None or self.applied < self.times)
        )


class Faults:
    """The faults that were added.

    ::

        cloud.faults.add("GetMachine", Status(503), times=2)
        cloud.faults.add("CreateMachine", Drop(after_commit=True), probability=0.3)

    A request gets at most one fault. Faults without a probability come first, in the order in which they were
    added, until their `times` are used up. After them, one fault with a probability is drawn, or none; the
    probabilities of an operation add up to at most 1.

    Args:
        operations: The names of all operations.
        datacenters: The names of all data centers.
    """

    def __init__(self, operations: Collection[str], datacenters: Collection[str]) -> None:
        self._operations = operations
        self._datacenters = datacenters
        self._planned: list[Planned] = []
        self._seed = 0
        self._random: dict[tuple[str, str], random.Random] = {}
        self._lock = threading.Lock()

    def add(
        self,
        operation: str,
        fault: Fault,
        *,
        times: int | None = None,
        probability: float | None = None,
        datacenter: str | None = None,
    ) -> Planned:
        """Add a fault.

        Args:
            operation: The server's name of the operation, such as ``CreateMachine``; ``*`` is every one.
            fault: What happens.
            times: How often it is applied at most; by default there is no limit.
            probability: Above 0, up to 1; by default it is applied to each request of this operation.
            datacenter: The data center; by default all of them.

        Returns:
            The planned fault; its ``applied`` counts how often it has been applied.

        Raises:
            ValueError: There is no such operation or data center, or a number is out of range.
        """
        _check_name(operation, [*self._operations, EVERY], "operation")
        if datacenter is not None:
            _check_name(datacenter, self._datacenters, "data center")
        if not isinstance(fault, Fault):
            raise ValueError(f"fault must be a fault such as Drop(after_commit=True), not {shown(fault)}")
        if times is not None and (not is_integer(times) or times < 1):
            raise ValueError(f"times must be a number from 1 on, or None: {times!r:.40}")
        if probability is not None and (not is_number(probability) or not 0 < probability <= 1):
            raise ValueError(f"probability must be a number above 0, up to 1: {probability!r:.40}")
        planned = Planned(operation, fault, times, probability, datacenter)
        with self._lock:
            if probability is not None:
                self._check_sum(planned)
            self._planned.append(planned)
        return planned

    @property
    def planned(self) -> list[Planned]:
        """All faults that were added, also those that are used up."""
        with self._lock:
            return list(self._planned)

    def copy(self) -> Faults:
        """Return a copy with the same faults, to try whether more can be added."""
        copied = Faults(self._operations, self._datacenters)
        copied._planned = self.planned
        return copied

    def seed(self, seed: int) -> None:
        """Restart the random sequences with this seed; the initial seed is 0.

        Each operation of each data center has its own sequence, so that the calls of other operations do not
        change what is drawn for it.
        """
        check({"seed": INTEGER}, {"seed": seed}, ("seed",))
        with self._lock:
            self._seed = seed
            self._random.clear()

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._planned.clear()

    def choose(self, operation: str, datacenter: str) -> Fault | None:
        """Choose the fault of a request, and count it as applied."""
        with self._lock:
            fitting = [planned for planned in self._planned if planned.fits(operation, datacenter)]
            if not fitting:
                return None
            certain = [planned for planned in fitting if planned.probability is None]
            chosen = certain[0] if certain else self._drawn(fitting, operation, datacenter)
            if chosen is None:
                return None
            chosen.applied += 1
            return chosen.fault

    def _check_sum(self, new: Planned) -> None:
        drawn = [new, *(planned for planned in self._planned if planned.probability is not None)]
        for operation in self._operations if new.operation == EVERY else [new.operation]:
            for datacenter in self._datacenters if new.datacenter is None else [new.datacenter]:
                fitting = [planned for planned in drawn if planned.fits(operation, datacenter)]
                total = sum(planned.probability or 0 for planned in fitting)
                if total > 1 + 1e-9:  # allows for rounding: ten times 0.1 is not exactly 1
                    raise ValueError(
                        f"probability: those of {operation} would add up to {total:.3g}, above 1"
                    )

    def _drawn(self, fitting: list[Planned], operation: str, datacenter: str) -> Planned | None:
        """Draw one of them, or none."""
        key = (operation, datacenter)
        if key not in self._random:
            self._random[key] = random.Random(f"{self._seed}/{datacenter}/{operation}")  # noqa: S311
        number = self._random[key].random()
        for planned in fitting:
            number -= planned.probability or 0
            if number < 0:
                return planned
        return None


def _check_name(name: str, known: Collection[str], what: str) -> None:
    if not isinstance(name, str) or name not in known:
        close = get_close_matches(name, known) if isinstance(name, str) else []
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise ValueError(f"there is no {what} {name!r:.60}{hint}")
