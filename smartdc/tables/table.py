"""Table: rows and columns, as text and as HTML."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from smartdc import types
from smartdc.arguments.ids import closest_word, entity_id, plain, shown
from smartdc.errors import ConfigurationError
from smartdc.machine import Machine, Snapshot
from smartdc.tables.cells import NONE, age, size, words
from smartdc.tables.kinds import MACHINES, Kind, kind_of
from smartdc.tables.layout import lines, terminal_width

__all__ = ["Table", "is_listing"]

_MADE = ("age", "cdate", "flags", "img", "pubdate", "shortid", "vlan")
"""Columns that are made of fields."""
_MEBIBYTE = 1024**2


class Table:
    """What a list has in it, as the triton command shows it: text in a terminal, HTML in a notebook.

    ::

        print(Table(sdc.machines(), images=sdc.images()))
        Table(sdc.machines(), 'name,primaryIp,memory,tags.role')

    It keeps what is known when it is made and makes no request, not even for a machine that was made with
    `lazy`, of which it shows the id alone. In a terminal, lines are as wide as it is or as ``COLUMNS`` says:
    long texts are cut, and columns without room are left out. Elsewhere nothing is cut, unless ``COLUMNS``
    is exported; `text` never looks at it.

    Args:
        rows: Machines, snapshots or dicts, in any iterable; or one of them.
        columns: Names of fields, as a list or as text with commas; ``tags.role`` looks into a dict. Other
            columns are `shortid`, `age`, `img` and `flags` of machines, `pubdate` and `flags` of images,
            `cdate` of users, and `vlan` of networks. When None, those that the triton command shows, or, of
            other dicts, all of their keys.
        images: Images, such as ``sdc.images()``: machines are shown with the ``NAME@VERSION`` of theirs, or
            with its short id if it is not among them.

    Raises:
        ConfigurationError: These are no rows, columns or images, or no row has such a column.
    """

    def __init__(
        self,
        rows: Iterable[Any] | Mapping[str, Any] | Machine | Snapshot,
        columns: str | Sequence[str] | None = None,
        *,
        images: Iterable[Mapping[str, Any]] | None = None,
    ) -> None:
        entries = _entries(rows)
        self._rows = [_known(entry) for entry in entries]
        self._times = [_now(entry) for entry in entries]
        machines = bool(entries) and all(isinstance(entry, Machine) for entry in entries)
        self._kind = MACHINES if machines else kind_of(self._rows)
        chosen = _columns(columns)
        for column in chosen:
            _refuse_misspelt(column, self._rows, self._kind)
        self._columns = chosen or list(self._kind.columns) or _all_keys(self._rows)
        self._images = _image_names(images)

    def text(self, width: int | None = None) -> str:
        """The table as text.

        Args:
            width: What a line may be wide; None for as wide as it gets.

        Raises:
            ConfigurationError: It is neither None nor a number from 1.
        """
        if width is not None and not (type(width) is int and width >= 1):
            raise ConfigurationError(f"width must be None or a number of columns from 1, not {shown(width)}")
        if not self._columns:
            return "(empty)"
        return "\n".join(lines(*self._cells(), width))

    def _repr_html_(self) -> str:
        header, rows, right = self._cells()
        styles = [f' style="text-align: {"right" if on_right else "left"}"' for on_right in right]
        return "\n".join(
            [
                "<table>",
                f"<thead>{_html_row('th', header, styles)}</thead>",
                "<tbody>",
                *(_html_row("td", row, styles) for row in rows),
                "</tbody>",
                "</table>",
            ]
        )

    def _cells(self) -> tuple[list[str], list[list[str]], list[bool]]:
        """The header, the texts of all rows, and which columns are numbers."""
        numbers = self._kind.mebibytes | self._kind.bytes | {"vcpus", "vlan_id"}
        rows = [
            [self._cell(row, now, column) for column in self._columns]
            for row, now in zip(self._rows, self._times, strict=True)
        ]
        header = [words(column).upper() for column in self._columns]
        return header, rows, [column in numbers for column in self._columns]

    def _cell(self, row: Mapping[str, Any], now: float, column: str) -> str:
        value = _field(row, column)
        if column in self._kind.mebibytes:
            return size(value, _MEBIBYTE)
        if column in self._kind.bytes:
            return size(value, 1)
        if column == "vcpus" and value == 0:  # a package that sets none
            return NONE
        if column in row:
            return words(value)
        match column:
            case "shortid":
                return _short(row.get("id"))
            case "age":
                return age(row.get("created"), now)
            case "img":
                image = row.get("image") or row.get("dataset")
                return self._images.get(words(image)) or _short(image)
            case "flags":
                return self._kind.flags(row) or NONE
            case "pubdate":
                return words(row.get("published_at"))[:10]
            case "cdate":
                return words(row.get("created"))[:10]
            case "vlan":
                return words(row.get("vlan_id"))
        return words(value)

    def __str__(self) -> str:
        if "_images" not in vars(self):  # in a traceback out of the constructor
            return "<Table>"
        return self.text(terminal_width())

    def __repr__(self) -> str:
        return str(self)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows as dicts, with all that is known of each."""
        return iter(self._rows)


