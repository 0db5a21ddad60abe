"""Translates regular expressions of JavaScript to Python's.

It refuses what V8 refuses, with V8's messages. It does not know every rule of the flags ``u`` and ``v``, and
look-behind is limited to patterns of a fixed length, as in Python.
"""

from __future__ import annotations

import re

from smartdc.emulator.javascript.numbers import WHITE_SPACE

_FLAGS = "dgimsuvy"
_CLASSES = {
    "d": "0-9",
    "D": r"\x00-/:-\U0010ffff",
    "w": "0-9A-Za-z_",
    "W": r"\x00-/:-@\[-\^`{-\U0010ffff",
    "s": WHITE_SPACE,
    "S": r"\x00-\x08\x0e-\x1f!-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e"
    r"\u2060-\u2fff\u3001-\ufefe\uff00-\U0010ffff",
}
_CONTROLS = {"f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NAME = re.compile(r"<([A-Za-z_$][\w$]*)>")
_REPEAT = re.compile(r"\{([0-9]+)(?:(,)([0-9]*))?\}")
_CODE = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})")
_OCTAL = re.compile(r"[0-3]?[0-7]{1,2}")
#: The opening of a capturing group; parentheses that are escaped or in a class do not open one.
_OPENING = re.compile(
    r"\\.|\[(?:\\.|[^\]\\])*\]|(?P<opening>\((?!\?)|\(\?<(?P<name>[A-Za-z_$][\w$]*)>)", re.DOTALL
)
_LINE_ENDS = r"\n\r\u2028\u2029"
_GROUPS = ("(?:", "(?=", "(?!", "(?<=", "(?<!")


class BadPattern(ValueError):
    """The text is not a regular expression; the message is V8's."""


class Pattern:
    """A compiled expression.

    Attributes:
        literal: The expression as JavaScript writes it: ``/a/i``.
    """

    def __init__(self, body: str, flags: str = "") -> None:
        if len(set(flags)) < len(flags) or set(flags) - set(_FLAGS) or {"u", "v"} <= set(flags):
            raise BadPattern(f"Invalid flags supplied to RegExp constructor '{flags}'")
        self.literal: str = f"/{_escaped_slashes(body) or '(?:)'}/{''.join(sorted(flags))}"
        self._sticky = "y" in flags
        translated = _Translator(body, flags).translate()
        try:
            self._compiled = re.compile(translated, re.IGNORECASE if "i" in flags else 0)
        except (re.error, OverflowError) as error:
            raise BadPattern(f"Invalid regular expression: /{body}/{flags}: {error}") from error

    def found_in(self, text: str) -> bool:
        """Whether a part of the text matches; with the flag ``y``, whether its beginning does."""
        find = self._compiled.match if self._sticky else self._compiled.search
        return find(text) is not None


