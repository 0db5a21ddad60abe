"""What becomes of a fleet: the result of all, the errors of some, and what was done before Ctrl-C."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar, cast

from smartdc.errors import SmartDCError
from smartdc.machine import Machine

__all__ = ["FleetError", "FleetExit", "FleetInterrupted", "Result"]

_K = TypeVar("_K", Machine, int)
_V = TypeVar("_V")

_NAMED = 5
"""How many failed machines a message names."""


@dataclass(frozen=True)
class Result(Generic[_K, _V]):
    """What became of each machine.

    Attributes:
        keys: The machines, in the order in which they were given, each once; of `create`, the indices of the
            specifications.
        values: For each of `keys` what its last step returned; None where it did not get so far.
        errors: What went wrong, by machine; of `create` by index.
        done: Those whose steps are all done.
        untried: Those for which nothing was done. There are some only after Ctrl-C, as in the next two.
        under_way: Those that were given up in the middle: how many of their steps are done.
        unknown: Those of `under_way` whose next step was begun and had not returned: a request was made,
            which the server may carry out or not.
    """

    keys: list[_K]
    values: list[_V | None]
    errors: dict[_K, Exception] = field(default_factory=dict)
    done: list[_K] = field(default_factory=list)
    untried: list[_K] = field(default_factory=list)
    under_way: dict[_K, int] = field(default_factory=dict)
    unknown: list[_K] = field(default_factory=list)

    def raise_errors(self) -> None:
        """Raise all errors as one, if there are any.

        Raises:
            FleetError: Something went wrong with some of the machines.
        """
        if self.errors:
            made = [value for value in self.values if isinstance(value, Machine)]
            done = [key for key in self.done if isinstance(key, Machine)]
            raise FleetError.of(
                cast("Mapping[Machine | int, Exception]", self.errors), done or made, len(self.keys)
            )

    def __getstate__(self) -> dict[str, object]:
        stand_ins = _stand_ins(self.errors.values())
        return {**vars(self), "errors": {key: stand_ins[id(error)] for key, error in self.errors.items()}}

    def __str__(self) -> str:
        counts = {
            "done": len(self.done),
            "failed": len(self.errors),
            "under way": len(self.under_way),
            "untried": len(self.untried),
        }
        return f"of {len(self.keys)}: " + ", ".join(f"{count} {name}" for name, count in counts.items())


class FleetError(SmartDCError, ExceptionGroup[Exception]):
    """Something went wrong with some of many machines. ``except*`` picks out kinds of errors.

    Each error in it has a note with its machine.

    Attributes:
        errors: The errors by machine; of `create` by the index of the specification.
        machines: Those with which nothing went wrong; of `create`, those that were made.
    """

    errors: Mapping[Machine | int, Exception]
    machines: list[Machine]

    @classmethod
    def of(cls, errors: Mapping[Machine | int, Exception], machines: Sequence[Machine], total: int) -> Self:
        """Make one.

        Args:
            errors: By machine or index; not empty.
            machines: Those with which nothing went wrong.
            total: How many there are in all.
        """
        named = "; ".join(f"{described(key)}: {_line(error)}" for key, error in list(errors.items())[:_NAMED])
        more = f"; and {len(errors) - _NAMED} more" if len(errors) > _NAMED else ""
        return cls._made(
            f"{len(errors)} of {total} failed: {named}{more}", list(errors.values()), errors, machines
        )

    @classmethod
    def _made(
        cls,
        message: str,
        group: Sequence[Exception],
        errors: Mapping[Machine | int, Exception],
        machines: Sequence[Machine],
    ) -> Self:
        made = cls(message, list(group))
        made.errors, made.machines = dict(errors), list(machines)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        stand_ins = _stand_ins([*self.exceptions, *self.errors.values()])
        errors = {key: stand_ins[id(error)] for key, error in self.errors.items()}
        group = [stand_ins[id(error)] for error in self.exceptions]
        return type(self), (self.message, group), {**vars(self), "errors": errors}

    def derive(self, excs: Sequence[Exception], /) -> FleetError:  # type: ignore[override]
        """Part of this, for ``except*``, `split` and `subgroup`."""
        kept = {id(error) for error in excs}
        errors = {key: error for key, error in self.errors.items() if id(error) in kept}
        return type(self)._made(self.message, excs, errors, self.machines)


class FleetInterrupted(KeyboardInterrupt):
    """Ctrl-C was pressed while something was done with many machines. Nothing more is asked of the server.

    Attributes:
        result: What was done before, what was not, and what is under way.
    """

    def __init__(self, result: Result[Machine, object] | Result[int, Machine]) -> None:
        super().__init__(result)
        self.result = result

    def __str__(self) -> str:
        return f"interrupted; {self.result}; .result has them"


class FleetExit(SystemExit):
    """A step or the `progress` function has called `sys.exit`. Nothing more is asked of the server.

    Attributes:
        code: As given to `sys.exit`.
        result: What was done before, what was not, and what is under way.
    """

    def __init__(
        self, code: str | int | None, result: Result[Machine, object] | Result[int, Machine]
    ) -> None:
        super().__init__(code)
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.result)


def described(key: Machine | int) -> str:
    """A machine as errors name it, without a request; or the number of a specification."""
    if isinstance(key, int):
        return f"specification {key}"
    name = None if key._data is None else key._data.get("name")
    return f"machine {key.id} ({name})" if name else f"machine {key.id}"


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _stand_ins(errors: Iterable[Exception]) -> dict[int, Exception]:
    """What to pickle in place of each error, by its `id`: itself, if that can be pickled."""
    return {id(error): error if _is_picklable(error) else _stand_in(error) for error in errors}


def _stand_in(error: Exception) -> Exception:
    """An error with the same text and notes that can be pickled, of the same class or of the nearest base."""
    for kind in type(error).__mro__:
        try:
            made = kind(str(error) if kind is type(error) else f"{type(error).__name__}: {error}")
            made.__notes__ = [*getattr(error, "__notes__", ())]
            says_the_same = str(error) in str(made)
        except Exception:  # noqa: S112 - it is made of something else than a text
            continue
        if isinstance(made, Exception) and says_the_same and _is_picklable(made):
            return made
    raise AssertionError("an Exception of a text can be pickled")


def _is_picklable(error: Exception) -> bool:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - what has just been pickled
    except Exception:
        return False
    return True
