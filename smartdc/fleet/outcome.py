"""The result of a run over many machines, and the exceptions that it raises."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar, cast

from smartdc.errors import SmartDCError
from smartdc.machine import Machine

__all__ = ["FleetError", "FleetExit", "FleetInterrupted", "Result"]

_K = TypeVar("_K", Machine, int)
_V = TypeVar("_V")

_SHOWN_ERRORS = 5
"""How many errors the message shows."""


@dataclass(frozen=True)
class Result(Generic[_K, _V]):
    """The outcome of a run, by machine.

    Attributes:
        keys: The machines in the order of the argument, each once. For `create`, the indices of the
            specifications.
        values: What the last step returned, for each of `keys`; None if that step was not reached.
        errors: The errors by machine; for `create` by index.
        done: The machines whose steps are all done.
        untried: The machines with which nothing was done. This list and the next two are empty unless the run
            was interrupted.
        under_way: The machines with some of their steps done, and how many.
        unknown: The machines of `under_way` whose current step had sent a request and not returned: the
            server may or may not have carried it out.
    """

    keys: list[_K]
    values: list[_V | None]
    errors: dict[_K, Exception] = field(default_factory=dict)
    done: list[_K] = field(default_factory=list)
    untried: list[_K] = field(default_factory=list)
    under_way: dict[_K, int] = field(default_factory=dict)
    unknown: list[_K] = field(default_factory=list)

    def raise_errors(self) -> None:
        """Raise one exception with all errors, if there are any.

        Raises:
            FleetError: Steps failed for some of the machines.
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

    def __repr__(self) -> str:
        return f"<Result {self}>"

    def __str__(self) -> str:
        counts = {
            "done": len(self.done),
            "failed": len(self.errors),
            "under way": len(self.under_way),
            "untried": len(self.untried),
        }
        return f"of {len(self.keys)}: " + ", ".join(f"{count} {name}" for name, count in counts.items())


class FleetError(SmartDCError, ExceptionGroup[Exception]):
    """Steps failed for some of many machines. ``except*`` selects errors by class.

    Each error has a note that names its machine. An error that cannot be pickled is replaced, when this is
    pickled, by one of the same class with the same text, or by one of the nearest base class, whose text also
    has the name of the class.

    Attributes:
        errors: The errors by machine; for `create` by the index of the specification.
        machines: The machines without an error; for `create` those that were created.
    """

    errors: Mapping[Machine | int, Exception]
    machines: list[Machine]

    @classmethod
    def of(cls, errors: Mapping[Machine | int, Exception], machines: Sequence[Machine], total: int) -> Self:
        """Make the exception for these errors.

        Args:
            errors: The errors by machine or index; at least one.
            machines: The machines without an error.
            total: How many machines or specifications there are in all.
        """
        named = "; ".join(
            f"{description_of(key)}: {_first_line(error)}"
            for key, error in list(errors.items())[:_SHOWN_ERRORS]
        )
        more = f"; and {len(errors) - _SHOWN_ERRORS} more" if len(errors) > _SHOWN_ERRORS else ""
        return cls._build(
            f"{len(errors)} of {total} failed: {named}{more}", list(errors.values()), errors, machines
        )

    @classmethod
    def _build(
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
        """Return an exception with some of the errors; ``except*``, `split` and `subgroup` call this."""
        kept = {id(error) for error in excs}
        errors = {key: error for key, error in self.errors.items() if id(error) in kept}
        return type(self)._build(self.message, excs, errors, self.machines)


class FleetInterrupted(KeyboardInterrupt):
    """Ctrl-C was pressed during a run over many machines. No more requests are made.

    Attributes:
        result: What was done, what was not, and what is under way.
    """

    def __init__(self, result: Result[Machine, object] | Result[int, Machine]) -> None:
        super().__init__(result)
        self.result = result

    def __str__(self) -> str:
        return f"interrupted; {self.result}; see .result"


class FleetExit(SystemExit):
    """A step or the `progress` function called `sys.exit`. No more requests are made.

    Attributes:
        code: The argument of `sys.exit`.
        result: What was done, what was not, and what is under way.
    """

    def __init__(
        self, code: str | int | None, result: Result[Machine, object] | Result[int, Machine]
    ) -> None:
        super().__init__(code)
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.result)


def description_of(key: Machine | int) -> str:
    """Return the name of a machine or a specification for errors, without a request."""
    if isinstance(key, int):
        return f"specification {key}"
    name = None if key._data is None else key._data.get("name")
    return f"machine {key.id} ({name})" if name else f"machine {key.id}"


def add_machine(error: Exception, key: Machine | int) -> None:
    """Add a note to an error that names its machine, unless it has one."""
    note = f"with {description_of(key)}"
    with suppress(Exception):  # the error may refuse notes
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)


def _first_line(error: Exception) -> str:
    return (_text(error).splitlines() or [type(error).__name__])[0][:200]


def _text(error: Exception) -> str:
    """Return the text of an error; none if it raises another error when it is asked for it."""
    try:
        return str(error)
    except Exception:
        return ""


def _stand_ins(errors: Iterable[Exception]) -> dict[int, Exception]:
    """Map the `id` of each error to what is pickled in its place: the error itself if it can be pickled."""
    return {id(error): error if _is_picklable(error) else _stand_in(error) for error in errors}


def _stand_in(error: Exception) -> Exception:
    """An error with the same text and notes that can be pickled, of the same class or of the nearest base."""
    text = _text(error)
    for kind in type(error).__mro__:
        try:
            made = kind(text if kind is type(error) else f"{type(error).__name__}: {text}")
            made.__notes__ = [*getattr(error, "__notes__", ())]
            says_the_same = text in str(made)
        except Exception:  # noqa: S112 - its constructor takes something other than a message
            continue
        if isinstance(made, Exception) and says_the_same and _is_picklable(made):
            return made
    raise AssertionError("an Exception with a message can be pickled")


def _is_picklable(error: Exception) -> bool:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - what has just been pickled
    except Exception:
        return False
    return True
