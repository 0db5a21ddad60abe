"""Filters of lists: what is sent to the server, and what the client filters.

Each filter is checked, because the server ignores what it does not understand, and lists everything. The
server gets the filters that it matches exactly. For the others the client requests more
entries, and picks those that match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar, get_args

from smartdc.arguments.ids import closest_word, has_lone_surrogate, plain, shown, without_none
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
"""Text that arrives unchanged in a URL, and in the search filter into which VMAPI writes it unescaped
(docs/cloudapi/lists.md#tag-filters-are-not-escaped)."""
_NEGATIVE = r"[0-9.eE-]*-[0-9.eE-]*"
"""Text that JavaScript reads as a number with a minus sign, which VMAPI escapes in its index only
(docs/cloudapi/lists.md#tag-filters-of-negative-numbers)."""
_LONGEST = 1024
"""The most characters of a filter: as many as the name of an image may have."""
_MOST_TAGS = 16
"""The most tags that are sent, as long URLs fail (docs/cloudapi/hazards.md#urls-of-more-than-8-kb)."""

_TEN_YEARS = 5_256_000
"""Minutes, for the parameter ``tombstone``."""

_ALIAS = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,188}"

_STATES = (*get_args(MachineState), "active", "destroyed")
_LISTED_STATES = ("running", "stopped", "deleted", "active", "destroyed")
"""States that the server lists. It refuses the others, though machines show them
(docs/cloudapi/lists.md#other-states-are-refused), or answers with every machine that is neither destroyed
nor failed (docs/cloudapi/lists.md#states-that-mean-active)."""


def text(name: str, value: Any) -> str | None:
    """Check a filter that is text; the server would ignore an empty one.

    Raises:
        ConfigurationError: It is not text, or it is empty or too long.
    """
    if value is None:
        return None
    value = plain(value)
    if not isinstance(value, str) or not value or len(value) > _LONGEST or has_lone_surrogate(value):
        raise ConfigurationError(
            f"{name} must be text of 1 to {_LONGEST} characters, not {shown(value)}: leave it out to list all"
        )
    return value


def number(name: str, value: Any, least: int = 0) -> int | None:
    """Check a filter that is a whole number; ``'512'`` is accepted as well.

    Raises:
        ConfigurationError: It is not a whole number, or less than `least`.
    """
    if value is None:
        return None
    value = plain(value)
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 2**53:
        is_too_large = isinstance(value, int) and value > 2**53
        bounds = f"from {least} to 2**53" if is_too_large else f"from {least} on"
        raise ConfigurationError(
            f"{name} must be a whole number {bounds}, not {shown(value)}: leave it out to list all"
        )
    return value


def visibility(public: Any) -> bool | None:
    """Turn the filter `public` of images, a boolean or a word, into a boolean."""
    word = plain(public)
    return flag("public", _VISIBILITY.get(word) if isinstance(word, str) and word in _VISIBILITY else public)


