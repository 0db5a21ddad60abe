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
from smartdc.tables.cells import NONE, age, cell_text, size
from smartdc.tables.kinds import MACHINES, Kind, kind_of
from smartdc.tables.layout import lines, terminal_width

__all__ = ["Table", "is_listing"]

_COMPUTED = ("age", "cdate", "flags", "img", "pubdate", "shortid", "vlan")
"""Columns that are computed from fields."""
_MEBIBYTE = 1024**2


class Table:
    """A list as the triton command shows it: text in a terminal, HTML in a notebook.

    ::

        print(Table(sdc.machines(), images=sdc.images()))
        Table(sdc.machines(), 'name,primaryIp,memory,tags.role')

    A table copies what is known when it is created. It makes no request: of a machine that was created with
    `lazy` it shows only the id. In a terminal, lines are as wide as the terminal or as ``COLUMNS``: long
    texts are cut, and columns that do not fit are left out. Elsewhere nothing is cut unless ``COLUMNS`` is
    exported. `text` ignores ``COLUMNS``.

    Args:
        rows: Machines, snapshots or dicts, in any iterable; or a single one.
        columns: Names of fields, as a list or as text with commas; ``tags.role`` looks into a dict. Other
            columns are `shortid`, `age`, `img` and `flags` of machines, `pubdate` and `flags` of images,
            `cdate` of users, and `vlan` of networks. None takes the columns that the triton command shows;
            for dicts that CloudAPI does not list, all keys.
        images: Images, such as ``sdc.images()``: machines are shown with the ``NAME@VERSION`` of their image,
            or with its short id if it is not in the list.

    Raises:
        ConfigurationError: The rows, columns or images are not valid, or no row has one of the columns.
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
        """Return the table as text.

        Args:
            width: The longest that a line may be; None for no limit.

        Raises:
            ConfigurationError: `width` is neither None nor a number from 1.
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
        """Return the header, the texts of all rows, and which columns are numbers."""
        numbers = self._kind.mebibytes | self._kind.bytes | {"vcpus", "vlan_id"}
        rows = [
            [self._cell(row, now, column) for column in self._columns]
            for row, now in zip(self._rows, self._times, strict=True)
        ]
        header = [cell_text(column).upper() for column in self._columns]
        return header, rows, [column in numbers for column in self._columns]

    def _cell(self, row: Mapping[str, Any], now: float, column: str) -> str:
        value = _field(row, column)
        if column in self._kind.mebibytes:
            return size(value, _MEBIBYTE)
        if column in self._kind.bytes:
            return size(value, 1)
        if column == "vcpus" and value == 0:  # the package sets no limit
            return NONE
        if column in row:
            return cell_text(value)
        match column:
            case "shortid":
                return _short(row.get("id"))
            case "age":
                return age(row.get("created"), now)
            case "img":
                image = row.get("image") or row.get("dataset")
                return self._images.get(cell_text(image)) or _short(image)
            case "flags":
                return self._kind.flags(row) or NONE
            case "pubdate":
                return cell_text(row.get("published_at"))[:10]
            case "cdate":
                return cell_text(row.get("created"))[:10]
            case "vlan":
                return cell_text(row.get("vlan_id"))
        return cell_text(value)

    def __str__(self) -> str:
        if "_images" not in vars(self):  # shown in a traceback of the constructor
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
    """Whether a value is a list of machines, snapshots or dicts, which is shown as a table."""
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
    """Return what is known of a machine, a snapshot or a dict, without a request."""
    if isinstance(entry, Machine):
        known: dict[str, Any] = {"id": entry.id} | dict(entry._data or {})
        return known | {"state": "deleted"} if entry._deleted else known
    if isinstance(entry, Snapshot):
        fields = ("name", "state", "size", "created", "updated")
        return {field: getattr(entry, field) for field in fields}
    return {str(plain(key)): value for key, value in entry.items()}


def _now(entry: Any) -> float:
    """Return the time in the entry's data center: an emulated one has its own clock."""
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
    """Refuse a column that no row has and that is not a field of CloudAPI."""
    name = column.partition(".")[0]
    if not rows or name in (*_COMPUTED, *kind.columns) or any(column in row or name in row for row in rows):
        return
    if any(name in getattr(getattr(types, each), "__annotations__", ()) for each in types.__all__):
        return  # a field that these rows leave out
    known_columns = [*kind.columns, *_all_keys(rows)]
    near = closest_word(name, known_columns)
    hint = f"did you mean {near!r}?" if near else f"there are {', '.join(dict.fromkeys(known_columns))}"
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
    return "@".join(cell_text(known[key]) for key in ("name", "version") if known.get(key))


def _field(row: Mapping[str, Any], column: str) -> Any:
    """Return a field, or the value at a dotted path."""
    if column in row:
        return row[column]
    value: Any = row
    for part in column.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _short(ident: Any) -> str:
    return cell_text(ident).split("-")[0] or NONE


def _html_row(tag: str, texts: Sequence[str], styles: Sequence[str]) -> str:
    cells = [f"<{tag}{style}>{escape(text)}</{tag}>" for text, style in zip(texts, styles, strict=True)]
    return f"<tr>{''.join(cells)}</tr>"
