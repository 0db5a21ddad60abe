"""Properties of every JavaScript object: servers that look a name up in an object always find these."""

from __future__ import annotations

#: The methods that every object inherits.
OBJECT_METHODS = (
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
)
#: All that an object inherits, but ``__proto__``.
OBJECT_PROPERTIES = frozenset(
    (
        *OBJECT_METHODS,
        "constructor",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
    )
)
