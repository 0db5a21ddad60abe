"""Filters of lists: what the server is asked for, and what is chosen here.

Each filter is checked: the server ignores what it does not understand, and then lists everything.
What the server matches exactly is asked for. For the rest more is asked for, and the right ones are chosen
here, from what is shown of each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar, get_args

from smartdc.arguments.ids import closest_word, has_half_character, plain, shown, without_none
from smartdc.arguments.kinds import flag
from smartdc.arguments.states import MachineState
from smartdc.arguments.values import checked_number, is_number
from smartdc.errors import ConfigurationError

__all__ = ["Filters", "machine_filters", "number", "text", "visibility"]

_VISIBILITY = {"public": True, "true": True, "private": False, "false": False}

_D = TypeVar("_D", bound=Mapping[str, Any])

_SAFE_NAME = r"[A-Za-z0-9_.:-]{1,64}"
_SAFE_VALUE = r"[A-Za-z0-9_.:/@-][A-Za-z0-9_.:/@ -]{0,63}"
_SAFE_PATTERN = r"[A-Za-z0-9_.:/@*-][A-Za-z0-9_.:/@* -]{0,63}"
"""These three arrive unchanged: in a URL, and in the search filter into which VMAPI writes them unescaped
(docs/cloudapi/lists.md#tag-filters-are-not-escaped)."""
_NEGATIVE = r"[0-9.eE-]*-[0-9.eE-]*"
"""Text that JavaScript reads as a number with a minus sign, which is not escaped as in the store
(docs/cloudapi/lists.md#tag-filters-of-negative-numbers)."""
_LONGEST = 1024
"""How long a filter may be: as long as the name of an image."""
_MOST_TAGS = 16
"""As many as are asked for: a URL must not be too long (docs/cloudapi/hazards.md#urls-of-more-than-8-kb)."""

_TEN_YEARS = 5_256_000
"""In minutes, for `tombstone`."""

_ALIAS = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,188}"

_STATES = (*get_args(MachineState), "active", "destroyed")
_LISTED_STATES = ("running", "stopped", "deleted", "active", "destroyed")
"""States that the server lists. It refuses the others, though machines show them
(docs/cloudapi/lists.md#other-states-are-refused), or answers with every machine that is neither destroyed
nor failed (docs/cloudapi/lists.md#states-that-mean-active)."""


def text(name: str, value: Any) -> str | None:
    """A filter that is text; an empty one would be ignored.

    Raises:
        ConfigurationError: It is something else.
    """
    if value is None:
        return None
    value = plain(value)
    if not isinstance(value, str) or not value or len(value) > _LONGEST or has_half_character(value):
        raise ConfigurationError(
            f"{name} must be text of 1 to {_LONGEST} characters, not {shown(value)}: leave it out for any"
        )
    return value


def number(name: str, value: Any, least: int = 0) -> int | None:
    """A filter that is a whole number, also as text.

    Raises:
        ConfigurationError: It is something else, or less than `least`.
    """
    if value is None:
        return None
    value = plain(value)
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 2**53:
        raise ConfigurationError(
            f"{name} must be a whole number from {least} on, not {shown(value)}: leave it out for any"
        )
    return value


def visibility(public: Any) -> bool | None:
    """Whether images are public, as True, False, or a word."""
    word = plain(public)
    return flag("public", _VISIBILITY.get(word) if isinstance(word, str) and word in _VISIBILITY else public)


class Filters:
    """What a list is asked for, and what is chosen of it.

    Attributes:
        query: The parameters of the request.
        checks: What an entry must pass as well.
        exact: Whether the server lists just what is wanted, so that its counts and limits hold.
    """

    def __init__(self) -> None:
        self.query: dict[str, Any] = {}
        self.checks: list[Callable[[Mapping[str, Any]], bool]] = []
        self.exact = True

    def equal(self, name: str, value: Any, *, any_value: str | None = None) -> None:
        """Want a field to be this, and ask for it; None wants nothing.

        An entry that does not show the field fits, because the server said so.

        Args:
            name: The field, and the query's word for it.
            value: What it must be.
            any_value: The word with which the server is asked for all.
        """
        if value is not None:
            self.query[name] = value
            self.checks.append(lambda entry: value == any_value or entry.get(name, value) == value)

    def literal(self, name: str, value: str | None) -> None:
        """Want a field to be just this text, in which no character means anything else."""
        if value is not None and re.fullmatch(_SAFE_VALUE, value):
            self.equal(name, value)
        elif value is not None:
            self.add_check(lambda entry: entry.get(name) == value)

    def pattern(self, name: str, value: str | None, asked: str = _SAFE_PATTERN) -> None:
        """Want a field to be this text, in which ``*`` stands for anything.

        Args:
            name: The field, and the query's word for it.
            value: The text.
            asked: What the server understands, as an expression; anything else is matched here alone.
        """
        if value is None:
            return
        # An entry that does not show the field fits if the server said so.
        otherwise = value if re.fullmatch(asked, value) else ""
        if otherwise:
            self.query[name] = value
        expression = re.compile(".*".join(map(re.escape, value.split("*"))), re.DOTALL)
        self.add_check(lambda entry: expression.fullmatch(str(entry.get(name, otherwise))) is not None)

    def add_check(self, check: Callable[[Mapping[str, Any]], bool]) -> None:
        """Want what the server does not look for as it should."""
        self.checks.append(check)
        self.exact = False

    def apply(self, entries: Iterable[_D]) -> list[_D]:
        """Those that pass all checks."""
        return [*self.passing(entries)]

    def passing(self, entries: Iterable[_D]) -> Iterator[_D]:
        """Those that pass all checks, one by one."""
        if not self.checks:
            return iter(entries)
        return (entry for entry in entries if all(check(entry) for check in self.checks))