class Filters:
    """The query of a list request, and the checks of the entries in the answer.

    Attributes:
        query: The parameters of the request.
        checks: Functions that all must return True for an entry.
        exact: Whether the query alone selects the entries, so that the server's counts and limits are right.
    """

    def __init__(self) -> None:
        self.query: dict[str, Any] = {}
        self.checks: list[Callable[[Mapping[str, Any]], bool]] = []
        self.exact: bool = True

    def equal(self, name: str, value: Any, *, any_value: str | None = None) -> None:
        """Require a value of a field, and ask the server for it; None adds no filter.

        An entry without the field passes, because the server has selected it.

        Args:
            name: The name of the field and of the query's parameter.
            value: The value.
            any_value: The value with which the server lists all.
        """
        if value is not None:
            self.query[name] = value
            self.checks.append(lambda entry: value == any_value or entry.get(name, value) == value)

    def literal(self, name: str, value: str | None) -> None:
        """Require a field to be exactly this text, in which ``*`` has no meaning."""
        if value is not None and re.fullmatch(_SAFE_VALUE, value):
            self.equal(name, value)
        elif value is not None:
            self.add_check(lambda entry: entry.get(name) == value)

    def pattern(self, name: str, value: str | None, understood: str = _SAFE_PATTERN) -> None:
        """Require a field to match this text, in which ``*`` stands for any text.

        Args:
            name: The name of the field and of the query's parameter.
            value: The text.
            understood: A regular expression for the texts that the server understands; it is not sent others.
        """
        if value is None:
            return
        # An entry without the field passes if the server has selected it.
        default = value if re.fullmatch(understood, value) else ""
        if default:
            self.query[name] = value
        expression = re.compile(".*".join(map(re.escape, value.split("*"))), re.DOTALL)
        self.add_check(lambda entry: expression.fullmatch(str(entry.get(name, default))) is not None)

    def add_check(self, check: Callable[[Mapping[str, Any]], bool]) -> None:
        """Add a check for what the server does not match exactly."""
        self.checks.append(check)
        self.exact = False

    def apply(self, entries: Iterable[_D]) -> list[_D]:
        """Return the entries that pass all checks."""
        return [*self.passing(entries)]

    def passing(self, entries: Iterable[_D]) -> Iterator[_D]:
        """Iterate over the entries that pass all checks."""
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
    """Return the filters of a list of machines, except for the image."""
    filters = Filters()
    filters.equal("type", _type(text("machine_type", machine_type)))
    filters.equal("brand", text("brand", brand))
    # Not sent: for hardware virtual machines, the server compares more memory than they show
    # (docs/cloudapi/lists.md#memory-filter).
    ram = number("memory", memory, 1)
    if ram is not None:
        filters.add_check(lambda machine: machine.get("memory") == ram)
    filters.equal("docker", flag("docker", docker))
    # Any value turns it on, even 0 and false (docs/cloudapi/lists.md#tombstone-shows-failed-machines).
    filters.query |= without_none(tombstone=number("tombstone", tombstone) or None)
    _add_name(filters, text("name", name))
    _add_state(filters, text("state", state))
    _add_tags(filters, tags)
    return filters


def _type(machine_type: str | None) -> str | None:
    if machine_type not in (None, "smartmachine", "virtualmachine"):
        raise ConfigurationError(
            f"machine_type is 'smartmachine' or 'virtualmachine', not {shown(machine_type)}; "
            "pass a name as name="
        )
    return machine_type


def _add_name(filters: Filters, name: str | None) -> None:
    if name is None:
        return
    if re.fullmatch(_ALIAS, name):
        # The server also lists longer names (docs/cloudapi/lists.md#name-filter-matches-prefixes).
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
    """Add filters for tags; for ``tags=*`` the server would list machines of any state."""
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
            "leave it out to list all"
        )
    checked_number(f"tag {shown(tag)}", value)
    query_value = _query_value(value)
    has_room = sum(name.startswith("tag.") for name in filters.query) < _MOST_TAGS
    if re.fullmatch(_SAFE_NAME, tag) and has_room:
        filters.query[f"tag.{tag}"] = "*" if query_value is None else query_value
        exact = query_value is not None
    else:
        exact = False

    def fits(machine: Mapping[str, Any]) -> bool:
        own_tags = machine.get("tags")
        return (
            isinstance(own_tags, Mapping)
            and tag in own_tags
            and (value == "*" or _is_equal(own_tags[tag], value))
        )

    filters.checks.append(fits)
    filters.exact = filters.exact and exact


def _query_value(value: str | int | float) -> str | None:
    """Return the text with which the server matches exactly this value; None if there is none."""
    if isinstance(value, float):
        return None
    as_text = _tag_text(value)
    if as_text == "*":
        return as_text
    return as_text if re.fullmatch(_SAFE_VALUE, as_text) and not re.fullmatch(_NEGATIVE, as_text) else None


def _is_equal(tag_value: Any, wanted: str | int | float) -> bool:
    """Whether a tag has this value: compared as text, as the server does, but numbers as numbers."""
    if _is_number(tag_value) and _is_number(wanted):
        return bool(tag_value == wanted)
    return _tag_text(tag_value) == _tag_text(wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _tag_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