def is_listing(value: object) -> bool:
    """Whether it is a list that reads better as a table: of machines, snapshots, or dicts."""
    return isinstance(value, list) and bool(value) and all(map(_is_row, value))


def _is_row(entry: object) -> bool:
    return isinstance(entry, Machine | Snapshot | Mapping)


def _entries(rows: Any) -> list[Any]:
    entries = [rows] if _is_row(rows) else rows
    if isinstance(entries, str | bytes) or not isinstance(entries, Iterable):
        raise ConfigurationError(f"rows must be machines or dicts, not {shown(rows)}")
    entries = list(entries)
    for entry in entries:
        if not _is_row(entry):
            raise ConfigurationError(f"a row must be a machine, a snapshot or a dict, not {shown(entry)}")
    return entries


def _known(entry: Any) -> dict[str, Any]:
    """What is known of it, without a request."""
    if isinstance(entry, Machine):
        known: dict[str, Any] = {"id": entry.id} | dict(entry._data or {})
        return known | {"state": "deleted"} if entry._deleted else known
    if isinstance(entry, Snapshot):
        fields = ("name", "state", "size", "created", "updated")
        return {field: getattr(entry, field) for field in fields}
    return {str(plain(key)): value for key, value in entry.items()}


def _now(entry: Any) -> float:
    """The time where it is: an emulated data center may have another."""
    place = entry.datacenter if isinstance(entry, Machine) else None
    return place.clock.time() if place else time.time()


def _columns(columns: Any) -> list[str]:
    if columns is None:
        return []
    columns = plain(columns)
    names = columns.split(",") if isinstance(columns, str) else columns
    names = [plain(name) for name in names] if isinstance(names, Iterable) else []
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise ConfigurationError(
            f"columns must be names of fields such as 'name,state', not {shown(columns)}"
        )
    return [name.strip() for name in names]


def _refuse_misspelt(column: str, rows: Sequence[Mapping[str, Any]], kind: Kind) -> None:
    """Refuse a column that no row has, and that is no field of CloudAPI's either."""
    name = column.partition(".")[0]
    if not rows or name in (*_MADE, *kind.columns) or any(column in row or name in row for row in rows):
        return
    if any(name in getattr(getattr(types, each), "__annotations__", ()) for each in types.__all__):
        return  # one that may be absent
    there = [*kind.columns, *_all_keys(rows)]
    near = closest_word(name, there)
    hint = f"did you mean {near!r}?" if near else f"there are {', '.join(dict.fromkeys(there))}"
    raise ConfigurationError(f"columns: no row has {shown(column)}; {hint}")


def _all_keys(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row))


def _image_names(images: Any) -> dict[str, str]:
    if images is None:
        return {}
    if isinstance(images, str | Mapping) or not isinstance(images, Iterable):
        raise ConfigurationError(f"images must be a list such as sdc.images(), not {shown(images)}")
    return {entity_id(image, "image"): _image_name(image) for image in images}


def _image_name(image: Any) -> str:
    known = image if isinstance(image, Mapping) else {}
    return "@".join(words(known[key]) for key in ("name", "version") if known.get(key))


def _field(row: Mapping[str, Any], column: str) -> Any:
    """A field, or what is at the end of a dotted path."""
    if column in row:
        return row[column]
    value: Any = row
    for part in column.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _short(ident: Any) -> str:
    return words(ident).split("-")[0] or NONE


def _html_row(tag: str, texts: Sequence[str], styles: Sequence[str]) -> str:
    cells = [f"<{tag}{style}>{escape(text)}</{tag}>" for text, style in zip(texts, styles, strict=True)]
    return f"<tr>{''.join(cells)}</tr>"