class _Translator:
    """Reads the body from left to right, and writes Python's equivalent."""

    def __init__(self, body: str, flags: str) -> None:
        self._body = body
        self._flags = flags
        self._place = 0
        groups = [match["name"] for match in _OPENING.finditer(body) if match["opening"]]
        self._groups = len(groups)
        self._names = [name for name in groups if name]
        self._opened = 0
        self._closed: set[str] = set()

    def _bad(self, reason: str) -> BadPattern:
        return BadPattern(f"Invalid regular expression: /{self._body}/{self._flags}: {reason}")

    def translate(self) -> str:
        return self._alternatives(depth=0)

    def _alternatives(self, depth: int) -> str:
        out: list[str] = []
        repeatable = False
        while self._place < len(self._body):
            character = self._body[self._place]
            if character == ")":
                if depth == 0:
                    raise self._bad("Unmatched ')'")
                break
            repeat = self._repeat(repeatable=repeatable)
            if repeat:
                out.append(repeat)
                repeatable = False
                continue
            self._place += 1
            repeatable = character not in "^$|"
            if character == "(":
                out.append(self._group(depth))
                repeatable = not out[-1].startswith(("(?<=", "(?<!"))
            elif character == "[":
                out.append(self._class())
            elif character == "\\":
                out.append(self._escape())
                repeatable = out[-1] not in (_BOUNDARY, _NO_BOUNDARY)
            else:
                out.append(self._plain(character))
        return "".join(out)

    def _repeat(self, *, repeatable: bool) -> str:
        """Read a quantifier, if there is one at this place."""
        character = self._body[self._place]
        match = _REPEAT.match(self._body, self._place) if character == "{" else None
        if character not in "*+?" and match is None:
            return ""
        if not repeatable:
            raise self._bad("Nothing to repeat")
        text = match[0] if match else character
        if match and match[3] and int(match[3]) < int(match[1]):
            raise self._bad("numbers out of order in {} quantifier")
        self._place += len(text)
        if self._body[self._place : self._place + 1] == "?":
            self._place += 1
            text += "?"
        return text

    def _plain(self, character: str) -> str:
        multiline = "m" in self._flags
        if character == "^":
            return rf"(?:(?<![^{_LINE_ENDS}]))" if multiline else r"\A"
        if character == "$":
            return rf"(?=[{_LINE_ENDS}]|\Z)" if multiline else r"\Z"
        if character == ".":
            return r"[\x00-\U0010ffff]" if "s" in self._flags else f"[^{_LINE_ENDS}]"
        if character in "{}]" and self._is_unicode():
            raise self._bad("Lone quantifier brackets")
        return "|" if character == "|" else re.escape(character)

    def _group(self, depth: int) -> str:
        opening = next((each for each in _GROUPS if self._body.startswith(each, self._place - 1)), "(")
        if opening != "(":
            self._place += len(opening) - 1
        elif self._body.startswith("?", self._place):
            name = _NAME.match(self._body, self._place + 1)
            if name is None:
                raise self._bad(
                    "Invalid capture group name"
                    if self._body.startswith("?<", self._place)
                    else "Invalid group"
                )
            self._place = name.end()
            opening = f"(?P<{name[1].replace('$', '_')}>"
        numbers: list[str] = []
        if opening not in _GROUPS:
            self._opened += 1
            numbers = [str(self._opened), opening[4:-1]]
        inner = self._alternatives(depth + 1)
        if self._place == len(self._body):
            raise self._bad("Unterminated group")
        self._place += 1
        self._closed.update(numbers)
        text = f"{opening}{inner})"
        return f"(?:{text})" if opening in ("(?=", "(?!") else text

    def _escape(self) -> str:
        if self._place == len(self._body):
            raise self._bad("\\ at end of pattern")
        character = self._body[self._place]
        if character == "b":
            self._place += 1
            return _BOUNDARY
        if character == "B":
            self._place += 1
            return _NO_BOUNDARY
        if character in _CLASSES:
            self._place += 1
            return f"[{_CLASSES[character]}]"
        if character == "k" and self._names:
            name = _NAME.match(self._body, self._place + 1)
            if name is None or name[1] not in self._names:
                raise self._bad(
                    "Invalid named reference" if name is None else "Invalid named capture referenced"
                )
            self._place = name.end()
            return self._reference(name[1].replace("$", "_"))
        number = re.compile("[1-9][0-9]*").match(self._body, self._place)
        if number is not None and int(number[0]) <= self._groups:
            self._place = number.end()
            return self._reference(number[0])
        return re.escape(self._character())

    def _reference(self, group: str) -> str:
        """Match what a group has matched, or the empty text if the group has not matched."""
        same = rf"\{group}" if group.isdigit() else f"(?P={group})"
        return f"(?:(?({group}){same}))" if group in self._closed else "(?:)"

    def _character(self) -> str:
        """Read the escape at this place, and return the character that it stands for."""
        rest = self._body[self._place :]
        code, octal = _CODE.match(rest), _OCTAL.match(rest)
        if code is not None:
            self._place += code.end()
            return chr(int(code[1] or code[2], 16))
        if octal is not None and not self._is_unicode():
            self._place += octal.end()
            return chr(int(octal[0], 8))
        self._place += 1
        if rest[0] == "c" and rest[1:2].isascii() and rest[1:2].isalpha():
            self._place += 1
            return chr(ord(rest[1]) % 32)
        if rest[0] == "c":
            self._place -= 1
            return "\\"
        if rest[0] in _CONTROLS:
            return _CONTROLS[rest[0]]
        if self._is_unicode() and rest[0].isalnum() and rest[0] != "0":
            raise self._bad("Invalid escape")
        return "\0" if rest[0] == "0" else rest[0]

    def _class(self) -> str:
        negative = self._body.startswith("^", self._place)
        self._place += negative
        out: list[str] = []
        while True:
            if self._place >= len(self._body):
                raise self._bad("Unterminated character class")
            if self._body[self._place] == "]":
                break
            low = self._class_atom()
            if self._body.startswith("-", self._place) and self._body[
                self._place + 1 : self._place + 2
            ] not in (
                "]",
                "",
            ):
                self._place += 1
                high = self._class_atom()
                if len(low) == 1 and len(high) == 1:
                    if high < low:
                        raise self._bad("Range out of order in character class")
                    out.append(f"{_in_class(low)}-{_in_class(high)}")
                else:
                    out += [_in_class(low), "\\-", _in_class(high)]
            else:
                out.append(_in_class(low))
        self._place += 1
        inner = "".join(out)
        if not inner:
            return r"[\x00-\U0010ffff]" if negative else "(?!)"
        return f"[{'^' if negative else ''}{inner}]"

    def _class_atom(self) -> str:
        """Read one character, or a class such as that of digits, and return its ranges."""
        character = self._body[self._place]
        self._place += 1
        if character != "\\":
            return character
        if self._place == len(self._body):
            raise self._bad("\\ at end of pattern")
        following = self._body[self._place]
        if following in _CLASSES:
            self._place += 1
            return _CLASSES[following]
        if following == "b":
            self._place += 1
            return "\b"
        return self._character()

    def _is_unicode(self) -> bool:
        return "u" in self._flags or "v" in self._flags


_BOUNDARY = r"(?:(?<![0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<=[0-9A-Za-z_])(?![0-9A-Za-z_]))"
_NO_BOUNDARY = r"(?:(?<![0-9A-Za-z_])(?![0-9A-Za-z_])|(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_]))"


def _in_class(atom: str) -> str:
    return re.escape(atom) if len(atom) == 1 else atom


def _escaped_slashes(body: str) -> str:
    """Return the body with slashes and newlines escaped, except within a class."""
    return re.sub(
        r"(\\.|\[(?:\\.|[^\]\\])*\])|/|\n",
        lambda match: match[1] or {"/": "\\/", "\n": "\\n"}[match[0]],
        body,
        flags=re.DOTALL,
    )
