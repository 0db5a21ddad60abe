"""Which of the server's four media types a client's Accept header prefers.

See docs/cloudapi/requests.md#media-types-of-answers.
"""

from __future__ import annotations

from smartdc.emulator.http.answers import BINARY_TYPE, JSON_TYPE, SCRIPT_TYPE, TEXT_TYPE, Refusal

OFFERED = (JSON_TYPE, TEXT_TYPE, BINARY_TYPE, SCRIPT_TYPE)


def choose(accept: str) -> str:
    """The media type of the answer: the client's preference, then the server's.

    Raises:
        Refusal: 406; the server has nothing of the kind.
    """
    ranges = [_read_range(text) for text in accept.split(",") if text.strip()]
    candidates = []
    for own_place, media_type in enumerate(OFFERED):
        fits = [
            (quality, specificity, -place)
            for place, (pattern, quality) in enumerate(ranges)
            if (specificity := _fit(pattern, media_type)) > 0
        ]
        if fits:
            quality, specificity, place = max(fits, key=lambda fit: (fit[1], fit[0], fit[2]))
            if quality > 0:
                candidates.append((quality, specificity, place, -own_place, media_type))
    if not candidates:
        raise Refusal(406, "NotAcceptableError", f"Server accepts: {','.join(OFFERED)}")
    return max(candidates)[-1]


def _read_range(text: str) -> tuple[str, float]:
    pattern, *settings = (part.strip() for part in text.split(";"))
    quality = 1.0
    for setting in settings:
        name, _, value = setting.partition("=")
        if name == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
    return pattern.lower(), quality


def _fit(pattern: str, media_type: str) -> int:
    """How exactly a media range names a type; 0 when it does not."""
    kind = media_type.partition("/")[0]
    return {media_type: 3, f"{kind}/*": 2, "*/*": 1}.get(pattern, 0)