def machine_filters(
    machine_type: str | None = None,
    name: str | None = None,
    state: str | None = None,
    memory: int | None = None,
    tombstone: int | None = None,
    tags: Mapping[str, Any] | str | None = None,
    brand: str | None = None,
    docker: bool | None = None,
) -> Filters:
    """The filters of a list of machines, but for the image."""
    filters = Filters()
    filters.equal("type", _type(text("machine_type", machine_type)))
    filters.equal("brand", text("brand", brand))
    # It compares what hardware virtual machines have more of than is shown
    # (docs/cloudapi/lists.md#memory-filter).
    ram = number("memory", memory, 1)
    if ram is not None:
        filters.add_check(lambda machine: machine.get("memory") == ram)
    filters.equal("docker", flag("docker", docker))
    # Any value switches it on, 0 and false too (docs/cloudapi/lists.md#tombstone-shows-failed-machines).
    filters.query |= without_none(tombstone=number("tombstone", tombstone) or None)
    _add_name(filters, text("name", name))
    _add_state(filters, text("state", state))
    _add_tags(filters, tags)
    return filters


def _type(machine_type: str | None) -> str | None:
    if machine_type not in (None, "smartmachine", "virtualmachine"):
        raise ConfigurationError(
            f"machine_type is 'smartmachine' or 'virtualmachine', not {shown(machine_type)}; "
            "a name is given as name="
        )
    return machine_type


def _add_name(filters: Filters, name: str | None) -> None:
    if name is None:
        return
    if re.fullmatch(_ALIAS, name):
        # The server lists all whose names begin so (docs/cloudapi/lists.md#name-filter-matches-prefixes).
        filters.query["name"] = name
    filters.add_check(lambda machine: machine.get("name") == name)


def _add_state(filters: Filters, state: str | None) -> None:
    if state is None:
        return
    near = closest_word(state, _STATES)
    if near is not None and state not in _STATES:
        raise ConfigurationError(f"there is no state {shown(state)} of a machine: did you mean {near!r}?")
    if state in _LISTED_STATES or state not in _STATES:
        filters.query["state"] = "destroyed" if state == "deleted" else state
        return
    filters.query |= {"tombstone": _TEN_YEARS} if state == "failed" else {"state": "active"}
    filters.add_check(lambda machine: machine.get("state") == state)


def _add_tags(filters: Filters, tags: Any) -> None:
    """Add what the tags must be; to ``tags=*`` the server would list machines of any state."""
    if tags is None:
        return
    tags = plain(tags)
    if isinstance(tags, str) and tags == "*":
        filters.add_check(lambda machine: bool(machine.get("tags")))
        return
    if not isinstance(tags, Mapping):
        raise ConfigurationError(f"tags must be a dict such as {{'role': 'web'}}, or '*', not {shown(tags)}")
    for tag, value in tags.items():
        _add_tag(filters, plain(tag), plain(value))


def _add_tag(filters: Filters, tag: Any, value: Any) -> None:
    tag = str(tag) if is_number(tag) else tag
    if not isinstance(tag, str) or not tag:
        raise ConfigurationError(f"a tag's name must be text that is not empty, not {shown(tag)}")
    if not isinstance(value, str | int | float):
        raise ConfigurationError(
            f"tag {shown(tag)} must be text, a number, a boolean or '*', not {shown(value)}: "
            "leave it out for any"
        )
    checked_number(f"tag {shown(tag)}", value)
    asked = _asked(value)
    few = sum(name.startswith("tag.") for name in filters.query) < _MOST_TAGS
    if re.fullmatch(_SAFE_NAME, tag) and few:
        filters.query[f"tag.{tag}"] = "*" if asked is None else asked
        exact = asked is not None
    else:
        exact = False

    def fits(machine: Mapping[str, Any]) -> bool:
        own = machine.get("tags")
        return isinstance(own, Mapping) and tag in own and (value == "*" or _same(own[tag], value))

    filters.checks.append(fits)
    filters.exact = filters.exact and exact


def _asked(value: str | int | float) -> str | None:
    """How the server is asked for just this value; None when it does not match it exactly."""
    if isinstance(value, float):
        return None
    written = _written(value)
    if written == "*":
        return written
    return written if re.fullmatch(_SAFE_VALUE, written) and not re.fullmatch(_NEGATIVE, written) else None


def _same(own: Any, wanted: str | int | float) -> bool:
    """Whether a tag is what is wanted: written alike, as the server compares; numbers by their value."""
    if _is_number(own) and _is_number(wanted):
        return bool(own == wanted)
    return _written(own) == _written(wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
