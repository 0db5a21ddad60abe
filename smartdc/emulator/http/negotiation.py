"""Chooses one of the server's four media types by the client's Accept header, as negotiator 0.6.1 does.

See docs/cloudapi/requests.md#media-types-of-answers.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from smartdc.emulator.http.answers import BINARY_TYPE, JSON_TYPE, SCRIPT_TYPE, TEXT_TYPE, Refusal
from smartdc.emulator.javascript.numbers import WHITE_SPACE, leading_number, trimmed

OFFERED = (JSON_TYPE, TEXT_TYPE, BINARY_TYPE, SCRIPT_TYPE)

_RANGE = re.compile(rf"([^{WHITE_SPACE}/;]+)/([^;{WHITE_SPACE}]+)[{WHITE_SPACE}]*(?:;(.*))?")


class _Range(NamedTuple):
    """One range of the header; `quality` is NaN if it is not a number, `place` counts from the left."""

    kind: str
    subtype: str
    parameters: dict[str, str]
    quality: float
    place: int


class _Fit(NamedTuple):
    """How well a range matches a type."""

    specificity: int = 0
    quality: float = 0.0
    place: int = -1


@lru_cache(maxsize=256)  # clients send the same few values in every request
def choose(accept: str) -> str:
    """Return the media type of the answer: by the client's preference, then by the server's.

    Raises:
        Refusal: 406; the server offers none of the types.
    """
    ranges = [_read_range(text, place) for place, text in enumerate(_split(accept or "*/*", ","))]
    known = [found for found in ranges if found is not None]
    fits = [(_best_fit(media_type, known), -own) for own, media_type in enumerate(OFFERED)]
    wanted = [(fit.quality, fit.specificity, -fit.place, own) for fit, own in fits if fit.quality > 0]
    if not wanted:
        raise Refusal(406, "NotAcceptableError", f"Server accepts: {','.join(OFFERED)}")
    return OFFERED[-max(wanted)[-1]]


def _split(text: str, separator: str) -> list[str]:
    """Split at separators that are not within quotes."""
    parts: list[str] = []
    for part in text.split(separator):
        if parts and parts[-1].count('"') % 2:
            parts[-1] += separator + part
        else:
            parts.append(part)
    return [trimmed(part) for part in parts]


def _read_range(text: str, place: int) -> _Range | None:
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    parameters: dict[str, str] = {}
    for setting in _split(match[3], ";") if match[3] else ():
        name, _, value = setting.partition("=")
        if value[:1] == value[-1:] == '"':
            value = value[1:-1]
        if name.lower() == "q":
            return _Range(match[1].lower(), match[2].lower(), parameters, leading_number(value), place)
        parameters[name.lower()] = value
    return _Range(match[1].lower(), match[2].lower(), parameters, 1.0, place)


def _best_fit(media_type: str, ranges: list[_Range]) -> _Fit:
    kind, _, subtype = media_type.partition("/")
    best = _Fit()
    for found in ranges:
        if found.kind not in (kind, "*") or found.subtype not in (subtype, "*"):
            continue
        if any(value not in ("*", "") for value in found.parameters.values()):
            continue  # the offered types have no parameters
        specificity = 4 * (found.kind == kind) + 2 * (found.subtype == subtype) + bool(found.parameters)
        fit = _Fit(specificity, found.quality, found.place)
        if _is_better(fit, best):
            best = fit
    return best


def _is_better(fit: _Fit, other: _Fit) -> bool:
    """Prefer the more specific one, then the higher quality, then the later one; NaN compares as equal."""
    if fit.specificity != other.specificity:
        return fit.specificity > other.specificity
    if fit.quality < other.quality or fit.quality > other.quality:
        return fit.quality > other.quality
    return fit.place > other.place
